//! Whether a long history slows anything down: the same requests with more and more lines in the change log, and the
//! time to drop one day of them.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use crate::results::{Results, Target, ms};
use crate::run_page::{Measured, Reader};
use crate::server::Server;
use crate::{HistoryArgs, Kept, http, runs};

/// How much slower the largest history may be than the smallest, at the median.
const MOST_RATIO: f64 = 1.5;
/// A request may take this much longer whatever the ratio, in ms: smaller differences are noise.
const NOISE: f64 = 1.0;
/// How long dropping a day may take, in ms.
const MOST_PRUNE: f64 = 1_000.0;
/// Days over which the lines are spread, in addition to today.
const DAYS: i64 = 10;
/// Lines written in one transaction.
const PORTION: i64 = 500_000;

pub async fn run(args: &HistoryArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let mut results = Results::open("history", &server).await?;
    let id = server.play_big(1_000, 20, 50).await?;
    let reader = Reader { http: http::client()?, cookie: runs::sign_in(&server).await?, base: server.url("") };
    let mut conn = server.database().await?;
    for day in 1..=DAYS {
        let statement = format!(
            "do $$ declare day date := current_date - {day}; begin
                 execute format('create table %I partition of change_notifications for values from (%L) to (%L)',
                                'change_notifications_' || to_char(day, 'YYYYMMDD'), day::timestamptz, (day + 1)::timestamptz); end $$"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut conn).await?;
    }
    let at: i64 = sqlx::query_scalar("select ms(max(\"timestamp\")) - 500 from change_notifications").fetch_one(&mut conn).await?;
    let mut rows = Vec::new();
    let mut medians: Vec<Vec<f64>> = Vec::new();
    let mut names = Vec::new();
    for size in &args.sizes {
        eprintln!("history: {size} lines");
        let began = Instant::now();
        let there: i64 = sqlx::query_scalar("select count(*) from change_notifications").fetch_one(&mut conn).await?;
        let mut from = there;
        while from < *size {
            let to = (from + PORTION).min(*size);
            sqlx::query(
                "insert into change_notifications (table_name, operation, record_id, workflow_run_id, changed_fields, old_values, new_values,
                                                   actor, \"timestamp\")
                 select 'job_executions', 'UPDATE', n, ('00000000-0000-7000-8000-' || lpad(to_hex(n / 1000), 12, '0'))::uuid,
                        '{ended_at,status}', '{\"status\": \"running\", \"ended_at\": null}',
                        '{\"status\": \"success\", \"ended_at\": \"2026-11-21T08:00:00+00:00\"}', 'flowo',
                        current_date - make_interval(days => (n % $3)::int) - interval '1 hour' - n * interval '1 microsecond'
                   from generate_series($1, $2 - 1) n",
            )
            .bind(from)
            .bind(to)
            .bind(DAYS)
            .execute(&mut conn)
            .await?;
            from = to;
        }
        sqlx::raw_sql("vacuum analyze change_notifications").execute(&mut conn).await?;
        let stored = began.elapsed();
        let bytes: i64 = sqlx::query_scalar(
            "select sum(pg_total_relation_size(inhrelid))::bigint from pg_inherits where inhparent = 'change_notifications'::regclass",
        )
        .fetch_one(&mut conn)
        .await?;
        let mut measured = Vec::new();
        for (what, path) in [
            ("run page", format!("/runs/{id}")),
            ("its history", format!("/runs/{id}?tab=history")),
            ("of its jobs, an older page", format!("/runs/{id}?tab=history&as=jobs&after=1500")),
            ("the run half a second before its end", format!("/runs/{id}?at={at}")),
        ] {
            let mut one = Measured::default();
            for _ in 0..args.times {
                one.take(reader.get(&path).await?);
            }
            measured.push((what, one));
        }
        let mut renamed = Measured::default();
        for n in 0..args.times {
            renamed.take(reader.call("runs/rename", &json!({ "id": id, "name": format!("name {n}"), "tags": [] })).await?);
        }
        measured.push(("a change", renamed));
        let mut recent = Measured::default();
        for _ in 0..args.times {
            let began = Instant::now();
            let found: i64 = sqlx::query_scalar("select count(*) from get_recent_changes((now() - interval '2 seconds')::timestamp)")
                .fetch_one(&mut conn)
                .await?;
            recent.take((began.elapsed(), Value::from(found), 0));
        }
        measured.push(("changes of the last two seconds, by SQL", recent));
        for (what, one) in &measured {
            rows.push(vec![
                size.to_string(),
                (*what).to_owned(),
                ms(one.latency.quantile_ms(0.5)),
                ms(one.latency.quantile_ms(0.99)),
                ms(one.latency.max_ms()),
            ]);
        }
        results.text(&format!("{size} lines: written in {:.0} s, {} MiB with their indexes.", stored.as_secs_f64(), bytes >> 20));
        names = measured.iter().map(|(what, _)| *what).collect();
        medians.push(measured.iter().map(|(_, one)| one.latency.quantile_ms(0.5)).collect());
    }
    results.table(&["lines", "question", "p50 ms", "p99 ms", "max ms"], rows.into_iter());

    let oldest: i64 = sqlx::query_scalar(
        "select count(*) from change_notifications where \"timestamp\" < current_date - make_interval(days => $1::int) + interval '1 day'",
    )
    .bind(DAYS)
    .fetch_one(&mut conn)
    .await?;
    ensure!(oldest > 0, "there is no oldest day");
    let took = prune(&server)?;
    let left: i64 = sqlx::query_scalar("select count(*) from change_notifications").fetch_one(&mut conn).await?;
    results.text(&format!(
        "The oldest day, {oldest} lines, went in {:.0} ms by `flowod prune`, its start included; {left} are left.",
        took.as_secs_f64() * 1000.0
    ));
    let (first, last) = (medians.first().context("a size")?, medians.last().context("a size")?);
    let mut targets: Vec<Target> = names
        .iter()
        .zip(first.iter().zip(last))
        .map(|(what, (first, last))| {
            Target::at_most(
                format!("{what}: p50 of the largest history to that of the smallest"),
                (last - NOISE).max(0.0) / first,
                MOST_RATIO,
            )
        })
        .collect();
    targets.push(Target::at_most("a day pruned, ms", took.as_secs_f64() * 1000.0, MOST_PRUNE));
    results.targets(&targets);
    results.print();
    Ok(Kept::All)
}

/// Drops the oldest day as an administrator would.
fn prune(server: &Server) -> Result<Duration> {
    let program = std::env::var_os("FLOWOD").context("FLOWOD names no binary")?;
    let url = server.database_options().to_url_lossy().to_string();
    let began = Instant::now();
    let done = Command::new(program)
        .args(["prune", "--database-url", &url])
        .env("FLOWO_KEEP_CHANGES_DAYS", (DAYS - 1).to_string())
        .output()
        .context("flowod does not start")?;
    ensure!(done.status.success(), "flowod prune: {}", String::from_utf8_lossy(&done.stderr));
    Ok(began.elapsed())
}
