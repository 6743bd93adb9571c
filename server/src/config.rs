//! The configuration of the process: flags first, then environment, then `.env`, then defaults.
//!
//! Names that people already have in their `.env` keep working.

mod database;
mod inherited;
mod roots;
mod sources;

pub use database::{Database, DatabaseArgs};
pub use sources::{check, env, ours, process};

use crate::http::access::MetricsAccess;
use anyhow::{Context as _, Result, bail};
use clap::{
    Args, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use ingest::mask::Masking;
use model::access::TokenScope;
use read::files::Roots;
use sources::Place;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};
use store::prune::Policy;

#[derive(Debug, Parser)]
#[command(name = "flowod", version, about = "Flowo: every workflow of your lab, live", args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server (the default command)
    Serve(ServeArgs),
    /// Fill the database with a demo lab, under its own users and tag
    Demo(DemoArgs),
    /// Update the database schema, then exit
    Migrate(DatabaseArgs),
    /// Print a new sign-in link
    Link(ServeArgs),
    /// Create, list and revoke tokens
    Token(TokenArgs),
    /// Check the installation and report problems
    Doctor(ServeArgs),
    /// Print every change of runs, jobs and log entries as it is committed
    Monitor(MonitorArgs),
    /// Delete reports, changes and log entries that are older than their retention
    Prune(PruneArgs),
    /// Import the data of another program
    Import(ImportArgs),
    /// Preview the file on standard input; used only by the server itself
    #[command(hide = true)]
    Peek { question: String },
}

#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Directory of the pages' WASM, style and fonts, instead of those in the program
    #[arg(long, value_name = "DIR")]
    pub site_dir: Option<PathBuf>,
    /// A second address, for Panoptes clients that know only Panoptes' port; clients on this machine need no token there
    #[arg(long, value_name = "ADDR:PORT")]
    pub panoptes_listen: Option<SocketAddr>,
    /// Open the sign-in link in a browser
    #[arg(long)]
    pub open: bool,
}

#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Remove the demo lab
    #[arg(long)]
    pub clear: bool,
    /// Generate one very large run instead, with this many jobs
    #[arg(long, value_name = "JOBS", num_args = 0..=1, default_missing_value = "100000", conflicts_with = "clear")]
    #[arg(value_parser = clap::value_parser!(u32).range(100..=5_000_000))]
    pub big: Option<u32>,
    /// Rules of the large run
    #[arg(long, default_value_t = 60, requires = "big", value_parser = clap::value_parser!(u32).range(4..=2_000))]
    pub rules: u32,
    /// Samples of the large run
    #[arg(long, default_value_t = 1_600, requires = "big", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub samples: u32,
    /// How long live runs continue, in seconds
    #[arg(long, default_value_t = 1800, value_parser = clap::value_parser!(i64).range(0..=7200))]
    pub live_seconds: i64,
}

#[derive(Clone, Debug, Default, Args)]
pub struct MonitorArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Print one JSON object per line instead of text
    #[arg(long)]
    pub json: bool,
    /// Only this table; can be repeated
    #[arg(long, value_name = "TABLE", value_parser = ["workflow_runs", "job_executions", "log_entries"])]
    pub table: Vec<String>,
    /// Only this run
    #[arg(long, value_name = "ID")]
    pub run: Option<model::RunId>,
    /// Only INSERT, UPDATE or DELETE; can be repeated
    #[arg(long, value_name = "OPERATION", ignore_case = true, value_parser = ["INSERT", "UPDATE", "DELETE"])]
    pub operation: Vec<String>,
    /// Start with all changes that no monitor has processed, instead of where the last one stopped
    #[arg(long)]
    pub all: bool,
    /// Do not mark changes as processed, and do not move the start of the next monitor
    #[arg(long)]
    pub peek: bool,
    /// Print the existing changes, then exit
    #[arg(long)]
    pub once: bool,
    /// Run this with `sh -c` for each change, with the change as JSON on its standard input
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<String>,
    /// How many commands run at a time; further changes wait
    #[arg(long, default_value_t = 1, requires = "exec", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// Kill a command after this many seconds
    #[arg(long, default_value_t = 60, requires = "exec", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub patience: u64,
}

#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The program to import from
    #[arg(value_parser = ["panoptes"])]
    pub from: String,
    /// Its `SQLite` database, such as `~/.panoptes.db`
    pub file: PathBuf,
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Its time zone, such as Europe/Berlin; by default that of this machine
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Only show what would be imported
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Clone, Debug, Args)]
pub struct PruneArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Only show what would be deleted
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Clone, Debug, Args)]
pub struct TokenArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(subcommand)]
    pub action: TokenAction,
}

