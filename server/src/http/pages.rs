//! The context of the pages: their settings, the reader, and the demo lab behind the buttons of the first-run card.

use crate::{http::site::Site, lab::DemoLab};
use app::{
    error::AppError,
    state::{AppState, Handles, Lab},
};
use leptos::prelude::LeptosOptions;
use read::Reader;
use std::{future::Future, net::SocketAddr, path::Path, pin::Pin, sync::Arc};

/// Where the pages are, and what they show about this server.
pub struct Plan<'a> {
    pub site: &'a Site,
    pub site_dir: &'a Path,
    pub address: SocketAddr,
    /// The address people and clients use.
    pub base_url: String,
    /// The path of this user's client configuration, as people write it.
    pub client_config: String,
}

/// The state that all pages share.
pub fn state(plan: Plan<'_>, reader: Reader, lab: DemoLab) -> AppState {
    AppState::new(Handles {
        reader,
        options: LeptosOptions::builder()
            .output_name("flowo")
            .site_root(plan.site_dir.display().to_string())
            .site_pkg_dir(plan.site.pkg.clone())
            .site_addr(plan.address)
            .reload_port(reload_port())
            .build(),
        base_url: plan.base_url.into(),
        client_config: plan.client_config.into(),
        lab: Arc::new(Buttons(Arc::new(lab))),
    })
}

/// The port on which `cargo leptos watch` tells open pages to reload; unused without it.
fn reload_port() -> u32 {
    std::env::var("LEPTOS_RELOAD_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3101)
}

/// The demo lab as the pages see it.
struct Buttons(Arc<DemoLab>);

impl Lab for Buttons {
    fn load(&self) -> Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>> {
        self.0.load();
        Box::pin(async { Ok(()) })
    }

    fn clear(&self) -> Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>> {
        let lab = Arc::clone(&self.0);
        Box::pin(async move { lab.clear().await.map_err(|error| AppError::internal(format!("{error:#}"))) })
    }
}
