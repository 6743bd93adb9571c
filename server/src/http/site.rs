//! The files of the pages: WASM, script, style, fonts. They come from the program itself, or from a directory.
//!
//! Most are in a directory that is named by their content, so browsers keep them for ever.

mod carried;

use anyhow::{Context as _, Result};
use axum::{Router, routing::any_service};
use carried::Carried;
use http::{HeaderValue, header::CACHE_CONTROL};
use leptos::{WasmSplitManifest, prelude::ArcStoredValue};
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};
use tower_http::{
    services::{ServeDir, ServeFile},
    set_header::SetResponseHeaderLayer,
};

/// Caching: not while a build is watched, else for ever, as names change with their content.
const NOT_AT_ALL: HeaderValue = HeaderValue::from_static("no-store");
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Where the pages of `cargo leptos watch` are, relative to the checkout.
const WATCHED: &str = "target/site";
/// The parts of the WASM that each page needs.
const MANIFEST: &str = "__wasm_split_manifest.json";
/// Loads the parts of the WASM; Leptos expects this name.
const LOADER: &str = "__wasm_split.______________________.js";

/// The files of the pages.
#[derive(Clone, Debug)]
pub struct Site {
    /// The directory of WASM, script and style, such as `pkg-3f1c0a9b2d4e`.
    pub pkg: String,
    /// Built by `cargo leptos watch`: the files change without being renamed, and the style sheet still imports its parts.
    is_watched: bool,
    files: Files,
}

#[derive(Clone, Debug)]
enum Files {
    Below(PathBuf),
    /// Their archive, and the parts of the WASM by the pages that need them.
    Carried(Carried, Option<HashMap<String, Vec<String>>>),
}

/// What the build wrote about its files.
#[derive(Deserialize)]
struct Facts {
    pkg: String,
}

impl Site {
    /// The pages in `dir`; without one those that the program carries in `archive`, and if it carries none those in
    /// `target/site` below the working directory.
    ///
    /// # Errors
    /// There are no pages; the error says how to build them. Or the working directory belongs to somebody else.
    pub fn find(dir: Option<&Path>, archive: &'static [u8]) -> Result<Self> {
        match dir {
            None if !archive.is_empty() => Self::carried(archive),
            dir => Self::read(dir.unwrap_or(Path::new(WATCHED))),
        }
    }

    fn carried(archive: &'static [u8]) -> Result<Self> {
        let carried = Carried::read(archive).context("the pages in this program are not readable")?;
        let facts = carried.file("site.json").context("the pages in this program have no site.json")?;
        let Facts { pkg } = serde_json::from_slice(facts).context("site.json in this program is not readable")?;
        let needs = carried.file(&format!("{pkg}/{MANIFEST}")).map(serde_json::from_slice).transpose();
        let needs = needs.context("the list of the WASM's parts in this program is not readable")?;
        Ok(Self { pkg, is_watched: false, files: Files::Carried(carried, needs) })
    }

    /// Reads `site.json` in a directory.
    fn read(dir: &Path) -> Result<Self> {
        // The path may be relative to the working directory, which may be anybody's; browsers run what is in there.
        if dir.is_relative() {
            crate::config::ours(dir)?;
        }
        let files = Files::Below(dir.to_owned());
        let path = dir.join("site.json");
        // `cargo leptos watch` writes no site.json and uses one directory for all builds.
        if !path.exists() && dir.join("pkg").join("flowo.js").exists() {
            return Ok(Self { pkg: "pkg".into(), is_watched: true, files });
        }
        let text = fs::read_to_string(&path).with_context(|| {
            format!("{} is missing: the pages are not built. `cargo xtask run` builds them; --site-dir names another place", path.display())
        })?;
        let Facts { pkg } = serde_json::from_str(&text).with_context(|| format!("{} is not readable", path.display()))?;
        Ok(Self { pkg, is_watched: false, files })
    }

    /// Where the files are, for people.
    pub fn place(&self) -> String {
        match &self.files {
            Files::Below(dir) => dir.display().to_string(),
            Files::Carried(..) => "this program".to_owned(),
        }
    }

    /// The directory of the files, in which Leptos looks for the parts of the WASM.
    pub fn root(&self) -> String {
        match &self.files {
            Files::Below(dir) => dir.display().to_string(),
            // Nothing is found below it, wherever the program runs. An empty path would mean the working directory.
            Files::Carried(..) => "/dev/null".to_owned(),
        }
    }

    /// Which parts of the WASM each page needs; `None` for pages of one part. Leptos reads this by itself from a directory.
    pub fn parts(&self) -> Option<WasmSplitManifest> {
        let Files::Carried(_, needs) = &self.files else { return None };
        Some(WasmSplitManifest(ArcStoredValue::new((format!("/{}", self.pkg), needs.clone()?, LOADER.to_owned()))))
    }

    /// The routes of the files. None of them needs access.
    pub fn routes(&self) -> Router {
        let pkg = format!("/{}", self.pkg);
        let icons = ["/favicon.svg", "/favicon.ico"];
        let kept = SetResponseHeaderLayer::overriding(CACHE_CONTROL, if self.is_watched { NOT_AT_ALL } else { FOR_EVER });
        match &self.files {
            Files::Below(dir) => {
                let built = ServeDir::new(dir.join(&self.pkg));
                let built = if self.is_watched {
                    any_service(built.fallback(ServeDir::new("style")))
                } else {
                    any_service(built.precompressed_br().precompressed_gzip())
                };
                let routes = Router::new().nest_service(&pkg, built).nest_service("/fonts", ServeDir::new(dir.join("fonts"))).layer(kept);
                icons.into_iter().fold(routes, |routes, icon| routes.route_service(icon, ServeFile::new(dir.join("favicon.svg"))))
            }
            Files::Carried(carried, _) => {
                let below = |dir: &str| any_service(carried.service(dir));
                let routes = Router::new().nest_service(&pkg, below(&self.pkg)).nest_service("/fonts", below("fonts")).layer(kept);
                icons.into_iter().fold(routes, |routes, icon| routes.route_service(icon, carried.service_of("favicon.svg")))
            }
        }
    }
}

#[cfg(test)]
mod tests;
