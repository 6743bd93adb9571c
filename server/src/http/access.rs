//! Who may do what: one table of all routes, and the layer that checks every request against it.
//!
//! A route that is not in the table is refused for everybody. A test walks the table with every kind of caller.

mod cookies;
pub mod device;
mod doors;
mod identity;
mod local;
pub mod sign_in;
mod throttle;
mod tokens;
mod watch;

pub use cookies::{COOKIE, SESSION_DAYS};
pub use doors::{Doors, MetricsAccess};
pub use identity::{Identity, of_credential};
pub use local::Peer;
pub use throttle::Throttle;
pub use tokens::TokenCache;
pub use watch::{Place, Watch};

use crate::http::{ServerState, problem::Problem};
use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header::WWW_AUTHENTICATE},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use ingest::protocol::{self, Route};
use model::access::{Grant, Means, Permission, Refusal, may};

/// The identity of callers without a token, where the person who started the server admits such callers.
#[derive(Clone, Debug)]
pub struct Trusted(pub Identity);

/// What a route requires of its caller, and how it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Signed-in people; others are redirected to the sign-in page.
    Page,
    /// A caller who has this permission. Pages and metrics have variants of their own, so this is never `OpenPages` or `Operate`.
    Asks(Permission),
    /// Callers whom `FLOWO_METRICS` admits, and admins.
    Operator,
}

impl Access {
    const KNOWN: Self = Self::Asks(Permission::Greet);
    const READ: Self = Self::Asks(Permission::ReadRuns);
    const WRITE: Self = Self::Asks(Permission::ChangeRuns);
    const ADMIT: Self = Self::Asks(Permission::AdmitPrograms);

    /// What a route of a client protocol requires.
    fn of(route: &Route) -> Self {
        route.asks.map_or(Self::Public, Self::Asks)
    }

    /// The permission that a known caller needs; `None` if the route is public.
    const fn permission(self) -> Option<Permission> {
        match self {
            Self::Public => None,
            Self::Page => Some(Permission::OpenPages),
            Self::Asks(permission) => Some(permission),
            Self::Operator => Some(Permission::Operate),
        }
    }
}

/// Every route that is not part of a client protocol. Patterns are axum's.
const OWN: &[(Method, &str, Access)] = &[
    (Method::GET, "/healthz", Access::Public),
    (Method::GET, "/metrics", Access::Operator),
    // A page with a button; only the button uses the key.
    (Method::GET, "/sign-in", Access::Public),
    (Method::POST, "/sign-in", Access::Public),
    (Method::POST, "/sign-out", Access::Page),
    (Method::GET, "/login", Access::Public),
    (Method::POST, "/login/approve", Access::ADMIT),
    (Method::GET, "/", Access::Page),
    (Method::GET, "/runs", Access::Page),
    (Method::GET, "/logs", Access::Page),
    (Method::GET, "/runs/{id}", Access::Page),
    (Method::GET, "/runs/{id}/report", Access::Page),
    (Method::GET, "/runs/{id}/raw", Access::Page),
    (Method::GET, "/runs/{id}/reports/{number}", Access::Page),
    (Method::GET, "/runs/{id}/history/{number}", Access::Page),
    // The URL is the permission: sealed, for one file, for minutes.
    (Method::GET, "/raw/{ticket}/{name}", Access::Public),
    (Method::GET, "/live", Access::READ),
    (Method::GET, "/_fn/{*name}", Access::READ),
    (Method::POST, "/_fn/{*name}", Access::READ),
    (Method::GET, "/favicon.svg", Access::Public),
    (Method::GET, "/favicon.ico", Access::Public),
    (Method::GET, "/fonts/{*file}", Access::Public),
    (Method::GET, "/pkg/{*file}", Access::Public),
    (Method::GET, "/api/v1/utils/info", Access::Public),
    (Method::POST, "/api/v1/tokens/cli/start", Access::Public),
    (Method::GET, "/api/v1/tokens/cli/poll/{code}", Access::Public),
    (Method::POST, "/api/v1/tokens/cli/approve", Access::ADMIT),
    (Method::GET, "/api/v1/catalog", Access::KNOWN),
    (Method::GET, "/mcp", Access::KNOWN),
    (Method::GET, "/api/flowo/v1/openapi.json", Access::Public),
    (Method::GET, "/api/flowo/v1/runs", Access::READ),
    (Method::GET, "/api/flowo/v1/runs/{id}", Access::READ),
    (Method::DELETE, "/api/flowo/v1/runs/{id}", Access::WRITE),
    (Method::POST, "/api/flowo/v1/runs/{id}/restore", Access::WRITE),
    (Method::GET, "/api/flowo/v1/runs/{id}/rules", Access::READ),
    (Method::GET, "/api/flowo/v1/runs/{id}/jobs", Access::READ),
];

