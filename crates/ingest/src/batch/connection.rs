//! One writer's connection to the database: writes a batch in one transaction, or its reports one by one.

use super::{Refused, doorbell::Doorbell};
use model::clock::Clock;
use std::{sync::Arc, time::Duration};
use store::{
    Store, StoreError,
    apply::{Incoming, Receipt, apply},
    error::chain,
    journals,
};
use tokio::time::timeout;
use tracing::error;
use uuid::Uuid;

/// How long a transaction may take before it is given up. Clients wait ten seconds.
const BATCH_TIMEOUT: Duration = Duration::from_mins(1);
/// After a batch larger than this the connection is replaced.
const KEPT_KIB: usize = 32 << 10;
/// How often a batch is tried when the database asks for a retry (deadlock, restart).
const TRIES: u32 = 3;

/// A writer's own connection, reused for every batch; replaced after every failure.
pub(crate) struct WriterConnection {
    store: Store,
    conn: Option<store::Conn>,
    doorbell: Arc<Doorbell>,
    /// The journal whose lines this connection applies.
    journal: Option<Uuid>,
}

impl WriterConnection {
    pub fn new(store: Store, doorbell: Arc<Doorbell>, journal: Option<Uuid>) -> Self {
        Self { store, conn: None, doorbell, journal }
    }

    pub const fn clock(&self) -> &Clock {
        self.store.clock()
    }

    /// Drops the connection after a batch of this size if it was large: a connection keeps as much memory as the
    /// largest batch sent over it needed.
    pub fn shrink_after(&mut self, kib: usize) {
        if kib > KEPT_KIB {
            self.conn = None;
        }
    }

    /// Whether this connection applies the lines of the given journal.
    pub fn is_of(&self, journal: Uuid) -> bool {
        self.journal == Some(journal)
    }

    /// Writes a report that cannot be written together with others; if it cannot be written at all, it is set aside.
    pub async fn single(&mut self, report: Incoming) -> Result<Receipt, Refused> {
        let error = match self.commit(std::slice::from_ref(&report), None).await {
            Ok(receipts) => return receipts.first().copied().ok_or(Refused::Unavailable),
            Err(error) if error.is_unavailable() => return Err(Refused::Unavailable),
            Err(error) => chain(&error),
        };
        let aside = quarantined(report, error);
        match self.commit(std::slice::from_ref(&aside), None).await {
            Ok(receipts) => receipts.first().copied().ok_or(Refused::Unavailable),
            Err(error) => {
                error!(error = chain(&error), event = aside.event, "Could not quarantine a report that cannot be stored");
                Err(Refused::Unavailable)
            }
        }
    }

    /// Writes a batch, and records up to which line of its journal it goes.
    pub async fn commit(&mut self, batch: &[Incoming], line: Option<i64>) -> Result<Vec<Receipt>, StoreError> {
        let mut tries = 1;
        loop {
            let Ok(outcome) = timeout(BATCH_TIMEOUT, self.transaction(batch, line)).await else {
                return Err(StoreError::too_slow("writing a batch"));
            };
            match outcome {
                Err(error) if error.is_unavailable() && tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(50) * tries).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn transaction(&mut self, batch: &[Incoming], line: Option<i64>) -> Result<Vec<Receipt>, StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.store.keyed().await?,
        };
        let mut tx = store::begin(&mut conn).await?;
        if let (Some(journal), Some(line)) = (self.journal, line)
            && !journals::mark(&mut tx, journal, line).await?
        {
            return Ok(Vec::new());
        }
        let quiet = if self.doorbell.may_ring() { None } else { Some(store::changes::quiet(&mut tx).await?) };
        let receipts = apply(&mut tx, batch).await?;
        store::commit(tx).await?;
        if let Some(transaction) = quiet {
            self.doorbell.owe(transaction);
        }
        self.conn = Some(conn);
        Ok(receipts)
    }
}

/// How many bytes are kept of a report that cannot be stored as it was received.
const BEGINNING: usize = 8_000;

/// The report in a form that is stored but not applied: its beginning, and how many bytes are missing.
pub fn quarantined(report: Incoming, why: String) -> Incoming {
    let end = report.body.floor_char_boundary(BEGINNING);
    let mut body = serde_json::json!({ "event": report.event, "unstorable": &report.body[..end] });
    if end < report.body.len() {
        body["left_out"] = serde_json::json!(report.body.len() - end);
    }
    Incoming {
        quarantine: Some(why),
        body: body.to_string(),
        report: model::event::Report { event: model::event::Event::Other, context: model::event::RunStart::default(), ..report.report },
        ..report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sender;
    use model::{
        RunId,
        event::{Event, Report, RunKey, RunStart},
    };
    use uuid::Uuid;

    #[test]
    fn a_report_that_cannot_be_stored_says_how_much_of_it_is_not_kept() {
        let report = |body: String| Incoming {
            sender: Sender { user: None, name: String::new(), admin: false },
            source: "flowo",
            client_version: None,
            received_at: 0,
            event: "odd".into(),
            body,
            quarantine: None,
            report: Report { run: RunKey::Id(RunId(Uuid::nil())), at: 0, context: RunStart::default(), event: Event::Closed },
        };
        let kept = |body: String| serde_json::from_str::<serde_json::Value>(&quarantined(report(body), "odd".into()).body).expect("JSON");
        assert_eq!(kept("x".repeat(BEGINNING)).get("left_out"), None);
        assert_eq!(kept("x".repeat(BEGINNING + 12))["left_out"], 12);
    }
}
