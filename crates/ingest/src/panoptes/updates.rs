//! Updates: whose they are, what they say, and the line of the journal by which they outlive this process.

use super::{
    conversations::Open,
    reply,
    routes::{Panoptes, agent, clean},
    translate::Conversation,
    wire,
};
use crate::{
    Receipt, Refused, Sender,
    journal::{Journal, Reports, Taken},
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use bytes::Bytes;
use model::{
    Millis, RunId, UserId,
    event::{Event, Report, RunKey, RunStart},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};
use store::{StoreError, apply::Incoming, clock, error::chain, panoptes};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};
use uuid::Uuid;

/// How long an update may take: clients wait for it, some of them for ever.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long the run of a number is looked for.
const LOOK_UP: Duration = Duration::from_secs(5);
/// The same where a run is known that it meant a moment ago: the database may hang.
const BRIEFLY: Duration = Duration::from_millis(500);
/// After an update whose run is not known and could not be looked up the next such ones are refused at once, for so long.
const FUSE: Duration = Duration::from_secs(1);
/// Letters of a message that cannot be read that are kept.
const MAX_UNREAD: usize = 1 << 20;

pub(super) async fn update(State(state): State<Panoptes>, sender: Option<Extension<Sender>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(Extension(sender)) = sender else { return reply::not_allowed() };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let envelope = match wire::fields(content_type, &body).and_then(wire::update) {
        Ok(envelope) => envelope,
        Err(errors) => return reply::malformed(errors),
    };
    drop(body);
    let Some(id) = envelope.id.filter(|id| *id != reply::NO_WORKFLOW) else { return reply::ok() };
    let stored = timeout(PATIENCE, async {
        let open = match state.open(id).await {
            Ok(Some(open)) => open,
            Ok(None) => {
                debug!(id, "An update about no workflow");
                return reply::ok();
            }
            // Whatever is wrong, it is no reason to end somebody's run.
            Err(error) => {
                debug!(error = chain(&error), "An update was refused");
                return reply::update(Err(Refused::Unavailable));
            }
        };
        if !sender.admin && open.owner != sender.user {
            return reply::update(Ok(Receipt::Foreign));
        }
        let told = Told { run: open.run.0, user: sender.user, name: sender.name, version: agent(&headers), at: clock::now(), envelope };
        state.keep(&open, told, sender.admin).await
    });
    stored.await.unwrap_or_else(|_| reply::update(Err(Refused::Overloaded)))
}

/// An update and all that must be known to apply it; a line of the journal is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    run: Uuid,
    user: Option<UserId>,
    name: String,
    version: Option<String>,
    /// When it came.
    at: Millis,
    envelope: wire::Update,
}

#[derive(Serialize, Deserialize)]
struct Line {
    told: Told,
    admin: bool,
    /// Its run had executed jobs before.
    executes: bool,
    /// Its command says that it executes none, and says little.
    #[serde(default)]
    quiet_dry: bool,
}

impl Told {
    /// What it reports. `Err` if it came already or says nothing; beside the reports the hash of what may come twice.
    fn read(&self, talk: &mut Conversation, admin: bool) -> Result<(Reports, Option<u64>), Known> {
        let message = match wire::message(&self.envelope.msg) {
            Ok(message) => message,
            Err(why) => {
                let level = self.envelope.msg.as_str().and_then(wire::level_of).unwrap_or("unreadable").replace('\0', "\u{fffd}");
                return Ok((vec![self.report(level, self.at, Event::Other, self.raw(), Some(why), admin)], None));
            }
        };
        let hash = match (&self.envelope.msg, message.get("timestamp")) {
            (Value::String(text), Some(Value::Number(_))) => Some(talk.is_twin(text).map_err(|_| Known)?),
            _ => None,
        };
        let at = talk.time(&message, self.at);
        let Value::Object(message) = clean(Value::Object(message.into_owned())) else { return Err(Known) };
        let level: String = message.get("level").and_then(Value::as_str).unwrap_or("message").chars().take(100).collect();
        let events = talk.translate(&message, at);
        if events.is_empty() {
            return Err(Known);
        }
        let mut raw = Some(self.raw());
        let reports = events.into_iter().map(|event| {
            let body = raw.take().unwrap_or_else(|| "{}".to_owned());
            self.report(level.clone(), at, event, body, None, admin)
        });
        Ok((reports.collect(), hash))
    }

