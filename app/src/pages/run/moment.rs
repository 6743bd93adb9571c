//! Moments of the past: updates the page when another moment is requested.

use super::resources::Resources;
use crate::{api::runs::read_run, paths::RunPlace, session::session};
use leptos::{prelude::*, task::spawn_local};
use model::{
    RunId,
    run::{RuleRow, RunSummary},
};
use view::runs::{RunView, Then};

/// The part of the page above a run's views.
#[derive(Clone, Copy)]
pub struct Head {
    pub run: RwSignal<RunSummary>,
    pub rules: RwSignal<Vec<RuleRow>>,
    /// The moment of the past that is shown; `None` is now.
    pub then: RwSignal<Option<Then>>,
}

impl Head {
    /// Keeps the head and the clock at the moment in the URL. The views follow by themselves.
    pub fn follow(self, id: RunId, place: Memo<RunPlace>, resources: Resources) {
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
                    resources.again(); // The page ignored the stream in the meantime.
                    return;
                };
                spawn_local(async move {
                    let found = read_run(id, Some(at)).await;
                    // If the viewer moves on quickly, only the last moment is shown.
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
