//! What changed in a run: when, from what to what, and by whom; newest first.

use super::refresh::Refresh;
use crate::{
    api::history::read_history,
    paths::{self, RunPlace},
    ui::{Ago, Icon},
};
use leptos::prelude::*;
use model::{
    RunId,
    history::{Change, Field, Operation, Subject},
};
use view::history::HistoryView;

/// The history with its filters.
#[component]
pub fn History(id: RunId, found: HistoryView, place: Memo<RunPlace>, refresh: Refresh) -> impl IntoView {
    let at = place.get_untracked();
    let first = at.after.is_none();
    let found = RwSignal::new(found);
    if first {
        refresh.keep_fresh(found, move || {
            let of = at.form.clone();
            async move { read_history(id, of, None).await.ok() }
        });
    }
    let way = move |word: Option<&'static str>, label: &'static str| {
        let here = move || place.with(|place| place.form.as_deref() == word).then_some("true");
        let href = move || paths::run_at(id, &RunPlace { form: word.map(str::to_owned), after: None, ..place.get() });
        view! { <a href=href aria-current=here>{label}</a> }
    };
    let next = Memo::new(move |_| found.with(|found| found.next.clone()));
    let page = move |after: Option<String>| paths::run_at(id, &RunPlace { after, ..place.get() });
    let pages = move || {
        let forth =
            next.get().map(|next| view! { <a class="btn small" href=page(Some(next))>"Earlier"<Icon name="i-right" small=true/></a> });
        let back = (!first).then(|| view! { <a class="btn small" href=page(None)>"Newest"</a> });
        (forth.is_some() || back.is_some()).then(|| view! { <nav class="pages" aria-label="Pages">{back}{forth}</nav> })
    };
    let none = move || {
        let empty = found.with(|found| found.changes.is_empty());
        empty.then(|| view! { <div class="empty" role="status"><p>"No changes here. Either nothing changed, or the changes were older than the retention period."</p></div> })
    };
    view! {
        <div class="tool">
            <div class="seg" role="group" aria-label="Changes of">
                {way(None, "Everything")}
                {way(Some(Subject::Run.word()), "The run")}
                {way(Some(Subject::Job.word()), "Jobs")}
                {way(Some(Subject::Entry.word()), "Messages")}
            </div>
        </div>
        <div class="scroller" tabindex="0" role="region" aria-label="History">
            {none}
            <ol class="history">
                <For each=move || found.with(|found| found.changes.clone()) key=|change| (change.id, change.rule.clone(), change.label.clone()) let:change>
                    <Line id change place/>
                </For>
            </ol>
            {pages}
        </div>
    }
}

#[component]
fn Line(id: RunId, change: Change, place: Memo<RunPlace>) -> impl IntoView {
    let Change { id: line, at, subject, operation, job, rule, label, fields, cut, actor } = change;
    let said = match (subject, operation) {
        (Subject::Run | Subject::Job, Operation::Insert) => "appeared",
        (Subject::Entry, Operation::Insert) => "arrived",
        (_, Operation::Update) => "changed",
        (_, Operation::Delete) => "was deleted",
    };
    let what = match (subject, job) {
        (Subject::Job, Some(job)) => {
            let rule = rule.unwrap_or_else(|| "a job".to_owned());
            let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
            let label = (!label.is_empty()).then(|| view! { " "<span class="dim">{label}</span> });
            view! { <a class="link" href=href>{rule}{label}</a> }.into_any()
        }
        (Subject::Job, None) => view! { "A job" }.into_any(),
        (Subject::Run, _) => view! { "The run" }.into_any(),
        (Subject::Entry, _) => view! { "A message" }.into_any(),
    };
    let then = move || paths::run_at(id, &place.get().of_tab(None).of_moment(Some(at)));
    let fields = fields.into_iter().map(|field| view! { <Changed field/> }).collect_view();
    let whole = cut.then(|| view! { <a class="link" href=paths::kept_values(id, line) rel="external">"All values"</a> });
    let by = match actor.as_deref() {
        None | Some("flowo") => None,
        Some(actor) => Some(actor.strip_prefix("user ").unwrap_or(actor).to_owned()),
    };
    let by = by.map(|by| view! { <span class="dim">"by "{by}</span> });
    view! {
        <li>
            <a class="when" href=then title="The run at that moment"><Ago at=Signal::stored(Some(at))/></a>
            <div>
                <p>{what}" "{said}" "{by}</p>
                <dl>{fields}</dl>
                {whole}
            </div>
        </li>
    }
}

/// A field with its old and new value.
#[component]
fn Changed(field: Field) -> impl IntoView {
    let Field { name, old, new } = field;
    let values = match (old.filter(|old| old != model::history::NONE), new) {
        (Some(old), Some(new)) => {
            view! { <del>{old}</del><span class="sr">" became "</span><span aria-hidden="true">" → "</span><ins>{new}</ins> }.into_any()
        }
        (Some(old), None) => view! { <del>{old}</del> }.into_any(),
        (None, Some(new)) => view! { <ins>{new}</ins> }.into_any(),
        (None, None) => view! { <span class="dim">"changed; the values were not recorded"</span> }.into_any(),
    };
    view! { <div><dt>{name.replace('_', " ")}</dt><dd>{values}</dd></div> }
}
