//! Checks that everything acknowledged can be read back through the public API.
//!
//! Reads every run with its rules and jobs. A report that was sent but not answered may be there or not.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use crate::http;
use crate::player::Played;
use crate::script::{FILES, JOBS, RULE_COUNT, rule_of};
use crate::server::Server;

/// Requests at a time.
const PARALLEL: usize = 8;
/// Pages of 200 runs; more than any measurement creates.
const MOST_PAGES: usize = 5000;
/// Differences that are printed; the others are only counted.
const NAMED: usize = 20;

/// The result of the check.
#[derive(Default)]
pub struct Found {
    runs: usize,
    closed: usize,
    finished: usize,
    missing: usize,
    named: Vec<String>,
}

impl Found {
    pub const fn is_complete(&self) -> bool {
        self.missing == 0
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.missing += 1;
            if self.named.len() < NAMED {
                self.named.push(what());
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.closed += other.closed;
        self.finished += other.finished;
        self.missing += other.missing;
        let room = NAMED - self.named.len();
        self.named.extend(other.named.into_iter().take(room));
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, closed, finished, missing, named } = self;
        write!(f, "Read back: {runs} runs, {closed} of them closed, {finished} finished jobs; ")?;
        match missing {
            0 => write!(f, "nothing that was acknowledged is missing."),
            _ => write!(f, "**{missing} differences**:\n\n- {}", named.join("\n- ")),
        }
    }
}

/// Compares the server's data with what was acknowledged.
///
/// # Errors
/// The server does not answer.
pub async fn all(server: &Server, played: &[Played]) -> Result<Found> {
    let api = Api { http: http::client()?, server };
    let listed = api.runs().await?;
    let mut found = Found::default();
    let (started, doubtful): (Vec<_>, Vec<_>) = played.iter().partition(|run| run.progress.started());
    let maybe = doubtful.iter().filter(|run| run.in_doubt).count();
    let (least, most) = (started.len(), started.len() + maybe);
    found.expect((least..=most).contains(&listed.len()), || format!("{} runs are listed; {least} were acknowledged", listed.len()));
    let mut checks = futures::stream::iter(started).map(|run| check(&api, run, listed.get(&run.id))).buffer_unordered(PARALLEL);
    while let Some(one) = checks.next().await {
        found.add(one?);
    }
    Ok(found)
}

async fn check(api: &Api<'_>, played: &Played, listed: Option<&Value>) -> Result<Found> {
    let mut found = Found { runs: 1, ..Found::default() };
    let id = played.id;
    let progress = played.progress;
    let [began, described, finished] = progress.jobs();
    let Some(listed) = listed else {
        found.expect(false, || format!("run {id} is not listed"));
        return Ok(found);
    };
    let run = api.get(&format!("/{id}")).await?;
    let jobs = api.jobs(id).await?;
    let rules = api.get(&format!("/{id}/rules")).await?;

    let with_code = items(&rules).iter().filter(|rule| rule["code"].is_string()).count();
    found.expect(with_code == RULE_COUNT, || format!("run {id} has {with_code} rules with code"));
    found.expect(!progress.has_graph() || run["rule_graph"].is_object(), || format!("run {id} has no graph"));
    found.expect(!progress.has_plan() || run["jobs"]["planned"] == JOBS, || format!("run {id} plans {} jobs", run["jobs"]["planned"]));
    for job in 1..=began {
        let row = jobs.get(&job).unwrap_or(&Value::Null);
        let status = row["status"].as_str().unwrap_or("missing");
        let right = if job <= finished { status == "success" } else { status != "missing" };
        found.expect(right, || format!("run {id}, job {job} is {status}"));
        if job <= described {
            let files = ["input", "output", "log"].map(|role| row["files"][role].as_u64());
            let right = row["rule"] == rule_of(job) && files == FILES.map(Some);
            found.expect(right, || format!("run {id}, job {job} is not described: {row}"));
        }
    }
    // The counters in the list are stored separately from the rows.
    let extra = usize::from(played.in_doubt);
    for (word, least, rows) in [("success", finished, finished), ("seen", began, jobs.len())] {
        let counted = listed["jobs"][word].as_u64().unwrap_or(0) as usize;
        let right = (least..=least + extra).contains(&counted) && rows <= least + extra;
        found.expect(right, || format!("run {id} counts {counted} jobs {word}, not {least}"));
    }
    if progress.closed() {
        let status = listed["status"].as_str().unwrap_or("missing");
        let right = status == "success" && listed["ended_at"].is_string();
        found.expect(right, || format!("run {id} was closed and is {status}"));
        found.closed = 1;
    }
    found.finished = finished;
    Ok(found)
}

struct Api<'a> {
    http: Client,
    server: &'a Server,
}

impl Api<'_> {
    /// Reads a URL below that of the runs.
    async fn get(&self, path: &str) -> Result<Value> {
        let url = self.server.url(&format!("/api/flowo/v1/runs{path}"));
        let answer = self.http.get(&url).bearer_auth(self.server.token()).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(status == StatusCode::OK, "{url} answers {status}");
        serde_json::from_slice(&body).with_context(|| format!("{url} is not JSON"))
    }

    /// All runs, page by page.
    async fn runs(&self) -> Result<HashMap<Uuid, Value>> {
        let mut runs = HashMap::new();
        let mut path = "?limit=200".to_owned();
        for _ in 0..MOST_PAGES {
            let mut page = self.get(&path).await?;
            for run in page["items"].as_array_mut().map(std::mem::take).unwrap_or_default() {
                let id = run["id"].as_str().and_then(|id| id.parse().ok());
                runs.insert(id.context("a run has no id")?, run);
            }
            let Some(next) = page["next"].as_str() else { return Ok(runs) };
            path = format!("?limit=200&after={}", utf8_percent_encode(next, NON_ALPHANUMERIC));
        }
        anyhow::bail!("the list of runs does not end")
    }

    /// The jobs of a run by the client's numbers; they fit on one page.
    async fn jobs(&self, run: Uuid) -> Result<BTreeMap<usize, Value>> {
        let page = self.get(&format!("/{run}/jobs?limit=500")).await?;
        ensure!(page["next"].is_null(), "run {run} has more jobs than were sent");
        let number = |job: &Value| job["job_id"].as_u64().map(|number| number as usize);
        Ok(items(&page).iter().filter_map(|job| Some((number(job)?, job.clone()))).collect())
    }
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map_or(&[], Vec::as_slice)
}
