//! Everything that receives reports, put together: what the routes of all protocols share.

use crate::{
    Writer, flowo,
    journal::{Journal, Reports},
    panoptes::{self, Conversations},
    protocol::Timeouts,
};
use axum::Router;
use store::Store;

/// The doors of all clients. Cheap to clone.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    writer: Writer,
    journal: Option<Journal>,
    conversations: Conversations,
    timeouts: Timeouts,
}

impl Clients {
    /// Without a journal, clients that need not wait for the database wait for it.
    pub fn new(store: Store, writer: Writer, journal: Option<Journal>, timeouts: Timeouts) -> Self {
        Self { store, writer, journal, conversations: Conversations::default(), timeouts }
    }

    /// The routes of every protocol, for callers whose [`Sender`](crate::Sender) and audience a layer has put into the
    /// request.
    pub fn routes(&self) -> Router {
        flowo::routes(self.writer.clone()).merge(self.on_an_old_port())
    }

    /// The routes of the one protocol whose clients may know nothing but a port.
    pub fn on_an_old_port(&self) -> Router {
        let Self { store, writer, journal, conversations, timeouts } = self.clone();
        panoptes::routes(store, writer, journal, conversations, timeouts.stale)
    }

    /// Reports that wait to be written.
    pub fn depth(&self) -> usize {
        self.writer.depth()
    }

    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }
}

/// How what a journal holds becomes reports again, whichever protocol it came by.
pub fn retold() -> impl FnMut(&str) -> Reports + Send {
    panoptes::retold()
}
