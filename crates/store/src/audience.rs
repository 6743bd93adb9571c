//! A reader's audience as the arguments of `sees_run`, which every query of runs calls (`init-db/06-audience.sql`).

use model::access::Audience;

/// The reader's account, and the word for how far the reader sees.
pub(crate) const fn asked_by(audience: Audience) -> (Option<i64>, &'static str) {
    match audience {
        Audience::All => (None, "all"),
        Audience::Shared(reader) => (Some(reader.0), "shared"),
        Audience::User(reader) => (Some(reader.0), "own"),
    }
}
