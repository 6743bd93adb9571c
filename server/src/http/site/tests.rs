//! Tests pages from either place: where they are found, and how their files are sent.

use super::*;
use axum::body::{Body, to_bytes};
use http::{Request, Response, StatusCode};
use leptos::prelude::GetValue as _;
use tower::ServiceExt as _;

const CARRIED: [(&str, &str); 7] = [
    ("site.json", r#"{"pkg":"pkg-1"}"#),
    ("favicon.svg", "<svg/>"),
    ("fonts/inter.woff2", "letters"),
    ("pkg-1/flowo.js", "script"),
    ("pkg-1/flowo.js.br", "script, packed well"),
    ("pkg-1/flowo.js.gz", "script, packed"),
    ("pkg-1/__wasm_split_manifest.json", r#"{"__preload_run":["run.wasm"]}"#),
];

fn archive() -> &'static [u8] {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in CARRIED {
        let mut head = tar::Header::new_gnu();
        head.set_size(text.len() as u64);
        archive.append_data(&mut head, path, text.as_bytes()).expect("a file");
    }
    archive.into_inner().expect("an archive").leak()
}

async fn answer(site: &Site, method: &str, path: &str, accepts: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).header("accept-encoding", accepts).body(Body::empty()).expect("a request");
    site.routes().oneshot(request).await.expect("an answer")
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1000).await.expect("a body").to_vec()).expect("text")
}

#[test]
fn pages_of_either_build_are_found_and_told_apart() {
    let dir = tempfile::tempdir().expect("a directory");
    let found = || Site::find(Some(dir.path()), archive());
    assert!(found().is_err_and(|error| error.to_string().contains("cargo xtask run")), "a directory that is named is used");

    fs::create_dir(dir.path().join("pkg")).expect("a directory");
    fs::write(dir.path().join("pkg/flowo.js"), "").expect("a file");
    let watched = found().expect("the pages of cargo-leptos");
    assert_eq!((watched.pkg.as_str(), watched.is_watched), ("pkg", true));

    fs::write(dir.path().join("site.json"), r#"{"pkg":"pkg-3f1c0a9b2d4e"}"#).expect("a file");
    let shipped = found().expect("the pages of cargo xtask");
    assert_eq!((shipped.pkg.as_str(), shipped.is_watched), ("pkg-3f1c0a9b2d4e", false));

    let carried = Site::find(None, archive()).expect("the pages of the program");
    assert_eq!((carried.pkg.as_str(), carried.is_watched, carried.place().as_str()), ("pkg-1", false, "this program"));
    assert!(Site::find(None, b"no archive at all").is_err());
    assert!(!Path::new(&carried.root()).join("pkg-1").exists(), "Leptos looks for nothing in the working directory");
}

#[tokio::test]
async fn files_of_the_program_are_sent_as_those_of_a_directory_are() {
    let dir = tempfile::tempdir().expect("a directory");
    for (path, text) in CARRIED {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    let places = [Site::find(Some(dir.path()), &[]).expect("pages"), Site::find(None, archive()).expect("pages")];
    for (method, path, accepts) in [
        ("GET", "/pkg-1/flowo.js", ""),
        ("GET", "/pkg-1/flowo.js", "gzip, deflate, br"),
        ("GET", "/pkg-1/flowo.js", "gzip"),
        ("GET", "/pkg-1/flowo.js", "br;q=0, gzip;q=0.5"),
        ("HEAD", "/pkg-1/flowo.js", "br"),
        ("POST", "/pkg-1/flowo.js", ""),
        ("GET", "/pkg-1/other.js", ""),
        ("GET", "/pkg-1/../site.json", ""),
        ("GET", "/fonts/inter.woff2", "br"),
        ("GET", "/favicon.svg", ""),
        ("GET", "/favicon.ico", ""),
    ] {
        let mut sent = Vec::new();
        for site in &places {
            let response = answer(site, method, path, accepts).await;
            let header = |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
            let head = ["content-type", "content-encoding", "content-length", "cache-control"].map(header);
            sent.push((response.status(), head, text(response).await));
        }
        let (below, carried) = (&sent[0], &sent[1]);
        assert_eq!(below.0, carried.0, "{method} {path}");
        if carried.0 == StatusCode::OK {
            assert_eq!(below, carried, "{method} {path} {accepts}");
        }
    }
}

#[test]
fn the_parts_of_the_script_are_known_without_a_directory() {
    let parts = Site::find(None, archive()).expect("pages").parts().expect("parts");
    let (root, needs, loader) = parts.0.get_value();
    assert_eq!((root.as_str(), needs["__preload_run"].as_slice()), ("/pkg-1", &["run.wasm".to_owned()][..]));
    assert!(loader.starts_with("__wasm_split"));
}
