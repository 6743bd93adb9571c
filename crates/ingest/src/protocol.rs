//! What a protocol exports to the house around it: its routes and what they ask of a caller, the form of its
//! refusals, when its runs are lost, and what people are told about its clients.
//!
//! The route table, the limits of bodies, the sweep and the pages are made of [`ALL`]; they name no client.

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
    /// The word in `source` of its runs.
    pub source: &'static str,
    pub routes: &'static [Route],
    /// When its runs are lost.
    pub silence: fn(&Timeouts) -> Silence,
    /// What its clients never send, so that nobody waits for it.
    pub unsent: Option<&'static str>,
    /// How people connect a client; `None` if new clients use another protocol.
    pub connect: Option<Connect>,
}

/// One route of a protocol.
pub struct Route {
    pub method: Method,
    /// A pattern of axum's.
    pub path: &'static str,
    /// What the caller must be permitted; `None` if anybody may call.
    pub asks: Option<Permission>,
    /// Whether bodies may be as large as a report; all others are short.
    pub is_large: bool,
    /// What a refusal looks like to its clients; `None` if they take the house's own form.
    pub refuse: Option<fn(&Refusal) -> Response>,
}

/// Why a request does not reach its route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No credential, or none of ours.
    SignIn,
    /// The credential does not permit it.
    Forbidden(access::Refusal),
    /// The database does not answer, so nobody knows who asks.
    Unavailable,
    /// Too many large bodies are on their way.
    NoRoom,
    /// The body is not taken: too large, too slow, broken off. The status, and why.
    Body(StatusCode, String),
}

/// Seconds of silence after which runs are lost.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For clients that send heartbeats.
    pub heartbeat: i32,
    /// For clients that send none.
    pub quiet: i32,
    /// For clients of Panoptes, by its own setting; `None`: never.
    pub stale: Option<i32>,
}

/// When the runs of each protocol are lost.
pub fn silences(timeouts: &Timeouts) -> Vec<Silence> {
    ALL.iter().map(|protocol| (protocol.silence)(timeouts)).collect()
}

/// Stands before the paths of clients that have no other place for a token.
pub const TOKEN_IN_PATH: &str = "/t/{token}";

/// A pattern without the token in it, which changes nothing but where the token stands.
pub fn without_token(pattern: &str) -> &str {
    pattern.strip_prefix(TOKEN_IN_PATH).unwrap_or(pattern)
}

/// The route of a pattern and a method; of any method, if none is named.
pub fn route(method: Option<&Method>, pattern: &str) -> Option<&'static Route> {
    let routes = ALL.iter().flat_map(|protocol| protocol.routes);
    routes.into_iter().find(|route| route.path == pattern && method.is_none_or(|method| route.method == *method))
}

/// What somebody does to connect a client. In texts, `{base_url}` stands for the address of this server, and
/// `{client_config}` for the file with address and token.
pub struct Connect {
    /// The word in the address of the page; `None` for what is shown first.
    pub key: Option<&'static str>,
    pub label: &'static str,
    pub steps: &'static [Step],
}

/// One step, with a line to copy.
pub struct Step {
    pub title: &'static str,
    pub line: &'static str,
    /// What the button that copies it says.
    pub copy: &'static str,
    /// Words and code in turns, words first; empty if nothing is to be added.
    pub hint: &'static [&'static str],
}

/// A refusal as a text under `detail`, which several clients print.
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
