//! The handle through which everything is read: the database, what is cached from it, and the files of runs.

use crate::{
    files::{Followers, RunFiles},
    job_graphs::JobGraphs,
    jobs::JobsInMemory,
    overview::Overviews,
    rule_graphs::RuleGraphs,
    timelines::Timelines,
};
use live::Hub;
use std::{ops::Deref, sync::Arc};
use store::Store;

/// [`Parts`], shared. Cheap to clone.
#[derive(Clone)]
pub struct Reader(Arc<Parts>);

/// What a [`Reader`] reads from.
pub struct Parts {
    pub store: Store,
    pub hub: Hub,
    pub overview: Overviews,
    pub jobs: Arc<JobsInMemory>,
    pub rule_graphs: RuleGraphs,
    pub job_graphs: JobGraphs,
    pub timelines: Timelines,
    pub files: RunFiles,
    pub followers: Followers,
}

impl Reader {
    pub fn new(store: Store, hub: Hub, files: RunFiles) -> Self {
        let jobs = Arc::new(JobsInMemory::new(store.clone(), hub.clone()));
        Self(Arc::new(Parts {
            overview: Overviews::new(store.clone(), hub.clone()),
            rule_graphs: RuleGraphs::new(store.clone()),
            job_graphs: JobGraphs::new(store.clock().clone()),
            timelines: Timelines::new(Arc::clone(&jobs)),
            followers: Followers::new(files.clone()),
            jobs,
            store,
            hub,
            files,
        }))
    }
}

impl Deref for Reader {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