/// Every route: our own, and those of the client protocols.
pub fn routes() -> impl Iterator<Item = (&'static Method, &'static str, Access)> {
    let foreign = protocol::ALL.iter().flat_map(|protocol| protocol.routes);
    let foreign = foreign.map(|route| (&route.method, route.path, Access::of(route)));
    OWN.iter().map(|(method, path, access)| (method, *path, *access)).chain(foreign)
}

/// What the table requires for a request; HEAD counts as GET.
pub fn required(method: &Method, pattern: &str) -> Option<Access> {
    let pattern = protocol::without_token(pattern);
    // Each server function is a route of its own, and also authorises its caller itself.
    let pattern = if pattern.starts_with("/_fn/") { "/_fn/{*name}" } else { pattern };
    let method = if method == Method::HEAD { &Method::GET } else { method };
    routes().find(|(m, path, _)| *m == method && *path == pattern).map(|(.., access)| access)
}

/// Passes a request with its caller's identity to its route, or answers in the route's place.
pub async fn check(State(state): State<ServerState>, mut request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let Some(pattern) = pattern else { return next.run(request).await }; // There is no route: the fallback answers.
    let Some(access) = required(request.method(), &pattern) else {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This URL does not support this method.").into_response();
    };
    if access == Access::Public && pattern != "/login" {
        return next.run(request).await;
    }
    let refuse = protocol::route(Some(request.method()), protocol::without_token(&pattern)).and_then(|route| route.refuse);
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|peer| peer.0);
    let mut headers = request.headers().clone(); // A clone, because a request's body may not be shared across the await.
    if pattern.starts_with(protocol::TOKEN_IN_PATH) {
        identity::from_path(request.uri().path(), &mut headers);
    }
    let trusted = request.extensions().get::<Trusted>().cloned();
    let identity = match identity::of(&state, &headers, peer).await {
        Ok(Identity::Nobody { local: true }) if let Some(Trusted(owner)) = trusted => owner,
        Ok(identity) => identity,
        Err(error) if let Some(refuse) = refuse => {
            tracing::warn!(error = store::error::chain(&error), "A client was refused: its token could not be looked up");
            return refuse(&protocol::Refusal::Unavailable);
        }
        Err(error) => return Problem::from(error).into_response(),
    };
    match verdict(access, &identity, state.doors.metrics) {
        Verdict::Pass => {
            identity.attach(state.owner, request.extensions_mut());
            next.run(request).await
        }
        Verdict::SignIn if let Some(refuse) = refuse => refuse(&protocol::Refusal::SignIn),
        Verdict::Refuse(refusal) if let Some(refuse) = refuse => refuse(&protocol::Refusal::Forbidden(refusal)),
        Verdict::SignIn if access == Access::Page => Redirect::to("/login").into_response(),
        Verdict::SignIn => with_challenge(Problem::new(StatusCode::UNAUTHORIZED, "Sign in, or send a valid token.").into_response()),
        Verdict::Refuse(refusal) => Problem::new(StatusCode::FORBIDDEN, refusal.says()).into_response(),
    }
}

