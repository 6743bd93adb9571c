//! A reporting client: one connection, one report at a time, one run after another.
//!
//! It remembers how far each run was acknowledged. A run with a report that was not is given up,
//! as nobody can know whether that report was stored.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use reqwest::{Client, StatusCode};
use uuid::Uuid;

use crate::http;
use crate::script::{Progress, Request, Script};
use crate::server::Server;

/// A client whose reports fail so often in a row has nothing to measure.
const MOST_FAILURES: u32 = 50;

/// One run as far as it was acknowledged.
pub struct Played {
    pub id: Uuid,
    pub progress: Progress,
    /// The report after the last acknowledged one was sent, and its fate is not known.
    pub in_doubt: bool,
}

/// A client and everything it was told.
pub struct Player {
    http: Client,
    reports: String,
    token: String,
    number: usize,
    script: Script,
    /// Newest last; the last one is still being played.
    played: Vec<Played>,
    failures: u32,
    refused: u64,
}

impl Player {
    pub fn new(server: &Server, number: usize) -> Result<Self> {
        let script = Script::new(number, 0);
        Ok(Self {
            http: http::client()?,
            reports: server.url("/api/v1/reports/"),
            token: server.token().to_owned(),
            number,
            played: vec![Played::new(&script)],
            script,
            failures: 0,
            refused: 0,
        })
    }

    /// Reports the next event and waits for the answer; `None` if it was not acknowledged.
    ///
    /// # Errors
    /// Too many were refused one after the other; the last reason.
    pub async fn step(&mut self) -> Result<Option<Duration>> {
        let at = self.played.last().map_or(0, |run| run.progress.0);
        let request = match self.script.request(at) {
            Some(request) => request,
            None => self.next_run(),
        };
        let began = Instant::now();
        let outcome = self.send(request).await;
        let took = began.elapsed();
        let Some(run) = self.played.last_mut() else { bail!("no run is being played") };
        match outcome {
            Ok(()) => {
                run.progress.0 += 1;
                self.failures = 0;
                Ok(Some(took))
            }
            Err(error) => {
                run.in_doubt = true;
                self.failures += 1;
                self.refused += 1;
                let _ = self.next_run();
                if self.failures >= MOST_FAILURES {
                    return Err(error.context("reports are refused one after the other"));
                }
                Ok(None)
            }
        }
    }

    /// Reports that were not acknowledged.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    pub fn into_played(self) -> Vec<Played> {
        self.played
    }

    /// Begins another run and returns its first request.
    fn next_run(&mut self) -> Request {
        self.script = Script::new(self.number, self.played.len());
        self.played.push(Played::new(&self.script));
        self.script.request(0).unwrap_or(Request::Close)
    }

    async fn send(&self, request: Request) -> Result<()> {
        let post = match request {
            Request::Report(body) => self.http.post(&self.reports).header("content-type", "application/json").body(body),
            Request::Close => self.http.post(format!("{}close?workflow_id={}", self.reports, self.script.id)),
        };
        let report = post.header("user-agent", "python-httpx/0.28.1").bearer_auth(&self.token);
        let answer = report.send().await?;
        let status = answer.status();
        let body = answer.text().await?;
        ensure!(status == StatusCode::OK, "{status}: {body}");
        // An answer to a run that is not ours, or is gone, looks good but is no acknowledgement.
        let known = body.contains(&self.script.id.to_string()) || body.contains("\"status\"");
        ensure!(known, "the answer knows no such run: {body}");
        Ok(())
    }
}

impl Played {
    const fn new(script: &Script) -> Self {
        Self { id: script.id, progress: Progress(0), in_doubt: false }
    }
}
