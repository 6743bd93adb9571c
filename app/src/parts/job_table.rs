//! A run's jobs as a table that follows the stream: one signal per row.

mod live;

pub use live::LiveJobs;

use crate::{
    api::jobs::{list_jobs, read_jobs},
    paths::{self, RunPlace},
    ui::{Ago, Empty, Icon, If, JobBadge, SortHead, Took, Windowed, cell},
};
use leptos::{prelude::*, task::spawn_local};
use model::{
    JobKey, RunId,
    job::JobRow,
    page::{JobColumn, JobSort},
    run::NO_RULE,
};
use std::{sync::Arc, time::Duration};
use view::jobs::{Extra, JobAsk};

/// Height of a row, in pixels.
const ROW: u32 = 32;
/// Shortest time between two reads of visible rows.
const CROWDED: Duration = Duration::from_millis(700);

/// The table; further rows are loaded as the viewer nears the end.
#[component]
pub fn JobTable(live: LiveJobs, run: RunId, place: Memo<RunPlace>) -> impl IntoView {
    let (order, next) = (live.order(), live.next());
    let none = {
        let order = order.clone();
        move || order.with(Vec::is_empty)
    };
    let at = place.get_untracked();
    let sort: JobSort = at.sort.as_deref().and_then(|sort| sort.parse().ok()).unwrap_or_default();
    let filtered = at.rule.is_some() || at.status.is_some() || at.find.is_some();
    // With one rule selected, its wildcards become columns.
    let one_rule = at.rule.is_some();
    let (columns, others) = if one_rule { live.wildcards() } else { (Vec::new(), Vec::new()) };
    let head = move |column: JobColumn, label: String, class: &'static str| {
        let here = sort.column == column;
        let next = sort.click(column);
        let href = move || {
            let sort = (next != JobSort::default()).then(|| next.to_string());
            paths::run_at(run, &RunPlace { sort, after: None, ..place.get() })
        };
        view! { <SortHead label class sorted=here.then_some(sort.direction) href small=true/> }
    };
    let heads = columns.iter().map(|name| head.clone()(JobColumn::Wildcard(name.clone()), name.clone(), "")).collect_view();
    let other_head = (!others.is_empty()).then(|| {
        view! { <th role="columnheader" scope="col" class="c-num" title=others.join(", ")>{format!("+{} more", others.len())}<span class="sr">{format!(": {}", others.join(", "))}</span></th> }
    });
    let plain = columns.is_empty();
    let extras: Arc<[Extra]> = Extra::ALL.into_iter().filter(|extra| live.any(|job| extra.of(job).is_some())).collect();
    let more_heads =
        extras.iter().map(|extra| view! { <th role="columnheader" scope="col" class=extra.class()>{extra.label()}</th> }).collect_view();
    // Not a signal: while the next window loads, this table is still shown although its owner is gone.
    let columns: Arc<[Vec<String>; 2]> = Arc::new([columns, others]);
    let asking = StoredValue::new(false);
    let more = {
        let next = next.clone();
        Callback::new(move |()| {
            let (Some(cursor), Some(false)) = (next.get_untracked(), asking.try_get_value()) else { return };
            if live.is_full() {
                return; // The link below the rows leads on.
            }
            asking.try_set_value(true);
            let Some(at) = place.try_get_untracked() else { return };
            let next = next.clone();
            spawn_local(async move {
                let ask = JobAsk { after: Some(cursor.to_string()), ..at.job_ask() };
                let found = list_jobs(run, ask).await;
                asking.try_set_value(false);
                // The viewer may be elsewhere by now.
                if let (Ok(found), true) = (found, next.get_untracked().as_ref() == Some(&cursor) && place.try_get_untracked().is_some()) {
                    live.extend(found.page);
                }
            });
        })
    };
    let count = {
        let order = order.clone();
        Signal::derive(move || order.with(Vec::len))
    };
    let rows = Windowed::new(count, ROW, more);
    let shown = {
        let order = order.clone();
        move || rows.of(&order)
    };
    catch_up(live, run, place, shown.clone());
    let forth = move || {
        next.get().map(|cursor| {
            let href = paths::run_at(run, &RunPlace { after: Some(cursor.to_string()), job: None, ..place.get_untracked() });
            view! { <nav class="pages" aria-label="Pages"><a class="btn small" href=href>"Further jobs"<Icon name="i-right" small=true/></a></nav> }
        })
    };
    let says = if filtered { "No job matches this filter." } else { "No job here yet. Jobs appear as the workflow reports them." };
    view! {
        <div class="scroller" tabindex="0" role="region" aria-label="Jobs" node_ref=rows.scroller on:scroll=move |_| rows.measure()>
            <table class="job-table" role="table">
                <caption class="sr">{if plain { "Jobs of the run" } else { "Jobs of the rule" }}</caption>
                <thead role="rowgroup">
                    <tr role="row">
                        {head.clone()(JobColumn::Status, "Status".into(), "c-st")}
                        {(!one_rule).then(|| head.clone()(JobColumn::Rule, "Rule".into(), "c-rule"))}
                        {head.clone()(JobColumn::Job, "Job".into(), "c-job")}
                        {if plain { view! { <th role="columnheader" scope="col">"Wildcards"</th> }.into_any() } else { (heads, other_head).into_any() }}
                        {head.clone()(JobColumn::Started, "Started".into(), "c-when")}
                        {head.clone()(JobColumn::Duration, "Duration".into(), "c-num end")}
                        {head(JobColumn::Threads, "Threads".into(), "c-num end opt")}
                        {more_heads}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {move || rows.space(true)}
                    <For each=shown key=|id| *id let:id>
                        {live.row(id).map(|row| view! { <Job id row run place columns=Arc::clone(&columns) extras=Arc::clone(&extras) one_rule/> })}
                    </For>
                    {move || rows.space(false)}
                </tbody>
            </table>
            <If when=Signal::derive(none)>
                <Empty says/>
            </If>
            {forth}
        </div>
    }
}