    fn report(&self, level: String, at: Millis, event: Event, body: String, quarantine: Option<String>, admin: bool) -> Incoming {
        Incoming {
            sender: Sender { user: self.user, name: self.name.clone(), admin },
            source: "panoptes",
            client_version: self.version.clone(),
            received_at: self.at,
            event: level,
            body,
            quarantine,
            report: Report { run: RunKey::Id(RunId(self.run)), at, context: RunStart::default(), event },
        }
    }

    /// The update to be kept, as JSON text: its message as a value if it is JSON, else as the text it was.
    fn raw(&self) -> String {
        let msg = match &self.envelope.msg {
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(value) => value,
                Err(_) => Value::String(text.chars().take(MAX_UNREAD).collect()),
            },
            value => value.clone(),
        };
        clean(json!({ "msg": msg, "timestamp": self.envelope.timestamp })).to_string()
    }
}

/// The message came already, or says nothing.
struct Known;

/// Reads lines of the journal that another process wrote, in order. Remembers as many conversations as it meets.
pub fn retold() -> impl FnMut(&str) -> Reports + Send {
    let mut talks: HashMap<Uuid, Conversation> = HashMap::new();
    move |line| {
        let Ok(Line { told, admin, executes, quiet_dry }) = serde_json::from_str(line) else {
            warn!("A line of the journal is not readable");
            return Vec::new();
        };
        let talk = talks.entry(told.run).or_insert_with(|| if executes { Conversation::resumed() } else { Conversation::new(quiet_dry) });
        told.read(talk, admin).map_or_else(|Known| Vec::new(), |(reports, _)| reports)
    }
}

impl Panoptes {
    /// Takes what an update tells: into the journal, or at once into the database. Of several reports the last answer
    /// counts.
    async fn keep(&self, open: &Open, told: Told, admin: bool) -> Response {
        let (executes, quiet_dry, read) = {
            let mut talk = open.talk();
            (talk.executes(), talk.quiet_dry(), told.read(&mut talk, admin))
        };
        let Ok((reports, hash)) = read else { return reply::ok() };
        let outcome = match &self.journal {
            Some(journal) => {
                let line = serde_json::to_string(&Line { told, admin, executes, quiet_dry }).unwrap_or_default();
                match journal.take(&line, reports).await {
                    Ok(Taken::Soon) => return reply::ok(),
                    Ok(Taken::Later) => return reply::kept(),
                    // As without a journal, behind what is in it.
                    Ok(Taken::Not(reports)) => {
                        journal.settled().await;
                        self.submit(reports).await
                    }
                    Err(refused) => Err(refused),
                }
            }
            None => self.submit(reports).await,
        };
        if let (Err(_), Some(hash)) = (&outcome, hash) {
            open.talk().forget(hash);
        }
        reply::update(outcome)
    }

    async fn submit(&self, reports: Reports) -> Result<Receipt, Refused> {
        let mut outcome = Ok(Receipt::Unknown);
        for report in reports {
            outcome = self.writer.submit(report).await;
            if outcome.is_err() {
                break;
            }
        }
        outcome
    }

    /// The conversation of a number; one that another process began goes on here, and one of an attempt that another
    /// process has begun since ends here.
    async fn open(&self, id: i64) -> Result<Option<Arc<Open>>, StoreError> {
        let held = self.conversations.find(id).await;
        let is_away = self.journal.as_ref().is_some_and(Journal::is_away);
        if let Some(open) = held.as_ref().filter(|open| is_away || open.is_fresh()) {
            return Ok(Some(Arc::clone(open)));
        }
        if held.is_none() && self.is_blown() {
            return Err(StoreError::too_slow("finding a workflow, a moment ago"));
        }
        let known = async { panoptes::reported(&mut *self.store.conn().await?, id).await };
        let patience = if held.is_some() && self.journal.is_some() { BRIEFLY } else { LOOK_UP };
        let known = timeout(patience, known).await.unwrap_or_else(|_| Err(StoreError::too_slow("finding a workflow")));
        let run = match (known, &held) {
            (Ok(run), _) => run,
            // The journal takes it while the database is away.
            (Err(error), Some(open)) if error.is_unavailable() && self.journal.is_some() => return Ok(Some(Arc::clone(open))),
            (Err(error), _) => {
                self.blow();
                return Err(error);
            }
        };
        Ok(match (run, held) {
            (Some((run, _)), Some(open)) if open.run == run => Some(open.refreshed()),
            (Some((run, owner)), _) => Some(self.conversations.begin(id, run, owner, Conversation::resumed()).await),
            (None, _) => None,
        })
    }

    /// Whether the database did not answer a moment ago.
    pub(super) fn is_blown(&self) -> bool {
        self.blown.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn blow(&self) {
        *self.blown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + FUSE);
    }
}
