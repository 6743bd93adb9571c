//! The runs table: each row follows its own signal; long lists are windowed.

use super::confirm::Doomed;
use crate::{
    live::LiveRuns,
    paths,
    session::session,
    ui::{Ago, Icon, If, Progress, SortHead, StatusBadge, Took, Windowed, cell, copy_text},
};
use leptos::prelude::*;
use model::{
    RunId,
    page::{RunColumn, RunSort},
    run::RunSummary,
    text,
};
use std::collections::HashSet;

/// Height of a comfortable row, in pixels; cards on a phone vary in height and are not windowed.
const ROW: u32 = 36;
/// Tags shown in a row; the run's page shows all.
const TAGS: usize = 3;

/// The table, its header links and its rows.
#[component]
pub fn RunTable(
    live: LiveRuns,
    q: String,
    sort: RunSort,
    caption: String,
    /// Runs selected by their check boxes.
    selected: RwSignal<HashSet<RunId>>,
    doomed: RwSignal<Doomed>,
    /// Called for the next page when the viewer nears the end.
    #[prop(into)]
    more: Callback<()>,
    /// Shown below the last row.
    #[prop(into)]
    foot: ViewFn,
) -> impl IntoView {
    let order = live.order;
    let rows = Windowed::new(Signal::derive(move || order.with(Vec::len)), ROW, more);
    let seen = move || {
        if let Some(div) = rows.scroller.get_untracked() {
            live.at_top.set(div.scroll_top() < 40);
        }
        rows.measure();
    };
    let shown = Memo::new(move |_| rows.of(&order));
    let may_write = session().may_write;
    let all = move || {
        let count = order.with(Vec::len);
        count > 0 && selected.with(HashSet::len) >= count
    };
    let pick_all = move |_| {
        let next = if all() { HashSet::new() } else { order.get_untracked().into_iter().collect() };
        selected.set(next);
    };
    let head = move |column: RunColumn, label: &'static str, class: &'static str| {
        let here = sort.column == column;
        let next = RunSort { column, direction: if here { sort.direction.reversed() } else { column.first_direction() } };
        let q = q.clone();
        let href = move || paths::runs(&q, next, None);
        view! { <SortHead label class sorted=here.then_some(sort.direction) href/> }
    };
    view! {
        <div class="scroller" tabindex="0" role="region" aria-label="Runs" node_ref=rows.scroller on:scroll=move |_| seen()>
            <table class="run-table" role="table">
                <caption class="sr">{caption}</caption>
                <colgroup>
                    <col class="c-pick"/><col class="c-st"/><col/><col class="c-prog"/><col class="c-user"/><col class="c-src"/>
                    <col class="c-when"/><col class="c-dur"/><col class="c-dir"/>
                </colgroup>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">
                            <input type="checkbox" aria-label="Select all shown" prop:checked=all disabled=!may_write on:change=pick_all/>
                        </th>
                        {head(RunColumn::Status, "Status", "")}
                        {head(RunColumn::Name, "Name", "")}
                        {head(RunColumn::Progress, "Progress", "")}
                        {head(RunColumn::User, "User", "")}
                        {head(RunColumn::Source, "Source", "src-cell")}
                        {head(RunColumn::Started, "Started", "")}
                        {head(RunColumn::Duration, "Duration", "")}
                        {head(RunColumn::Directory, "Directory", "dir-cell")}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {move || rows.space(true)}
                    <For each=move || shown.get() key=|id| *id let:id>
                        {live.row(id).map(|row| view! { <RunRow id row selected doomed/> })}
                    </For>
                    {move || rows.space(false)}
                </tbody>
            </table>
            {foot.run()}
        </div>
    }
}

/// The first tags and how many more there are; where there is no room for tags, only their number.
fn shown_tags(run: RunId, tags: &[String]) -> impl IntoView + use<> {
    let all = tags.join(", ");
    let first: Vec<String> = tags.iter().take(TAGS).cloned().collect();
    let more = tags.len() - first.len();
    let chips = first.len() + usize::from(more > 0);
    let first =
        first.into_iter().map(|tag| view! { <a class="tag" href=paths::runs_with("tag", &tag) title=tag.clone()>{tag.clone()}</a> });
    let rest = (more > 0).then(|| {
        view! { <a class="tag rest" href=paths::run(run) title=all.clone()>{format!("+{more}")}<span class="sr">" more tags"</span></a> }
    });
    let count = if tags.len() == 1 { "1 tag".to_owned() } else { format!("{} tags", tags.len()) };
    let count =
        (!tags.is_empty()).then(|| view! { <span class="tag-count"><a class="try" href=paths::run(run) title=all>{count}</a></span> });
    view! {
        <span class="tags" style=format!("--n:{chips}")>{first.collect_view()}{rest}</span>
        {count}
    }
}

