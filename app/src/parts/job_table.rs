//! A run's jobs as a table that follows the stream: one signal a row.

use crate::{
    paths,
    ui::{Ago, Icon, If, JobBadge, Took},
};
use leptos::prelude::*;
use model::{
    JobKey, JobStatus, RunId,
    job::JobRow,
    live::{Frame, replaces},
    page::Cursor,
};
use std::collections::HashMap;

/// Rows shown at most while they stream in; further ones are on the next pages.
const MOST: usize = 300;

/// The rows of a job table.
#[derive(Clone, Copy)]
pub struct LiveJobs {
    order: RwSignal<Vec<JobKey>>,
    rows: StoredValue<HashMap<JobKey, ArcRwSignal<JobRow>>>,
    rule: StoredValue<Option<String>>,
    statuses: StoredValue<Vec<JobStatus>>,
    from_start: bool,
}

impl LiveJobs {
    pub fn new(items: Vec<JobRow>, rule: Option<String>, status: Option<&str>, from_start: bool) -> Self {
        let order = items.iter().map(|job| job.id).collect();
        let rows = items.into_iter().map(|job| (job.id, ArcRwSignal::new(job))).collect();
        let statuses = status.unwrap_or("").split(',').filter_map(|word| word.parse().ok()).collect();
        Self {
            order: RwSignal::new(order),
            rows: StoredValue::new(rows),
            rule: StoredValue::new(rule),
            statuses: StoredValue::new(statuses),
            from_start,
        }
    }

    /// Takes a frame in: rows in place, new jobs on top of the first page.
    pub fn apply(self, frame: &Frame) {
        for job in &frame.jobs {
            match self.rows.with_value(|rows| rows.get(&job.id).cloned()) {
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

    fn meet(self, job: &JobRow) {
        let rule_fits = self.rule.with_value(|rule| rule.as_ref().is_none_or(|rule| job.rule.as_deref().unwrap_or("") == rule));
        let status_fits = self.statuses.with_value(|list| list.is_empty() || list.contains(&job.status));
        if job.superseded || !self.from_start || !rule_fits || !status_fits {
            return;
        }
        // Older jobs than the last one shown belong to the next page.
        let is_older = self.order.with_untracked(|order| order.len() >= 100 && order.last().is_some_and(|last| *last > job.id));
        if is_older {
            return;
        }
        self.rows.update_value(|rows| {
            rows.insert(job.id, ArcRwSignal::new(job.clone()));
        });
        self.order.update(|order| {
            let at = order.partition_point(|held| *held > job.id);
            order.insert(at, job.id);
            order.truncate(MOST);
        });
    }

    fn remove(self, id: JobKey) {
        if self.rows.try_update_value(|rows| rows.remove(&id)).flatten().is_some() {
            self.order.update(|order| order.retain(|held| *held != id));
        }
    }
}

/// The table with its pager.
#[component]
pub fn JobTable(live: LiveJobs, run: RunId, rule: Option<String>, status: Option<String>, next: Option<Cursor>) -> impl IntoView {
    let none = move || live.order.with(Vec::is_empty);
    let forth = next.map(|cursor| paths::run_jobs(run, rule.as_deref(), status.as_deref(), Some(&cursor.to_string())));
    view! {
        <div class="scroller" tabindex="0" role="region" aria-label="Jobs">
            <table class="job-table" role="table">
                <caption class="sr">"Jobs, the newest reported first"</caption>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Status"</th>
                        <th role="columnheader" scope="col">"Rule"</th>
                        <th role="columnheader" scope="col">"Job"</th>
                        <th role="columnheader" scope="col">"Wildcards"</th>
                        <th role="columnheader" scope="col">"Started"</th>
                        <th role="columnheader" scope="col">"Duration"</th>
                        <th role="columnheader" scope="col">"Threads"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    <For each=move || live.order.get() key=|id| *id let:id>
                        {live.rows.with_value(|rows| rows.get(&id).cloned()).map(|row| view! { <Job row/> })}
                    </For>
                </tbody>
            </table>
            <If when=Signal::derive(none)>
                <div class="empty" role="status">
                    <p>"No job here yet. Jobs appear as the workflow reports them."</p>
                </div>
            </If>
            {forth
                .map(|href| {
                    view! {
                        <nav class="pages" aria-label="Pages">
                            <a class="btn small" href=href>"Older jobs"<Icon name="i-right" small=true/></a>
                        </nav>
                    }
                })}
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
fn Job(row: ArcRwSignal<JobRow>) -> impl IntoView {
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
    view! {
        <tr role="row" tabindex="-1" data-row="" data-status=move || status.get().as_str()>
            <td role="cell"><JobBadge status/></td>
            <td role="cell"><code>{rule}</code></td>
            <td role="cell" class="num">
                {number}
                <If when=Signal::derive(move || { attempt.get() > 1 })>
                    <span class="try">{move || format!(" #{}", attempt.get())}</span>
                </If>
            </td>
            <td role="cell" class="cut"><code>{wildcards}</code></td>
            <td role="cell"><Ago at=started absent="–"/></td>
            <td role="cell" class="num"><Took started ended/></td>
            <td role="cell" class="num">{threads}</td>
        </tr>
    }
}
