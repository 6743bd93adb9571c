//! Cells of a notebook and what they put out.

use super::Words;
use leptos::prelude::*;
use model::preview::{Cell, Output};

#[component]
pub fn NotebookView(cells: Vec<Cell>, label: String) -> impl IntoView {
    let cells = cells.into_iter().map(|cell| match cell {
        Cell::Rich(html) => view! { <article class="rich" inner_html=html></article> }.into_any(),
        Cell::Code { count, code, outputs } => {
            let count = count.map_or_else(|| "[ ]".to_owned(), |count| format!("[{count}]"));
            let outputs = outputs.into_iter().map(|output| match output {
                Output::Text(text) => view! { <pre>{text}</pre> }.into_any(),
                Output::Error(text) => view! { <pre data-level="error">{text}</pre> }.into_any(),
                Output::Rich(html) => view! { <div class="rich" inner_html=html></div> }.into_any(),
                Output::Picture(src) => view! { <img src=src alt="A picture that the cell put out"/> }.into_any(),
                Output::Other(says) => view! { <p class="dim">{says}</p> }.into_any(),
            });
            view! {
                <div class="cell"><span class="dim num">{count}</span><div><Words code/><div class="put-out">{outputs.collect_view()}</div></div></div>
            }
            .into_any()
        }
    });
    view! { <div class="scroller notebook" tabindex="0" role="region" aria-label=label>{cells.collect_view()}</div> }
}
