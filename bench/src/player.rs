//! A reporting client: one connection, one report at a time, one run after another.
//!
//! It remembers how far each run was acknowledged. After an unacknowledged report it abandons the run, because nobody
//! can know whether that report was stored.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use uuid::Uuid;

use crate::connection::Connection;
use crate::script::{Progress, Request, Script};
use crate::server::Server;

/// A client with this many failed reports in a row has nothing to measure.
const MOST_FAILURES: u32 = 50;
const REPORTS: &str = "/api/v1/reports/";

/// One run, as far as it was acknowledged.
pub struct Played {
    pub id: Uuid,
    pub progress: Progress,
    /// Whether the report after the last acknowledged one was sent; its fate is unknown.
    pub in_doubt: bool,
}

/// A client, with everything that was acknowledged to it.
pub struct Player {
    connection: Connection,
    number: usize,
    script: Script,
    /// Newest last; the last one is still being played.
    played: Vec<Played>,
    failures: u32,
    refused: u64,
}

impl Player {
    pub fn new(server: &Server, number: usize) -> Self {
        let script = Script::new(number, 0);
        Self {
            connection: Connection::new(server.address(), server.token()),
            number,
            played: vec![Played::new(&script)],
            script,
            failures: 0,
            refused: 0,
        }
    }

    /// Reports the next event and waits for the answer; `None` if it was not acknowledged.
    ///
    /// # Errors
    /// Too many reports in a row were refused; contains the last reason.
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

    async fn send(&mut self, request: Request) -> Result<()> {
        let answer = match request {
            Request::Report(body) => self.connection.post(REPORTS, body).await?,
            Request::Close => self.connection.post(&format!("{REPORTS}close?workflow_id={}", self.script.id), String::new()).await?,
        };
        // An answer about another run, or about a deleted one, looks successful but is no acknowledgement.
        let known = answer.contains(&self.script.id.to_string()) || answer.contains("\"status\"");
        ensure!(known, "the answer knows no such run: {answer}");
        Ok(())
    }
}

impl Played {
    const fn new(script: &Script) -> Self {
        Self { id: script.id, progress: Progress(0), in_doubt: false }
    }
}
