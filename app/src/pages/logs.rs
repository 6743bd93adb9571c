//! Messages and errors that clients reported, over all runs, with a search.

use crate::{
    api::entries::search_entries,
    codec::Json,
    parts::{error::ErrorPage, frame::query_signal},
    paths::{self, RunPlace},
    ui::{Ago, Bone, Empty, Icon, submit_in_place},
};
use leptos::prelude::*;
use leptos_meta::Title;
use model::log::LogEntry;
use view::entries::{Entries, pieces};

lazy_page! {
    /// `/logs`
    LogsRoute => LogsPage
}

#[component]
fn LogsPage() -> impl IntoView {
    let (q, level, after) = (query_signal("q"), query_signal("level"), query_signal("after"));
    let only_errors = Memo::new(move |_| level.get().as_deref() == Some("error"));
    let found = Resource::<_, Json>::new_with_options(
        move || (q.get().unwrap_or_default(), only_errors.get(), after.get().and_then(|after| after.parse().ok())),
        |(q, errors, after)| search_entries(q, errors, after),
        true,
    );
    let form = move |errors: bool, label: &'static str| {
        let href = move || paths::logs(&q.get().unwrap_or_default(), errors, None);
        let here = move || (only_errors.get() == errors).then_some("true");
        view! { <a href=href aria-current=here>{label}</a> }
    };
    view! {
        <Title text="Logs · Flowo"/>
        <h1 class="sr">"Logs"</h1>
        <form class="tool said-tool" method="get" action=paths::LOGS role="search" on:submit=submit_in_place()>
            <div class="seg" role="group" aria-label="Kinds">{form(false, "All")} {form(true, "Errors")}</div>
            {move || only_errors.get().then(|| view! { <input type="hidden" name="level" value="error"/> })}
            <span class="grow"></span>
            <input class="field" type="search" name="q" prop:value=move || q.get().unwrap_or_default() value=q.get_untracked() placeholder="Words in messages and errors" aria-label="Find in all runs" maxlength="200" autocomplete="off"/>
            <button class="btn small" type="submit"><Icon name="i-search" small=true/>"Find"</button>
        </form>
        <Transition fallback=Bone>
            {move || Suspend::new(async move {
                match found.await {
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                    Ok(Entries { entries, next }) => {
                        let words = q.get_untracked().unwrap_or_default();
                        view! { <List entries next words errors=only_errors.get_untracked()/> }.into_any()
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn List(entries: Vec<LogEntry>, next: Option<i64>, words: String, errors: bool) -> impl IntoView {
    if entries.is_empty() {
        let says = if words.is_empty() && !errors {
            "No messages yet. Messages of rules and errors of runs appear here."
        } else {
            "No message contains these words."
        };
        return view! { <Empty says/> }.into_any();
    }
    let older = next.map(|next| {
        let href = paths::logs(&words, errors, Some(next));
        view! { <nav class="pages" aria-label="Pages"><a class="btn small" href=href>"Older"<Icon name="i-right" small=true/></a></nav> }
    });
    let rows = entries.into_iter().map(|entry| {
        let LogEntry { run, run_title, job, rule, is_error, message, at, .. } = entry;
        let to_run = paths::run(run);
        let job = job.map(|job| {
            let href = paths::run_at(run, &RunPlace::default().of_job(Some(job)));
            view! { <a class="link" href=href>{rule.clone().unwrap_or_else(|| "the job".to_owned())}</a> }
        });
        view! {
            <li data-level=is_error.then_some("error")>
                <p class="from">
                    {is_error.then(|| view! { <span class="st" data-status="failed"><svg class="st-i" role="img" aria-label="Error"><use href="#st-failed"></use></svg></span> })}
                    <a class="link" href=to_run>{run_title}</a>
                    {job}
                    <span class="dim"><Ago at=Signal::stored(Some(at))/></span>
                </p>
                <pre>{marked(message.trim_start_matches('\n'), &words)}</pre>
            </li>
        }
    });
    view! {
        <div class="scroller said" tabindex="0" role="region" aria-label="Messages and errors">
            <ol>{rows.collect_view()}</ol>
            {older}
        </div>
    }
    .into_any()
}

/// A message with the search words highlighted.
fn marked(message: &str, words: &str) -> Vec<AnyView> {
    pieces(message, words)
        .into_iter()
        .map(|(hit, text)| if hit { view! { <mark>{text}</mark> }.into_any() } else { text.into_any() })
        .collect()
}
