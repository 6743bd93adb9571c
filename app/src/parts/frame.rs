//! The frame around every page: rail, top bar, panel. Before sign-in: the panel below a bar without links.

use super::live_chip::LiveChip;
use crate::{
    paths, query,
    session::{Theme, session},
    ui::Icon,
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use model::cut::fitting;

/// Letters of a run's id in the top bar.
const CRUMB: usize = 8;

/// Rail, top bar, and the page in the middle.
#[component]
pub fn Frame(children: Children) -> impl IntoView {
    let signed_in = session().user.get_value().is_some();
    view! {
        // `external` leaves this link to the browser, which moves the focus too; the router would only scroll.
        <a class="skip" href="#main" rel="external">"Skip to content"</a>
        {signed_in.then(|| view! { <Rail/> })}
        {if signed_in { view! { <TopBar/> }.into_any() } else { view! { <PlainBar/> }.into_any() }}
        <main id="main" tabindex="-1">{children()}</main>
    }
}

#[component]
fn Rail() -> impl IntoView {
    let session = session();
    let path = use_location().pathname;
    let here = move |of: &'static str| path.get().starts_with(of).then_some("page");
    let slim = move || session.wishes.get().slim_rail;
    view! {
        <nav class="rail" aria-label="Main">
            <a class="brand" href=paths::RUNS aria-label="Flowo, all runs">
                <svg viewBox="0 0 24 24" aria-hidden="true"><use href="#logo"></use></svg>
                <span class="label">"Flowo"</span>
            </a>
            <ul>
                <li>
                    <a href=paths::RUNS aria-current=move || here(paths::RUNS)>
                        <Icon name="i-runs"/>
                        <span class="label">"Runs"</span>
                    </a>
                </li>
                <li>
                    <a href=paths::LOGS aria-current=move || here(paths::LOGS)>
                        <Icon name="i-text"/>
                        <span class="label">"Logs"</span>
                    </a>
                </li>
            </ul>
            <button class="fold" type="button" aria-pressed=move || slim().to_string() on:click=move |_| session.toggle_rail()>
                <Icon name="i-panel"/>
                <span class="label">{move || if slim() { "Expand" } else { "Collapse" }}</span>
            </button>
        </nav>
    }
}

#[component]
fn TopBar() -> impl IntoView {
    let session = session();
    let path = use_location().pathname;
    // The run's id; where people read it, its beginning is enough.
    let id = move || path.get().strip_prefix("/runs/").map(str::to_owned);
    let crumb = move || id().map(|id| fitting(&id, CRUMB + 1));
    let top = move || match path.get().as_str() {
        "/login" | "/sign-in" => "Sign in",
        paths::LOGS => "Logs",
        "/" | paths::RUNS => "Runs",
        _ => "Not found",
    };
    let palette = super::palette::opener();
    let user = session.user.get_value();
    view! {
        <header class="topbar">
            <nav class="crumbs" aria-label="Breadcrumb">
                <ol>
                    <Show when=move || crumb().is_some() fallback=move || view! { <li aria-current="page"><span class="cut">{top}</span></li> }>
                        <li><a href=paths::RUNS>"Runs"</a></li>
                        <li aria-current="page"><span class="cut" title=id><code>{crumb}</code></span></li>
                    </Show>
                </ol>
            </nav>
            <button class="find" type="button" aria-keyshortcuts="Control+K Meta+K" on:click=move |_| palette.set(true)>
                <Icon name="i-search" small=true/>
                <span>"Search or jump to…"</span>
                <kbd aria-hidden="true">"Ctrl K"</kbd>
            </button>
            <LiveChip/>
            <ThemeButton/>
            {user.map(|name| view! { <UserMenu name/> })}
        </header>
    }
}

/// The top bar for visitors who are not signed in.
#[component]
fn PlainBar() -> impl IntoView {
    view! {
        <header class="topbar">
            <span class="brand">
                <svg viewBox="0 0 24 24" aria-hidden="true"><use href="#logo"></use></svg>
                "Flowo"
            </span>
            <ThemeButton/>
        </header>
    }
}

#[component]
fn ThemeButton() -> impl IntoView {
    let session = session();
    let theme = move || session.wishes.get().theme;
    let theme_icon = move || match theme() {
        Theme::System => "#i-monitor",
        Theme::Light => "#i-sun",
        Theme::Dark => "#i-moon",
    };
    view! {
        <button
            class="btn ghost icon theme"
            type="button"
            aria-label=move || format!("Theme: {}", theme().label())
            title=move || format!("Theme: {}", theme().label())
            on:click=move |_| session.set_theme(session.wishes.get_untracked().theme.next())
        >
            <svg class="i" aria-hidden="true"><use href=theme_icon></use></svg>
        </button>
    }
}

#[component]
fn UserMenu(name: String) -> impl IntoView {
    let session = session();
    let initials: String = name.chars().take(2).collect::<String>().to_ascii_uppercase();
    let label = format!("Account of {name}");
    let choices = [Theme::System, Theme::Light, Theme::Dark];
    let help = super::keys::help();
    view! {
        <button class="me" type="button" aria-label=label popovertarget="user-menu">
            <span class="avatar" aria-hidden="true">{initials}</span>
        </button>
        <div class="menu" id="user-menu" popover="auto" role="menu">
            <div class="who">
                <b>{name}</b>
                <span>{format!("Flowo {}", session.version.get_value())}</span>
            </div>
            <hr/>
            {choices
                .map(|choice| {
                    view! {
                        <button
                            role="menuitemradio"
                            type="button"
                            aria-checked=move || (session.wishes.get().theme == choice).to_string()
                            on:click=move |_| session.set_theme(choice)
                        >
                            <svg class="i mark" aria-hidden="true"><use href="#i-check"></use></svg>
                            {format!("Theme: {}", choice.label())}
                        </button>
                    }
                })
                .collect_view()}
            <hr/>
            <button role="menuitem" type="button" popovertarget="user-menu" popovertargetaction="hide" on:click=move |_| help.set(true)>
                <Icon name="i-keyboard"/>
                "Keys"
                <kbd>"?"</kbd>
            </button>
            <form method="post" action="/sign-out" role="none">
                <button role="menuitem" type="submit">
                    <Icon name="i-out"/>
                    "Sign out"
                </button>
            </form>
        </div>
    }
}

/// The value of a query key in the current URL; follows navigation.
pub fn query_signal(key: &'static str) -> Memo<Option<String>> {
    let search = use_location().search;
    Memo::new(move |_| query::value(&search.get(), key).filter(|value| !value.is_empty()))
}
