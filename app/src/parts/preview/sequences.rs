//! FASTA and FASTQ records: names, lengths, and coloured letters.

use crate::api::results::read_preview;
use leptos::{prelude::*, task::spawn_local};
use model::{
    RunId,
    file::FileRef,
    preview::{Sequence, Sequences, Shown},
    text,
};
use view::sequences::{facts, inked, lines};

/// Coloured letters over all records.
const COLOURED: usize = 6_000;

#[component]
pub fn SequencesView(id: RunId, file: FileRef, found: Sequences, label: String) -> impl IntoView {
    let Sequences { records, protein, next, ends } = found;
    let records = RwSignal::new(records);
    let next = RwSignal::new(next);
    let ends = RwSignal::new(ends);
    let failed = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let more = move |_| {
        let (Some(at), false) = (next.get_untracked(), busy.get_untracked()) else { return };
        busy.set(true);
        let file = file.clone();
        spawn_local(async move {
            let found = read_preview(id, file, at, None).await;
            if busy.try_set(false).is_some() {
                return; // The viewer has moved on to something else.
            }
            let Ok(Ok((_, Shown::Sequences(found)))) = found else { return failed.set(true) };
            failed.set(false);
            next.set(found.next);
            ends.set(found.ends);
            records.update(|records| records.extend(found.records));
        });
    };
    let rows = move || {
        let mut left = COLOURED;
        records.with(|records| {
            records
                .iter()
                .map(|record| {
                    let coloured = !protein && record.letters.len() <= left;
                    left = left.saturating_sub(record.letters.len());
                    row(record, coloured)
                })
                .collect_view()
        })
    };
    view! {
        <div class="scroller sequences" tabindex="0" role="region" aria-label=label>
            <ol>{rows}</ol>
            {move || {
                next.get()
                    .map(|_| view! { <p class="edge"><button class="btn small" type="button" disabled=move || busy.get() on:click=more.clone()>"Further records"</button></p> })
            }}
            {move || failed.get().then(|| view! { <p class="edge" role="status">"The next records could not be read. Try again."</p> })}
            {move || ends.get().says().filter(|_| next.get().is_none()).map(|says| view! { <p class="dim edge">{says}</p> })}
        </div>
    }
}

fn row(record: &Sequence, coloured: bool) -> impl IntoView + use<> {
    let (facts, lines) = (facts(record), lines(&record.letters));
    let rest = record.length.saturating_sub(record.letters.len() as u64);
    let letters = if coloured {
        let inked = inked(&lines).into_iter().map(|(class, text)| view! { <span class=class>{text}</span> });
        view! { <code>{inked.collect_view()}</code> }.into_any()
    } else {
        view! { <code>{lines}</code> }.into_any()
    };
    view! {
        <li>
            <p><b>{record.name.clone()}</b>" "<span>{record.about.clone()}</span>" "<span class="dim num">{facts}</span></p>
            <pre>{letters}</pre>
            {(rest > 0).then(|| view! { <p class="dim">{format!("… {} more", text::count(rest as i64))}</p> })}
        </li>
    }
}
