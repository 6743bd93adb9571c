//! FASTA and FASTQ records: names, lengths, and coloured letters.

use crate::api::results::look_into;
use leptos::{prelude::*, task::spawn_local};
use model::{
    RunId,
    file::FileRef,
    preview::{Sequence, Sequences, Shown},
    text,
};

/// Coloured letters over all records.
const COLOURED: usize = 6_000;
/// Letters per line.
const LINE: usize = 60;

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
            let found = look_into(id, file, at, None).await;
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
    let Sequence { name, about, length, cut, letters, gc, quality } = record.clone();
    let mut facts = vec![if cut {
        format!("more than {} letters", text::count(length as i64))
    } else {
        format!("{} letters", text::count(length as i64))
    }];
    facts.extend(gc.map(|gc| format!("GC {}.{} %", gc / 10, gc % 10)));
    facts.extend(quality.map(|quality| format!("mean Q {}.{}", quality / 10, quality % 10)));
    let rest = length.saturating_sub(letters.len() as u64);
    let mut lines = String::new();
    for (at, letter) in letters.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    let letters = if coloured { view! { <code>{inked(&lines)}</code> }.into_any() } else { view! { <code>{lines}</code> }.into_any() };
    view! {
        <li>
            <p><b>{name}</b>" "<span>{about}</span>" "<span class="dim num">{facts.join(" · ")}</span></p>
            <pre>{letters}</pre>
            {(rest > 0).then(|| view! { <p class="dim">{format!("… {} more", text::count(rest as i64))}</p> })}
        </li>
    }
}

/// Groups consecutive letters of the same colour.
fn inked(letters: &str) -> Vec<AnyView> {
    let kind = |letter: char| match letter.to_ascii_uppercase() {
        'A' => "nt-a",
        'C' => "nt-c",
        'G' => "nt-g",
        'T' | 'U' => "nt-t",
        _ => "",
    };
    let mut pieces: Vec<(&str, String)> = Vec::new();
    for letter in letters.chars() {
        match pieces.last_mut() {
            Some((last, text)) if *last == kind(letter) || letter == '\n' => text.push(letter),
            _ => pieces.push((kind(letter), letter.into())),
        }
    }
    pieces.into_iter().map(|(kind, text)| view! { <span class=kind>{text}</span> }.into_any()).collect()
}
