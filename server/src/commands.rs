//! The subcommands of `flowod`, one file each.

mod demo;
mod doctor;
mod import;
mod link;
pub mod monitor;
mod prune;
pub mod serve;
mod token;

use crate::config::{Cli, Command};
use anyhow::Result;

/// Runs the given subcommand, or `serve` if there is none. `pages` is the archive of pages that the program carries.
pub async fn run(cli: Cli, pages: &'static [u8]) -> Result<()> {
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(args.config()?, pages).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Migrate(args) => migrate(args).await,
        Command::Link(args) => link::run(args).await,
        Command::Token(args) => token::run(args).await,
        Command::Doctor(args) => doctor::run(args, pages).await,
        Command::Monitor(args) => monitor::run(args).await,
        Command::Prune(args) => prune::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Peek { question } => Ok(read::files::peek(&question, &store::clock::system())?),
    }
}

async fn migrate(args: crate::config::DatabaseArgs) -> Result<()> {
    let open = crate::database::join(&args.resolve()?, "migrate").await?;
    store::migrate::migrate(&open.store).await?;
    println!("The schema is up to date.");
    open.close().await;
    Ok(())
}
