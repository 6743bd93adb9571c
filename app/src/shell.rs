//! The document around the application: head, theme, icons, and the scripts that hydrate the page.

use crate::{App, session};
use leptos::{
    hydration::{AutoReload, HydrationScripts},
    nonce::use_nonce,
    prelude::*,
};
use leptos_axum::ResponseOptions;
use leptos_meta::MetaTags;

/// The sprite of all icons; pages refer to them by id. Placed after the application, which must come first.
const ICONS: &str = include_str!("ui/icons.svg");

/// Before hydration, a page still shows the URL it was rendered for, but "back" within one document changes only the
/// URL. The page would then hydrate as another one. So hydration is prevented (`data-left`) and the right page is
/// loaded.
const STEADY: &str = r#"{
    const html = document.documentElement;
    const made = new URL(performance.getEntriesByType("navigation")[0]?.name ?? location.href);
    const steady = (event) => {
        if (html.hasAttribute("data-awake") || made.pathname + made.search === location.pathname + location.search) return;
        event?.stopImmediatePropagation();
        html.setAttribute("data-left", "");
        location.reload();
    };
    addEventListener("popstate", steady);
    steady();
}"#;

/// After a panic, during hydration or later, the WASM can do nothing more: from then on the page behaves as it does
/// without script. Links lead where they say, by loading pages; actions that need the WASM are no longer attempted.
/// `data-failed` shows this to the style sheet, and a notice to the viewer.
const SAFE: &str = r#"{
    const html = document.documentElement;
    const failed = () => html.hasAttribute("data-failed");
    const look = (error) => {
        const broke = error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && /call stack/i.test(error.message));
        if (!broke || failed()) return;
        html.setAttribute("data-failed", "");
        document.getElementById("failed")?.removeAttribute("hidden");
    };
    addEventListener("error", (event) => look(event.error));
    addEventListener("unhandledrejection", (event) => look(event.reason));
    for (const kind of ["click", "keydown", "submit", "input", "change"]) {
        addEventListener(kind, (event) => { if (failed()) event.stopImmediatePropagation(); }, true);
    }
    addEventListener("popstate", (event) => {
        if (!failed()) return;
        event.stopImmediatePropagation();
        location.reload();
    }, true);
}"#;

/// The HTML document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    policy();
    let pkg = options.site_pkg_dir.to_string();
    let wishes = session::wishes();
    let theme = wishes.theme.as_str();
    // Before sign-in there are no pages to navigate to.
    let rail = if crate::state::viewer().is_err() { Some("none") } else { wishes.slim_rail.then_some("slim") };

    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=format!("/{pkg}/flowo.css")/>
                <script nonce=use_nonce() inner_html=STEADY></script>
                <script nonce=use_nonce() inner_html=SAFE></script>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body class="app" data-rail=rail>
                <App/>
                <div hidden aria-hidden="true" inner_html=ICONS></div>
                <div id="failed" class="failed" role="alert" hidden>
                    <p>"This page stopped working. Its links still work; reload to continue."</p>
                    <a class="btn small" href="">"Retry"</a>
                </div>
            </body>
        </html>
    }
}

/// Allows only our own scripts, and only those of this answer.
fn policy() {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else { return };
    // `cargo leptos watch` talks to pages over a port of its own.
    let watch = if std::env::var_os("LEPTOS_WATCH").is_some() { " ws:" } else { "" };
    let policy = format!(
        "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; connect-src 'self'{watch}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(value) = http::HeaderValue::from_str(&policy) {
        response.insert_header(http::header::CONTENT_SECURITY_POLICY, value);
    }
}
