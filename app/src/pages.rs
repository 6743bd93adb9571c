//! Pages arrange parts.

/// Declares the route of a page. Where the WASM is split, the page's code is loaded when the page is first opened.
macro_rules! lazy_page {
    ($(#[$doc:meta])* $route:ident => $page:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $route;

        #[cfg(any(feature = "ssr", feature = "split"))]
        #[leptos_router::lazy_route]
        impl leptos_router::LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            fn view(this: Self) -> AnyView {
                let _ = this;
                view! { <$page/> }.into_any()
            }
        }

        #[cfg(not(any(feature = "ssr", feature = "split")))]
        impl leptos_router::LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                view! { <$page/> }.into_any()
            }
        }
    };
}

mod login;
mod logs;
mod not_found;
mod run;
mod runs;

pub use login::{LoginRoute, SignInPage};
pub use logs::LogsRoute;
pub use not_found::NotFound;
pub use run::RunRoute;
pub use runs::RunsPage;
