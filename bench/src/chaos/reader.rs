//! A reader amid faults: it reads the list of runs as a page does, follows the stream, is cut off, resumes with its
//! last event's id, and applies every frame to its runs. In the end its runs must equal the server's list.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Client;
use reqwest::header::COOKIE;
use serde_json::{Value, json};
use testkit::{Event, Tab};
use tokio::time::{sleep, timeout};

use super::Chance;
use super::oracle::Violations;

/// How long a browser waits before it reconnects.
const RETRY: Duration = Duration::from_millis(60);

/// How long each connection lasts once the story is over; after each, the reader's runs are compared with the list.
const LAST: Duration = Duration::from_millis(60);

/// What happened to a reader.
#[derive(Default)]
pub struct Seen {
    pub frames: usize,
    pub resets: usize,
    pub cuts: usize,
    pub violations: Violations,
}

pub struct Reader {
    http: Client,
    base: String,
    cookie: String,
    chance: Chance,
    over: Arc<AtomicBool>,
    /// How long the reader's runs may differ from the list once nothing is broken any more.
    patience: Duration,
    /// The reader's runs.
    held: BTreeMap<String, Value>,
    /// Where the stream resumes.
    cursor: String,
    seen: Seen,
}

impl Reader {
    pub fn new(base: String, cookie: String, chance: Chance, over: Arc<AtomicBool>, patience: Duration) -> Result<Self> {
        Ok(Self {
            http: crate::http::client()?,
            base,
            cookie,
            chance,
            over,
            patience,
            held: BTreeMap::new(),
            cursor: String::new(),
            seen: Seen::default(),
        })
    }

    /// Reads until the story is over and the reader's runs equal the server's list, or until too long after the end.
    pub async fn read(mut self) -> Seen {
        let mut since = None;
        self.list_again().await;
        loop {
            let Ok(tab) = self.open().await else {
                sleep(RETRY).await;
                if self.is_late(&mut since, "no stream opens") {
                    return self.seen;
                }
                continue;
            };
            // The lifetime of a socket.
            let over = self.over.load(Ordering::SeqCst);
            let life = if over { LAST } else { Duration::from_millis(30 + self.chance.below(500)) };
            let _ = timeout(life, self.follow(tab)).await;
            self.seen.cuts += 1;
            if over && self.is_equal().await {
                return self.seen;
            }
            if self.is_late(&mut since, "") {
                return self.seen;
            }
        }
    }

    fn is_late(&mut self, since: &mut Option<Instant>, why: &str) -> bool {
        if !self.over.load(Ordering::SeqCst) {
            return false;
        }
        if since.get_or_insert_with(Instant::now).elapsed() < self.patience {
            return false;
        }
        let held: Vec<String> = self.held.values().map(summary).collect();
        self.seen.violations.push(format!("a reader is not where the database is after {:?}: {why} {}", self.patience, held.join("; ")));
        true
    }

    async fn open(&self) -> Result<Tab> {
        let request =
            self.http.get(format!("{}/live?scope=runs", self.base)).header(COOKIE, &self.cookie).header("last-event-id", &self.cursor);
        let answer = timeout(Duration::from_secs(5), request.send()).await.context("no answer in time")??;
        ensure!(answer.status().is_success(), "{}", answer.status());
        Ok(Tab::new(answer))
    }

    /// Applies events until the stream ends.
    async fn follow(&mut self, mut tab: Tab) {
        while let Some(event) = tab.next().await {
            tab.seen.clear();
            self.take(&event);
            if event.name == "reset" {
                self.seen.resets += 1;
                self.list_again().await;
                return;
            }
        }
    }

    fn take(&mut self, event: &Event) {
        if event.name == "frame" {
            self.seen.frames += 1;
            for change in event.data["runs"].as_array().into_iter().flatten() {
                if let Some(gone) = change["gone"].as_str() {
                    self.held.remove(gone);
                }
                let now = &change["now"];
                let (Some(id), Some(revision)) = (now["id"].as_str(), now["revision"].as_i64()) else { continue };
                let before = self.held.get(id).and_then(|held| held["revision"].as_i64());
                if before.is_none_or(|before| revision > before) {
                    self.held.insert(id.to_owned(), now.clone());
                }
            }
        }
        // The id is taken after the frame is applied, and a reset only with the new list: after a cut in between, the
        // event comes again.
        if let Some(id) = &event.id
            && !matches!(event.name.as_str(), "hello" | "reset")
        {
            self.cursor.clone_from(id);
        }
    }

    /// Reads the list as a page does, with the cursor taken before the list.
    async fn list_again(&mut self) {
        loop {
            if let Ok((held, cursor)) = self.list().await {
                self.held = held;
                self.cursor = cursor;
                return;
            }
            sleep(RETRY).await;
        }
    }

    async fn list(&self) -> Result<(BTreeMap<String, Value>, String)> {
        let body = json!({ "q": "", "sort": "", "after": null });
        let request = self.http.post(format!("{}/_fn/runs/list", self.base)).header(COOKIE, &self.cookie).json(&body);
        let answer = timeout(Duration::from_secs(5), request.send()).await.context("no answer in time")??;
        ensure!(answer.status().is_success(), "{}", answer.status());
        let list: Value = answer.json().await?;
        let rows = list["page"]["items"].as_array().context("a list has items")?;
        let held = rows.iter().filter_map(|run| Some((run["id"].as_str()?.to_owned(), run.clone()))).collect();
        let cursor = &list["cursor"];
        let (epoch, seq) = (cursor["epoch"].as_u64().context("an epoch")?, cursor["seq"].as_u64().context("a number")?);
        Ok((held, format!("{epoch:x}-{seq}")))
    }

    async fn is_equal(&mut self) -> bool {
        let Ok((rows, _)) = self.list().await else { return false };
        for (id, row) in &rows {
            let (held, listed) = (self.held.get(id).and_then(|held| held["revision"].as_i64()), row["revision"].as_i64());
            if held > listed {
                self.seen.violations.push(format!("{id}: a reader holds revision {held:?}, the database {listed:?}"));
            }
            if held == listed && self.held.get(id) != Some(row) {
                let held = self.held.get(id).map(ToString::to_string).unwrap_or_default();
                self.seen.violations.push(format!("{id}: one revision, two rows: {held} and {row}"));
            }
        }
        self.held == rows || !self.seen.violations.is_empty()
    }
}

fn summary(run: &Value) -> String {
    format!("{} revision {} {}", run["id"], run["revision"], run["status"])
}
