//! Chooses the PostgreSQL to use and the directory for the server's own files.
//!
//! Contradicting settings are refused, so that data never goes to an unexpected place.

use super::sources::{Place, env, process};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;

#[derive(Clone, Debug, Default, Args)]
pub struct DatabaseArgs {
    /// Where Flowo keeps its private database, lock and journal
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// URL of a PostgreSQL to use instead of a private one
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

/// Which PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    Named(String),
    /// Our own cluster, below this directory.
    Private(PathBuf),
}

impl Database {
    /// The database in a form people recognise, without user and password.
    pub fn shown(&self) -> String {
        match self {
            Self::Named(url) => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
                let rest = rest.split('?').next().unwrap_or(rest);
                // A socket's directory is written as the host, percent-encoded.
                format!("PostgreSQL at {}", percent_encoding::percent_decode_str(rest).decode_utf8_lossy())
            }
            Self::Private(dir) => format!("private, below {}", dir.display()),
        }
    }
}

impl DatabaseArgs {
    /// `--database-url`, `DATABASE_URL`, `POSTGRES_*`, else a private cluster.
    ///
    /// If a database is named as well as a data directory, the directory holds only the journal, and a message says so.
    ///
    /// # Errors
    /// Two settings of the same place name different databases.
    pub fn resolve(&self) -> Result<Database> {
        // A flag wins over the environment, even over a different setting there.
        if let Some(url) = self.database_url.clone() {
            return Ok(Database::Named(url));
        }
        for place in Place::ALL {
            if let Some((url, by)) = named(|name| place.get(name))? {
                let named = Database::Named(url);
                if let Some(dir) = &self.data_dir {
                    eprintln!("flowod: the database is {}, named by {by}; {} holds only the journal", named.shown(), dir.display());
                }
                return Ok(named);
            }
        }
        Ok(Database::Private(self.data_dir()))
    }

    /// Below the user's data directory. For root, whose home nobody else may enter, below `/var/lib`.
    pub fn data_dir(&self) -> PathBuf {
        let given = self.data_dir.clone().or_else(|| process("FLOWO_DATA_DIR").map(PathBuf::from));
        let dir = given.unwrap_or_else(|| {
            if rustix::process::geteuid().is_root() {
                return PathBuf::from("/var/lib/flowo");
            }
            let home = || process("HOME").map(|home| PathBuf::from(home).join(".local/share"));
            let data = process("XDG_DATA_HOME").map(PathBuf::from).or_else(home);
            data.unwrap_or_else(std::env::temp_dir).join("flowo")
        });
        std::path::absolute(&dir).unwrap_or(dir)
    }
}

/// The database that the settings of one place name, and the name of the deciding setting.
///
/// # Errors
/// Two of them name databases on different hosts.
fn named(get: impl Fn(&str) -> Option<String>) -> Result<Option<(String, &'static str)>> {
    let parts = get("POSTGRES_HOST");
    if let Some(url) = get("DATABASE_URL") {
        if let Some(host) = parts.filter(|host| *host != host_of(&url)) {
            bail!("DATABASE_URL names a database on {:?} and POSTGRES_HOST one on {host:?}; leave only one of them", host_of(&url));
        }
        return Ok(Some((url, "DATABASE_URL")));
    }
    let Some(host) = parts else { return Ok(None) };
    // The other parts may be set elsewhere: a password in `.env`, say.
    let part = |name: &str, default: &str| get(name).or_else(|| env(name)).unwrap_or_else(|| default.into());
    let escape = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    // The directory of a socket may stand for a host, as it does for libpq.
    let host = if host.starts_with('/') { escape(&host) } else { host };
    let url = format!(
        "postgres://{}:{}@{host}:{}/{}",
        escape(&part("POSTGRES_USER", "flowo")),
        escape(&part("POSTGRES_PASSWORD", "flowo_password")),
        part("POSTGRES_PORT", "5432"),
        escape(&part("POSTGRES_DB", "flowo_logs")),
    );
    Ok(Some((url, "POSTGRES_HOST")))
}

/// The host in a database URL.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let port = rest.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    port.map_or(rest, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &[(&str, &str)]) -> Result<Option<(String, &'static str)>> {
        named(|name| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn two_settings_that_name_different_databases_are_refused() {
        let refused = of(&[("DATABASE_URL", "postgres://u:p@db1:5432/flowo"), ("POSTGRES_HOST", "db2")]).unwrap_err().to_string();
        assert!(refused.contains("db1") && refused.contains("db2") && !refused.contains("u:p"), "{refused}");
        let same = of(&[("DATABASE_URL", "postgres://u:p@db1/flowo"), ("POSTGRES_HOST", "db1")]).unwrap();
        assert_eq!(same, Some(("postgres://u:p@db1/flowo".to_owned(), "DATABASE_URL")));
        assert_eq!(of(&[("POSTGRES_USER", "ana")]).unwrap(), None, "the host decides");
    }

    #[test]
    fn a_database_in_parts_is_on_a_host_or_behind_a_socket() {
        for (host, shown) in [("db1", "PostgreSQL at db1:6543/runs"), ("/var/run/pg", "PostgreSQL at /var/run/pg:6543/runs")] {
            let parts = [
                ("POSTGRES_HOST", host),
                ("POSTGRES_PORT", "6543"),
                ("POSTGRES_DB", "runs"),
                ("POSTGRES_USER", "ana"),
                ("POSTGRES_PASSWORD", "p@/"),
            ];
            let (url, by) = of(&parts).unwrap().unwrap();
            assert!(url.starts_with("postgres://ana:p%40%2F@"), "{url}");
            assert_eq!((Database::Named(url).shown().as_str(), by), (shown, "POSTGRES_HOST"));
        }
    }

    #[test]
    fn a_database_is_shown_without_user_and_password() {
        for (url, shown) in [
            ("postgres://flowo:p%40ss@db.example.org:5432/flowo?sslmode=require", "PostgreSQL at db.example.org:5432/flowo"),
            ("postgres://db/flowo", "PostgreSQL at db/flowo"),
            ("postgresql:///flowo?host=/run", "PostgreSQL at /flowo"),
            ("postgres://flowo@%2Fvar%2Frun:5432/flowo", "PostgreSQL at /var/run:5432/flowo"),
        ] {
            assert_eq!(Database::Named(url.into()).shown(), shown);
        }
    }

    #[test]
    fn the_host_of_an_address_is_found() {
        for (url, host) in [
            ("postgres://u:p@db1:5432/flowo", "db1"),
            ("postgres://db1/flowo", "db1"),
            ("postgres://u@db1?x=1", "db1"),
            ("postgres://[::1]:5432/flowo", "[::1]"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
