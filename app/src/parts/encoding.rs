//! The encoding in which a text is read, and a choice of others. Reads nothing itself: the choice goes into the URL.

use crate::{
    paths::{self, RunPlace},
    ui::navigate_in_place,
};
use leptos::prelude::*;
use model::{
    RunId,
    encoding::{Encoding, ReadAs},
};

/// A choice of encodings for a file.
#[component]
pub fn EncodingChoice(id: RunId, file: String, read: ReadAs, place: Memo<RunPlace>) -> impl IntoView {
    let chosen = place.with_untracked(|place| place.encoding.as_ref().and_then(|encoding| encoding.parse::<Encoding>().ok()));
    let says = match chosen {
        Some(_) => "Detect the encoding".to_owned(),
        None => format!("Read as {}", read.says()),
    };
    let options = Encoding::ALL.into_iter().map(|encoding| {
        let name = encoding.as_str();
        let says = if chosen == Some(encoding) { format!("Read as {name}") } else { name.to_owned() };
        view! { <option value=name selected=chosen == Some(encoding)>{says}</option> }
    });
    let navigate = navigate_in_place();
    let choose = move |event: leptos::ev::Event| {
        let encoding = Some(event_target_value(&event)).filter(|name| !name.is_empty());
        let to = RunPlace { encoding, file: Some(file.clone()), from: None, ..place.get_untracked() };
        navigate(&paths::run_at(id, &to));
    };
    view! {
        <select class="field letters" aria-label="Encoding" title="Encoding of this file" on:change=choose>
            <option value="" selected=chosen.is_none()>{says}</option>
            {options.collect_view()}
        </select>
    }
}
