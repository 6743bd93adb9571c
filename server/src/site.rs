//! Where the pages' WASM, script and style lie: named by their content, so cached for ever.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::{fs, path::Path};

/// What the build wrote beside its files.
#[derive(Clone, Debug, Deserialize)]
pub struct Site {
    /// The directory of WASM, script and style, such as `pkg-3f1c0a9b2d4e`.
    pub pkg: String,
}

impl Site {
    /// Reads `site.json`.
    ///
    /// # Errors
    /// The pages were not built; says how to.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("site.json");
        // `cargo leptos watch` writes no site.json and has one directory for all.
        if !path.exists() && dir.join("pkg").join("flowo.js").exists() {
            return Ok(Self { pkg: "pkg".into() });
        }
        let text = fs::read_to_string(&path).with_context(|| {
            format!("{} is missing: the pages are not built. `cargo xtask run` builds them; --site-dir names another place", path.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} is not readable", path.display()))
    }
}