/// Reads visible rows again after the stream reported more changes than it sends.
fn catch_up(live: LiveJobs, run: RunId, place: Memo<RunPlace>, shown: impl Fn() -> Vec<JobKey> + Send + Sync + 'static) {
    let version = live.version();
    let waiting = StoredValue::new(false);
    let done = StoredValue::new(0_u32);
    let shown = Memo::new(move |_| shown());
    Effect::new(move |_| {
        let now = version.get();
        let behind = done.get_value() != now || shown.with(|shown| !live.behind(shown, now).is_empty());
        if !behind || waiting.try_update_value(|waiting| std::mem::replace(waiting, true)).unwrap_or(true) {
            return;
        }
        let version = version.clone();
        set_timeout(
            move || {
                let Some(at) = place.try_get_untracked() else { return };
                let now = version.get_untracked();
                let Some(ids) = shown.try_with_untracked(|shown| live.behind(shown, now)) else { return };
                spawn_local(async move {
                    let newest = if at.after.is_none() && at.sort.is_none() && at.find.is_none() {
                        list_jobs(run, at.job_ask()).await.ok().map(|found| found.page)
                    } else {
                        None
                    };
                    let found = read_jobs(run, ids).await;
                    if waiting.try_set_value(false).is_some() {
                        return; // The table is gone.
                    }
                    if let Ok((rows, gone)) = found {
                        done.try_set_value(now);
                        live.caught_up(newest, rows, gone, now);
                    }
                    version.notify(); // More may have changed in the meantime.
                });
            },
            CROWDED,
        );
    });
}

#[component]
fn Job(
    id: JobKey,
    row: ArcRwSignal<JobRow>,
    run: RunId,
    place: Memo<RunPlace>,
    /// Names of wildcards with their own columns, and of those that share one.
    columns: Arc<[Vec<String>; 2]>,
    extras: Arc<[Extra]>,
    one_rule: bool,
) -> impl IntoView {
    let status = cell(&row, |job| job.status);
    let rule = cell(&row, |job| job.rule.clone().unwrap_or_else(|| NO_RULE.into()));
    let number = cell(&row, |job| job.job_id.map_or_else(|| "–".to_owned(), |id| id.to_string()));
    let attempt = cell(&row, |job| job.attempt);
    let wildcards = cell(&row, |job| {
        let words: Vec<String> = job.wildcards.iter().map(|(key, value)| format!("{key}={value}")).collect();
        words.join(" ")
    });
    let started = cell(&row, |job| job.started_at);
    let ended = cell(&row, |job| job.ended_at);
    let threads = cell(&row, |job| job.threads.map_or_else(|| "–".to_owned(), |n| n.to_string()));
    let here = Memo::new(move |_| place.with(|place| place.job.as_deref() == Some(id.to_string().as_str())));
    let href = move || paths::run_at(run, &place.get().of_job((!here.get()).then_some(id)));
    let [columns, others] = &*columns;
    let shared = (!others.is_empty()).then(|| {
        let others = others.clone();
        let value = cell(&row, move |job| {
            let words = others.iter().filter_map(|name| Some(format!("{name}={}", job.wildcards.get(name)?)));
            words.collect::<Vec<_>>().join(" ")
        });
        view! { <td role="cell" class="wild cut" title=value>{value}</td> }
    });
    let values = columns.iter().cloned().map(|name| {
        let value = cell(&row, move |job| job.wildcards.get(&name).cloned().unwrap_or_default());
        view! { <td role="cell" class="wild cut" title=value>{value}</td> }
    });
    let values = values.collect_view();
    let more = extras.iter().map(|extra| {
        let extra = *extra;
        let value = cell(&row, move |job| extra.of(job).unwrap_or_else(|| "–".to_owned()));
        view! { <td role="cell" class=extra.class() title=value>{value}</td> }
    });
    let more = more.collect_view();
    let plain = columns.is_empty();
    view! {
        <tr role="row" tabindex="-1" data-row="" data-status=move || status.get().as_str() aria-current=move || here.get().then_some("true")>
            <td role="cell"><JobBadge status/></td>
            {(!one_rule).then(|| view! { <td role="cell" class="rule cut" title=rule>{rule}</td> })}
            <td role="cell" class="num">
                <a href=href aria-label=move || format!("Job {} of {}", number.get(), rule.get())>{number}</a>
                <If when=Signal::derive(move || { attempt.get() > 1 })>
                    <span class="try">{move || format!(" #{}", attempt.get())}</span>
                </If>
            </td>
            {if plain { view! { <td role="cell" class="wild cut" title=wildcards>{wildcards}</td> }.into_any() } else { (values, shared).into_any() }}
            <td role="cell"><Ago at=started absent="–"/></td>
            <td role="cell" class="num end"><Took started ended/></td>
            <td role="cell" class="num end opt">{threads}</td>
            {more}
        </tr>
    }
}
