//! Results as Markdown on standard output, with the machine they were measured on.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, thread};

use anyhow::{Context, Result, ensure};
use sqlx::Connection;

use crate::server::Server;

/// A figure and its target.
pub struct Target {
    what: String,
    measured: f64,
    wanted: f64,
    more_is_better: bool,
}

impl Target {
    pub fn at_least(what: impl Into<String>, measured: f64, wanted: f64) -> Self {
        Self { what: what.into(), measured, wanted, more_is_better: true }
    }

    pub fn at_most(what: impl Into<String>, measured: f64, wanted: f64) -> Self {
        Self { what: what.into(), measured, wanted, more_is_better: false }
    }

    fn row(&self) -> Vec<String> {
        let Self { what, measured, wanted, more_is_better } = self;
        let (sign, met) = if *more_is_better { ("≥", measured >= wanted) } else { ("≤", measured <= wanted) };
        if measured.is_nan() {
            let wanted = format!("{sign} {wanted}");
            return vec![what.clone(), "–".to_owned(), wanted, "not measured".to_owned()];
        }
        let met = if met { "met" } else { "**missed**" };
        vec![what.clone(), number(*measured), format!("{sign} {wanted}"), met.to_owned()]
    }
}

/// The results of one measurement.
pub struct Results {
    text: String,
}

impl Results {
    /// Starts with the machine and the database.
    ///
    /// # Errors
    /// The database is not reachable, or it does not sync, which would make its figures meaningless.
    pub async fn open(name: &str, server: &Server) -> Result<Self> {
        let mut results = Self { text: format!("\n## bench {name}\n\n") };
        let rows = [["machine".to_owned(), machine()], ["commit".to_owned(), commit()], ["database".to_owned(), database(server).await?]];
        results.table(&["measured on", ""], rows.map(Vec::from).into_iter());
        Ok(results)
    }

    pub fn text(&mut self, text: &str) {
        let _ = write!(self.text, "{text}\n\n"); // Writing to a string cannot fail.
    }

    pub fn table(&mut self, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let mut lines = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
        for row in rows {
            let _ = writeln!(lines, "| {} |", row.join(" | "));
        }
        self.text(lines.trim_end());
    }

    pub fn targets(&mut self, targets: &[Target]) {
        if !targets.is_empty() {
            self.table(&["target", "measured", "wanted", ""], targets.iter().map(Target::row));
        }
    }

    pub fn print(&self) {
        println!("{}", self.text.trim_end());
    }
}

/// Milliseconds in the form of the tables.
pub fn ms(value: f64) -> String {
    format!("{value:.2}")
}

fn number(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{cores} cores, {model}, {} {}, load {load} before", env::consts::OS, kernel.trim())
}

/// The commit of the checkout that this program was built from, or else of the current directory.
fn commit() -> String {
    let dir = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let git = |args: &[&str]| {
        let done = Command::new("git").current_dir(&dir).args(args).output().ok()?;
        done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    if changed { format!("{head}+changes") } else { head }
}

async fn database(server: &Server) -> Result<String> {
    let mut conn = server.database().await?;
    let settings: (String, String, String) = sqlx::query_as(
        "select current_setting('server_version'), current_setting('fsync'),
                current_setting('synchronous_commit')",
    )
    .fetch_one(&mut conn)
    .await
    .context("cannot read the database's settings")?;
    conn.close().await?;
    let (version, fsync, commit) = settings;
    ensure!(fsync == "on" && commit != "off", "the database does not sync to disk");
    Ok(format!("PostgreSQL {version}, fsync {fsync}, synchronous_commit {commit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_says_whether_it_is_met() {
        let row = |target: Target| target.row().join(" ");

        assert_eq!(row(Target::at_least("n", 5000.0, 5000.0)), "n 5000 ≥ 5000 met");
        assert_eq!(row(Target::at_most("n", 40.25, 40.0)), "n 40.25 ≤ 40 **missed**");
    }

    #[test]
    fn tables_have_a_head_and_rows() {
        let mut results = Results { text: String::new() };

        results.table(&["a", "b"], [vec!["1".to_owned(), "2".to_owned()]].into_iter());

        assert_eq!(results.text, "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n");
    }
}
