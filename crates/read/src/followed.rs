//! A file that somebody follows, for as long as they may see the run and reach the file.
//!
//! Every change of the run decides anew, with the function that decides every read. Nobody is asked between two changes:
//! a commit that ends a right is a change. What ends a session or token ends the whole stream, and is no matter of this file.

use crate::{
    ReadError, Reader,
    files::{Followers, Reach},
    seen,
};
use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use live::Standing;
use model::{RunId, access::Viewer, file::FileRef};
use std::{future::pending, path::PathBuf};
use tokio::sync::watch;

/// Who follows which file of which run.
pub struct Followed {
    pub viewer: Viewer,
    pub run: RunId,
    pub file: FileRef,
    pub path: PathBuf,
    /// What the viewer may see of the run's files now.
    pub reach: Reach,
}

/// Live stream events about a file: its current state, then every change.
///
/// When the viewer may not see the run any more, one event says so and none follows, unless the run comes back. When
/// the reach becomes another, the file is followed within that one. Nothing comes while too many files are followed: the
/// page then reads the file itself. Ends with `standings`, or if the rights cannot be read after a `reset`, which makes
/// the page open its stream anew.
///
/// `standings` are those of a subscription that began before the rights in `followed` were read.
pub fn news(reader: Reader, followed: Followed, standings: watch::Receiver<Option<Standing>>) -> impl Stream<Item = Bytes> + Send + use<> {
    let Followed { viewer, run, file, path, reach } = followed;
    let mut following = Following { reader, viewer, run, file, path, standings, reach: None, news: None };
    following.turn(Some(reach));
    stream::unfold(following, |mut following| async move {
        let bytes = following.next().await?;
        Some((bytes, following))
    })
}

struct Following {
    reader: Reader,
    viewer: Viewer,
    run: RunId,
    file: FileRef,
    path: PathBuf,
    standings: watch::Receiver<Option<Standing>>,
    /// `None` while the viewer may not see the run.
    reach: Option<Reach>,
    news: Option<BoxStream<'static, Bytes>>,
}

impl Following {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                biased; // A right that has ended comes before news that has arrived.
                changed = self.standings.changed() => {
                    changed.ok()?;
                    let standing = self.standings.borrow_and_update().clone();
                    let Some(standing) = standing else { continue };
                    let was_seen = self.reach.is_some();
                    let reach = weigh(&self.reader, &self.viewer, self.run, standing).await.ok()?;
                    self.turn(reach);
                    if was_seen && self.reach.is_none() {
                        return Some(Followers::hidden(&self.file));
                    }
                }
                bytes = next_news(&mut self.news) => match bytes {
                    Some(bytes) => return Some(bytes),
                    None => self.news = None,
                },
            }
        }
    }

    /// Follows the file within another reach; nothing if it is the same one.
    fn turn(&mut self, reach: Option<Reach>) {
        let reach = reach.map(|reach| reach.to(&self.file));
        if reach == self.reach {
            return;
        }
        let within = |reach: Reach| self.reader.followers.follow(self.run, self.file.clone(), self.path.clone(), reach);
        self.news = reach.clone().and_then(within).map(StreamExt::boxed);
        self.reach = reach;
    }
}

/// What the viewer may see of the run's files now; `None` if not even the run.
async fn weigh(reader: &Reader, viewer: &Viewer, run: RunId, standing: Standing) -> Result<Option<Reach>, ReadError> {
    match standing {
        Standing::Now { belonging, directory } => Ok(seen::reach(viewer, &belonging, directory.as_deref())),
        Standing::Gone => Ok(None),
        Standing::Unknown => {
            let mut conn = reader.store.conn().await?;
            match seen::run(&mut conn, viewer, run).await {
                Ok(seen) => Ok(Some(seen.reach)),
                Err(ReadError::NotFound) => Ok(None),
                Err(error) => Err(error),
            }
        }
    }
}

/// The next news; never any if nothing is followed.
async fn next_news(news: &mut Option<BoxStream<'static, Bytes>>) -> Option<Bytes> {
    match news {
        Some(news) => news.next().await,
        None => pending().await,
    }
}
