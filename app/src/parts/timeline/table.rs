//! The timeline as a table: the same groups in numbers, for people who do not use the canvas.

use crate::{
    paths::{self, RunPlace},
    ui::{Ago, Took, heads},
};
use chart::time::Breaks;
use leptos::prelude::*;
use model::{Millis, RunId, run::NO_RULE, text};
use view::timeline::Group;

/// The columns with their classes.
const COLUMNS: [(&str, &str); 7] = [
    ("Rule", "c-rule"),
    ("Attempts", "c-num end"),
    ("Failed", "c-num end"),
    ("First start", "c-when"),
    ("From first to last", "c-num end"),
    ("At once", "c-num end"),
    ("CPU-hours", "c-num end"),
];

/// For each rule: when its jobs ran, how many at a time, what they used.
#[component]
pub fn GroupTable(id: RunId, place: Memo<RunPlace>, groups: Vec<Group>, origin: Millis, breaks: Breaks) -> impl IntoView {
    let rows = groups.into_iter().map(|group| {
        let at = |time: i64| origin + breaks.stretch(time);
        let (started, ended) = (Some(at(group.from)), group.to.map(at));
        let href = {
            let rule = group.name.clone();
            move || paths::run_at(id, &RunPlace { sort: Some("started".into()), ..place.get().of_tab(None).of_rule(Some(&rule)) })
        };
        let label = if group.name.is_empty() { NO_RULE.to_owned() } else { group.name };
        let hours = text::hours(group.core_s);
        view! {
            <tr role="row">
                <th role="rowheader" scope="row" class="rule cut" title=label.clone()><a href=href>{label.clone()}</a></th>
                <td role="cell" class="num end">{text::count(i64::from(group.attempts))}</td>
                <td role="cell" class="num end">{text::count(i64::from(group.failed))}</td>
                <td role="cell"><Ago at=Signal::derive(move || started)/></td>
                <td role="cell" class="num end"><Took started=Signal::derive(move || started) ended=Signal::derive(move || ended)/></td>
                <td role="cell" class="num end">{text::count(i64::from(group.peak))}</td>
                <td role="cell" class="num end">{hours}</td>
            </tr>
        }
    });
    view! {
        <div class="scroller" tabindex="0" role="region" aria-label="Timeline as a table">
            <table class="job-table plain" role="table">
                <caption class="sr">"Rules in order of their first start"</caption>
                {heads(&COLUMNS)}
                <tbody role="rowgroup">{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}