#[derive(Clone, Debug, Subcommand)]
pub enum TokenAction {
    /// Create a token; its secret is printed once
    Create {
        #[arg(long, default_value = "command line")]
        name: String,
        #[arg(long, value_parser = PossibleValuesParser::new(TokenScope::ALL.map(TokenScope::as_str)).try_map(|word| word.parse::<TokenScope>()))]
        scope: TokenScope,
        /// Days until it expires; by default it does not expire
        #[arg(long)]
        days: Option<i32>,
    },
    List,
    Revoke {
        id: i64,
    },
}

fn number<T: std::str::FromStr>(name: &str, default: T) -> Result<T> {
    match env(name) {
        None => Ok(default),
        Some(text) => match text.trim().parse() {
            Ok(value) => Ok(value),
            Err(_) => bail!("{name} is {text:?}; a number is needed"),
        },
    }
}

/// A setting that is on or off.
fn switch(name: &str, default: bool) -> Result<bool> {
    match env(name).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        None => Ok(default),
        Some("true" | "1" | "yes" | "on") => Ok(true),
        Some("false" | "0" | "no" | "off") => Ok(false),
        Some(text) => bail!("{name} is {text:?}; true or false is needed"),
    }
}

/// How long the history is kept, in days; 0 means for ever.
pub fn policy() -> Result<Policy> {
    let days = |name: &str, default: Option<i32>| {
        let days: i32 = number(name, default.unwrap_or(0))?;
        if !(0..=36_500).contains(&days) {
            bail!("{name} is {days}; give a number of days, or 0 to keep the data for ever");
        }
        Ok((days > 0).then_some(days))
    };
    let usual = Policy::default();
    Ok(Policy {
        reports: days("FLOWO_KEEP_REPORTS_DAYS", usual.reports)?,
        changes: days("FLOWO_KEEP_CHANGES_DAYS", usual.changes)?,
        entries: days("FLOWO_KEEP_LOGS_DAYS", usual.entries)?,
    })
}

/// `FLOWO_HOST`, the address at which people and clients reach this server.
fn public_url(port: u16) -> Result<Option<String>> {
    let built = || inherited::address(env("PROTOCOL").as_deref(), env("DOMAIN").as_deref(), port);
    match env("FLOWO_HOST").or_else(built).map(|url| url.trim_end_matches('/').to_owned()) {
        Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
            bail!("FLOWO_HOST is {url:?}; a full URL is needed, such as https://flowo.example.org")
        }
        url => Ok(url),
    }
}

/// Everything `serve` needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    pub database: Database,
    /// Where this server keeps its own files.
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// The same, if a flag or setting names it.
    pub named_listen: Option<SocketAddr>,
    /// A second address, for Panoptes clients that know only Panoptes' port.
    pub panoptes_listen: Option<SocketAddr>,
    /// Where the pages are, if not in the program.
    pub site_dir: Option<PathBuf>,
    /// The address people and clients use, if it differs from where we listen.
    pub public_url: Option<String>,
    pub open: bool,
    /// Seconds of silence after which a run with heartbeats is lost.
    pub heartbeat_timeout: i32,
    /// The same for clients without heartbeats.
    pub quiet_timeout: i32,
    /// The same for runs of Panoptes' clients; `None`: never.
    pub stale_timeout: Option<i32>,
    pub sweep: Duration,
    pub roots: Roots,
    /// Streams and downloads that one person may have open at once.
    pub streams: usize,
    pub policy: Policy,
    /// Whether every change is written to the server's log, in the form the monitor prints.
    pub monitor: bool,
    /// What is done with secrets in reports.
    pub masking: Masking,
    /// Who may read the metrics.
    pub metrics: MetricsAccess,
}

/// The port of this machine on which the server listens if nothing names another.
const PORT: u16 = 3100;

/// Where to listen: the flag, else the first place that names an address or port; `None` if none does.
///
/// # Errors
/// An address or port is invalid, or one place names both and they differ.
fn listen(flag: Option<SocketAddr>, get: impl Fn(Place, &str) -> Option<String>) -> Result<Option<SocketAddr>> {
    if let Some(listen) = flag {
        return Ok(Some(listen));
    }
    for place in Place::ALL {
        let port: Option<u16> = match inherited::port(|name| get(place, name)) {
            Some((name, text)) => {
                Some(text.trim().parse::<u16>().ok().with_context(|| format!("{name} is {text:?}; a number below 65536 is needed"))?)
            }
            None => None,
        };
        let named: Option<SocketAddr> = match get(place, "FLOWO_LISTEN") {
            Some(text) => {
                Some(text.parse::<SocketAddr>().with_context(|| format!("FLOWO_LISTEN is {text:?}; an address and port are needed"))?)
            }
            None => None,
        };
        match (named, port) {
            (Some(named), Some(port)) if named.port() != port => {
                bail!("FLOWO_LISTEN is {named} and PORT is {port}; set only one of them, or the same port in both")
            }
            (Some(named), _) => return Ok(Some(named)),
            (None, Some(port)) => return Ok(Some(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port))),
            (None, None) => {}
        }
    }
    Ok(None)
}

