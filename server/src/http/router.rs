//! All routes, and the layers around them.

use crate::{
    http::{
        ServerState,
        access::{self, Identity},
        api, bodies, health, kept, live,
        problem::Problem,
        raw, run_report,
        site::Site,
    },
    secrets,
};
use app::api::devices::CodeHash;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request},
    handler::Handler as _,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use leptos::prelude::provide_context;
use leptos_axum::{AxumRouteListing, LeptosRoutes as _, generate_route_list, render_app_async_with_context};
use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    csrf::CsrfLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
};
use tracing::{Instrument as _, error, info_span};

/// The limit for bodies outside the report routes.
const MAX_BODY: usize = 1 << 20;
/// Pages are compressed while somebody waits. The default level would make them only 7 % smaller.
const BRISK: CompressionLevel = CompressionLevel::Precise(3);

/// The routes of the pages, computed once: during the computation no page in this process loads anything, and a page
/// that another server of the process is rendering would wait for ever.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(app::App));

/// The whole server as a service.
pub fn router(state: ServerState, site: &Site) -> Router {
    let context = {
        let (app, secrets) = (state.app.clone(), state.secrets.clone());
        let codes = CodeHash(Arc::new(move |code: &str| secrets.hash(code)));
        let parts = site.parts();
        move || {
            provide_context(app.clone());
            provide_context(codes.clone());
            if let Some(parts) = &parts {
                provide_context(parts.clone());
            }
        }
    };
    let shell = {
        let options = state.app.options.clone();
        move || app::shell(options.clone())
    };
    let own = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .route("/sign-in", post(access::sign_in::sign_in))
        .route("/sign-out", post(access::sign_in::sign_out))
        .route("/api/v1/tokens/cli/start", post(access::device::start))
        .route("/api/v1/tokens/cli/poll/{code}", get(access::device::poll))
        .route("/api/v1/tokens/cli/approve", post(access::device::approve))
        .route("/login/approve", post(access::device::approve_form))
        .route("/runs/{id}/report", get(run_report::download))
        .route("/runs/{id}/raw", get(raw::ticket))
        .route("/runs/{id}/reports/{number}", get(kept::report))
        .route("/runs/{id}/history/{number}", get(kept::change))
        .route("/api/v1/catalog", get(access::device::catalog))
        .route("/mcp", get(access::device::mcp))
        .leptos_routes_with_context(&state, PAGES.clone(), context.clone(), shell.clone())
        .merge(api::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CompressionLayer::new().quality(BRISK))
        // Live frames and acknowledgements bypass most layers: there are many of them.
        .route("/live", get(live::live))
        // Not compressed: ranges count the bytes of the file.
        .route("/raw/{ticket}/{name}", get(raw::bytes))
        .with_state(state.clone())
        .merge(state.clients.routes())
        .route_layer(from_fn_with_state(state.bodies.clone(), bodies::take))
        .route_layer(from_fn_with_state(state.clone(), access::check));

    let files = site.routes().layer(from_fn(of_some_length));

    let nowhere = (move |request: Request| nowhere(state.clone(), context.clone(), shell.clone(), request))
        .layer(CompressionLayer::new().quality(BRISK));
    around(own.merge(files).fallback(nowhere))
}

/// What clients need that know only an old port, and nothing else.
///
/// With `trusted`, callers without a token are taken for that one.
pub fn old_port(state: &ServerState, trusted: Option<Identity>) -> Router {
    let base = state.app.base_url.clone();
    let elsewhere = move |request: Request| async move {
        if request.method() == http::Method::GET && !request.uri().path().starts_with("/api/") {
            return Redirect::temporary(&base).into_response(); // A person with an old bookmark.
        }
        Problem::new(StatusCode::NOT_FOUND, "There is nothing at this URL.").into_response()
    };
    let paths = state
        .clients
        .on_an_old_port()
        .route_layer(from_fn_with_state(state.bodies.clone(), bodies::take))
        .route_layer(from_fn_with_state(state.clone(), access::check));
    let paths = match trusted {
        Some(owner) => paths.layer(Extension(access::Trusted(owner))),
        None => paths,
    };
    around(paths.fallback(elsewhere))
}

/// What surrounds every answer.
fn around(router: Router) -> Router {
    router
        .layer(from_fn(protect))
        .layer(CsrfLayer::new())
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Flowo hit an internal error. The server's log has the details.")
                .into_response()
        }))
        .layer(from_fn(traced))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Log events of a request carry its method, path and id. The body of the answer is not covered, because a stream's never ends.
async fn traced(request: Request, next: Next) -> Response {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("");
    let span = info_span!("request", method = %request.method(), path = &*shown(request.uri().path()), request_id = id);
    async move {
        let response = next.run(request).await;
        if response.status().is_server_error() {
            error!(status = response.status().as_u16(), "Could not answer");
        }
        response
    }
    .instrument(span)
    .await
}

/// In a path, the segment after these is a secret: a token, a code, or a ticket.
const SECRET_AFTER: [&str; 3] = ["/t/", "/api/v1/tokens/cli/poll/", "/raw/"];

/// A path for the log, without the secrets that some paths contain. Queries are never logged.
fn shown(path: &str) -> Cow<'_, str> {
    let place = SECRET_AFTER.iter().find(|place| path.starts_with(**place)).map(|place| place.len());
    // Also covers tokens in places where none belong.
    let Some(start) = place.or_else(|| path.find(secrets::TOKEN_PREFIX)) else { return path.into() };
    let end = path[start..].find('/').map_or(path.len(), |end| start + end);
    let rest = shown(&path[end..]);
    format!("{}…{rest}", &path[..start]).into()
}

/// An unknown URL: a page for people, a problem for programs.
async fn nowhere<V: leptos::IntoView + 'static>(
    state: ServerState,
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> V + Clone + Send + Sync + 'static,
    mut request: Request,
) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") || path.starts_with("/_fn/") || request.method() != http::Method::GET {
        return Problem::new(StatusCode::NOT_FOUND, "There is nothing at this URL.").into_response();
    }
    // Signed-in people keep the frame around the page. Others have none, and nobody has one while the database is away.
    access::recognise(&state, &mut request).await;
    render_app_async_with_context(context, shell)(request).await
}

/// No file of the pages has a name this long. The file system would fail on it, and that would become a 500.
async fn of_some_length(request: Request, next: Next) -> Response {
    const LONGEST: usize = 255;
    if request.uri().path().len() > LONGEST {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

/// Headers that every answer carries. Pages add their own policy, with a nonce.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_path_is_logged() {
        for (path, logged) in [
            ("/runs/0193a4c2", "/runs/0193a4c2"),
            ("/t/flw_abc/create_workflow", "/t/…/create_workflow"),
            ("/t/flw_abc", "/t/…"),
            ("/api/v1/tokens/cli/poll/Zm9v", "/api/v1/tokens/cli/poll/…"),
            ("/raw/eyJ.seal/report.html", "/raw/…/report.html"),
            ("/raw/eyJ.seal/flw_a/x", "/raw/…/…/x"),
            ("/api/flw_abc/x", "/api/…/x"),
            ("//t/flw_abc/x", "//t/…/x"),
        ] {
            assert_eq!(shown(path), logged);
        }
    }
}
