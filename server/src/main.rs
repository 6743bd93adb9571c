//! `flowod`: runs the given subcommand. Everything else is in the library.
#![forbid(unsafe_code)]

use clap::Parser as _;
use flowo_server::{
    commands,
    config::{self, Cli, Command},
    logs, memory,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{process::ExitCode, time::Duration};

/// The files of the pages as a tar archive; empty in builds that carry none (see `build.rs`).
static PAGES: &[u8] = include_bytes!(env!("FLOWO_PAGES_ARCHIVE"));
/// With fewer threads, streamed pages can wait for one another for ever.
const LEAST_WORKERS: usize = 4;
/// How long shutdown waits for remaining threads. One may wait for a disk that does not answer, and is then abandoned.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Must be cheap, and is over in a moment: no threads, no logs.
    if let Some(Command::Peek { question }) = &cli.command {
        return if read::files::peek(question, &store::clock::system()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if matches!(cli.command, None | Some(Command::Serve(_))) {
        memory::be_thrifty();
    }
    if let Err(error) = config::check() {
        eprintln!("flowod: {error:#}");
        return ExitCode::FAILURE;
    }
    logs::start();
    // One TLS provider for the whole process; a second call could only install the same one again.
    let _ = rustls::crypto::ring::default_provider().install_default();
    allow_many_files();
    let workers = std::thread::available_parallelism().map_or(LEAST_WORKERS, |cores| cores.get().max(LEAST_WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(commands::run(cli, PAGES));
            runtime.shutdown_timeout(LEFT_BEHIND);
            outcome
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The message may quote text written by strangers.
            eprintln!("flowod: {}", model::terminal::lines(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Every open page uses a file descriptor, so we raise the limit as far as the system allows.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "Could not raise the limit of open files");
    }
}
