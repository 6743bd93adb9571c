//! Bytes of files that a run named: whole or by ranges, by an address that is good for minutes and for one
//! file only. Nothing in such an answer may act in the name of the reader: it has an origin of its own.

use crate::{api::problem::Problem, router::ServerState};
use app::state::{Reach, Viewer};
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{self, HeaderName},
};
use http_range_header::parse_range_header;
use model::{
    RunId,
    file::{FileRef, NoFile},
};
use serde::Deserialize;
use std::path::PathBuf;
use store::{clock, jobs::files};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

/// How long an address is good, in milliseconds. What is being read may take longer.
const GOOD: i64 = 5 * 60_000;
/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;

/// What may be shown where it is opened; everything else is saved. Never by what is in the file.
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
        "html" | "htm" => "text/html; charset=utf-8",
        "pdf" => "application/pdf",
        _ => return None,
    })
}

/// What is wanted: a file, and whether it is to be saved rather than shown.
#[derive(Deserialize)]
pub struct Wanted {
    file: String,
    save: Option<String>,
}

/// Sends somebody who may see the run to the bytes of a path of it.
pub async fn ticket(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Query(Wanted { file, save }): Query<Wanted>,
) -> Result<Redirect, Problem> {
    let id: RunId = id.parse().map_err(|_| Problem::no_run())?;
    let file: FileRef = file.parse().map_err(|_| no_file())?;
    let mut conn = state.app.store.conn().await?;
    viewer.sees(&mut conn, id).await?;
    let name = files::path_of(&mut conn, id, &file).await?.ok_or_else(no_file)?;
    let name = name.rsplit('/').next().unwrap_or_default();
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let owner = u8::from(Reach::of(&viewer, None).owner);
    let file = URL_SAFE_NO_PAD.encode(file.to_string());
    let text = format!("{}.{owner}.{id}.{file}", clock::now() + GOOD);
    let seal = state.secrets.seal(&text);
    let query = if save.is_some() { "?save" } else { "" };
    Ok(Redirect::temporary(&format!("/raw/{text}.{seal}/{name}{query}")))
}

/// The bytes. Whoever has the address may read them.
pub async fn bytes(
    State(state): State<ServerState>,
    Path((ticket, _name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (owner, id, file) =
        opened(&state, &ticket).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "This address is not good, or not any more."))?;
    let mut conn = state.app.store.conn().await?;
    let (mut runs, _) = store::runs::find::changed(&mut conn, &[id]).await?;
    let (run, _) = runs.pop().ok_or_else(Problem::no_run)?;
    let path = files::path_of(&mut conn, id, &file).await?.ok_or_else(no_file)?;
    drop(conn);
    let reach = Reach { directory: run.directory.map(PathBuf::from), owner, beneath: false }.to(&file);
    let (file, facts) = state.gate.file(&reach, std::path::Path::new(&path)).await.map_err(|why| refused(&why))?;

    let wanted = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let (from, to, status) = match wanted.map(parse_range_header) {
        // Several ranges at once are answered with the whole, as the standard allows.
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
    let stream = ReaderStream::with_capacity(file.take(to - from), PIECE);
    let mut response = Response::new(Body::from_stream(stream));
    *response.status_mut() = status;
    let kind = kind(&path).filter(|_| query.as_deref() != Some("save"));
    let policy = match kind {
        Some("text/html; charset=utf-8") => REPORT,
        Some("application/pdf") => PDF,
        _ => STILL,
    };
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
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(to - from));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::try_from(format!("bytes {from}-{}/{}", to - 1, facts.size))
    {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// Pictures and what is saved: nothing in them is run or fetched.
const STILL: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";
/// Browsers have a viewer of their own for these, whose parts no policy may forbid; a PDF reaches nothing of its origin.
const PDF: &str = "frame-ancestors 'self'";
/// Reports run their own scripts, in an origin that is nobody's, and fetch nothing.
const REPORT: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; frame-ancestors 'self'";

/// Whether the reader is the owner, the run, and the path; `None` unless the ticket is ours and still good.
fn opened(state: &ServerState, ticket: &str) -> Option<(bool, RunId, FileRef)> {
    let (text, seal) = ticket.rsplit_once('.')?;
    if !state.secrets.is_sealed(text, seal) {
        return None;
    }
    let mut parts = text.split('.');
    let until: i64 = parts.next()?.parse().ok()?;
    let owner = parts.next()? == "1";
    let run = parts.next()?.parse().ok()?;
    let file = String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()?.parse().ok()?;
    (until > clock::now()).then_some((owner, run, file))
}

fn no_file() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "The run names no such file.")
}

fn refused(why: &NoFile) -> Problem {
    let status = match why {
        NoFile::Outside | NoFile::Unreadable => StatusCode::FORBIDDEN,
        NoFile::Slow | NoFile::Busy => StatusCode::SERVICE_UNAVAILABLE,
        NoFile::Shrunk => StatusCode::CONFLICT,
        _ => StatusCode::NOT_FOUND,
    };
    Problem::new(status, why.to_string())
}
