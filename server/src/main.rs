//! `flowod`: reads the command line and does what it says. Everything else is in the library.
#![forbid(unsafe_code)]

use clap::Parser as _;
use flowo_server::{
    commands,
    config::{self, Cli, Command},
    logs, memory,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{process::ExitCode, time::Duration};

/// Fewer, and streamed pages can wait for each other for ever.
const LEAST_WORKERS: usize = 4;
/// What still works after everything was told to end is left behind: it may wait for a disk that does not answer.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Short of everything, and over in a moment: no threads, no logs.
    if let Some(Command::Peek { question }) = &cli.command {
        return if read::files::peek(question).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if matches!(cli.command, None | Some(Command::Serve(_))) {
        memory::be_thrifty();
    }
    if let Err(error) = config::check() {
        eprintln!("flowod: {error:#}");
        return ExitCode::FAILURE;
    }
    logs::start();
    // One TLS provider for the whole process; a second call could only install the same again.
    let _ = rustls::crypto::ring::default_provider().install_default();
    allow_many_files();
    let workers = std::thread::available_parallelism().map_or(LEAST_WORKERS, |cores| cores.get().max(LEAST_WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(commands::run(cli));
            runtime.shutdown_timeout(LEFT_BEHIND);
            outcome
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It may quote what strangers wrote.
            eprintln!("flowod: {}", model::terminal::lines(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Every open page is an open file. As many as the system lets us have.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "Could not raise the limit of open files");
    }
}
