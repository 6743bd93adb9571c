//! `bench`: load tests of the real server on this machine, with the results as tables.
//!
//! `FLOWOD` names the binary and `FLOWO_SITE_DIR` its pages. Each measurement starts its own server with a private
//! PostgreSQL that syncs to disk, in a temporary directory. Only loopback is used. The exit code says whether every
//! acknowledged report was kept, not whether a target was met.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock, and sets a pace that no server may have")]

mod changes;
mod chaos;
mod connection;
mod corpus;
mod files;
mod graphs;
mod histogram;
mod history;
mod http;
mod ingest;
mod live;
mod panoptes;
mod player;
mod results;
mod run_page;
mod runs;
mod script;
mod server;
mod slow;
mod stream;
mod verify;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench", about = "Measure flowod", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reports per second and their latency with 1, 8 and 64 clients
    Ingest(IngestArgs),
    /// From commit to frame with many open pages
    Live(LiveArgs),
    /// The runs page over many stored runs
    Runs(RunsArgs),
    /// The page of one very large run
    Run(RunArgs),
    /// The layout of rule graphs and of a graph of ten thousand jobs
    Graph(GraphArgs),
    /// Logs of gigabytes, and large tables
    Files(FilesArgs),
    /// What the change log and its triggers cost the ingest
    Changes(ChangesArgs),
    /// The same requests with more and more history, and the time to drop a day of it
    History(HistoryArgs),
    /// Updates of Panoptes' clients, against Panoptes itself
    Panoptes(PanoptesArgs),
    /// Faults at random moments, and whether anything that was acknowledged is lost
    Chaos(ChaosArgs),
    /// One measurement after the other
    All,
}

#[derive(Args)]
struct IngestArgs {
    /// How long each number of clients is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How long they run before that
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=60))]
    warm_up: u64,
    /// Numbers of clients, one measurement each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64],
          value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: Vec<u16>,
}

#[derive(Args)]
struct LiveArgs {
    /// How long the streams are measured
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Open streams of all runs
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=9000))]
    streams: u16,
    /// Reports per second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Runs that report at the same time
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: u16,
    /// Measure once more beside so many readers of one byte a second
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=200))]
    slow: u16,
}

#[derive(Args)]
struct RunsArgs {
    /// How long each URL is measured
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Runs stored
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(1..=2_000_000))]
    stored: i64,
    /// Requests per second
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2000))]
    rate: u32,
}

#[derive(Args)]
struct RunArgs {
    /// Its jobs
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=5_000_000))]
    jobs: u32,
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(4..=2_000))]
    rules: u32,
    #[arg(long, default_value_t = 1_600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    samples: u32,
    /// How often each request is sent
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    times: u32,
}

#[derive(Args)]
struct GraphArgs {
    /// A directory of graphs as JSON, in addition to the generated ones
    #[arg(long)]
    graphs: Option<std::path::PathBuf>,
    /// Jobs of the run whose graph is laid out
    #[arg(long, default_value_t = 9_900, value_parser = clap::value_parser!(u32).range(100..=10_000))]
    jobs: u32,
}

#[derive(Args)]
struct FilesArgs {
    /// How often each request is sent
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(5..=10_000))]
    times: u32,
}

#[derive(Args)]
struct ChangesArgs {
    /// How long each measurement takes
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Clients
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: u16,
    /// How often each kind is measured, alternating
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

#[derive(Args)]
struct HistoryArgs {
    /// Lines of the change log, smallest first
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000, 10_000_000],
          value_parser = clap::value_parser!(i64).range(10_000..=200_000_000))]
    sizes: Vec<i64>,
    /// How often each request is sent
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    times: u32,
}

#[derive(Args)]
struct PanoptesArgs {
    /// How long each number of clients is measured
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Updates per second in the measurement of latencies
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rate: u32,
    /// Clients that send these updates
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: u16,
}

#[derive(Args)]
struct ChaosArgs {
    /// How many stories are played
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    /// The number of the first story; a failed story is repeated by its number
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    from: u64,
    /// Break this promise after each story; fails if the checks do not notice
    #[arg(long = "break", value_enum)]
    broken: Option<chaos::Broken>,
}

/// Whether the reports of a measurement were kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Every acknowledged report is there, or none was made.
    All,
    /// Some are missing; the table names them.
    NotAll,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = tokio::select! {
        outcome = dispatch(cli.command) => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    match outcome {
        Ok(Kept::All) => ExitCode::SUCCESS,
        Ok(Kept::NotAll) => {
            eprintln!("error: something acknowledged is missing, or was shown wrongly; see above");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> Result<Kept> {
    // The client library requires a provider even where nothing is encrypted. A second installation is refused, which
    // does no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    server::raise_open_files()?;
    match command {
        Command::Ingest(args) => ingest::run(&args).await,
        Command::Live(args) => live::run(&args).await,
        Command::Runs(args) => runs::run(&args).await,
        Command::Run(args) => run_page::run(&args).await,
        Command::Graph(args) => graphs::run(&args).await,
        Command::Files(args) => files::run(&args).await,
        Command::Changes(args) => changes::run(&args).await,
        Command::History(args) => history::run(&args).await,
        Command::Panoptes(args) => panoptes::run(&args).await,
        Command::Chaos(args) => chaos::run(&args).await,
        Command::All => {
            let mut kept = Kept::All;
            for name in ["ingest", "changes", "history", "live", "runs", "run", "graph", "files"] {
                let one = Cli::try_parse_from(["bench", name])?.command;
                if Box::pin(dispatch(one)).await? == Kept::NotAll {
                    kept = Kept::NotAll;
                }
            }
            Ok(kept)
        }
    }
}
