//! Stories of clients, readers and faults, each generated from a number. Server and database are killed at random
//! moments, sockets are cut, and clients behave as the real ones do. Then every acknowledged report is looked for.
//!
//! One server and its database serve many stories. The number of a story determines who does what and when. What a
//! fault interrupts also depends on the machine, so a failed story may have to be repeated several times.

mod broken;
mod client;
mod oracle;
mod reader;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::Connection as _;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::server::Server;
use crate::{ChaosArgs, Kept, http, runs};
pub use broken::Broken;
use client::{Client, Played};
use oracle::Violations;
use reader::Reader;

/// Servers running at a time, each with its own database; a story consists mostly of waiting.
const LANES: u64 = 3;
/// Once nothing is broken any more, everything must settle within this time.
const SETTLE: Duration = Duration::from_mins(1);
/// After that, how long a reader's runs may still differ from the list; and where they must differ, how long to wait for it.
const READERS: Duration = Duration::from_secs(40);
const READERS_BROKEN: Duration = Duration::from_secs(5);

/// Pseudo-random numbers, the same for the same seed.
#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub const fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// An independent sequence of numbers.
    pub const fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }
}

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// `kill -9` of the server.
    Server,
    /// Every backend of the database is killed at once; committed work is in its log.
    Database,
    /// `kill -9` of the database's postmaster.
    DatabaseHard,
    /// The listening connection is terminated.
    Listener,
    /// All connections are terminated.
    Backends,
}

impl Fault {
    const fn any(chance: &mut Chance) -> Self {
        match chance.below(10) {
            0..3 => Self::Server,
            3..5 => Self::Database,
            5 => Self::DatabaseHard,
            6..8 => Self::Listener,
            _ => Self::Backends,
        }
    }
}

/// The totals of several stories.
#[derive(Default)]
struct Sum {
    stories: usize,
    reports: usize,
    acknowledged: usize,
    faults: usize,
    cuts: usize,
    resets: usize,
    frames: usize,
    violations: usize,
}

impl Sum {
    const fn add(&mut self, other: &Self) {
        self.stories += other.stories;
        self.reports += other.reports;
        self.acknowledged += other.acknowledged;
        self.faults += other.faults;
        self.cuts += other.cuts;
        self.resets += other.resets;
        self.frames += other.frames;
        self.violations += other.violations;
    }
}

pub async fn run(args: &ChaosArgs) -> Result<Kept> {
    let began = Instant::now();
    let mut lanes = JoinSet::new();
    for lane in 0..LANES.min(args.seeds) {
        let seeds = (args.from..args.from + args.seeds).skip(lane as usize).step_by(LANES as usize);
        lanes.spawn(played(seeds.collect(), args.broken));
    }
    let (mut sum, mut kept) = (Sum::default(), Kept::All);
    while let Some(lane) = lanes.join_next().await {
        let lane = lane??;
        sum.add(&lane);
        if lane.violations > 0 {
            kept = Kept::NotAll;
        }
    }
    let Sum { stories, reports, acknowledged, faults, cuts, resets, frames, violations } = sum;
    println!(
        "{stories} stories in {:.0} s: {faults} faults, {reports} reports of which {acknowledged} were acknowledged, {cuts} cut sockets, \
         {frames} frames, {resets} resets; {violations} violations.",
        began.elapsed().as_secs_f64()
    );
    // With a promise broken on purpose, success means that the violation was seen.
    match (args.broken, violations) {
        (None, _) => Ok(kept),
        (Some(_), 1..) => Ok(Kept::All),
        (Some(broken), 0) => {
            eprintln!("chaos: {broken:?} was not seen");
            Ok(Kept::NotAll)
        }
    }
}

/// Plays stories one after the other on one server; stops at the first with a violation.
async fn played(seeds: Vec<u64>, broken: Option<Broken>) -> Result<Sum> {
    let mut server = Server::start().await?;
    forgetful(&server).await?;
    let cookie = runs::sign_in(&server).await?;
    let mut sum = Sum::default();
    for seed in seeds {
        let violations = story(&mut server, &cookie, seed, broken, &mut sum).await;
        let violations =
            violations.with_context(|| format!("story {seed} could not be played; the server's log ends with:\n{}", server.log()))?;
        sum.stories += 1;
        sum.violations += violations.len();
        if !violations.is_empty() {
            eprintln!("chaos: {} violations in story {seed}; again with `--from {seed} --seeds 1`", violations.len());
            for one in &violations {
                eprintln!("  {one}");
            }
            eprintln!("the server's log ends with:\n{}", server.log());
            break;
        }
        if sum.stories.is_multiple_of(10) {
            eprintln!(
                "chaos: {} stories of a lane, {} faults, {} of {} reports acknowledged",
                sum.stories, sum.faults, sum.acknowledged, sum.reports
            );
        }
    }
    Ok(sum)
}

