//! A run's jobs as a table that follows the stream: one signal a row.

use crate::{
    api::jobs::{JobAsk, list_jobs},
    paths::{self, RunPlace},
    ui::{Ago, Icon, If, JobBadge, Took, Windowed},
};
use leptos::{prelude::*, task::spawn_local};
use model::{
    JobKey, JobStatus, RunId,
    job::JobRow,
    live::{Frame, replaces},
    page::{Cursor, Direction, JobColumn, JobSort, Page},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Height of a row, in pixels.
const ROW: u32 = 32;
/// Rows held at most; further ones are on a page of their own.
const MOST: usize = 20_000;
/// Jobs remembered while a window is on its way; more, and it is read once more.
const RECENT: usize = 2_000;
/// Wildcards with a column of their own.
const COLUMNS: usize = 6;

/// What is shown of the list.
struct Window {
    order: ArcRwSignal<Vec<JobKey>>,
    rows: HashMap<JobKey, ArcRwSignal<JobRow>>,
    rule: Option<String>,
    statuses: Vec<JobStatus>,
    /// New jobs belong on top of it.
    is_newest: bool,
    /// Where the list goes on.
    next: ArcRwSignal<Option<Cursor>>,
}

/// The rows of a job table. Windows come and go; what streams in between them is not lost.
#[derive(Clone, Copy)]
pub struct LiveJobs {
    window: StoredValue<Window>,
    recent: StoredValue<Recent>,
}

/// What was heard while a window is on its way.
#[derive(Clone, Default)]
enum Recent {
    /// None is.
    #[default]
    Idle,
    Held(Vec<Frame>),
    TooMuch,
}

impl LiveJobs {
    pub fn new() -> Self {
        let window = Window {
            order: ArcRwSignal::new(Vec::new()),
            rows: HashMap::new(),
            rule: None,
            statuses: Vec::new(),
            is_newest: true,
            next: ArcRwSignal::new(None),
        };
        Self { window: StoredValue::new(window), recent: StoredValue::new(Recent::Idle) }
    }

    /// A window is being read: what was heard before is in it.
    pub fn awaited(self) {
        self.recent.set_value(Recent::Held(Vec::new()));
    }

    /// Shows a window in place of the one before, and what was heard while it was on its way.
    /// A table of the one before hears of nothing any more. `false` if so much was heard that the
    /// window must be read again.
    pub fn show(self, page: Page<JobRow>, place: &RunPlace) -> bool {
        let Page { items, next } = page;
        self.window.set_value(Window {
            next: ArcRwSignal::new(next),
            order: ArcRwSignal::new(items.iter().map(|job| job.id).collect()),
            rows: items.into_iter().map(|job| (job.id, ArcRwSignal::new(job))).collect(),
            rule: place.rule.clone(),
            statuses: place.status.as_deref().unwrap_or("").split(',').filter_map(|word| word.parse().ok()).collect(),
            is_newest: place.after.is_none() && place.sort.is_none() && place.find.is_none(),
        });
        let recent = self.recent.with_value(Clone::clone);
        self.recent.set_value(Recent::Idle);
        match recent {
            Recent::Idle => true,
            Recent::Held(frames) => {
                for frame in &frames {
                    self.take(frame);
                }
                true
            }
            Recent::TooMuch => false,
        }
    }

    /// Takes in the rows that follow those held.
    fn extend(self, page: Page<JobRow>) {
        let order = self.order();
        let fresh: Vec<JobRow> =
            self.window.with_value(|window| page.items.into_iter().filter(|job| !window.rows.contains_key(&job.id)).collect());
        let ids: Vec<JobKey> = fresh.iter().map(|job| job.id).collect();
        self.window.update_value(|window| window.rows.extend(fresh.into_iter().map(|job| (job.id, ArcRwSignal::new(job)))));
        order.update(|order| order.extend(ids));
        let full = order.with_untracked(|order| order.len() >= MOST);
        self.next().set(page.next.filter(|_| !full));
    }

    fn next(self) -> ArcRwSignal<Option<Cursor>> {
        self.window.with_value(|window| window.next.clone())
    }

    fn order(self) -> ArcRwSignal<Vec<JobKey>> {
        self.window.with_value(|window| window.order.clone())
    }

    fn row(self, id: JobKey) -> Option<ArcRwSignal<JobRow>> {
        self.window.with_value(|window| window.rows.get(&id).cloned())
    }

    /// Takes a frame in, now and again if a window arrives that may be older.
    pub fn apply(self, frame: &Frame) {
        self.take(frame);
        self.recent.update_value(|recent| {
            let Recent::Held(frames) = recent else { return };
            let held: usize = frames.iter().map(|frame| frame.jobs.len() + frame.gone_jobs.len()).sum();
            if held + frame.jobs.len() + frame.gone_jobs.len() > RECENT {
                *recent = Recent::TooMuch;
            } else {
                frames.push(Frame { jobs: frame.jobs.clone(), gone_jobs: frame.gone_jobs.clone(), ..Frame::default() });
            }
        });
    }

    /// Rows in place, new jobs on top of the first page.
    fn take(self, frame: &Frame) {
        for job in &frame.jobs {
            match self.row(job.id) {
                Some(row) => {
                    if replaces(Some(row.with_untracked(|row| row.revision)), job.revision) {
                        row.set(job.clone());
                    }
                    if job.superseded {
                        self.remove(job.id);
                    }
                }
                None => self.meet(job),
            }
        }
        for id in &frame.gone_jobs {
            self.remove(*id);
        }
    }

    /// Names of the wildcards of the rows shown now, in order.
    fn wildcards(self) -> Vec<String> {
        let mut names = BTreeSet::new();
        self.window.with_value(|window| {
            for row in window.rows.values() {
                row.with_untracked(|job| names.extend(job.wildcards.keys().cloned()));
            }
        });
        names.into_iter().take(COLUMNS).collect()
    }

    fn meet(self, job: &JobRow) {
        let order = self.order();
        let fits = self.window.with_value(|window| {
            let rule = window.rule.as_ref().is_none_or(|rule| job.rule.as_deref().unwrap_or("") == rule);
            let status = window.statuses.is_empty() || window.statuses.contains(&job.status);
            window.is_newest && rule && status
        });
        // Older jobs than the last one shown belong to the next page.
        let goes_on = self.next().with_untracked(Option::is_some);
        let is_older = order.with_untracked(|order| order.len() >= MOST || goes_on && order.last().is_some_and(|last| *last > job.id));
        if job.superseded || !fits || is_older {
            return;
        }
        self.window.update_value(|window| {
            window.rows.insert(job.id, ArcRwSignal::new(job.clone()));
        });
        order.update(|order| {
            let at = order.partition_point(|held| *held > job.id);
            order.insert(at, job.id);
        });
    }

    fn remove(self, id: JobKey) {
        if self.window.try_update_value(|window| window.rows.remove(&id)).flatten().is_some() {
            self.order().update(|order| order.retain(|held| *held != id));
        }
    }
}

/// The table; further rows come as the reader nears the end.
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
    // With one rule chosen its wildcards are columns.
    let one_rule = at.rule.is_some();
    let columns: Vec<String> = if one_rule { live.wildcards() } else { Vec::new() };
    let head = move |column: JobColumn, label: String, class: &'static str| {
        let here = sort.column == column;
        let next = sort.click(column);
        let state = here.then_some(match sort.direction {
            Direction::Asc => "ascending",
            Direction::Desc => "descending",
        });
        let href = move || {
            let sort = (next != JobSort::default()).then(|| next.to_string());
            paths::run_at(run, &RunPlace { sort, after: None, ..place.get() })
        };
        view! {
            <th role="columnheader" scope="col" class=class aria-sort=state>
                <a href=href>{label} {here.then(|| view! { <Icon name="i-sort" small=true/> })}</a>
            </th>
        }
    };
    let heads = columns.iter().map(|name| head.clone()(JobColumn::Wildcard(name.clone()), name.clone(), "")).collect_view();
    let plain = columns.is_empty();
    // Not a signal: while the next window is on its way this table is shown though its owner is gone.
    let columns: Arc<[String]> = columns.into();
    let asking = StoredValue::new(false);
    let more = {
        let next = next.clone();
        Callback::new(move |()| {
            let (Some(cursor), Some(false)) = (next.get_untracked(), asking.try_get_value()) else { return };
            asking.try_set_value(true);
            let Some(at) = place.try_get_untracked() else { return };
            let next = next.clone();
            spawn_local(async move {
                let ask = JobAsk { after: Some(cursor.to_string()), ..JobAsk::of(&at) };
                let found = list_jobs(run, ask).await;
                asking.try_set_value(false);
                // The reader may be elsewhere by now.
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
    let shown = move || {
        let (first, last) = rows.range();
        order.with(|order| order.get(first..last.min(order.len())).unwrap_or_default().to_vec())
    };
    let forth = move || {
        next.get().map(|cursor| {
            let href = paths::run_at(run, &RunPlace { after: Some(cursor.to_string()), job: None, ..place.get_untracked() });
            view! { <nav class="pages" aria-label="Pages"><a class="btn small" href=href>"Further jobs"<Icon name="i-right" small=true/></a></nav> }
        })
    };
    let says = if filtered { "No job passes this filter." } else { "No job here yet. Jobs appear as the workflow reports them." };
    view! {
        <div class="scroller" tabindex="0" role="region" aria-label="Jobs" node_ref=rows.scroller on:scroll=move |_| rows.measure()>
            <table class="job-table" role="table">
                <caption class="sr">{if plain { "Jobs of the run" } else { "Jobs of the rule" }}</caption>
                <thead role="rowgroup">
                    <tr role="row">
                        {head.clone()(JobColumn::Status, "Status".into(), "c-st")}
                        {(!one_rule).then(|| head.clone()(JobColumn::Rule, "Rule".into(), "c-rule"))}
                        {head.clone()(JobColumn::Job, "Job".into(), "c-job")}
                        {if plain { view! { <th role="columnheader" scope="col">"Wildcards"</th> }.into_any() } else { heads.into_any() }}
                        {head.clone()(JobColumn::Started, "Started".into(), "c-when")}
                        {head.clone()(JobColumn::Duration, "Duration".into(), "c-num end")}
                        {head(JobColumn::Threads, "Threads".into(), "c-num end opt")}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {move || rows.space(true)}
                    <For each=shown key=|id| *id let:id>
                        {live.row(id).map(|row| view! { <Job id row run place columns=Arc::clone(&columns) one_rule/> })}
                    </For>
                    {move || rows.space(false)}
                </tbody>
            </table>
            <If when=Signal::derive(none)>
                <div class="empty" role="status">
                    <p>{says}</p>
                </div>
            </If>
            {forth}
        </div>
    }
}

fn cell<T: PartialEq + Clone + Send + Sync + 'static>(
    row: &ArcRwSignal<JobRow>,
    value: impl Fn(&JobRow) -> T + Send + Sync + 'static,
) -> Memo<T> {
    let row = row.clone();
    Memo::new(move |_| row.with(&value))
}

#[component]
fn Job(id: JobKey, row: ArcRwSignal<JobRow>, run: RunId, place: Memo<RunPlace>, columns: Arc<[String]>, one_rule: bool) -> impl IntoView {
    let status = cell(&row, |job| job.status);
    let rule = cell(&row, |job| job.rule.clone().unwrap_or_else(|| "not told yet".into()));
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
    let values = columns.iter().cloned().map(|name| {
        let value = cell(&row, move |job| job.wildcards.get(&name).cloned().unwrap_or_default());
        view! { <td role="cell" class="wild cut" title=value>{value}</td> }
    });
    let values = values.collect_view();
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
            {if plain { view! { <td role="cell" class="wild cut" title=wildcards>{wildcards}</td> }.into_any() } else { values.into_any() }}
            <td role="cell"><Ago at=started absent="–"/></td>
            <td role="cell" class="num end"><Took started ended/></td>
            <td role="cell" class="num end opt">{threads}</td>
        </tr>
    }
}
