//! A reporting client amid faults. It treats a failed report as real clients do: the plugin drops the report and goes
//! on, a scheduler's hook repeats it until it is accepted.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use super::Chance;
use crate::connection::Connection;
use crate::script::{LENGTH, Request, Script};

const REPORTS: &str = "/api/v1/reports/";
/// Reports before those of the first job, and reports of one job.
const OPENING: usize = 3;
const PER_JOB: usize = 3;
/// How long a repeating client keeps trying.
const REPEAT_FOR: Duration = Duration::from_secs(40);

/// One report.
pub struct Sent {
    /// Its position in the script.
    pub at: usize,
    pub tries: u32,
    pub acknowledged: u32,
}

/// One run as it was reported.
pub struct Played {
    /// The id in the server's answers; `None` if there were none.
    pub id: Option<Uuid>,
    /// Jobs that the client set out to report.
    pub jobs: usize,
    pub repeats: bool,
    pub sent: Vec<Sent>,
}

pub struct Client {
    connection: Connection,
    number: usize,
    chance: Chance,
}

impl Client {
    pub fn new(server: SocketAddr, token: &str, number: usize, chance: Chance) -> Self {
        Self { connection: Connection::new(server, token), number, chance }
    }

    /// Plays its runs one after the other.
    pub async fn play(mut self) -> Vec<Played> {
        let mut played = Vec::new();
        for nth in 0..=self.chance.below(2) {
            played.push(self.one(nth as usize).await);
        }
        played
    }

    async fn one(&mut self, nth: usize) -> Played {
        let script = Script::new(self.number, nth);
        let jobs = 2 + self.chance.below(14) as usize;
        let repeats = self.chance.below(2) == 0;
        let mut played = Played { id: None, jobs, repeats, sent: Vec::new() };
        for at in (0..OPENING + jobs * PER_JOB).chain([LENGTH - 1]) {
            let mut sent = Sent { at, tries: 0, acknowledged: 0 };
            let until = Instant::now() + REPEAT_FOR;
            loop {
                sent.tries += 1;
                if self.report(&script, at, &mut played.id).await {
                    sent.acknowledged += 1;
                    // The answer may have been lost; then the report is sent again although it was accepted.
                    if !repeats || self.chance.below(12) > 0 {
                        break;
                    }
                } else if !repeats || Instant::now() > until {
                    break;
                } else {
                    sleep(Duration::from_millis(20)).await;
                }
            }
            played.sent.push(sent);
            if self.chance.below(8) == 0 {
                sleep(Duration::from_millis(self.chance.below(30))).await;
            }
        }
        played
    }

    /// Sends one report; returns whether it was acknowledged.
    async fn report(&mut self, script: &Script, at: usize, id: &mut Option<Uuid>) -> bool {
        let outcome = match script.request(at) {
            Some(Request::Report(body)) => {
                let own = format!("\"current_workflow_id\":\"{}\"", script.id);
                let known = match *id {
                    Some(id) => format!("\"current_workflow_id\":\"{id}\""),
                    None => "\"current_workflow_id\":null".to_owned(),
                };
                self.connection.post(REPORTS, body.replace(&own, &known)).await
            }
            Some(Request::Close) => match *id {
                Some(id) => self.connection.post(&format!("{REPORTS}close?workflow_id={id}"), String::new()).await,
                None => return false, // The plugin does not close a run that was never accepted.
            },
            None => return false,
        };
        let Ok(answer) = outcome else { return false };
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        if let Some(answered) = answer["context"]["current_workflow_id"].as_str() {
            *id = answered.parse().ok();
        }
        true
    }
}