/// Makes the database lose as much as it may: a crash loses what no commit waited for, as on a slow disk. Transaction
/// ids are then reused.
async fn forgetful(server: &Server) -> Result<()> {
    let mut conn = server.database().await?;
    for statement in ["alter system set wal_writer_delay = '10s'", "select pg_reload_conf()"] {
        sqlx::query(statement).execute(&mut conn).await.context("cannot slow the database's writer down")?;
    }
    conn.close().await?;
    Ok(())
}

async fn story(server: &mut Server, cookie: &str, seed: u64, broken: Option<Broken>, sum: &mut Sum) -> Result<Violations> {
    let mut chance = Chance::new(seed);
    forget(server).await?;
    let over = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for number in 0..=chance.below(3) {
        let client = Client::new(server.address(), server.token(), number as usize, chance.fork());
        clients.push(tokio::spawn(client.play()));
    }
    let mut readers = Vec::new();
    for _ in 0..=chance.below(3) {
        let patience = if broken.is_some() { READERS_BROKEN } else { READERS };
        let reader = Reader::new(server.url(""), cookie.to_owned(), chance.fork(), Arc::clone(&over), patience)?;
        readers.push(tokio::spawn(reader.read()));
    }
    for _ in 0..=chance.below(3) {
        sleep(Duration::from_millis(40 + chance.below(400))).await;
        let fault = Fault::any(&mut chance);
        strike(server, fault).await?;
        sum.faults += 1;
        if fault == Fault::Server {
            sleep(Duration::from_millis(chance.below(150))).await;
            server.start_again()?;
        }
    }
    let mut played = Vec::new();
    for client in clients {
        played.extend(client.await?);
    }
    if let Some(broken) = broken {
        settled(server).await?;
        broken.apply(server).await?;
    }
    let mut violations = judged(server, &played).await?;
    // There are no further changes: a reader that has seen the last one has seen all.
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        let seen = reader.await?;
        sum.cuts += seen.cuts;
        sum.resets += seen.resets;
        sum.frames += seen.frames;
        violations.extend(seen.violations);
    }
    sum.reports += played.iter().map(|run| run.sent.len()).sum::<usize>();
    sum.acknowledged += played.iter().flat_map(|run| &run.sent).filter(|sent| sent.acknowledged > 0).count();
    Ok(violations)
}

/// The violations. A database that is about to crash may have looked healthy before; then the check is repeated.
async fn judged(server: &Server, played: &[Played]) -> Result<Violations> {
    let until = Instant::now() + SETTLE;
    loop {
        settled(server).await?;
        let asked = async { oracle::reports(&mut server.database().await?, played).await };
        match asked.await {
            Ok(violations) => return Ok(violations),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn strike(server: &mut Server, fault: Fault) -> Result<()> {
    let cut = |listener: bool| {
        format!(
            "select pg_terminate_backend(pid) from pg_stat_activity
              where datname = current_database() and pid <> pg_backend_pid() and (application_name = 'flowo-listener' or not {listener})"
        )
    };
    match fault {
        Fault::Server => server.kill(),
        Fault::Database => server.kill_postgres(false),
        Fault::DatabaseHard => server.kill_postgres(true),
        Fault::Listener | Fault::Backends => {
            // If the database is down just now, that is fault enough.
            if let Ok(mut conn) = server.database().await {
                let _ = sqlx::raw_sql(sqlx::AssertSqlSafe(cut(fault == Fault::Listener))).execute(&mut conn).await;
                let _ = conn.close().await;
            }
        }
    }
    Ok(())
}

/// Waits until the server reports that it is healthy.
async fn settled(server: &Server) -> Result<()> {
    let http = http::client()?;
    let until = Instant::now() + SETTLE;
    loop {
        let answer = http.get(server.url("/healthz")).send().await;
        if let Ok(answer) = answer
            && let Ok(health) = answer.json::<Value>().await
        {
            if health["status"] == "ok" {
                return Ok(());
            }
            ensure!(Instant::now() < until, "the server does not recover: {health}");
        }
        ensure!(Instant::now() < until, "the server does not answer");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Deletes the runs of the previous story, so that one page shows all runs.
async fn forget(server: &Server) -> Result<()> {
    let until = Instant::now() + SETTLE;
    loop {
        settled(server).await?;
        let forgotten = async {
            let mut conn = server.database().await?;
            sqlx::raw_sql("delete from workflow_runs; delete from ingest_events").execute(&mut conn).await?;
            conn.close().await?;
            anyhow::Ok(())
        };
        match forgotten.await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}
