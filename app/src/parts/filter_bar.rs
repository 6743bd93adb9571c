//! The search box for one small filter language, as a form that works without script.

use crate::{paths, ui::Icon};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::text::counted;
use model::{
    cut::letters,
    filter::{self, Key, RunFilter},
    page::{RunSort, Total},
};

/// Letters of a mistake that are shown; the box contains all of it.
const SHOWN: usize = 80;

/// The box, the active filters as chips, and the words that were not understood.
#[component]
pub fn FilterBar(filter: RunFilter, sort: RunSort, total: RwSignal<Total>) -> impl IntoView {
    let navigate = use_navigate();
    let text = filter.to_string();
    let wrong = !filter.mistakes.is_empty();
    let chips = filter
        .clauses
        .iter()
        .enumerate()
        .map(|(at, clause)| {
            let href = paths::runs(&filter.without(at), sort, None);
            let label = format!("Remove {}", clause.text);
            let (key, value) = match clause.text.split_once(':') {
                Some((key, value)) => (format!("{key}:"), value.to_owned()),
                None => (String::new(), clause.text.clone()),
            };
            view! {
                <span class="chip">
                    <span><i>{key}</i>{value}</span>
                    <a href=href aria-label=label><Icon name="i-x"/></a>
                </span>
            }
        })
        .collect_view();
    let mistakes = filter
        .mistakes
        .iter()
        .map(|mistake| {
            view! {
                <li>
                    <code class="bad">{letters(&mistake.text, SHOWN)}</code>
                    {if mistake.is_rest { " is left out. Allowed: " } else { " is not understood. Allowed: " }}
                    {mistake.expected.clone()}
                </li>
            }
        })
        .collect_view();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let words = document().query_selector("input[name=q]").ok().flatten();
        let words = words.and_then(|input| js_sys::Reflect::get(&input, &"value".into()).ok()).and_then(|value| value.as_string());
        navigate(&paths::runs(words.unwrap_or_default().trim(), sort, None), NavigateOptions::default());
    };
    let offered = filter::KEYS.iter().flat_map(Key::completions);
    let order = (sort != RunSort::default()).then(|| view! { <input type="hidden" name="sort" value=sort.to_string()/> });
    view! {
        <form class="filter-bar" role="search" action=paths::RUNS method="get" on:submit=submit>
            <div class="query">
                <Icon name="i-search" small=true/>
                {chips}
                <input
                    name="q"
                    type="text"
                    value=text
                    list="filter-words"
                    aria-label="Filter runs"
                    placeholder=filter::EXAMPLE
                    autocomplete="off"
                    spellcheck="false"
                    aria-invalid=wrong.then_some("true")
                    aria-describedby=wrong.then_some("filter-mistakes")
                />
                <datalist id="filter-words">
                    {offered.map(|(clause, finds)| view! { <option value=clause>{finds}</option> }).collect_view()}
                </datalist>
                <span class="num dim">{move || counted(total.get(), "run", "runs")}</span>
                <kbd aria-hidden="true">"/"</kbd>
            </div>
            {order}
        </form>
        {wrong
            .then(|| {
                view! {
                    <div class="query-help" id="filter-mistakes" role="alert">
                        <ul>{mistakes}</ul>
                    </div>
                }
            })}
    }
}
