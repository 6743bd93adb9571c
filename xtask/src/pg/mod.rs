//! PostgreSQL for tests and experiments: finds the binaries, creates and stops clusters.
//!
//! Separate from the private cluster that `flowod` keeps for its users. These clusters listen only on a socket.

mod binaries;
mod dev;
mod throwaway;

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

pub use binaries::{Binaries, provide};
pub use dev::Dev;
pub use throwaway::Throwaway;

use crate::step;
use crate::tools;

/// The user that runs a cluster if we are root, which PostgreSQL refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// `None` if the cluster can run as the current user.
    fn needed() -> Option<Self> {
        if !tools::is_root() {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let fallback = Self { uid: 65534, gid: 65534 };
        Some(["postgres", "nobody"].iter().find_map(|name| named(&users, name)).unwrap_or(fallback))
    }
}

fn named(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [user, _, uid, gid, ..] if *user == name => Some(Account { uid: uid.parse().ok()?, gid: gid.parse().ok()? }),
            _ => None,
        }
    })
}

/// A command that runs as `account` in `dir`, unaffected by Ctrl-C in the terminal.
fn command(program: impl AsRef<Path>, account: Option<Account>, dir: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(dir).env("LC_ALL", "C").process_group(0);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// Creates `dir` with an empty cluster in `dir/data`; anybody who may enter `dir` is its superuser.
fn init(pg: &Binaries, account: Option<Account>, dir: &Path, sync: bool) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    if let Some(account) = account {
        chown(dir, Some(account.uid), Some(account.gid))?;
    }
    let mut initdb = command(pg.dir.join("initdb"), account, dir);
    initdb.arg("-D").arg(dir.join("data"));
    initdb.args(["-U", "flowo", "-A", "trust", "-E", "UTF8", "--no-locale"]);
    if !sync {
        initdb.arg("--no-sync");
    }
    step::run(&mut initdb).context("cannot make a PostgreSQL cluster")?;
    Ok(())
}

/// The URL of the cluster whose socket is in `dir`, for libpq and sqlx alike.
fn url(dir: &Path) -> String {
    format!("postgres://flowo@localhost/postgres?host={}", dir.display())
}

/// Whether the server of `dir/data` accepts connections, according to the status line it writes for `pg_ctl`.
fn is_ready(dir: &Path) -> bool {
    fs::read_to_string(dir.join("data/postmaster.pid")).is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_exact_name() {
        let users = "root:x:0:0::/:/bin/sh\npostgresql:x:7:7::/:/bin/sh\npostgres:x:103:110:,:/:\n";

        assert_eq!(named(users, "postgres"), Some(Account { uid: 103, gid: 110 }));
        assert_eq!(named(users, "nobody"), None);
    }
}
