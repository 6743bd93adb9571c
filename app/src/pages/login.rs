//! Where somebody without a session lands: how to get one.

use crate::{query, ui::CopyLine};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

/// The sign-in page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let why = query::value(&use_location().search.get_untracked(), "why");
    let (heading, text) = match why.as_deref() {
        Some("used") => ("This link was used already", "A sign-in link works once, and for an hour. Ask the server for another."),
        Some("out") => ("Signed out", "Your session is over, here and on the server."),
        _ => ("Sign in", "Flowo shows runs only to people it knows. Open the sign-in link that it printed when it started."),
    };
    view! {
        <Title text="Sign in"/>
        <div class="error-page">
            <h1>{heading}</h1>
            <p>{text}</p>
            <p>"On the machine where Flowo runs, this prints a fresh link:"</p>
            <CopyLine text="flowod link" label="Copy the command"/>
        </div>
    }
}
