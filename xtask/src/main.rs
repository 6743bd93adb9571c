//! `cargo xtask`: builds, runs and checks the project; nothing has to be installed by hand.
//!
//! This file is the command line. The modules below install what a command needs (tools, a database, the site) into the
//! cache directory once, and find it there later.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "xtask uses no other crate, and times the steps of a build")]

mod advisories;
mod ctx;
mod db;
mod flowod;
mod fuzz;
mod mutants;
mod pg;
mod python;
mod site;
mod stamp;
mod step;
mod test;
mod tidy;
mod tools;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::ctx::Ctx;
use crate::flowod::Profile;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, run and check Flowo", version)]
struct Cli {
    /// Show the output of every tool as it comes, not only when it fails
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the site and the server as needed, then serve
    Run {
        /// Build our code without optimisation: faster to build, slower to run
        #[arg(long)]
        dev: bool,
        /// Build as for a release: slower to build, fastest to run
        #[arg(long, conflicts_with = "dev")]
        release: bool,
        /// Arguments of `flowod serve`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Build the site as needed and print the directory it is in
    Site {
        /// Print the file that a server carries instead
        #[arg(long)]
        archive: bool,
    },
    /// Run every check; the last line is "N passed, N failed"
    Test(test::Selection),
    /// A PostgreSQL for use by hand, kept in the cache directory
    Db {
        #[arg(value_enum, default_value_t = db::Action::Psql)]
        action: db::Action,
    },
    /// Fill the database of `run` with example data
    Seed {
        #[arg(value_enum, default_value_t = Seed::Demo)]
        what: Seed,
        /// Arguments of `flowod demo`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Measure; prints a table
    Bench {
        #[arg(value_enum, default_value_t = Bench::All)]
        which: Bench,
        /// Options of the bench itself, such as --seconds 8 --clients 1,64
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Kill server and database at random moments, and check that nothing acknowledged is lost
    Chaos {
        /// How many stories to play
        #[arg(long, default_value_t = 100)]
        seeds: u64,
        /// The number of the first story; `--seeds 1 --from N` repeats one
        #[arg(long, default_value_t = 1)]
        from: u64,
    },
    /// Feed arbitrary bytes to the code that reads files and logs; needs the nightly toolchain
    Fuzz {
        /// How long to run each target
        #[arg(long, default_value_t = 600)]
        seconds: u32,
        /// Only this target
        #[arg(long)]
        only: Option<String>,
    },
    /// Send odd and extreme values to every function and route of a real server
    FuzzHttp {
        #[arg(long, default_value_t = 100_000)]
        requests: u32,
    },
    /// Break the code on purpose, one small change at a time, and check that the crate's own tests notice; hours
    Mutants {
        /// Only this crate
        #[arg(long, value_enum)]
        package: Option<mutants::Package>,
        /// Options of cargo-mutants, such as --list, --shard 1/8 or --re `RunFold`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Check foreign crates against the advisory database
    Advisories {
        /// A clone of the database; without this option it is fetched
        #[arg(long, value_name = "DIR")]
        db: Option<PathBuf>,
        /// Write the snapshot that every test run uses from that clone
        #[arg(long, requires = "db")]
        keep: bool,
    },
    /// Check the invariants of the design on every file
    Tidy,
}

#[derive(Clone, Copy, ValueEnum)]
enum Seed {
    /// Runs of every kind, one of them live
    Demo,
    /// One run of 100 000 jobs in 60 rules and 1 600 samples; `-- 1000000 --rules 60` for other sizes
    Big,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    Ingest,
    Changes,
    History,
    Live,
    Panoptes,
    Runs,
    Run,
    Graph,
    Files,
    All,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    step::set_verbose(cli.verbose);
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    let mut ctx = Ctx::detect()?;
    match command {
        Command::Run { dev, release, args } => {
            let profile = match (dev, release) {
                (true, _) => Profile::Dev,
                (_, true) => Profile::Release,
                _ => Profile::Quick,
            };
            return flowod::serve(&ctx, profile, &args);
        }
        Command::Site { archive } => {
            let site = site::build(&ctx)?;
            println!("{}", if archive { site.archive } else { site.dir }.display());
        }
        Command::Test(selection) => {
            ctx.all_clients = selection.all_clients || selection.all;
            ctx.all = selection.all;
            ctx.which.clone_from(&selection.which);
            return test::run(&ctx, &selection);
        }
        Command::Db { action } => db::run(&ctx, action)?,
        Command::Seed { what: Seed::Demo, args } => return flowod::demo(&ctx, &[], &args),
        Command::Seed { what: Seed::Big, args } => return flowod::demo(&ctx, &["--big"], &args),
        Command::Bench { which, args } => {
            let which = which.to_possible_value().expect("no bench is hidden");
            flowod::bench(&ctx, which.get_name(), &args)?;
        }
        Command::Chaos { seeds, from } => {
            let status = flowod::chaos(&ctx, seeds, from)?.status()?;
            return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Fuzz { seconds, only } => fuzz::run(&ctx, seconds, only.as_deref())?,
        Command::FuzzHttp { requests } => return test::surface(&ctx, requests),
        Command::Mutants { package, args } => return mutants::run(&ctx, package, &args),
        Command::Advisories { db: Some(db), keep: true } => advisories::keep(&ctx, &db)?,
        Command::Advisories { db, .. } => advisories::check(&ctx, db.as_deref())?,
        Command::Tidy => return tidy::run(&ctx),
    }
    Ok(ExitCode::SUCCESS)
}
