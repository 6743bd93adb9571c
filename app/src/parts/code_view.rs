//! The code of a run: the Snakefile and configuration, or what the rules run.

use crate::{
    api::code::{CodeView, Source, SourceBody},
    ui::Icon,
};
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast as _;

/// Texts under each other, highlighted by the server.
#[component]
pub fn Code(found: CodeView) -> impl IntoView {
    let CodeView { files, rules, more, config } = found;
    let empty = files.is_empty() && rules.is_empty() && config.is_none();
    let heading = (!files.is_empty() && !rules.is_empty()).then(|| view! { <h2 class="part">"Rules"</h2> });
    view! {
        <div class="texts" tabindex="0" role="region" aria-label="Code">
            {files.into_iter().map(|source| view! { <Text source/> }).collect_view()}
            {config
                .map(|html| {
                    let body = SourceBody::Html { lines: html.lines().count() as u32, html, cut: false };
                    view! { <Text source=Source { name: "Configuration as reported".into(), language: Some("json".into()), body }/> }
                })}
            {heading}
            {rules.into_iter().map(|source| view! { <Text source/> }).collect_view()}
            {more.then(|| view! { <p class="dim">"There are more rules; choose one in the graph."</p> })}
            {empty.then(|| view! { <div class="empty" role="status"><p>"Nothing was reported about this code."</p></div> })}
        </div>
    }
}

#[component]
fn Text(source: Source) -> impl IntoView {
    let Source { name, language, body } = source;
    let label = format!("Code of {name}");
    let (says, shown) = match body {
        SourceBody::Html { html, lines, cut } => {
            let says = format!("{lines} {}{}", if lines == 1 { "line" } else { "lines" }, if cut { ", the rest is not shown" } else { "" });
            let pre = view! { <pre class="code" tabindex="0" role="region" aria-label=label inner_html=html></pre> };
            (says, pre.into_any())
        }
        SourceBody::Absent(why) => (String::new(), view! { <p class="dim">{why}</p> }.into_any()),
    };
    let has = !says.is_empty();
    view! {
        <section class="text">
            <header>
                <Icon name="i-code" small=true/>
                <h3>{name}</h3>
                <span class="dim">{language}</span>
                <span class="dim num">{says}</span>
                {has.then(|| view! { <CopyNext/> })}
            </header>
            {shown}
        </section>
    }
}

/// Copies the text of the section it stands in.
#[component]
fn CopyNext() -> impl IntoView {
    let done = RwSignal::new(false);
    let copy = move |event: ev::MouseEvent| {
        let button = event.current_target().and_then(|button| button.dyn_into::<web_sys::Element>().ok());
        let section = button.and_then(|button| button.closest("section").ok().flatten());
        let text = section.and_then(|section| section.query_selector("pre").ok().flatten()).and_then(|pre| pre.text_content());
        if let Some(text) = text {
            crate::ui::copy_text(&text);
            done.set(true);
            set_timeout(
                move || {
                    done.try_set(false);
                },
                std::time::Duration::from_millis(1500),
            );
        }
    };
    view! {
        <button class="btn ghost small" type="button" on:click=copy>
            <Icon name="i-copy" small=true/>
            {move || if done.get() { "Copied" } else { "Copy" }}
        </button>
    }
}