/// Attaches the caller's identity to a request for a page that everybody may see but that differs for signed-in people.
pub async fn recognise(state: &ServerState, request: &mut Request) {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|peer| peer.0);
    let headers = request.headers().clone();
    if let Ok(identity @ Identity::Known { grant: Grant { means: Means::Session, .. }, .. }) = identity::of(state, &headers, peer).await {
        identity.attach(state.owner, request.extensions_mut());
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Pass,
    SignIn,
    Refuse(Refusal),
}

fn verdict(access: Access, identity: &Identity, metrics: MetricsAccess) -> Verdict {
    if access == Access::Operator && metrics == MetricsAccess::Open {
        return Verdict::Pass;
    }
    let Some(permission) = access.permission() else { return Verdict::Pass };
    let Identity::Known { grant, .. } = identity else {
        let local = metrics == MetricsAccess::Local && matches!(identity, Identity::Nobody { local: true });
        return if access == Access::Operator && local { Verdict::Pass } else { Verdict::SignIn };
    };
    match may(*grant, permission) {
        Ok(()) => Verdict::Pass,
        Err(_) if access == Access::Page => Verdict::SignIn,
        Err(refusal) => Verdict::Refuse(refusal),
    }
}

fn with_challenge(mut response: Response) -> Response {
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        UserId,
        access::{Audience, Role, TokenScope},
    };

    #[test]
    fn metrics_open_to_whom_the_setting_names() {
        let somebody = |role, scope| {
            let grant = Grant { role, means: Means::Token(scope) };
            Identity::Known { id: UserId(1), name: "ana".into(), grant, credential: None }
        };
        let (here, elsewhere) = (Identity::Nobody { local: true }, Identity::Nobody { local: false });
        let admin = somebody(Role::Admin, TokenScope::Admin);
        for (metrics, passes) in [
            (MetricsAccess::Local, [true, false, false, true, false, false]),
            (MetricsAccess::Token, [false, false, false, true, false, false]),
            (MetricsAccess::Open, [true; 6]),
        ] {
            let (reads, member) = (somebody(Role::Admin, TokenScope::Read), somebody(Role::Member, TokenScope::Admin));
            let callers = [&here, &elsewhere, &Identity::Unknown, &admin, &reads, &member];
            let passed = callers.map(|identity| verdict(Access::Operator, identity, metrics) == Verdict::Pass);
            assert_eq!(passed, passes, "{metrics:?}");
        }
    }

    #[test]
    fn a_name_of_its_own_asks_for_a_token() {
        for (url, expected) in [
            (None, MetricsAccess::Local),
            (Some("http://127.0.0.1:3100"), MetricsAccess::Local),
            (Some("http://localhost"), MetricsAccess::Local),
            (Some("http://[::1]:3100"), MetricsAccess::Local),
            (Some("https://flowo.example.org"), MetricsAccess::Token),
            (Some("http://10.0.0.7:3100/"), MetricsAccess::Token),
            (Some("http://127.0.0.1.nip.io:3100"), MetricsAccess::Token),
        ] {
            assert_eq!(MetricsAccess::default_for(url), expected, "{url:?}");
        }
    }

    #[test]
    fn a_token_that_only_reports_oversees_nobody() {
        for (scope, oversees) in
            [(TokenScope::Report, false), (TokenScope::Write, true), (TokenScope::Work, false), (TokenScope::Admin, true)]
        {
            let mut extensions = axum::http::Extensions::new();
            let grant = Grant { role: Role::Admin, means: Means::Token(scope) };
            let admin = Identity::Known { id: UserId(1), name: "ana".into(), grant, credential: None };
            admin.attach(UserId(2), &mut extensions);
            assert_eq!(extensions.get::<ingest::Sender>().map(|sender| sender.admin), Some(oversees), "{scope:?}");
            let all = extensions.get::<Audience>() == Some(&Audience::All);
            assert_eq!(all, oversees, "{scope:?}");
        }
    }
}
