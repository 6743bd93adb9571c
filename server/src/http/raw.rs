//! Serves bytes of files that a run named, whole or by range. The URL is valid for minutes, for one file only, and no
//! longer than the session that asked for it. No content may act in the viewer's name: it gets an origin of its own,
//! and content that could act is never shown as a page of its own.

mod frame;

use crate::http::{
    ServerState,
    access::{Place, of_credential},
    problem::Problem,
};
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures::{
    Stream,
    future::ready,
    stream::{self, StreamExt as _},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{self, HeaderName},
};
use http_range_header::parse_range_header;
use model::access::Viewer;
use model::{
    RunId,
    access::Credential,
    file::{FileRef, NoFile},
};
use serde::Deserialize;
use std::io;
use store::jobs::files;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

/// How long a URL is valid, in milliseconds. A download may take longer, as long as the session is valid.
const GOOD: i64 = 5 * 60_000;
/// Bytes read at a time.
const PIECE: usize = 64 << 10;

/// The one type that may run scripts, in a sandbox.
const HTML: &str = "text/html; charset=utf-8";

/// The types that a browser may show; everything else is saved. Decided by the name, never by the content.
fn kind(path: &str) -> Option<&'static str> {
    Some(match path.rsplit('.').next()?.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "ico" => "image/x-icon",
        "svg" => "image/svg+xml",
        "html" | "htm" => HTML,
        "pdf" => "application/pdf",
        _ => return None,
    })
}

/// The requested file, and whether to save rather than show it.
#[derive(Deserialize)]
pub struct Wanted {
    file: String,
    save: Option<String>,
}

/// Redirects a person who may see the run to the bytes of a file of it.
pub async fn ticket(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Query(Wanted { file, save }): Query<Wanted>,
) -> Result<Redirect, Problem> {
    let id: RunId = id.parse().map_err(|_| Problem::no_run())?;
    let file: FileRef = file.parse().map_err(|_| no_file())?;
    let mut conn = state.app.reader.store.conn().await?;
    read::check(&mut conn, &viewer, id).await?;
    let name = files::path_of(&mut conn, id, &file).await?.ok_or_else(no_file)?;
    let name = name.rsplit('/').next().unwrap_or_default();
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let credential = viewer.credential.ok_or_else(not_good)?;
    let file = URL_SAFE_NO_PAD.encode(file.to_string());
    let text = format!("{}.{credential}.{id}.{file}", state.app.reader.store.clock().now() + GOOD);
    let seal = state.secrets.seal(&text);
    let query = if save.is_some() { "?save" } else { "" };
    Ok(Redirect::temporary(&format!("/raw/{text}.{seal}/{name}{query}")))
}

