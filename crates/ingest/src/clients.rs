//! The routes of all client protocols, and the state they share.

use crate::{
    Writer, flowo,
    journal::{Journal, Reports},
    panoptes::{self, Conversations},
    protocol::Timeouts,
};
use axum::Router;
use store::Store;

/// Receives the reports of all clients. Cheap to clone.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    writer: Writer,
    journal: Option<Journal>,
    conversations: Conversations,
    timeouts: Timeouts,
}

impl Clients {
    /// Without a journal, every client waits for the database.
    pub fn new(store: Store, writer: Writer, journal: Option<Journal>, timeouts: Timeouts) -> Self {
        let conversations = Conversations::new(store.clock().clone());
        Self { store, writer, journal, conversations, timeouts }
    }

    /// The routes of every protocol. A layer must have put the caller's [`Sender`](crate::Sender) and audience into the
    /// request.
    pub fn routes(&self) -> Router {
        flowo::routes(self.writer.clone()).merge(self.on_an_old_port())
    }

    /// The routes of the only protocol whose clients may be configured with just a port.
    pub fn on_an_old_port(&self) -> Router {
        let Self { store, writer, journal, conversations, timeouts } = self.clone();
        panoptes::routes(store, writer, journal, conversations, timeouts.stale)
    }

    /// The number of reports that wait to be written.
    pub fn depth(&self) -> usize {
        self.writer.depth()
    }

    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }
}

/// Returns a function that turns a line of the journal back into reports. Only one protocol writes to the journal.
pub fn journal_reader() -> impl FnMut(&str) -> Reports + Send {
    panoptes::journal_reader()
}
