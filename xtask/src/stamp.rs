//! Fingerprints that show whether a build result still matches its sources.
//!
//! By content, not by time: a fresh clone or a switched branch does not rebuild what is unchanged.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The sources of the site, relative to the checkout.
pub const SITE: &[&str] =
    &["app", "frontend", "crates", "style", "public", "xtask/src/site.rs", ".cargo", "Cargo.toml", "Cargo.lock", "package-lock.json"];

/// The sources of the server.
pub const SERVER: &[&str] = &["app", "server", "crates", "migrations", "init-db", ".cargo", "Cargo.toml", "Cargo.lock"];

/// Twelve hexadecimal digits: short enough for a path, long enough to avoid collisions.
pub fn short(hash: Sha256) -> String {
    hash.finalize().iter().take(6).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

pub fn text(text: &str) -> String {
    short(Sha256::new_with_prefix(text))
}

/// The fingerprint of one file's content.
pub fn file(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(short(Sha256::new_with_prefix(bytes)))
}

/// The fingerprint of the files below `paths`, including their names, and of `extra`.
///
/// A path that does not exist counts as empty.
pub fn sources(root: &Path, paths: &[&str], extra: &str) -> Result<String> {
    let mut hash = Sha256::new_with_prefix(extra);
    for path in paths {
        for file in files(&root.join(path)) {
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
            let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
    }
    Ok(short(hash))
}

/// Whether `built` was made from sources with this fingerprint and has not been changed since.
pub fn is_current(built: &Path, sources: &str) -> bool {
    fs::read_to_string(stamp_path(built)).is_ok_and(|stamp| state(built, sources).is_ok_and(|now| now == stamp))
}

/// Records the fingerprint from which `built` was made.
pub fn set(built: &Path, sources: &str) -> Result<()> {
    fs::write(stamp_path(built), state(built, sources)?).with_context(|| format!("cannot write the stamp of {}", built.display()))
}

fn state(built: &Path, sources: &str) -> Result<String> {
    let meta = fs::metadata(built)?;
    Ok(format!("{sources} {} {:?}", meta.len(), meta.modified()?))
}

fn stamp_path(built: &Path) -> PathBuf {
    let mut name = built.file_name().unwrap_or_default().to_owned();
    name.push(".stamp");
    built.with_file_name(name)
}

fn files(path: &Path) -> impl Iterator<Item = PathBuf> {
    walkdir::WalkDir::new(path)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some("target" | "tests")))
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("xtask-stamp-{name}-{}", std::process::id()));
        fs::create_dir_all(dir.join("src")).unwrap();
        fs::write(dir.join("src/a.rs"), "one").unwrap();
        dir
    }

    #[test]
    fn the_fingerprint_follows_content_and_names_but_not_time() {
        let dir = scratch("content");
        let of = || sources(&dir, &["src", "absent"], "rustc 1").unwrap();
        let first = of();

        fs::write(dir.join("src/a.rs"), "one").unwrap();
        assert_eq!(of(), first);
        fs::rename(dir.join("src/a.rs"), dir.join("src/b.rs")).unwrap();
        assert_ne!(of(), first);
        fs::rename(dir.join("src/b.rs"), dir.join("src/a.rs")).unwrap();
        fs::write(dir.join("src/a.rs"), "two").unwrap();
        assert_ne!(of(), first);
        assert_ne!(sources(&dir, &["src"], "rustc 2").unwrap(), of());

        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_file_is_current_until_it_or_its_sources_change() {
        let dir = scratch("current");
        let built = dir.join("flowod");
        assert!(!is_current(&built, "abc"));
        fs::write(&built, "binary").unwrap();
        assert!(!is_current(&built, "abc"));

        set(&built, "abc").unwrap();

        assert!(is_current(&built, "abc"));
        assert!(!is_current(&built, "def"));
        fs::write(&built, "another binary").unwrap();
        assert!(!is_current(&built, "abc"));
        fs::remove_dir_all(dir).unwrap();
    }
}
