//! Updates of Panoptes clients per second, in Flowo and in Panoptes itself, alternating on the same machine; and their
//! latencies at a given rate.
//!
//! `PANOPTES` names the program. The updates come from recorded conversations of real clients, in which the part about
//! jobs is repeated as often as in a run of two hundred jobs. An update counts once a later request shows it.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::histogram::Histogram;
use crate::results::{Results, Target, ms};
use crate::server::Server;
use crate::{Kept, PanoptesArgs, http};

/// Recorded conversations: their names and paths.
const CONVERSATIONS: [(&str, &str); 2] = [
    ("Snakemake 8.30, --wms-monitor", "server/tests/data/recordings/panoptes/G4_snakemake-8.30.0/ok.jsonl"),
    ("Snakemake 9.27 and its plugin", "server/tests/data/recordings/panoptes/G5_plugin-0.3.0_snakemake-9.27.1/ok.jsonl"),
];
/// How often the five jobs of a recording are repeated.
const TIMES: i64 = 40;
/// The distance between the numbers of a job and of its repetition, and between their messages in seconds.
const APART: i64 = 10;
/// How many times more updates Flowo must take than Panoptes, and from how many clients.
const BETTER: f64 = 30.0;
/// p99 at the given rate, in milliseconds.
const MOST_MS: f64 = 25.0;
const START_PATIENCE: Duration = Duration::from_mins(1);

/// A server under test.
#[derive(Clone)]
struct Place {
    base: String,
    token: Option<String>,
}

/// Panoptes itself, with its own database file; ended when dropped.
struct Panoptes {
    child: Child,
    base: String,
    _dir: TempDir,
}

impl Drop for Panoptes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start_panoptes() -> Result<Panoptes> {
    let program = env::var_os("PANOPTES").context("PANOPTES must name the program of Panoptes")?;
    let dir = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let child = Command::new(program)
        .args(["--ip", "127.0.0.1", "--port", &port.to_string()])
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .env_remove("PANOPTES_DB_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start Panoptes")?;
    let panoptes = Panoptes { child, base: format!("http://127.0.0.1:{port}"), _dir: dir };
    let client = http::client()?;
    let deadline = Instant::now() + START_PATIENCE;
    while client.get(format!("{}/api/service-info", panoptes.base)).send().await.is_err() {
        ensure!(Instant::now() < deadline, "Panoptes does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(panoptes)
}

/// The forms of a conversation of a larger run, without the number of the workflow.
fn updates(path: &str) -> Result<Arc<Vec<String>>> {
    let text = fs::read_to_string(Path::new(path)).with_context(|| format!("cannot read {path}"))?;
    let mut messages = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let Some(body) = line["body"].as_str().filter(|_| line["path"] == "/update_workflow_status") else { continue };
        let fields: HashMap<_, _> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let field = |name: &str| fields.get(name).with_context(|| format!("{path} holds an update without {name}"));
        messages.push((serde_json::from_str::<Value>(field("msg")?)?, field("timestamp")?.clone()));
    }
    let is = |at: usize, level: &str| messages[at].0["level"] == level;
    let first = (0..messages.len()).find(|at| is(*at, "job_started") || is(*at, "job_info")).context("no job is reported")?;
    let last = (0..messages.len()).rfind(|at| is(*at, "progress")).context("no progress is reported")?;
    let again = (0..TIMES).flat_map(|nth| messages[first..=last].iter().map(move |message| (nth, message)));
    let all = messages[..first]
        .iter()
        .map(|message| (0, message))
        .chain(again)
        .chain(messages[last + 1..].iter().map(|message| (TIMES, message)));
    Ok(Arc::new(all.map(|(nth, (message, timestamp))| form(moved(message.clone(), nth), timestamp)).collect()))
}

fn form(message: Value, timestamp: &str) -> String {
    let fields = [("msg", message.to_string()), ("timestamp", timestamp.to_owned())];
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A message in its `nth` repetition: about another job, with other files, later.
fn moved(mut message: Value, nth: i64) -> Value {
    let later = |value: &mut Value| {
        if let Some(number) = value.as_i64() {
            *value = (number + nth * APART).into();
        }
    };
    if let Some(job) = message.get_mut("jobid") {
        later(job);
    }
    message.get_mut("jobs").and_then(Value::as_array_mut).into_iter().flatten().for_each(later);
    if let Some(time) = message.get("timestamp").and_then(Value::as_f64) {
        message["timestamp"] = (time + (nth * APART) as f64).into();
    }
    for list in ["input", "output", "log"] {
        for path in message.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            *path = format!("{nth}/{}", path.as_str().unwrap_or("")).into();
        }
    }
    if let (Some(done), Some(total)) = (message["done"].as_i64(), message["total"].as_i64()) {
        message["done"] = (done + nth * total).into();
        message["total"] = (TIMES * total).into();
    }
    message
}

impl Place {
    fn with_token(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn create(&self, client: &Client) -> Result<i64> {
        let reply = self.with_token(client.get(format!("{}/create_workflow", self.base))).send().await?;
        let made: Value = reply.json().await?;
        made["id"].as_i64().context("no number")
    }

    /// Sends one update and waits for its answer.
    async fn update(&self, client: &Client, id: i64, form: &str) -> Result<Duration> {
        let began = Instant::now();
        let request = client.post(format!("{}/update_workflow_status", self.base));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(format!("{form}&id={id}"));
        let reply = self.with_token(request).send().await?;
        let status = reply.status();
        let body = reply.text().await?;
        if status.as_u16() != 200 || body != "ok" {
            bail!("an update was answered with {status}: {body}");
        }
        Ok(began.elapsed())
    }
}

/// `clients` serial clients for a while: updates per second, and the time each took.
async fn crowd(target: &Place, forms: &Arc<Vec<String>>, clients: u16, seconds: u64) -> Result<(f64, Histogram)> {
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (target, forms) = (target.clone(), Arc::clone(forms));
        tasks.spawn(async move {
            let client = http::client()?;
            let mut latency = Histogram::default();
            while Instant::now() < end {
                let id = target.create(&client).await?;
                for form in forms.iter() {
                    if Instant::now() >= end {
                        break;
                    }
                    latency.record(target.update(&client, id, form).await?);
                }
            }
            anyhow::Ok(latency)
        });
    }
    gathered(tasks, target, begin).await
}

/// Updates at a given rate, whether or not earlier ones were answered: each client sends its next one when it is due.
async fn paced(target: &Place, forms: &Arc<Vec<String>>, clients: u16, rate: u32, seconds: u64) -> Result<(f64, Histogram)> {
    let begin = Instant::now() + Duration::from_millis(500);
    let every = Duration::from_secs_f64(f64::from(clients) / f64::from(rate));
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (target, forms) = (target.clone(), Arc::clone(forms));
        tasks.spawn(async move {
            let client = http::client()?;
            let mut latency = Histogram::default();
            let mut due = begin + every.mul_f64(f64::from(number) / f64::from(clients));
            let end = begin + Duration::from_secs(seconds);
            while due < end {
                let id = target.create(&client).await?;
                for form in forms.iter() {
                    if due >= end {
                        break;
                    }
                    tokio::time::sleep_until(due.into()).await;
                    target.update(&client, id, form).await?;
                    // Measured from when it was due, because a delayed update delays the next ones too.
                    latency.record(due.elapsed());
                    due += every;
                }
            }
            anyhow::Ok(latency)
        });
    }
    gathered(tasks, target, begin).await
}

