//! Deleting runs: with a confirmation before, and an undo for ten seconds after.

use super::toasts::ToastList;
use crate::{
    api::runs::{delete_runs, restore_runs},
    error::AppError,
    ui::{If, open_when},
};
use leptos::{html::Dialog, prelude::*, task::spawn_local};
use model::{RunId, text};

/// The runs to delete: ids with the names that people know them by.
pub type Doomed = Vec<(RunId, String)>;

/// Names shown before "and 12 more".
const NAMES: usize = 5;

/// Confirms, deletes, and offers the undo. Set `doomed` to open it.
#[component]
pub fn ConfirmDelete(
    doomed: RwSignal<Doomed>,
    /// Called with the runs that were deleted.
    gone: Callback<Vec<RunId>>,
    /// Called when runs have been restored.
    back: Callback<()>,
) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let toasts = ToastList::get();
    open_when(dialog, move || !doomed.with(Vec::is_empty), || ());
    let heading = move || match doomed.get().as_slice() {
        [(_, name)] => format!("Delete “{name}”?"),
        many => format!("Delete {} runs?", many.len()),
    };
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
        doomed.set(Vec::new());
    };
    let go = move |_| {
        let list = doomed.get_untracked();
        close();
        let ids: Vec<RunId> = list.iter().map(|(id, _)| *id).collect();
        spawn_local(async move {
            match delete_runs(ids).await {
                Ok(done) => {
                    // The page that asked may be gone when the answer arrives.
                    gone.try_run(done.clone());
                    let text = match list.as_slice() {
                        [(_, name)] => format!("“{name}” is deleted"),
                        many => format!("{} runs are deleted", many.len()),
                    };
                    toasts.offer(text, move || {
                        let ids = done.clone();
                        spawn_local(async move {
                            match restore_runs(ids).await {
                                Ok(_) => {
                                    back.try_run(());
                                }
                                Err(error) => toasts.say(failed(&error)),
                            }
                        });
                    });
                }
                Err(error) => toasts.say(failed(&error)),
            }
        });
    };
    view! {
        <dialog class="confirm" node_ref=dialog aria-labelledby="confirm-heading" on:close=move |_| doomed.set(Vec::new())>
            <h2 id="confirm-heading">{heading}</h2>
            <p>"Flowo deletes what it knows, with all jobs and history. Files on disk stay untouched. You can undo this for ten seconds."</p>
            <If when=Signal::derive(move || doomed.with(|list| list.len() > 1))>
                <ul class="what">
                    {move || doomed.get().into_iter().take(NAMES).map(|(_, name)| view! { <li class="cut" title=name.clone()>{name.clone()}</li> }).collect_view()}
                    {move || {
                        let more = doomed.with(Vec::len).saturating_sub(NAMES);
                        (more > 0).then(|| view! { <li>{format!("and {} more", text::count(more as i64))}</li> })
                    }}
                </ul>
            </If>
            <div class="acts">
                <button class="btn" type="button" on:click=move |_| close()>"Keep"</button>
                <button class="btn danger" type="button" on:click=go>"Delete"</button>
            </div>
        </dialog>
    }
}

fn failed(error: &AppError) -> String {
    format!("Not done. {error}")
}
