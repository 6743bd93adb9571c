//! A connection that only listens, outside the pool: LISTEN does not work through a connection pooler.

use crate::{Doing, Store, StoreError};
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::time::Duration;

/// The channel of committed changes; each message contains transaction numbers.
pub const CHANGES: &str = "flowo_changes";

/// What a listener receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Message {
        channel: String,
        payload: String,
    },
    /// The connection was lost and has been restored; messages sent in between are lost.
    Reconnected,
}

/// A listening connection.
pub struct Listener(PgListener);

impl Listener {
    /// Connects and listens on [`CHANGES`] and on `own`, a channel for testing whether the listener receives anything.
    pub async fn connect(store: &Store, own: &str) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(store.options().clone().application_name("flowo-listener"))
            .await
            .doing("connecting to listen")?;
        let mut listener = PgListener::connect_with(&pool).await.doing("connecting to listen")?;
        listener.listen_all([CHANGES, own]).await.doing("listening")?;
        Ok(Self(listener))
    }

    /// The next message. Must not be cancelled midway: run it in a task of its own.
    ///
    /// # Errors
    /// The connection is unusable; the caller must create a new listener.
    pub async fn next(&mut self) -> Result<Heard, StoreError> {
        Ok(match self.0.try_recv().await.doing("listening")? {
            Some(notice) => Heard::Message { channel: notice.channel().to_owned(), payload: notice.payload().to_owned() },
            None => Heard::Reconnected,
        })
    }
}
