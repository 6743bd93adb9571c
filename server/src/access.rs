//! Who may do what: one table of all routes, and the layer that holds every request to it.
//!
//! A route that is not in the table answers nobody. A test walks the table with every kind
//! of caller.

pub mod device;
mod identity;
pub mod sign_in;

pub use identity::{COOKIE, Identity, Peer, SESSION_DAYS, Scope, TokenCache};

use crate::api::problem::Problem;
use crate::router::ServerState;
use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, header::WWW_AUTHENTICATE},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use std::net::IpAddr;

/// Who callers without a token are, where whoever started the server let them in.
#[derive(Clone, Debug)]
pub struct Trusted(pub Identity);

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Somebody signed in; others are sent to the sign-in page.
    Page,
    /// A session or a token that may read.
    Read,
    /// A session or a token that may change things.
    Write,
    /// Somebody signed in who may change things: letting others in is not for tokens.
    Session,
    /// A token that may report (a session may, too: some clients have only that).
    Report,
    /// The same for clients of Panoptes that are about to report, which know what 401 means ...
    Create,
    /// ... and for their updates: there they end their user's run at 401 and 403, so the handler says it.
    Update,
    /// Programs on this machine, or an admin.
    Operator,
}

/// Every route there is. Patterns are axum's.
pub const ROUTES: &[(Method, &str, Access)] = &[
    (Method::GET, "/healthz", Access::Public),
    (Method::GET, "/metrics", Access::Operator),
    (Method::GET, "/sign-in", Access::Public),
    (Method::POST, "/sign-out", Access::Page),
    (Method::GET, "/login", Access::Public),
    (Method::POST, "/login/approve", Access::Session),
    (Method::GET, "/", Access::Page),
    (Method::GET, "/runs", Access::Page),
    (Method::GET, "/logs", Access::Page),
    (Method::GET, "/runs/{id}", Access::Page),
    (Method::GET, "/runs/{id}/report", Access::Page),
    (Method::GET, "/runs/{id}/raw", Access::Page),
    // The address is the permission: sealed, for one file, for minutes.
    (Method::GET, "/raw/{ticket}/{name}", Access::Public),
    (Method::GET, "/live", Access::Read),
    (Method::GET, "/_fn/{*name}", Access::Read),
    (Method::POST, "/_fn/{*name}", Access::Read),
    (Method::GET, "/favicon.svg", Access::Public),
    (Method::GET, "/favicon.ico", Access::Public),
    (Method::GET, "/fonts/{*file}", Access::Public),
    (Method::GET, "/pkg/{*file}", Access::Public),
    (Method::GET, "/api/v1/utils/info", Access::Public),
    (Method::POST, "/api/v1/reports/", Access::Report),
    (Method::POST, "/api/v1/reports/heartbeat", Access::Report),
    (Method::POST, "/api/v1/reports/close", Access::Report),
    (Method::POST, "/api/v1/tokens/cli/start", Access::Public),
    (Method::GET, "/api/v1/tokens/cli/poll/{code}", Access::Public),
    (Method::POST, "/api/v1/tokens/cli/approve", Access::Session),
    (Method::GET, "/api/v1/catalog", Access::Read),
    (Method::GET, "/mcp", Access::Read),
    (Method::GET, "/api/service-info", Access::Public),
    (Method::GET, "/create_workflow", Access::Create),
    (Method::POST, "/create_workflow", Access::Create),
    (Method::POST, "/update_workflow_status", Access::Update),
    (Method::GET, "/api/workflows", Access::Read),
    (Method::DELETE, "/api/workflows/all", Access::Write),
    (Method::GET, "/api/workflow/{id}", Access::Read),
    // Some clients give their run its name this way.
    (Method::PUT, "/api/workflow/{id}", Access::Report),
    (Method::DELETE, "/api/workflow/{id}", Access::Write),
    (Method::POST, "/api/workflow/{id}/cancel", Access::Write),
    (Method::GET, "/api/workflow/{id}/jobs", Access::Read),
    (Method::GET, "/api/workflow/{id}/job/{jobid}", Access::Read),
    (Method::GET, "/api/flowo/v1/openapi.json", Access::Public),
    (Method::GET, "/api/flowo/v1/runs", Access::Read),
    (Method::GET, "/api/flowo/v1/runs/{id}", Access::Read),
    (Method::DELETE, "/api/flowo/v1/runs/{id}", Access::Write),
    (Method::POST, "/api/flowo/v1/runs/{id}/restore", Access::Write),
    (Method::GET, "/api/flowo/v1/runs/{id}/rules", Access::Read),
    (Method::GET, "/api/flowo/v1/runs/{id}/jobs", Access::Read),
];

