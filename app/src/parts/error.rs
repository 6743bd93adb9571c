//! Something could not be shown: says what, why, and what to do next.

use crate::{
    error::AppError,
    paths,
    session::session,
    ui::{Icon, StatusMark},
};
use leptos::prelude::*;
use leptos_meta::Title;

/// A whole page about an error. Signed-out visitors are sent to the sign-in page.
#[component]
pub fn ErrorPage(error: AppError) -> impl IntoView {
    let heading = match error {
        AppError::NotFound => "Page not found",
        AppError::SignedOut => "You are signed out",
        AppError::Refused(_) => "You may not change this",
        AppError::Invalid { .. } => "This URL is not valid",
        AppError::Unavailable => "The database is not reachable",
        AppError::Busy => "This took too long",
        AppError::Internal { .. } => "Flowo hit an internal error",
        AppError::Offline => "The server does not answer",
    };
    let incident = error.incident().map(str::to_owned);
    let again = error.is_passing();
    let signed_in = session().user.get_value().is_some();
    view! {
        <Title text=error.title()/>
        <div class="error-page">
            <span class="pill" data-status="failed">
                <StatusMark word="failed"/>
                {error.title()}
            </span>
            <h1>{heading}</h1>
            <p>{error.to_string()}</p>
            {incident
                .map(|incident| {
                    view! {
                        <dl class="facts">
                            <dt>"Incident"</dt>
                            <dd><code>{incident}</code></dd>
                        </dl>
                    }
                })}
            <div class="acts">
                // An empty `href` is this page, so reloading works without script.
                {again.then(|| view! { <a class="btn primary" rel="external" href=""><Icon name="i-rerun"/>"Try again"</a> })}
                {matches!(error, AppError::SignedOut).then(|| view! { <a class="btn primary" rel="external" href="/login">"Sign in"</a> })}
                {if signed_in {
                    view! { <a class="btn" href=paths::RUNS>"Back to runs"</a> }.into_any()
                } else if matches!(error, AppError::SignedOut) {
                    ().into_any()
                } else {
                    view! { <a class="btn primary" rel="external" href="/login">"Sign in"</a> }.into_any()
                }}
            </div>
        </div>
    }
}
