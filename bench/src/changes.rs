//! The cost of the change log: reports per second with its triggers and without them, measured alternately on one
//! server; and the rate of notifications meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::ingest::{self, Phase};
use crate::results::{Results, Target};
use crate::server::Server;
use crate::{ChangesArgs, IngestArgs, Kept};

/// The highest share of the throughput that the change log may cost.
const MOST_SHARE: f64 = 0.35;
/// Most notifications per second under full load.
const MOST_RINGS: f64 = 100.0;
const TABLES: [&str; 3] = ["workflow_runs", "job_executions", "log_entries"];

pub async fn run(args: &ChangesArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let mut results = Results::open("changes", &server).await?;
    let rings = Arc::new(AtomicU64::new(0));
    let pool = PgPoolOptions::new().max_connections(1).connect_with(server.database_options()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("flowo_changes").await?;
    let counting = tokio::spawn({
        let rings = Arc::clone(&rings);
        async move {
            while listener.recv().await.is_ok() {
                rings.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let load = IngestArgs { seconds: args.seconds, warm_up: 2, clients: vec![args.clients] };
    let mut with = Vec::new();
    let mut without = Vec::new();
    let mut ringing = Vec::new();
    for round in 1..=args.rounds {
        for on in [true, false] {
            eprintln!("changes: round {round} of {}, triggers {}", args.rounds, if on { "on" } else { "off" });
            triggers(&server, on).await?;
            let before = rings.load(Ordering::Relaxed);
            let (Phase { per_second, .. }, _) = ingest::phase(&server, args.clients, &load).await?;
            let rung = rings.load(Ordering::Relaxed) - before;
            if on {
                with.push(per_second);
                ringing.push(rung as f64 / (args.seconds + load.warm_up) as f64);
            } else {
                without.push(per_second);
            }
        }
    }
    triggers(&server, true).await?;
    counting.abort();
    let rows = with.iter().zip(&without).zip(&ringing).enumerate().map(|(at, ((with, without), ringing))| {
        vec![
            (at + 1).to_string(),
            format!("{with:.0}"),
            format!("{without:.0}"),
            format!("{:.1} %", share(*with, *without) * 100.0),
            format!("{ringing:.0}"),
        ]
    });
    results.table(&["round", "reports/s", "without triggers", "cost", "NOTIFY/s"], rows);
    let middle = |values: &mut Vec<f64>| -> Result<f64> {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().context("a round was measured")
    };
    let cost = share(middle(&mut with)?, middle(&mut without)?);
    results.text("The triggers that are switched off also keep the counters: the change log alone costs less than this.");
    results.targets(&[
        Target::at_most("share of the throughput, medians", cost, MOST_SHARE),
        Target::at_most("NOTIFY/s, the most of a round", ringing.iter().copied().fold(0.0, f64::max), MOST_RINGS),
    ]);
    results.print();
    Ok(Kept::All)
}

fn share(with: f64, without: f64) -> f64 {
    if without > 0.0 { (1.0 - with / without).max(0.0) } else { 0.0 }
}

async fn triggers(server: &Server, on: bool) -> Result<()> {
    let verb = if on { "enable" } else { "disable" };
    let mut conn = server.database().await?;
    for table in TABLES {
        for what in ["insert", "update", "delete"] {
            let statement = format!("alter table {table} {verb} trigger {table}_notify_{what}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut conn).await?;
        }
    }
    Ok(())
}
