//! One writer's way into the database: a batch in a transaction, or its reports one by one.

use super::{Refused, doorbell::Doorbell};
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

/// A transaction that takes longer is given up. Clients wait ten seconds.
const PATIENCE: Duration = Duration::from_mins(1);
/// After a larger batch the next one gets another connection.
const KEPT_KIB: usize = 32 << 10;
/// Attempts when the database asks to try again (deadlock, restart).
const TRIES: u32 = 3;

/// A writer's own connection, kept from batch to batch; a new one after every failure.
pub(crate) struct Line {
    store: Store,
    conn: Option<store::Conn>,
    doorbell: Arc<Doorbell>,
    /// The journal whose lines it applies.
    journal: Option<Uuid>,
}

impl Line {
    pub fn new(store: Store, doorbell: Arc<Doorbell>, journal: Option<Uuid>) -> Self {
        Self { store, conn: None, doorbell, journal }
    }

    /// After a batch that took so much memory: a connection keeps as much of it as was ever sent on it at once.
    pub fn shrink_after(&mut self, kib: usize) {
        if kib > KEPT_KIB {
            self.conn = None;
        }
    }

    /// Whether it applies the lines of this journal.
    pub fn is_of(&self, journal: Uuid) -> bool {
        self.journal == Some(journal)
    }

    /// Writes a report that cannot be written together with others; one that cannot be written at all is set aside.
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
                error!(error = chain(&error), event = aside.event, "A report could not even be set aside");
                Err(Refused::Unavailable)
            }
        }
    }

    /// Writes a batch, and up to which line of its journal that goes.
    pub async fn commit(&mut self, batch: &[Incoming], line: Option<i64>) -> Result<Vec<Receipt>, StoreError> {
        let mut tries = 1;
        loop {
            let Ok(outcome) = timeout(PATIENCE, self.transaction(batch, line)).await else {
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

/// Bytes that are kept of a report that cannot be stored as it came.
const BEGINNING: usize = 8_000;

/// The same report as something that is kept but not applied: its beginning, and how many bytes are not kept.
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