/// Before paths of clients that have no other place for a token.
const IN_PATH: &str = "/t/{token}";

/// What the table says of a request; HEAD is GET without a body.
pub fn required(method: &Method, pattern: &str) -> Option<Access> {
    // A token in the path changes nothing but where it stands.
    let pattern = pattern.strip_prefix(IN_PATH).unwrap_or(pattern);
    // Each server function is a route of its own; they authorise themselves, too.
    let pattern = if pattern.starts_with("/_fn/") { "/_fn/{*name}" } else { pattern };
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ROUTES.iter().find(|(m, path, _)| m == method && *path == pattern).map(|(.., access)| *access)
}

/// Lets a request through to its route, with who is asking, or answers in its place.
pub async fn check(State(state): State<ServerState>, mut request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let Some(pattern) = pattern else { return next.run(request).await }; // No route: the fallback answers.
    let Some(access) = required(request.method(), &pattern) else {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not take this method.").into_response();
    };
    if access == Access::Public && pattern != "/login" {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|peer| peer.0);
    let mut headers = request.headers().clone(); // A body may not be shared while we wait.
    if pattern.starts_with(IN_PATH) {
        identity::from_path(request.uri().path(), &mut headers);
    }
    let trusted = request.extensions().get::<Trusted>().cloned();
    let identity = match identity::of(&state, &headers, peer).await {
        Ok(Identity::Nobody { local: true })
            if let Some(Trusted(owner)) = trusted
                && is_from_here(&headers) =>
        {
            owner
        }
        Ok(identity) => identity,
        Err(error) if matches!(access, Access::Create | Access::Update) => {
            tracing::warn!(error = store::error::chain(&error), "A client was refused: its token could not be looked up");
            return ingest::panoptes::reply::unavailable("the database is not reachable");
        }
        Err(error) if access == Access::Report => return crate::api::problem::unavailable_detail(&error),
        Err(error) => return Problem::from(error).into_response(),
    };
    match verdict(access, &identity) {
        Verdict::Pass => {
            identity.attach(request.extensions_mut());
            next.run(request).await
        }
        _ if access == Access::Create => ingest::panoptes::reply::sign_in(),
        _ if access == Access::Update => ingest::panoptes::reply::not_allowed(),
        Verdict::SignIn if access == Access::Page => Redirect::to("/login").into_response(),
        Verdict::SignIn if access == Access::Report => {
            let body = axum::Json(serde_json::json!({ "detail": "Unauthorized" }));
            with_challenge((StatusCode::UNAUTHORIZED, body).into_response())
        }
        Verdict::SignIn => with_challenge(Problem::new(StatusCode::UNAUTHORIZED, "Sign in, or send a valid token.").into_response()),
        Verdict::Refuse if access == Access::Report => {
            let body = axum::Json(serde_json::json!({ "detail": "This token may not report." }));
            (StatusCode::FORBIDDEN, body).into_response()
        }
        Verdict::Refuse => Problem::new(StatusCode::FORBIDDEN, "This token or account may not do that.").into_response(),
    }
}

/// Whether a request names this machine and no page of another site made it: neither a name that an attacker lets
/// point here, nor a picture's address, is a program of this machine.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or("");
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let is_here = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    is_here && matches!(text(HeaderName::from_static("sec-fetch-site")), None | Some("same-origin" | "none"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Pass,
    SignIn,
    Refuse,
}

fn verdict(access: Access, identity: &Identity) -> Verdict {
    let Identity::Known { scope, role, session, .. } = identity else {
        let local = matches!(identity, Identity::Nobody { local: true });
        let open = access == Access::Public || (access == Access::Operator && local);
        return if open { Verdict::Pass } else { Verdict::SignIn };
    };
    let passes = match access {
        Access::Public => true,
        Access::Page => *session,
        Access::Read => scope.reads(),
        Access::Write => scope.writes() && role != "viewer",
        Access::Session => *session && role != "viewer",
        // A link on another site would make runs with a visitor's cookie.
        Access::Create | Access::Update => scope.reports() && role != "viewer" && !*session,
        Access::Report => scope.reports() && role != "viewer",
        Access::Operator => role == "admin" && (*session || *scope == Scope::Admin),
    };
    match (passes, access) {
        (true, _) => Verdict::Pass,
        (false, Access::Page) => Verdict::SignIn,
        (false, _) => Verdict::Refuse,
    }
}

fn with_challenge(mut response: Response) -> Response {
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