/// Serves the bytes. Anybody with the URL may read them, as long as the person who asked for it may.
pub async fn bytes(
    State(state): State<ServerState>,
    Path((ticket, _name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (credential, id, file) = opened(&state, &ticket).ok_or_else(not_good)?;
    let viewer = of_credential(&state, credential).await?.ok_or_else(not_good)?;
    let place = state.watch.join(&viewer).map_err(|_| Problem::too_many_open())?;
    let mut conn = state.app.reader.store.conn().await?;
    let reach = read::run(&mut conn, &viewer, id).await?.reach.to(&file);
    let path = files::path_of(&mut conn, id, &file).await?.ok_or_else(no_file)?;
    drop(conn);
    let (file, facts) = state.app.reader.files.file(&reach, std::path::Path::new(&path)).await.map_err(|why| refused(&why))?;
    read::note_read(&state.app.reader, viewer.id, id, &reach, &path).await;

    let wanted = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let (from, to, status) = match wanted.map(parse_range_header) {
        // Several ranges at once are answered with the whole file, as the standard allows.
        Some(Ok(ranges)) => match ranges.validate(facts.size) {
            Ok(ranges) if ranges.len() == 1 => (*ranges[0].start(), *ranges[0].end() + 1, StatusCode::PARTIAL_CONTENT),
            Ok(_) => (0, facts.size, StatusCode::OK),
            Err(_) => {
                return Ok(
                    (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{}", facts.size))]).into_response()
                );
            }
        },
        _ => (0, facts.size, StatusCode::OK),
    };
    let mut file = tokio::fs::File::from_std(file);
    file.seek(std::io::SeekFrom::Start(from)).await.map_err(|_| refused(&NoFile::Shrunk))?;
    let stream = held(ReaderStream::with_capacity(file.take(to - from), PIECE), place);
    let saves = query.as_deref() == Some("save");
    let is_page = goes_to(&headers) == Some("document");
    let kind = kind(&path).filter(|kind| !(saves || *kind == HTML && is_page));
    let policy = match kind {
        Some(HTML) if goes_to(&headers) == Some("iframe") => REPORT,
        Some(HTML) if is_unknown_page(&headers) => {
            let page = frame::framed(stream);
            let fixed = [(header::CONTENT_TYPE, HTML), (header::CONTENT_SECURITY_POLICY, FRAMED), (header::X_FRAME_OPTIONS, "SAMEORIGIN")];
            return Ok((fixed, Body::from_stream(page)).into_response());
        }
        Some("application/pdf") => PDF,
        _ => STILL,
    };
    let mut response = Response::new(Body::from_stream(stream));
    *response.status_mut() = status;
    let fixed = [
        (header::CONTENT_TYPE, kind.unwrap_or("application/octet-stream")),
        (header::CONTENT_DISPOSITION, if kind.is_some() { "inline" } else { "attachment" }),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::ACCEPT_RANGES, "bytes"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept, sec-fetch-dest"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(to - from));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::try_from(format!("bytes {from}-{}/{}", to - 1, facts.size))
    {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// `bytes` as long as the session is valid. A stream that is cut off ends with an error, so that it does not look complete.
fn held(bytes: impl Stream<Item = io::Result<Bytes>> + Send, place: Place) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let over = place.over();
    let last = stream::once(async move { place.is_over().then(|| Err::<Bytes, _>(io::Error::other("the session or token has ended"))) });
    bytes.take_until(over).chain(last.filter_map(ready))
}

/// The browser's purpose: a page, a frame, an image. Browsers do not send it over plain HTTP.
fn goes_to(headers: &HeaderMap) -> Option<&str> {
    headers.get("sec-fetch-dest").and_then(|to| to.to_str().ok())
}

/// Whether a browser wants a page without saying if it is for a frame.
fn is_unknown_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accepts| accepts.to_str().ok()).unwrap_or_default();
    goes_to(headers).is_none() && !headers.contains_key(header::RANGE) && accepts.contains("text/html")
}

/// For images, saved files, and reports outside of frames: nothing in them is run or fetched, and no refresh leads elsewhere.
const STILL: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";
/// Browsers show PDFs with a viewer of their own, whose parts no policy may forbid; a PDF cannot reach our origin.
const PDF: &str = "frame-ancestors 'self'";
/// Reports run their own scripts in an opaque origin and fetch nothing.
const REPORT: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; frame-ancestors 'self'";

/// The same inside a page of ours, whose frame may not navigate elsewhere.
const FRAMED: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; frame-src 'none'; frame-ancestors 'self'";

/// The credential, the run, and the file of a ticket; `None` unless the ticket is ours and has not expired.
fn opened(state: &ServerState, ticket: &str) -> Option<(Credential, RunId, FileRef)> {
    let (text, seal) = ticket.rsplit_once('.')?;
    if !state.secrets.is_sealed(text, seal) {
        return None;
    }
    let mut parts = text.split('.');
    let until: i64 = parts.next()?.parse().ok()?;
    let credential = parts.next()?.parse().ok()?;
    let run = parts.next()?.parse().ok()?;
    let file = String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()?.parse().ok()?;
    (until > state.app.reader.store.clock().now()).then_some((credential, run, file))
}

fn not_good() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "This link is not valid or has expired.")
}

fn no_file() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "This run did not name such a file.")
}

fn refused(why: &NoFile) -> Problem {
    let status = match why {
        NoFile::Outside | NoFile::NotGiven | NoFile::Hidden | NoFile::Secret | NoFile::Unreadable => StatusCode::FORBIDDEN,
        NoFile::Slow | NoFile::Busy => StatusCode::SERVICE_UNAVAILABLE,
        NoFile::Shrunk => StatusCode::CONFLICT,
        _ => StatusCode::NOT_FOUND,
    };
    Problem::new(status, why.to_string())
}
