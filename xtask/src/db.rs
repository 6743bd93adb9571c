//! `cargo xtask db`: a PostgreSQL for experiments, separate from that of `run` and of the tests.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::ctx::Ctx;
use crate::pg;

#[derive(Clone, Copy, ValueEnum)]
pub enum Action {
    /// Start it if needed and open psql on it
    Psql,
    /// Start it if needed and print its URL for `DATABASE_URL`
    Url,
    /// Stop it and keep its data
    Stop,
    /// Stop it and remove its data
    Reset,
}

pub fn run(ctx: &Ctx, action: Action) -> Result<()> {
    let pg = pg::provide(ctx)?;
    let dev = pg::Dev::new(ctx, &pg);
    match action {
        Action::Psql => {
            let url = dev.start()?;
            return Err(Command::new(dev.psql()).arg(url).exec()).context("cannot run psql");
        }
        Action::Url => println!("{}", dev.start()?),
        Action::Stop => dev.stop()?,
        Action::Reset => dev.reset()?,
    }
    Ok(())
}
