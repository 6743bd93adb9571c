//! The start page: every run the viewer may see, live.

use crate::{
    api::runs::{list_runs, more_runs, read_overview},
    codec::Json,
    live::{LiveRuns, Wanted, follow},
    parts::{
        confirm::{ConfirmDelete, Doomed},
        error::ErrorPage,
        filter_bar::FilterBar,
        first_run::FirstRun,
        frame::query_signal,
        overview::OverviewBar,
        run_table::RunTable,
    },
    paths,
    session::session,
    ui::{Icon, If, rendered_once},
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use model::{
    RunId,
    filter::RunFilter,
    page::{Cursor, RunSort},
};
use std::{collections::HashSet, time::Duration};
use view::runs::RunList;

/// The server's figures may be 250 ms old. A request made this long after a change includes the change.
const SETTLED: Duration = Duration::from_millis(300);
/// Shortest time between two reads of the figures above the list.
const FIGURES: Duration = Duration::from_millis(1500);

/// `/runs`
#[component]
pub fn RunsPage() -> impl IntoView {
    let (q, sort, after) = (query_signal("q"), query_signal("sort"), query_signal("after"));
    let list = Resource::<_, Json>::new_with_options(
        move || (q.get().unwrap_or_default(), sort.get().unwrap_or_default(), after.get()),
        |(q, sort, after)| list_runs(q, sort, after),
        true,
    );
    view! {
        <Title text="Runs · Flowo"/>
        <h1 class="sr">"Runs"</h1>
        <Transition fallback=|| view! { <Bones/> }>
            {move || Suspend::new(async move {
                match list.await {
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                    Ok(found) => {
                        let sort = sort.get_untracked().and_then(|sort| sort.parse().ok()).unwrap_or_default();
                        let from_start = after.get_untracked().is_none();
                        let again = Callback::new(move |()| list.refetch());
                        rendered_once(move || view! { <Loaded found sort from_start again/> }.into_any())
                    }
                }
            })}
        </Transition>
    }
}

/// The placeholder layout while loading; it appears after a short delay.
#[component]
fn Bones() -> impl IntoView {
    view! {
        <div class="scroller" aria-busy="true" aria-label="Loading runs">
            {(0..12).map(|_| view! { <div class="bone" style="block-size:20px;margin:8px 24px"></div> }).collect_view()}
        </div>
    }
}

/// The page with its data.
#[component]
fn Loaded(found: RunList, sort: RunSort, from_start: bool, again: Callback<()>) -> impl IntoView {
    let RunList { page, filter, total, overview: figures, cursor, any, base_url, ways } = found;
    let live = LiveRuns::new(page.items, filter.clone(), sort, from_start, page.next.is_some());
    let figures = RwSignal::new(figures);
    let total = RwSignal::new(total);
    let words = StoredValue::new(filter.to_string());
    let heard = RwSignal::new(false);
    let now = session().now;
    let empty = !any && filter.is_empty();

    let refresh = throttled(move || {
        spawn_local(async move {
            let Some(q) = words.try_get_value() else { return };
            if let Ok((fresh, count)) = read_overview(q).await {
                figures.try_set(fresh);
                total.try_set(count);
            }
        });
    });
    follow(
        Wanted { scope: "runs".into(), after: cursor, watch: None },
        move |frame| {
            if empty && !frame.runs.is_empty() {
                heard.set(true);
                again.run(());
                return;
            }
            live.apply(frame, now.get_untracked());
            refresh();
        },
        move || again.run(()),
    );
    if empty {
        return view! { <FirstRun base_url ways heard/> }.into_any();
    }
    view! {
        <OverviewBar overview=figures filter=filter.clone() sort/>
        <FilterBar filter=filter.clone() sort total/>
        <List live filter sort next=page.next total=model::text::counted(total.get_untracked(), "run", "runs") from_start again/>
    }
    .into_any()
}

/// The bar for new rows, the table, the pager, and the selection.
#[component]
fn List(
    live: LiveRuns,
    filter: RunFilter,
    sort: RunSort,
    next: Option<Cursor>,
    total: String,
    from_start: bool,
    again: Callback<()>,
) -> impl IntoView {
    let q = filter.to_string();
    let selected = RwSignal::new(HashSet::<RunId>::new());
    let doomed = RwSignal::new(Doomed::new());
    let next = RwSignal::new(next);
    let loading = StoredValue::new(false);
    let more = {
        let q = q.clone();
        move |()| {
            let Some(cursor) = next.get_untracked().filter(|_| !loading.get_value()) else { return };
            loading.set_value(true);
            let q = q.clone();
            spawn_local(async move {
                if let Ok(page) = more_runs(q, sort.to_string(), cursor.to_string()).await {
                    live.append(page.items, page.next.is_some());
                    next.try_set(page.next);
                }
                loading.try_set_value(false);
            });
        }
    };
    let waiting = move || live.waiting.with(HashSet::len);
    let pager = {
        let q = q.clone();
        move || {
            let q = q.clone();
            let first = (!from_start).then(|| {
                view! { <a class="btn small" href=paths::runs(&q, sort, None)><Icon name="i-left" small=true/>"First"</a> }
            });
            let forth = {
                let q = q.clone();
                move || {
                    next.get().map(|cursor| {
                        view! { <a class="btn small" href=paths::runs(&q, sort, Some(&cursor))>"Next"<Icon name="i-right" small=true/></a> }
                    })
                }
            };
            let shown = move || live.order.with(Vec::len);
            view! {
                <nav class="pages" aria-label="Pages">
                    <span>{move || format!("{} shown", shown())}</span>
                    {first}
                    {forth}
                </nav>
            }
        }
    };
    let none = move || live.order.with(Vec::is_empty);
    let doom_selected = move |_| {
        let list = selected.get_untracked().into_iter();
        doomed.set(list.filter_map(|id| Some((id, live.row(id)?.with_untracked(|run| run.title().to_owned())))).collect());
    };
    let gone = Callback::new(move |ids: Vec<RunId>| {
        live.forget(&ids);
        selected.set(HashSet::new());
    });
    let caption = format!("Runs, {total}.");
    view! {
        <If when=Signal::derive(move || { waiting() > 0 })>
            <button class="new-rows" type="button" on:click=move |_| again.run(())>
                <Icon name="i-up" small=true/>
                {move || if waiting() == 1 { "1 new run".to_owned() } else { format!("{} new runs", waiting()) }}
            </button>
        </If>
        <RunTable live q=q.clone() sort caption selected doomed more foot=pager/>
        <If when=Signal::derive(none)>
            <div class="empty" role="status">
                <h2>"No run matches"</h2>
                <p>"Remove a word from the filter, or show "<a class="link" href=paths::RUNS>"all runs"</a>"."</p>
            </div>
        </If>
        <If when=Signal::derive(move || selected.with(|set| !set.is_empty()))>
            <div class="bulk" role="toolbar" aria-label="Selected runs">
                <b class="num">{move || selected.with(HashSet::len)}</b>
                "\u{a0}selected"
                <span class="sep"></span>
                <button class="btn ghost small danger" type="button" on:click=doom_selected>
                    <Icon name="i-trash"/>
                    "Delete"
                </button>
                <button class="btn ghost small icon" type="button" aria-label="Clear selection" on:click=move |_| selected.set(HashSet::new())>
                    <Icon name="i-x"/>
                </button>
            </div>
        </If>
        <ConfirmDelete doomed gone back=again/>
    }
}

/// Runs `work` [`SETTLED`] after a call, and at most once per [`FIGURES`], however often it is called.
fn throttled(work: impl Fn() + Clone + Send + Sync + 'static) -> impl Fn() + Clone {
    let (resting, wanted) = (StoredValue::new(false), StoredValue::new(false));
    move || once_a_while(work.clone(), resting, wanted)
}

fn once_a_while(work: impl Fn() + Clone + Send + Sync + 'static, resting: StoredValue<bool>, wanted: StoredValue<bool>) {
    if resting.try_get_value().unwrap_or(true) {
        wanted.try_set_value(true);
        return;
    }
    resting.set_value(true);
    set_timeout(work.clone(), SETTLED);
    set_timeout(
        move || {
            resting.try_set_value(false);
            if wanted.try_update_value(std::mem::take).unwrap_or(false) {
                once_a_while(work, resting, wanted);
            }
        },
        FIGURES,
    );
}
