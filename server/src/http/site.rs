//! Where the pages' WASM, script and style are: named by their content, so cached for ever.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::{fs, path::Path};

/// What the build wrote about its files.
#[derive(Clone, Debug, Deserialize)]
pub struct Site {
    /// The directory of WASM, script and style, such as `pkg-3f1c0a9b2d4e`.
    pub pkg: String,
    /// Built by `cargo leptos watch`: the files change without being renamed, and the style sheet still imports its parts.
    #[serde(skip)]
    pub is_watched: bool,
}

impl Site {
    /// Reads `site.json`.
    ///
    /// # Errors
    /// The pages were not built; the error says how to build them. Or the directory is in the working directory and
    /// belongs to somebody else.
    pub fn read(dir: &Path) -> Result<Self> {
        // Without --site-dir the path is relative to the working directory, which may be anybody's; browsers run what
        // is in there.
        if dir.is_relative() {
            crate::config::ours(dir)?;
        }
        let path = dir.join("site.json");
        // `cargo leptos watch` writes no site.json and uses one directory for all builds.
        if !path.exists() && dir.join("pkg").join("flowo.js").exists() {
            return Ok(Self { pkg: "pkg".into(), is_watched: true });
        }
        let text = fs::read_to_string(&path).with_context(|| {
            format!("{} is missing: the pages are not built. `cargo xtask run` builds them; --site-dir names another place", path.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} is not readable", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_either_build_are_found_and_told_apart() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(Site::read(dir.path()).is_err_and(|error| error.to_string().contains("cargo xtask run")));

        fs::create_dir(dir.path().join("pkg")).expect("a directory");
        fs::write(dir.path().join("pkg/flowo.js"), "").expect("a file");
        let watched = Site::read(dir.path()).expect("the pages of cargo-leptos");
        assert_eq!((watched.pkg.as_str(), watched.is_watched), ("pkg", true));

        fs::write(dir.path().join("site.json"), r#"{"pkg":"pkg-3f1c0a9b2d4e"}"#).expect("a file");
        let shipped = Site::read(dir.path()).expect("the pages of cargo xtask");
        assert_eq!((shipped.pkg.as_str(), shipped.is_watched), ("pkg-3f1c0a9b2d4e", false));
    }
}
