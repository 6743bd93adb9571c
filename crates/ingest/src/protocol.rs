//! What a client protocol exports: its routes and the permissions they require, the form of its refusals, when its runs
//! become lost, and what the pages show about its clients.
//!
//! The route table, the body limits, the sweep and the pages are built from [`ALL`]. They name no client.

use axum::{
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::access::{self, Permission};
use serde_json::json;
use store::sweep::Silence;

/// Every protocol.
pub static ALL: [&Protocol; 3] = [&crate::flowo::PROTOCOL, &crate::panoptes::PROTOCOL, &crate::direct::PROTOCOL];

/// One protocol.
pub struct Protocol {
    /// The value of `source` in its runs.
    pub source: &'static str,
    pub routes: &'static [Route],
    /// When its runs become lost.
    pub silence: fn(&Timeouts) -> Silence,
    /// What its clients never send. The run page shows this, so that nobody waits for it.
    pub unsent: Option<&'static str>,
    /// How to connect a client; `None` if new clients use another protocol.
    pub connect: Option<Connect>,
}

/// One route of a protocol.
pub struct Route {
    pub method: Method,
    /// A pattern of axum's.
    pub path: &'static str,
    /// The permission that the caller needs; `None` if the route is public.
    pub asks: Option<Permission>,
    /// Whether a body may be as large as a report. All other bodies are short.
    pub is_large: bool,
    /// Writes a refusal in the form that this route's clients expect; `None` for the server's own form.
    pub refuse: Option<fn(&Refusal) -> Response>,
}

/// Why a request does not reach its handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request has no valid credential.
    SignIn,
    /// The credential does not permit the request.
    Forbidden(access::Refusal),
    /// The database is not reachable, so the caller cannot be identified.
    Unavailable,
    /// Too many large bodies are being received.
    NoRoom,
    /// The body is too large, too slow, or incomplete: the status, and the reason.
    Body(StatusCode, String),
}

/// Seconds of silence after which runs become lost.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For clients that send heartbeats.
    pub heartbeat: i32,
    /// For clients that send no heartbeats.
    pub quiet: i32,
    /// For Panoptes clients, from a setting of their own; `None` means never.
    pub stale: Option<i32>,
}

/// When the runs of each protocol become lost.
pub fn silences(timeouts: &Timeouts) -> Vec<Silence> {
    ALL.iter().map(|protocol| (protocol.silence)(timeouts)).collect()
}

/// The path prefix that carries a token, for clients that can send it nowhere else.
pub const TOKEN_IN_PATH: &str = "/t/{token}";

/// The pattern without the token prefix: with or without it, the route is the same.
pub fn without_token(pattern: &str) -> &str {
    pattern.strip_prefix(TOKEN_IN_PATH).unwrap_or(pattern)
}

/// The route with this pattern and method; without a method, the first route with the pattern.
pub fn route(method: Option<&Method>, pattern: &str) -> Option<&'static Route> {
    let routes = ALL.iter().flat_map(|protocol| protocol.routes);
    // HEAD counts as GET, as in the route table.
    let method = method.map(|method| if method == Method::HEAD { &Method::GET } else { method });
    routes.into_iter().find(|route| route.path == pattern && method.is_none_or(|method| route.method == *method))
}

/// How to connect a client. In its texts, `{base_url}` stands for the address of this server, and `{client_config}` for the
/// file with address and token.
pub struct Connect {
    /// The tab's name in the URL; `None` for the first tab.
    pub key: Option<&'static str>,
    pub label: &'static str,
    pub steps: &'static [Step],
}

/// One step, with a line to copy.
pub struct Step {
    pub title: &'static str,
    pub line: &'static str,
    /// The label of the copy button.
    pub copy: &'static str,
    /// Text and code alternate, text first; empty if there is no hint.
    pub hint: &'static [&'static str],
}

/// A refusal as JSON with its text under `detail`, which several clients print.
pub fn detail(refusal: &Refusal) -> Response {
    let answer = |status: StatusCode, text: &str| (status, axum::Json(json!({ "detail": text }))).into_response();
    let later = |mut response: Response| {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        response
    };
    match refusal {
        Refusal::SignIn => {
            let mut response = answer(StatusCode::UNAUTHORIZED, "Unauthorized");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
        Refusal::Forbidden(why) => answer(StatusCode::FORBIDDEN, &why.says()),
        Refusal::Unavailable => later(answer(StatusCode::SERVICE_UNAVAILABLE, "Not stored: the database does not answer.")),
        Refusal::NoRoom => {
            later(answer(StatusCode::SERVICE_UNAVAILABLE, "Too many large requests are on their way. Try again in a moment."))
        }
        Refusal::Body(status, why) => answer(*status, why),
    }
}