/// Updates per second until all of them are visible to a caller.
async fn gathered(mut tasks: JoinSet<Result<Histogram>>, target: &Place, begin: Instant) -> Result<(f64, Histogram)> {
    let mut all = Histogram::default();
    while let Some(done) = tasks.join_next().await {
        all.add(&done.context("a client broke")??);
    }
    let asked = target.with_token(http::client()?.get(format!("{}/api/workflows", target.base))).send().await?;
    ensure!(asked.status().is_success(), "the workflows cannot be listed: {}", asked.status());
    asked.bytes().await?;
    Ok((all.count() as f64 / begin.elapsed().as_secs_f64(), all))
}

pub async fn run(args: &PanoptesArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let flowo = Place { base: server.url(""), token: Some(server.token().to_owned()) };
    let mut results = Results::open("panoptes", &server).await?;
    let (mut rows, mut targets) = (Vec::new(), Vec::new());
    for (what, path) in CONVERSATIONS {
        let forms = updates(path)?;
        for clients in [1, 8] {
            eprintln!("panoptes: {what}, {clients} clients");
            let panoptes = start_panoptes().await?;
            let theirs = Place { base: panoptes.base.clone(), token: None };
            let (their_rate, their_latency) = crowd(&theirs, &forms, clients, args.seconds).await?;
            drop(panoptes);
            let (our_rate, our_latency) = crowd(&flowo, &forms, clients, args.seconds).await?;
            let ratio = our_rate / their_rate;
            for (name, rate, latency, ratio) in
                [("Panoptes", their_rate, &their_latency, String::new()), ("Flowo", our_rate, &our_latency, format!("{ratio:.1}"))]
            {
                let quantile = |share| ms(latency.quantile_ms(share));
                rows.push(vec![
                    what.to_owned(),
                    clients.to_string(),
                    name.to_owned(),
                    format!("{rate:.0}"),
                    quantile(0.5),
                    quantile(0.99),
                    ms(latency.max_ms()),
                    ratio,
                ]);
            }
            if clients == 8 {
                targets.push(Target::at_least(format!("{what}: times as many, 8 clients"), ratio, BETTER));
            }
        }
        eprintln!("panoptes: {what}, {} updates/s", args.rate);
        let (rate, latency) = paced(&flowo, &forms, args.clients, args.rate, args.seconds).await?;
        rows.push(vec![
            what.to_owned(),
            args.clients.to_string(),
            format!("Flowo at {}/s", args.rate),
            format!("{rate:.0}"),
            ms(latency.quantile_ms(0.5)),
            ms(latency.quantile_ms(0.99)),
            ms(latency.max_ms()),
            String::new(),
        ]);
        targets.push(Target::at_most(format!("{what}: p99 at {} updates/s, ms", args.rate), latency.quantile_ms(0.99), MOST_MS));
    }
    results.table(&["client", "clients", "server", "updates/s", "p50 ms", "p99 ms", "max ms", "times"], rows.into_iter());
    results.targets(&targets);
    results.print();
    Ok(Kept::All)
}
