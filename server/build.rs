//! Names the archive of the pages that `main.rs` puts into the program.
//!
//! `FLOWO_PAGES` names an archive that `cargo xtask` has made. Without it, a release build makes one with
//! `cargo xtask site`, so that `cargo install` gives a program with pages. Other builds carry none and read them from a
//! directory, because everyday builds of pages and server must not wait for each other.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The sources of the pages, relative to the workspace.
const SOURCES: [&str; 9] =
    ["app", "crates", "frontend", "public", "style", "xtask/src/site.rs", "Cargo.toml", "Cargo.lock", "package-lock.json"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=FLOWO_PAGES");
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let archive = match env::var("FLOWO_PAGES") {
        Ok(path) => PathBuf::from(path),
        Err(_) if env::var("PROFILE")? == "release" => made(&out)?,
        Err(_) => {
            let nothing = out.join("no-pages.tar");
            fs::write(&nothing, "")?;
            nothing
        }
    };
    println!("cargo:rustc-env=FLOWO_PAGES_ARCHIVE={}", archive.display());
    Ok(())
}

/// The beginnings of the variables that cargo sets for one package.
const OURS: [&str; 8] =
    ["CARGO_PKG_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_MANIFEST_", "CARGO_ENCODED_", "CARGO_PRIMARY_", "CARGO_BIN_", "CARGO_CRATE_"];

/// Builds the pages with a cargo of its own, whose target directory this one does not lock.
fn made(out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let workspace = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", workspace.join(source).display());
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--locked", "--package", "xtask", "--target-dir"]).arg(out.join("xtask"));
    cargo.args(["--", "site", "--archive"]).current_dir(&workspace);
    // Without what cargo sets for this build alone: flags for the host would be taken for those of the pages.
    for (name, _) in env::vars_os() {
        let is_ours = |name: &str| {
            OURS.iter().any(|start| name.starts_with(start)) || ["RUSTC", "TARGET", "HOST", "OPT_LEVEL", "PROFILE", "DEBUG"].contains(&name)
        };
        if name.to_str().is_some_and(is_ours) {
            cargo.env_remove(name);
        }
    }
    let done = cargo.output().map_err(|error| format!("cannot run cargo for the pages: {error}"))?;
    let said = String::from_utf8_lossy(&done.stdout);
    match said.lines().last().filter(|_| done.status.success()) {
        Some(path) => Ok(PathBuf::from(path)),
        None => Err(format!("`cargo xtask site` did not build the pages:\n{}", String::from_utf8_lossy(&done.stderr)).into()),
    }
}
