//! `flowod`: reads the command line and does what it says. Everything else is in the library.
#![forbid(unsafe_code)]

use clap::Parser as _;
use flowo_server::{commands, config::Cli, logs};
use std::process::ExitCode;

/// Fewer, and streamed pages can wait for each other for ever.
const LEAST_WORKERS: usize = 4;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logs::start();
    // One TLS provider for the whole process; a second call could only install the same again.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let workers = std::thread::available_parallelism().map_or(LEAST_WORKERS, |cores| cores.get().max(LEAST_WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(cli)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flowod: {error:#}");
            ExitCode::FAILURE
        }
    }
}
