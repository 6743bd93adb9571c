//! Messages and errors that clients reported, over all runs, with a search.

use crate::{
    api::entries::search_entries,
    codec::Json,
    parts::{error::ErrorPage, frame::query_signal},
    paths::{self, RunPlace},
    ui::{Ago, Icon, submit_in_place},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::LazyRoute;
use model::log::LogEntry;
use view::entries::Entries;

/// `/logs`. Where the WASM is split, its code is loaded when it is first opened.
#[derive(Clone, Copy, Debug)]
pub struct LogsRoute;

#[cfg(any(feature = "ssr", feature = "split"))]
#[leptos_router::lazy_route]
impl LazyRoute for LogsRoute {
    fn data() -> Self {
        Self
    }

    fn view(this: Self) -> AnyView {
        let _ = this;
        view! { <LogsPage/> }.into_any()
    }
}

#[cfg(not(any(feature = "ssr", feature = "split")))]
impl LazyRoute for LogsRoute {
    fn data() -> Self {
        Self
    }

    async fn view(_: Self) -> AnyView {
        view! { <LogsPage/> }.into_any()
    }
}

#[component]
fn LogsPage() -> impl IntoView {
    let (q, level, after) = (query_signal("q"), query_signal("level"), query_signal("after"));
    let errors = Memo::new(move |_| level.get().as_deref() == Some("error"));
    let found = Resource::<_, Json>::new_with_options(
        move || (q.get().unwrap_or_default(), errors.get(), after.get().and_then(|after| after.parse().ok())),
        |(q, errors, after)| search_entries(q, errors, after),
        true,
    );
    let form = move |errors: bool, label: &'static str| {
        let href = move || paths::logs(&q.get().unwrap_or_default(), errors, None);
        let here = move || (self::is(level.get().as_deref()) == errors).then_some("true");
        view! { <a href=href aria-current=here>{label}</a> }
    };
    view! {
        <Title text="Logs · Flowo"/>
        <h1 class="sr">"Logs"</h1>
        <form class="tool said-tool" method="get" action=paths::LOGS role="search" on:submit=submit_in_place()>
            <div class="seg" role="group" aria-label="Kinds">{form(false, "All")} {form(true, "Errors")}</div>
            {move || errors.get().then(|| view! { <input type="hidden" name="level" value="error"/> })}
            <span class="grow"></span>
            <input class="field" type="search" name="q" prop:value=move || q.get().unwrap_or_default() value=q.get_untracked() placeholder="Words in messages and errors" aria-label="Find in all runs" maxlength="200" autocomplete="off"/>
            <button class="btn small" type="submit"><Icon name="i-search" small=true/>"Find"</button>
        </form>
        <Transition fallback=|| view! { <div class="bone" style="block-size:20px;margin:16px 24px" aria-busy="true"></div> }>
            {move || Suspend::new(async move {
                match found.await {
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                    Ok(Entries { entries, next }) => {
                        let words = q.get_untracked().unwrap_or_default();
                        view! { <List entries next words errors=errors.get_untracked()/> }.into_any()
                    }
                }
            })}
        </Transition>
    }
}

fn is(level: Option<&str>) -> bool {
    level == Some("error")
}

#[component]
fn List(entries: Vec<LogEntry>, next: Option<i64>, words: String, errors: bool) -> impl IntoView {
    if entries.is_empty() {
        let says = if words.is_empty() && !errors {
            "No messages yet. Messages of rules and errors of runs appear here."
        } else {
            "No message contains these words."
        };
        return view! { <div class="empty" role="status"><p>{says}</p></div> }.into_any();
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

/// Splits a message and says which pieces match. Letters whose other case has a different length are not matched.
fn pieces(message: &str, words: &str) -> Vec<(bool, String)> {
    let (low, wanted) = (message.to_lowercase(), words.trim().to_lowercase());
    if wanted.is_empty() || low.len() != message.len() {
        return vec![(false, message.to_owned())];
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    for (begin, hit) in low.match_indices(&wanted) {
        let (Some(before), Some(hit)) = (message.get(at..begin), message.get(begin..begin + hit.len())) else { continue };
        pieces.push((false, before.to_owned()));
        pieces.push((true, hit.to_owned()));
        at = begin + hit.len();
    }
    pieces.push((false, message.get(at..).unwrap_or_default().to_owned()));
    pieces.retain(|(_, text)| !text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_marked_as_they_are_written() {
        let of = |message, words| {
            pieces(message, words).into_iter().map(|(hit, text)| if hit { format!("[{text}]") } else { text }).collect::<String>()
        };
        assert_eq!(of("No Space left, no space", "no space"), "[No Space] left, [no space]");
        assert_eq!(of("plain", ""), "plain");
        assert_eq!(of("\u{130}x größe", "x"), "\u{130}x größe", "another length in small letters");
    }
}