/// One run. Each cell follows its own value, so a status change redraws one badge.
#[component]
fn RunRow(id: RunId, row: ArcRwSignal<RunSummary>, selected: RwSignal<HashSet<RunId>>, doomed: RwSignal<Doomed>) -> impl IntoView {
    let session = session();
    let status = cell(&row, |run| run.status);
    let title = cell(&row, |run| run.title().to_owned());
    let attempt = cell(&row, |run| run.attempt);
    let dry = cell(&row, |run| run.dry_run);
    let tags = cell(&row, |run| run.tags.clone());
    let jobs = cell(&row, |run| run.jobs);
    let user = cell(&row, |run| run.user.clone());
    let source = cell(&row, |run| run.source.clone());
    let started = cell(&row, |run| run.started_at);
    let ended = cell(&row, |run| run.ended_at);
    let directory = cell(&row, |run| run.directory.clone());
    let left = {
        let row = row.clone();
        Memo::new(move |_| row.with(|run| run.remaining(session.now.get())).map(text::remaining))
    };
    let chosen = move || selected.with(|set| set.contains(&id));
    let pick = move |_| {
        selected.update(|set| {
            if !set.remove(&id) {
                set.insert(id);
            }
        });
    };
    let delete = move |_| doomed.set(vec![(id, title.get_untracked())]);
    let link = paths::run(id);
    let copy = {
        let link = link.clone();
        move |_| {
            let origin = window().location().origin().unwrap_or_default();
            copy_text(&format!("{origin}{link}"));
        }
    };
    view! {
        <tr
            role="row"
            tabindex="-1"
            data-row=id.to_string()
            data-status=move || status.get().as_str()
            aria-selected=move || chosen().then_some("true")
        >
            <td role="cell" class="pick-cell">
                <input
                    type="checkbox"
                    aria-label=move || format!("Select {}", title.get())
                    disabled=!session.may_write
                    prop:checked=chosen
                    on:change=pick
                />
            </td>
            <td role="cell" class="st-cell"><StatusBadge status/></td>
            <td role="cell" class="name-cell">
                <div class="name">
                    <a class="cut" href=link title=title>{title}</a>
                    <If when=Signal::derive(move || { attempt.get() > 1 })>
                        <span class="try" title=move || format!("Attempt {}", attempt.get())>{move || format!("#{}", attempt.get())}</span>
                    </If>
                    <If when=Signal::derive(move || dry.get())>
                        <span class="try">"dry run"</span>
                    </If>
                    {move || shown_tags(id, &tags.get())}
                </div>
            </td>
            <td role="cell" class="prog-cell"><Progress jobs/></td>
            <td role="cell" class="user-cell" title=user>
                {move || { let user = user.get(); view! { <a class="plain-link" href=paths::runs_with("user", &user)>{user.clone()}</a> } }}
            </td>
            <td role="cell" class="src-cell" title=source>{source}</td>
            <td role="cell" class="when-cell"><Ago at=started/></td>
            <td role="cell" class="dur num">
                <Show when=move || left.get().is_some() fallback=move || view! { <Took started ended/> }>
                    <span class="eta" title=move || format!("running for {}", text::duration(session.now.get() - started.get().unwrap_or_default()))>
                        {move || left.get()}
                    </span>
                </Show>
                <div class="acts">
                    <button class="btn ghost small icon" type="button" title="Copy link" aria-label=move || format!("Copy link to {}", title.get()) on:click=copy>
                        <Icon name="i-link"/>
                    </button>
                    {session
                        .may_write
                        .then(|| {
                            view! {
                                <button
                                    class="btn ghost small icon"
                                    type="button"
                                    title="Delete"
                                    aria-label=move || format!("Delete {}", title.get())
                                    on:click=delete
                                >
                                    <Icon name="i-trash"/>
                                </button>
                            }
                        })}
                </div>
            </td>
            <td role="cell" class="dir-cell dir" title=move || directory.get()>
                <div class="cut cut-start"><bdi>{move || directory.get()}</bdi></div>
            </td>
        </tr>
    }
}
