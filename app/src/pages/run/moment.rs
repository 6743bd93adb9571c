//! Moments of the past: what of the page follows when another one is asked for.

use super::sources::Sources;
use crate::{api::runs::read_run, paths::RunPlace, session::session};
use leptos::{prelude::*, task::spawn_local};
use model::{
    RunId,
    run::{RuleRow, RunSummary},
};
use view::runs::{RunView, Then};

/// What stands above a run's views.
#[derive(Clone, Copy)]
pub struct Head {
    pub run: RwSignal<RunSummary>,
    pub rules: RwSignal<Vec<RuleRow>>,
    /// Where in the past it is; `None` is now.
    pub then: RwSignal<Option<Then>>,
}

impl Head {
    /// Keeps the head at the moment that the address names, and clocks with it. The views follow by themselves.
    pub fn follow(self, id: RunId, place: Memo<RunPlace>, sources: Sources) {
        let session = session();
        session.then.set(self.then.with_untracked(|then| then.map(|then| then.at)));
        on_cleanup(move || {
            session.then.try_set(None);
        });
        let asked = Memo::new(move |_| place.with(RunPlace::moment));
        Effect::watch(
            move || asked.get(),
            move |at, _, _| {
                let Some(at) = *at else {
                    self.then.set(None);
                    session.then.set(None);
                    sources.again(); // Meanwhile the stream was not listened to.
                    return;
                };
                spawn_local(async move {
                    let found = read_run(id, Some(at)).await;
                    // Whoever moves on fast is shown the last moment only.
                    if asked.try_get_untracked() != Some(Some(at)) {
                        return;
                    }
                    if let Ok(RunView { detail, then, .. }) = found {
                        session.then.set(Some(at.millis()));
                        self.then.set(then);
                        self.run.set(detail.run);
                        self.rules.set(detail.rules);
                    }
                });
            },
            false,
        );
    }
}