/// Warns about settings that are present but have no meaning here.
pub fn warn_of_meaningless() {
    for (name, why) in inherited::meaningless(|name| env(name).is_some()) {
        tracing::warn!("{name} is set but has no effect in Flowo: {why}");
    }
}

/// `FLOWO_MASK_SECRETS`: what is done with secrets in what clients report.
pub fn masking() -> Result<Masking> {
    switch("FLOWO_MASK_SECRETS", true).map(Masking::new)
}

/// `FLOWO_METRICS`; the default depends on whether people use another host name, as a proxy may then run on this machine.
fn metrics(public_url: Option<&str>) -> Result<MetricsAccess> {
    Ok(match env("FLOWO_METRICS").as_deref() {
        Some("local") => MetricsAccess::Local,
        Some("token") => MetricsAccess::Token,
        Some("open") => MetricsAccess::Open,
        Some(word) => bail!("FLOWO_METRICS is {word:?}; local, token or open is needed"),
        None => MetricsAccess::default_for(public_url),
    })
}

/// `PANOPTES_STALE_HOURS` as Panoptes reads it, in seconds: 48 hours if it is not a number, never if it is zero or less.
fn stale(hours: Option<&str>) -> Option<i32> {
    let hours = hours.and_then(|text| text.trim().parse::<f64>().ok()).filter(|hours| hours.is_finite()).unwrap_or(48.0);
    (hours > 0.0).then(|| (hours * 3600.0).clamp(1.0, f64::from(i32::MAX)) as i32)
}

impl ServeArgs {
    pub fn config(&self) -> Result<Config> {
        let named_listen = listen(self.listen, Place::get)?;
        let listen = named_listen.unwrap_or_else(|| SocketAddr::new(IpAddr::from([127, 0, 0, 1]), PORT));
        let public_url = public_url(listen.port())?;
        let site_dir = self.site_dir.clone().or_else(|| process("FLOWO_SITE_DIR").map(PathBuf::from));
        Ok(Config {
            database: self.database.resolve()?,
            data_dir: self.database.data_dir(),
            listen,
            named_listen,
            site_dir,
            metrics: metrics(public_url.as_deref())?,
            public_url,
            open: self.open,
            panoptes_listen: match (self.panoptes_listen, env("FLOWO_PANOPTES_LISTEN")) {
                (Some(listen), _) => Some(listen),
                (None, Some(text)) => {
                    Some(text.parse().with_context(|| format!("FLOWO_PANOPTES_LISTEN is {text:?}; an address and port are needed"))?)
                }
                (None, None) => None,
            },
            stale_timeout: stale(env("PANOPTES_STALE_HOURS").as_deref()),
            heartbeat_timeout: number("FLOWO_HEARTBEAT_TIMEOUT_SECONDS", 60)?.max(1),
            quiet_timeout: number("FLOWO_QUIET_TIMEOUT_SECONDS", 48 * 3600)?.max(1),
            roots: roots::roots()?,
            streams: number("FLOWO_STREAMS_PER_PERSON", 200)?.clamp(1, 100_000),
            policy: policy()?,
            monitor: switch("ENABLE_DB_MONITORING", false)?,
            masking: masking()?,
            sweep: Duration::from_secs(number("FLOWO_HEARTBEAT_SWEEP_SECONDS", 15)?.max(1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let settings = |place: Place, name: &str| {
            let value = match (place, name) {
                (Place::Environment, "PORT") => "3200",
                (Place::File, "FLOWO_LISTEN") => "0.0.0.0:3300",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let flag = "127.0.0.1:3400".parse().ok();
        assert_eq!(listen(flag, settings).unwrap(), flag);
        assert_eq!(listen(None, settings).unwrap(), "127.0.0.1:3200".parse().ok());
        assert_eq!(listen(None, |_, _| None).unwrap(), None);
    }

    #[test]
    fn an_address_and_a_port_that_differ_are_refused() {
        let with_port =
            |port: &'static str| move |_: Place, name: &str| Some(if name == "PORT" { port.to_owned() } else { "0.0.0.0:3100".to_owned() });
        let refused = listen(None, with_port("8080")).unwrap_err().to_string();
        assert!(refused.contains("0.0.0.0:3100") && refused.contains("8080"), "{refused}");
        assert_eq!(listen(None, with_port("3100")).unwrap(), "0.0.0.0:3100".parse().ok());
        assert!(listen(None, with_port("66000")).is_err());
    }

    #[test]
    fn hours_are_read_as_panoptes_reads_them() {
        for (text, seconds) in [
            (None, Some(172_800)),
            (Some("2"), Some(7200)),
            (Some("0.5"), Some(1800)),
            (Some("0"), None),
            (Some("-1"), None),
            (Some("two"), Some(172_800)),
            (Some("1e300"), Some(i32::MAX)),
        ] {
            assert_eq!(stale(text), seconds, "{text:?}");
        }
    }
}
