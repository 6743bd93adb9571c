//! The pages: rendered by the server, hydrated by WASM.
//!
//! `pages` arrange, `parts` know the product, `ui` does not. `api` holds the server functions; `live` keeps the page in
//! step with the database.
#![forbid(unsafe_code)]
#![recursion_limit = "256"]

pub mod api;
mod codec;
pub mod error;
pub mod live;
mod pages;
mod parts;
#[cfg(feature = "ssr")]
pub mod run_report;
mod session;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
pub mod state;
mod ui;

#[cfg(feature = "ssr")]
pub use shell::shell;
pub use view::{paths, query};

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, SsrMode,
    components::{Redirect, Route, Router, Routes},
    path,
};
use pages::{LoginRoute, LogsRoute, NotFound, RunRoute, RunsPage, SignInPage};
use parts::{
    frame::Frame,
    keys::{self, HelpSheet, Keys},
    palette::{self, Palette},
    toasts::{ToastList, Toasts},
};

/// A page's title for Leptos, which writes it into the document's head unescaped, although it may contain a run's name.
/// The browser sets titles as text.
fn in_title(text: String) -> String {
    if cfg!(feature = "ssr") { escaped(&text) } else { text }
}

/// `text` escaped for an element of the document's head.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The whole application, on both sides.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    session::provide();
    live::provide();
    ToastList::provide();
    keys::provide();
    palette::provide();
    let signed_in = session::session().user.get_value().is_some();

    view! {
        <Title formatter=in_title/>
        <Router>
            <Frame>
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=|| view! { <Redirect path=paths::RUNS/> } ssr=SsrMode::Async/>
                    <Route path=path!("/runs") view=RunsPage ssr=SsrMode::Async/>
                    <Route path=path!("/runs/:id") view={Lazy::<RunRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/logs") view={Lazy::<LogsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/login") view={Lazy::<LoginRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
                </Routes>
            </Frame>
            // Visitors who are not signed in have no pages to jump to.
            {signed_in
                .then(|| {
                    view! {
                        <Palette/>
                        <HelpSheet/>
                        <Keys/>
                    }
                })}
            <Toasts/>
        </Router>
    }
}
