//! The cluster for experiments. It outlives this process and keeps its data until it is reset.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Account, Binaries, command, init, is_ready, url};
use crate::ctx::Ctx;
use crate::step;
use crate::tools;

pub struct Dev<'a> {
    pg: &'a Binaries,
    account: Option<Account>,
    dir: PathBuf,
}

impl<'a> Dev<'a> {
    pub fn new(ctx: &Ctx, pg: &'a Binaries) -> Self {
        // As root, the server runs as another user, who cannot enter root's home.
        let dir = if tools::is_root() { PathBuf::from("/var/lib/flowo-dev-db") } else { ctx.cache.join("dev-db") };
        Self { pg, account: Account::needed(), dir }
    }

    /// Creates and starts the cluster if necessary.
    pub fn start(&self) -> Result<String> {
        if !self.dir.join("data/PG_VERSION").is_file() {
            step::step("new dev cluster", || init(self.pg, self.account, &self.dir, true))?;
        }
        let version = fs::read_to_string(self.dir.join("data/PG_VERSION"))?;
        if version.trim() != self.pg.major.to_string() {
            bail!("the dev cluster is of PostgreSQL {}, the binaries of {}: `cargo xtask db reset`", version.trim(), self.pg.major);
        }
        if !self.is_running() {
            step::step("start dev cluster", || {
                let options = format!("-k {} -c listen_addresses=", self.dir.display());
                let log = self.dir.join("log");
                let mut start = self.pg_ctl("start");
                // Otherwise the server would inherit our pipes, and we would wait for its end.
                start.arg("-l").arg(log).args(["-w", "-o", &options]);
                start.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
                let status = start.status().context("cannot run pg_ctl")?;
                if !status.success() || !is_ready(&self.dir) {
                    bail!("the dev cluster did not start; see {}", self.dir.join("log").display());
                }
                Ok(())
            })?;
        }
        Ok(url(&self.dir))
    }

    pub fn stop(&self) -> Result<()> {
        if self.is_running() {
            step::step("stop dev cluster", || step::run(self.pg_ctl("stop").args(["-m", "fast", "-w"])).map(drop))?;
        }
        Ok(())
    }

    /// Stops the cluster and removes its data.
    pub fn reset(&self) -> Result<()> {
        self.stop()?;
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).context("cannot remove the dev cluster")?;
        }
        Ok(())
    }

    /// The `psql` beside the server, else the one on PATH.
    pub fn psql(&self) -> PathBuf {
        let beside = self.pg.dir.join("psql");
        if beside.is_file() { beside } else { Path::new("psql").to_path_buf() }
    }

    fn is_running(&self) -> bool {
        self.dir.is_dir() && self.pg_ctl("status").output().is_ok_and(|out| out.status.success())
    }

    fn pg_ctl(&self, verb: &str) -> Command {
        let mut command = command(self.pg.dir.join("pg_ctl"), self.account, &self.dir);
        command.arg(verb).arg("-D").arg(self.dir.join("data"));
        command
    }
}
