//! The page of one very large run: its HTML, and windows of its jobs, timeline and matrix, requested one after another
//! like by one viewer.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, COOKIE};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::histogram::Histogram;
use crate::results::{Results, Target, ms};
use crate::server::Server;
use crate::{Kept, RunArgs, http, runs};

/// The encodings that a browser accepts.
const ENCODINGS: &str = "gzip, deflate, br";
const SORTS: [&str; 8] = ["", "started", "started:asc", "duration", "duration:asc", "status", "rule", "job"];

/// A signed-in viewer.
pub struct Reader {
    pub http: Client,
    pub cookie: String,
    pub base: String,
}

/// The measurements of many answers to one kind of request.
#[derive(Default)]
pub struct Measured {
    pub latency: Histogram,
    largest: usize,
    pub first_ms: f64,
    /// The slowest request, and its time.
    slowest: (std::time::Duration, String),
}

/// Pseudo-random numbers, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

pub async fn run(args: &RunArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let mut results = Results::open("run", &server).await?;
    eprintln!("run: storing a run of {} jobs", args.jobs);
    let began = Instant::now();
    let id = server.play_big(args.jobs, args.rules, args.samples).await?;
    let stored = began.elapsed().as_secs_f64();
    let reader = Reader { http: http::client()?, cookie: runs::sign_in(&server).await?, base: server.url("") };
    let rules = reader.rules(&id).await?;
    let times = args.times;
    let mut some = Chance(7);
    let mut rows = Vec::new();
    let mut row = |what: &str, measured: &Measured| {
        let latency = &measured.latency;
        rows.push(vec![
            what.to_owned(),
            ms(measured.first_ms),
            ms(latency.quantile_ms(0.5)),
            ms(latency.quantile_ms(0.99)),
            ms(latency.max_ms()),
            measured.slowest.1.clone(),
            format!("{:.1}", measured.largest as f64 / 1000.0),
        ]);
    };
    let mut targets = Vec::new();

    for (what, query) in
        [("page, jobs", ""), ("page, matrix", "?as=matrix"), ("page, timeline", "?tab=timeline"), ("page, files", "?tab=files")]
    {
        let mut measured = Measured::default();
        for _ in 0..times.min(50) {
            measured.take(reader.get(&format!("/runs/{id}{query}")).await?);
        }
        row(what, &measured);
        if query.is_empty() {
            targets.push(Target::at_most("HTML of the page, p99 ms", measured.latency.quantile_ms(0.99), 150.0));
            targets.push(Target::at_most("HTML of the page, kB Brotli", measured.largest as f64 / 1000.0, 60.0));
        }
    }

    let mut lists = Measured::default();
    for _ in 0..times {
        let rule = (some.below(2) == 0).then(|| rules[some.below(rules.len() as u64) as usize].clone());
        let status = ["", "", "success", "failed", "failed,lost"][some.below(5) as usize];
        let sort = SORTS[some.below(SORTS.len() as u64) as usize];
        let sort = if rule.is_some() && some.below(3) == 0 { "w.sample" } else { sort };
        let find = if some.below(4) == 0 { format!("s{:05}", some.below(u64::from(args.samples))) } else { String::new() };
        let mut ask = json!({ "rule": rule, "status": status, "sort": sort, "find": find, "after": null });
        let answer = reader.call("jobs/list", &json!({ "id": id, "ask": ask })).await?;
        let next = answer.1["page"]["next"].clone();
        lists.take_asked(answer, &ask);
        if next.is_string() {
            ask["after"] = next;
            lists.take_asked(reader.call("jobs/list", &json!({ "id": id, "ask": ask })).await?, &ask);
        }
    }
    row("window of jobs", &lists);
    targets.push(Target::at_most("window of jobs, p99 ms", lists.latency.quantile_ms(0.99), 50.0));

    let whole = reader.call("timeline/window", &json!({ "id": id, "ask": timeline(None, 0, &[]) })).await?.1;
    let end = whole["end"].as_u64().context("the timeline has an end")?;
    let mut timelines = Measured::default();
    for _ in 0..times {
        let long = end >> some.below(14);
        let from = some.below(end - long + 1);
        let turned = [rules[some.below(rules.len() as u64) as usize].clone()];
        let ask = timeline(Some((from, from + long.max(1))), some.below(1500), &turned);
        timelines.take(reader.call("timeline/window", &json!({ "id": id, "ask": ask })).await?);
    }
    row("window of the timeline", &timelines);
    targets.push(Target::at_most("window of the timeline, p99 ms", timelines.latency.quantile_ms(0.99), 100.0));
    targets.push(Target::at_most("window of the timeline, kB uncompressed", timelines.largest as f64 / 1000.0, 200.0));

    let mut matrices = Measured::default();
    for _ in 0..times {
        let sort = ["", "name", "time"][some.below(3) as usize];
        let ask =
            json!({ "by": null, "rule": null, "find": null, "status": null, "sort": sort, "from": some.below(u64::from(args.samples)) });
        matrices.take(reader.call("jobs/matrix", &json!({ "id": id, "ask": ask })).await?);
    }
    row("window of the matrix", &matrices);
    targets.push(Target::at_most("window of the matrix, p99 ms", matrices.latency.quantile_ms(0.99), 60.0));

    let memory = server.memory().map_or_else(String::new, |memory| format!(" The server then held {memory:.0} MiB."));
    results.text(&format!(
        "A run of {} jobs in {} rules and {} samples, stored through ingest in {stored:.0} s; every question asked {times} times.{memory}",
        args.jobs,
        rules.len(),
        args.samples
    ));
    results.table(&["what", "first ms", "p50 ms", "p99 ms", "max ms", "of", "largest kB"], rows.into_iter());
    results.targets(&targets);
    results.print();
    Ok(Kept::All)
}

