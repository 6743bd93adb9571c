//! The sign-in page: how to get a sign-in link, the button that such a link leads to, and the approval of a program.

use crate::{
    api::devices::find_device,
    codec::Json,
    error::AppError,
    paths, query,
    session::session,
    ui::{Bone, CopyLine},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use model::access::{Permission, TokenScope};
use view::devices::{MOST_DAYS, PendingDevice, lasting, offered};

/// What a token may do, least first: its scope, name and meaning. Scopes that nothing here uses yet are not offered.
const SCOPES: [(TokenScope, &str, &str); 4] = [
    (TokenScope::Report, "Report runs", "Enough for snakemake --logger flowo and the flowo command. It cannot read anything."),
    (TokenScope::Read, "Read runs", "For scripts that read runs. It cannot change anything."),
    (TokenScope::Write, "Report, read, change", "It can also rename, delete and restore your runs."),
    (TokenScope::Admin, "Everything", "Everything that you can do as an admin."),
];
lazy_page! {
    /// `/login`
    LoginRoute => LoginPage
}

/// The sign-in page.
#[component]
fn LoginPage() -> impl IntoView {
    let search = use_location().search.get_untracked();
    let why = query::value(&search, "why");
    if let Some(device) = query::value(&search, "cli_device_code").filter(|code| !code.is_empty()) {
        return view! { <Approval device/> }.into_any();
    }
    let (heading, text) = match why.as_deref() {
        Some("used") => ("This link no longer works", "A sign-in link works once and expires after an hour. Get a new one."),
        Some("approved") => ("Approved", "The command continues by itself. You can close this page."),
        Some("expired") => ("This code is not valid", "It is unknown, already used, or more than ten minutes old. Run the command again."),
        Some("out") => ("Signed out", "Your session is over, here and on the server."),
        _ => ("Sign in", "Flowo shows runs only to people with an account. Sign in with a single-use link."),
    };
    let asks = !matches!(why.as_deref(), Some("approved" | "expired"));
    view! {
        <Title text="Sign in"/>
        <div class="error-page">
            <h1>{heading}</h1>
            <p>{text}</p>
            {asks.then(|| view! { <Ways/> })}
        </div>
    }
    .into_any()
}

/// How to get a sign-in link, on one's own machine and on somebody else's server.
#[component]
fn Ways() -> impl IntoView {
    view! {
        <h2>"Flowo runs on your machine or in your account on a server"</h2>
        <p>"Flowo printed a link when it started. To print a new one, run this on the machine where Flowo runs:"</p>
        <CopyLine text="flowod link" label="Copy the command"/>
        <h2>"Somebody else runs it"</h2>
        <p>
            "Ask them for a sign-in link. They can create one with " <code>"flowod link"</code> ". The link opens this page if "
            <code>"FLOWO_HOST"</code> " on the server is the URL of this page."
        </p>
    }
}

/// Where a sign-in link leads. Opening it does nothing yet: mail programs and browsers open links by themselves.
#[component]
pub fn SignInPage() -> impl IntoView {
    let search = use_location().search.get_untracked();
    let key = query::value(&search, "key").filter(|key| !key.is_empty());
    let Some(key) = key else {
        return view! {
            <Title text="Sign in"/>
            <div class="error-page">
                <h1>"This link is incomplete"</h1>
                <p>"The part after “key=” is missing. Copy the whole line that Flowo printed."</p>
                <Ways/>
            </div>
        }
        .into_any();
    };
    view! {
        <Title text="Sign in"/>
        <div class="error-page">
            <h1>"Sign in to Flowo"</h1>
            <p>"This link works once. It signs this browser in for thirty days after its last use."</p>
            <form class="acts" method="post" action="/sign-in">
                <input type="hidden" name="key" value=key/>
                <button class="btn primary" type="submit" autofocus=true>"Sign in"</button>
            </form>
        </div>
    }
    .into_any()
}

/// A program waits for a token: shows the code that the server made for it, and asks. Nothing happens without a click.
#[component]
fn Approval(device: String) -> impl IntoView {
    let session = session();
    if !session.may_write {
        let signed_in = session.user.get_value().is_some();
        let text = if signed_in {
            "A command asks for a token. Your account can only view runs, so it cannot create tokens."
        } else {
            "A command asks for a token. Sign in first, then open the URL that it printed again."
        };
        return view! {
            <Title text="Approve a sign-in"/>
            <div class="error-page">
                <h1>"Approve this command?"</h1>
                <p>{text}</p>
                {(!signed_in).then(|| view! { <Ways/> })}
            </div>
        }
        .into_any();
    }
    let code = device.clone();
    let pending = Resource::<_, Json>::new_with_options(move || code.clone(), find_device, true);
    view! {
        <Title text="Approve a sign-in"/>
        <Transition fallback=Bone>
            {move || {
                let device = device.clone();
                Suspend::new(async move {
                    match pending.await {
                        Ok(pending) => view! { <Question device pending/> }.into_any(),
                        Err(error) => view! { <NoQuestion error/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// There is nothing to approve, or the lookup failed.
#[component]
fn NoQuestion(error: AppError) -> impl IntoView {
    let (heading, text) = match error {
        AppError::NotFound => {
            ("This code is not valid", "It is unknown, already used, or more than ten minutes old. Run the command again.".to_owned())
        }
        error => ("This code could not be looked up", error.to_string()),
    };
    view! {
        <div class="error-page">
            <h1>{heading}</h1>
            <p>{text}</p>
        </div>
    }
}

#[component]
fn Question(device: String, pending: PendingDevice) -> impl IntoView {
    let name = session().user.get_value().unwrap_or_default();
    let PendingDevice { user_code, asked_from, asked_days, may_admin } = pending;
    let least = asked_days.unwrap_or(MOST_DAYS).min(MOST_DAYS);
    let scopes = SCOPES.into_iter().filter(|(scope, ..)| may_admin || scope.admitted_by() != Permission::AdmitAdmins).enumerate();
    let scopes = scopes.map(|(nth, (scope, title, means))| {
        view! {
            <label>
                <input type="radio" name="scope" value=scope.as_str() checked={nth == 0}/>
                <span><b>{title}</b><span>{means}</span></span>
            </label>
        }
    });
    let days = offered(asked_days).into_iter().map(|days| {
        view! { <option value=days.to_string() selected={days == least}>{lasting(days)}</option> }
    });
    let asked = match asked_days {
        Some(days) if days > MOST_DAYS => Some(format!("The command asks for {}.", lasting(days))),
        Some(_) => None,
        None => Some("The command asks for a token that does not expire.".to_owned()),
    };
    view! {
        <div class="error-page">
            <h1>"Approve this command?"</h1>
            <p>
                {format!("A command asks for a token in the name of {name}. Approve it only if you started it and it shows this code:")}
            </p>
            <p><code class="user-code">{user_code}</code></p>
            {asked_from.map(|from| view! { <p class="soft">{format!("The request came from {from}.")}</p> })}
            <form class="approval" method="post" action="/login/approve">
                <input type="hidden" name="device_code" value=device/>
                <fieldset>
                    <legend>"What it may do"</legend>
                    {scopes.collect_view()}
                </fieldset>
                <label class="line">
                    "Valid for"
                    <select class="field" name="days">{days.collect_view()}</select>
                </label>
                {asked.map(|asked| view! { <p class="soft">{asked}</p> })}
                <div class="acts">
                    <button class="btn primary" type="submit">"Approve"</button>
                    <a class="btn" href=paths::RUNS>"Not me"</a>
                </div>
            </form>
        </div>
    }
}
