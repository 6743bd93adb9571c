//! Which runs somebody may see, and which of their files. Every read of a run asks here first.

use crate::{ReadError, Reader, files::Reach};
use model::{
    RunId, UserId,
    access::{Belonging, FileReach, Viewer},
    run::RunSummary,
};
use store::{Conn, runs};

/// A run that somebody may see, with the reach into its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub run: RunSummary,
    pub reach: Reach,
}

/// The reach of `viewer` into the files of a run; `None` if this viewer may not see the run.
///
/// `directory` is where the run ran, if reported.
pub(crate) fn reach(viewer: &Viewer, of: &Belonging, directory: Option<&str>) -> Option<Reach> {
    // Paths come from whoever reported the run, not from whoever owns it.
    viewer.audience.sees(of).then(|| Reach::of(&viewer.reader, &viewer.name, of.reported_by, directory))
}

/// A run that `viewer` may see, with the reach into its files.
///
/// # Errors
/// [`ReadError::NotFound`] for a run that does not exist or is not shown to this viewer.
pub async fn run(conn: &mut Conn, viewer: &Viewer, run: RunId) -> Result<Seen, ReadError> {
    let (run, belonging) = runs::owned(conn, viewer.audience, run).await?.ok_or(ReadError::NotFound)?;
    let reach = reach(viewer, &belonging, run.directory.as_deref()).ok_or(ReadError::NotFound)?;
    Ok(Seen { run, reach })
}

/// Returns an error unless the run exists and `viewer` may see it.
///
/// # Errors
/// As [`run`].
pub async fn check(conn: &mut Conn, viewer: &Viewer, id: RunId) -> Result<(), ReadError> {
    run(conn, viewer, id).await.map(drop)
}

/// Records in the audit log that somebody read a file through the owner's reach. If recording fails, the file is read all the same.
pub async fn note_read(reader: &Reader, by: UserId, run: RunId, reach: &Reach, path: &str) {
    if reach.extent != FileReach::Machine {
        return;
    }
    let noted = async { store::audit::file_read(&mut *reader.store.conn().await?, by, run, path).await };
    if let Err(error) = noted.await {
        tracing::warn!(run.id = %run, error = store::error::chain(&error), "A file that was read is not in the audit log");
    }
}