fn timeline(span: Option<(u64, u64)>, top: u64, turned: &[String]) -> Value {
    json!({
        "arrangement": { "rule": null, "skip_idle": false },
        "span": span,
        "pixels": 3000,
        "top": top,
        "bottom": top + 1800,
        "turned": turned,
    })
}

impl Measured {
    fn take_asked(&mut self, answer: (std::time::Duration, Value, usize), ask: &Value) {
        if answer.0 > self.slowest.0 {
            self.slowest = (answer.0, ask.to_string());
        }
        self.take(answer);
    }

    pub fn take(&mut self, (took, _, bytes): (std::time::Duration, Value, usize)) {
        if self.latency.count() == 0 {
            self.first_ms = took.as_secs_f64() * 1000.0;
        }
        self.latency.record(took);
        self.largest = self.largest.max(bytes);
    }
}

impl Reader {
    /// Requests a page as a browser does; counts the bytes as they were sent.
    pub async fn get(&self, path: &str) -> Result<(std::time::Duration, Value, usize)> {
        let began = Instant::now();
        let request = self.http.get(format!("{}{path}", self.base)).header(COOKIE, &self.cookie);
        let answer = request.header(ACCEPT_ENCODING, ENCODINGS).send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        ensure!(status == StatusCode::OK, "{path} answers {status}");
        Ok((began.elapsed(), Value::Null, bytes.len()))
    }

    /// Calls a server function, uncompressed.
    pub async fn call(&self, name: &str, body: &Value) -> Result<(std::time::Duration, Value, usize)> {
        let began = Instant::now();
        let request = self.http.post(format!("{}/_fn/{name}", self.base)).header(COOKIE, &self.cookie);
        let answer = request.header(CONTENT_TYPE, "application/json").body(body.to_string()).send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        let took = began.elapsed();
        ensure!(status == StatusCode::OK, "{name} answers {status}: {}", String::from_utf8_lossy(&bytes));
        Ok((took, serde_json::from_slice(&bytes)?, bytes.len()))
    }

    async fn rules(&self, id: &str) -> Result<Vec<String>> {
        let run = self.call("runs/read", &json!({ "id": id })).await?.1;
        let rules = run["detail"]["rules"].as_array().context("a run has rules")?;
        Ok(rules.iter().filter_map(|rule| rule["name"].as_str().map(str::to_owned)).collect())
    }
}
