//! Files that the program carries: an archive that is read once, and a service that serves its files.
//!
//! Serves whole files only. The archive may also contain compressed forms of a file, as `NAME.br` and `NAME.gz`; a
//! client that accepts one of them receives it. Knows nothing of pages.

use anyhow::{Context as _, Result};
use axum::body::Body;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY},
};
use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
};
use tower::Service;

/// The codings a file may have, best first: the word in headers, and the end of the file's name.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// The files by path, such as `fonts/inter.woff2`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Carried(Arc<HashMap<String, &'static [u8]>>);

impl Carried {
    /// Reads the directory of a tar archive; its files are not copied.
    pub fn read(archive: &'static [u8]) -> Result<Self> {
        let mut files = HashMap::new();
        for entry in tar::Archive::new(archive).entries()? {
            let entry = entry?;
            let path = entry.path()?.to_str().context("a path is not text")?.to_owned();
            let (from, length) = (usize::try_from(entry.raw_file_position())?, usize::try_from(entry.size())?);
            files.insert(path, archive.get(from..from + length).context("the archive is cut off")?);
        }
        Ok(Self(Arc::new(files)))
    }

    /// One file, as it is.
    pub fn file(&self, path: &str) -> Option<&'static [u8]> {
        self.0.get(path).copied()
    }

    /// Answers with the files below a directory, by the path of the request.
    pub fn service(&self, dir: &str) -> Answers<impl Fn(&str) -> String + Clone + use<>> {
        let dir = dir.to_owned();
        self.answers(move |path| format!("{dir}{path}"))
    }

    /// Answers with one file, whatever the path of the request.
    pub fn service_of(&self, path: &str) -> Answers<impl Fn(&str) -> String + Clone + use<>> {
        let path = path.to_owned();
        self.answers(move |_| path.clone())
    }

    fn answers<F: Fn(&str) -> String + Clone>(&self, path: F) -> Answers<F> {
        Answers { files: self.clone(), path }
    }

    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        if !matches!(*method, Method::GET | Method::HEAD) {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let Some(plain) = self.file(path) else {
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        };
        let coded =
            CODINGS.iter().find_map(|(word, end)| Some((*word, self.file(&format!("{path}{end}"))?)).filter(|_| accepts(headers, word)));
        let bytes = coded.map_or(plain, |(_, bytes)| bytes);
        let kind = mime_guess::from_path(path).first_raw().unwrap_or("application/octet-stream");
        let sent = response.headers_mut();
        sent.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        sent.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        sent.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some((word, _)) = coded {
            sent.insert(CONTENT_ENCODING, HeaderValue::from_static(word));
        }
        if *method == Method::GET {
            *response.body_mut() = Body::from(Bytes::from_static(bytes));
        }
        response
    }
}

/// Whether a request accepts a coding by its name; one that is named with `q=0` is refused.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let listed = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    listed.map(|one| one.split_once(';').unwrap_or((one, ""))).any(|(name, rest)| {
        let weight = rest.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        name.trim().eq_ignore_ascii_case(coding) && weight > 0.0
    })
}

/// [`Carried`] as a service; `F` gives the path of the file that a request's path means.
#[derive(Clone)]
pub struct Answers<F> {
    files: Carried,
    path: F,
}

impl<F: Fn(&str) -> String, B> Service<Request<B>> for Answers<F> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.files.answer(request.method(), &(self.path)(request.uri().path()), request.headers())))
    }
}
