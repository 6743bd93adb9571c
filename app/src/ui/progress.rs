//! One segmented bar for every set of jobs, always in the same order of states.

use leptos::prelude::*;
use model::{run::JobCounts, text};

/// The bar without numbers.
#[component]
pub fn JobBar(#[prop(into)] jobs: Signal<JobCounts>) -> impl IntoView {
    let label = move || {
        let jobs = jobs.get();
        let failed = if jobs.failed > 0 { format!(", {} failed", jobs.failed) } else { String::new() };
        format!("{} of {} jobs done{failed}", jobs.success, jobs.total())
    };
    let segments = move || {
        let jobs = jobs.get();
        let total = i64::from(jobs.total().max(1));
        jobs.segments()
            .map(|(status, count)| {
                let share = i64::from(count) * 1000 / total; // In tenths of a percent; floats would cost kilobytes of WASM.
                view! { <i data-status=status.as_str() style=format!("--n:{}.{}", share / 10, share % 10)></i> }
            })
            .collect_view()
    };
    view! {
        <div
            class="bar"
            role="meter"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax=move || jobs.get().total().max(1).to_string()
            aria-valuenow=move || jobs.get().success.to_string()
            data-done=move || { let jobs = jobs.get(); (jobs.total() > 0 && jobs.success == jobs.total()).then_some("") }
        >
            {segments}
        </div>
    }
}

/// The bar with its numbers.
#[component]
pub fn Progress(#[prop(into)] jobs: Signal<JobCounts>) -> impl IntoView {
    view! {
        <div class="progress">
            <JobBar jobs/>
            <span class="num">
                <b>{move || text::count(i64::from(jobs.get().success))}</b>
                {move || format!(" / {}", text::count(i64::from(jobs.get().total())))}
            </span>
        </div>
    }
}
