//! The timeline as a table: the same groups in numbers, for people who do not use the canvas.

use crate::{
    paths::{self, RunPlace},
    ui::{Ago, Took},
};
use chart::time::Breaks;
use leptos::prelude::*;
use model::{Millis, RunId, run::NO_RULE, text};
use view::timeline::Group;

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
        let hours = format!("{}.{:02}", group.core_s / 3_600, group.core_s % 3_600 / 36);
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
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col" class="c-rule">"Rule"</th>
                        <th role="columnheader" scope="col" class="c-num end">"Attempts"</th>
                        <th role="columnheader" scope="col" class="c-num end">"Failed"</th>
                        <th role="columnheader" scope="col" class="c-when">"First start"</th>
                        <th role="columnheader" scope="col" class="c-num end">"From first to last"</th>
                        <th role="columnheader" scope="col" class="c-num end">"At once"</th>
                        <th role="columnheader" scope="col" class="c-num end">"CPU-hours"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}
