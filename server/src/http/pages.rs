//! The context of the pages: their settings, the reader, and the demo lab behind the buttons of the first-run card.

use crate::{demo::play::DemoPlayer, http::site::Site};
use app::{
    error::AppError,
    state::{AppState, Demo, Handles},
};
use ingest::protocol;
use leptos::prelude::LeptosOptions;
use read::Reader;
use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc};
use view::clients::{Clients, Step, Way};

/// The files of the pages, and what they show about this server.
pub struct Plan<'a> {
    pub site: &'a Site,
    pub address: SocketAddr,
    /// The address people and clients use.
    pub base_url: String,
    /// The path of this user's client configuration, as people write it.
    pub client_config: String,
}

/// The state that all pages share.
pub fn state(plan: Plan<'_>, reader: Reader, demo: DemoPlayer) -> AppState {
    let base_url = plan.base_url;
    AppState::new(Handles {
        reader,
        options: LeptosOptions::builder()
            .output_name("flowo")
            .site_root(plan.site.root())
            .site_pkg_dir(plan.site.pkg.clone())
            .site_addr(plan.address)
            .reload_port(reload_port())
            .build(),
        clients: Arc::new(clients(&base_url, &plan.client_config)),
        base_url: base_url.into(),
        demo: Arc::new(Buttons(Arc::new(demo))),
    })
}

/// What the pages show about clients, with the addresses of this server filled in.
fn clients(base_url: &str, client_config: &str) -> Clients {
    let filled = |text: &str| text.replace("{base_url}", base_url).replace("{client_config}", client_config);
    let step = |step: &protocol::Step| -> Step {
        let texts = [step.title, step.line, step.copy].into_iter().chain(step.hint.iter().copied());
        texts.map(filled).collect()
    };
    let way = |connect: &protocol::Connect| -> Way {
        let steps = connect.steps.iter().map(step).collect();
        (connect.key.unwrap_or_default().to_owned(), connect.label.to_owned(), steps)
    };
    Clients {
        ways: protocol::ALL.iter().filter_map(|protocol| protocol.connect.as_ref()).map(way).collect(),
        unsent: protocol::ALL.iter().filter_map(|protocol| Some((protocol.source.to_owned(), protocol.unsent?.to_owned()))).collect(),
    }
}

/// The port on which `cargo leptos watch` tells open pages to reload; unused without it.
fn reload_port() -> u32 {
    std::env::var("LEPTOS_RELOAD_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3101)
}

/// The demo lab as the pages see it.
struct Buttons(Arc<DemoPlayer>);

impl Demo for Buttons {
    fn load(&self) -> Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>> {
        self.0.load();
        Box::pin(async { Ok(()) })
    }

    fn clear(&self) -> Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>> {
        let demo = Arc::clone(&self.0);
        Box::pin(async move { demo.clear().await.map_err(|error| AppError::internal(format!("{error:#}"))) })
    }
}
