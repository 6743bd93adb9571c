//! Where somebody without a session lands: how to get one.

use crate::{query, session::session, ui::CopyLine};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

/// The sign-in page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let search = use_location().search.get_untracked();
    let why = query::value(&search, "why");
    if let (Some(device), Some(code)) = (query::value(&search, "cli_device_code"), query::value(&search, "cli_user_code")) {
        return view! { <Approval device code/> }.into_any();
    }
    let (heading, text) = match why.as_deref() {
        Some("used") => ("This link was used already", "A sign-in link works once, and for an hour. Ask the server for another."),
        Some("approved") => ("Approved", "The command goes on by itself; you can close this page."),
        Some("expired") => ("This code is not valid", "It is unknown, used or older than ten minutes. Run the command again."),
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
    .into_any()
}

/// A program waits for a token: shows its code and asks. Nothing happens without a click.
#[component]
fn Approval(device: String, code: String) -> impl IntoView {
    let signed_in = session().may_write;
    let name = session().user.get_value().unwrap_or_default();
    let text = if signed_in {
        format!("A command line asks for a token of {name}. Approve it only if you started it and it shows this code:")
    } else {
        "A command line asks for a token. Sign in first with a link from the server, then open this address again. The code:".into()
    };
    view! {
        <Title text="Approve a sign-in"/>
        <div class="error-page">
            <h1>"Let this command in?"</h1>
            <p>{text}</p>
            <p><code class="user-code">{code}</code></p>
            {signed_in
                .then(|| {
                    view! {
                        <form class="acts" method="post" action="/login/approve">
                            <input type="hidden" name="device_code" value=device/>
                            <button class="btn primary" type="submit">"Approve"</button>
                            <a class="btn" href=crate::paths::RUNS>"Not me"</a>
                        </form>
                    }
                })}
        </div>
    }
}
