//! Reports per second from clients that wait for every answer, and whether all were stored.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use crate::histogram::Histogram;
use crate::player::{Played, Player};
use crate::results::{Results, Target, ms};
use crate::server::Server;
use crate::{IngestArgs, Kept, verify};

/// The busiest hour of a lab, with room to spare: clients, and reports per second.
const BUSY: (u16, f64) = (64, 5000.0);
/// The longest median latency for a single client, in milliseconds.
const ALONE_MS: f64 = 3.0;

/// The result for one number of clients.
pub struct Phase {
    clients: u16,
    latency: Histogram,
    pub per_second: f64,
    refused: u64,
}

pub async fn run(args: &IngestArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let mut results = Results::open("ingest", &server).await?;
    let mut phases = Vec::new();
    let mut played = Vec::new();
    for &clients in &args.clients {
        eprintln!("ingest: {clients} clients for {} s", args.warm_up + args.seconds);
        let (phase, runs) = phase(&server, clients, args).await?;
        phases.push(phase);
        played.extend(runs);
    }
    table(&mut results, &phases);
    eprintln!("ingest: reading {} runs back", played.len());
    let found = verify::all(&server, &played).await?;
    results.text(&found.to_string());
    results.targets(&targets(&phases));
    results.print();
    Ok(if found.is_complete() { Kept::All } else { Kept::NotAll })
}

/// Lets `clients` clients report for a while.
pub async fn phase(server: &Server, clients: u16, args: &IngestArgs) -> Result<(Phase, Vec<Played>)> {
    let begin = Instant::now() + Duration::from_secs(args.warm_up);
    let end = begin + Duration::from_secs(args.seconds);
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let player = Player::new(server, usize::from(number));
        tasks.spawn(play(player, begin, end));
    }
    let mut latency = Histogram::default();
    let (mut answered, mut refused, mut played) = (0, 0, Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (client, own, in_time) = done.context("a client broke")??;
        latency.add(&own);
        answered += in_time;
        refused += client.refused();
        played.extend(client.into_played());
    }
    let per_second = answered as f64 / args.seconds as f64;
    Ok((Phase { clients, latency, per_second, refused }, played))
}

/// Plays until `end`. The histogram covers reports sent after `begin`; the count covers answers between the two.
async fn play(mut player: Player, begin: Instant, end: Instant) -> Result<(Player, Histogram, u64)> {
    let mut latency = Histogram::default();
    let mut in_time = 0;
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok((player, latency, in_time));
        }
        let Some(took) = player.step().await? else { continue };
        if sent >= begin {
            latency.record(took);
        }
        if (begin..end).contains(&(sent + took)) {
            in_time += 1;
        }
    }
}

fn table(results: &mut Results, phases: &[Phase]) {
    let rows = phases.iter().map(|phase| {
        let latency = &phase.latency;
        vec![
            phase.clients.to_string(),
            format!("{:.0}", phase.per_second),
            ms(latency.quantile_ms(0.5)),
            ms(latency.quantile_ms(0.95)),
            ms(latency.quantile_ms(0.99)),
            ms(latency.max_ms()),
            phase.refused.to_string(),
        ]
    });
    let head = ["clients", "reports/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "refused"];
    results.table(&head, rows);
}

fn targets(phases: &[Phase]) -> Vec<Target> {
    let mut targets = Vec::new();
    for phase in phases {
        if phase.clients == BUSY.0 {
            let what = format!("reports/s with {} clients", BUSY.0);
            targets.push(Target::at_least(what, phase.per_second, BUSY.1));
        }
        if phase.clients == 1 {
            let median = phase.latency.quantile_ms(0.5);
            targets.push(Target::at_most("p50 of one client, ms", median, ALONE_MS));
        }
    }
    targets
}
