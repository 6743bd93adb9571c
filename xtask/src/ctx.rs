//! The directories: the checkout, the cache, cargo's target directory.
//!
//! One target directory serves all checkouts on this machine, so that foreign crates are compiled once. Cargo
//! distinguishes checkouts only by file times and could hand one checkout the crates of another. So [`Ctx::cargo`]
//! takes turns and discards our own crates whenever the checkout changes.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context, Result, bail};

use crate::stamp;
use crate::step;

pub struct Ctx {
    /// The checkout.
    pub root: PathBuf,
    /// `$FLOWO_CACHE`, else `~/.cache/flowo`.
    pub cache: PathBuf,
    /// Cargo's target directory: one per version of the compiler.
    pub target: PathBuf,
    /// Results of this checkout that are used after cargo has ended: site, server.
    pub out: PathBuf,
    /// Version of the compiler, part of every stamp.
    pub rustc: String,
    /// Whether the tests also run with clients that are rarely used.
    pub all_clients: bool,
    /// Whether the tests run at full length.
    pub all: bool,
    /// Options that choose tests within a step; empty means all tests.
    pub which: Vec<OsString>,
}

impl Ctx {
    /// Finds the checkout around the current directory and creates the directories.
    pub fn detect() -> Result<Self> {
        let root = checkout(&env::current_dir()?)?;
        let cache = match env::var_os("FLOWO_CACHE") {
            Some(dir) if !dir.is_empty() => PathBuf::from(dir),
            _ => home()?.join(".cache").join("flowo"),
        };
        let rustc = output(Command::new("rustc").arg("--version").current_dir(&root))?;
        let version = rustc.split_whitespace().nth(1).context("rustc did not say its version")?;
        let target = cache.join("target").join(version);
        let out = target.join(format!("out-{}", stamp::text(&root.to_string_lossy())));
        fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
        Ok(Self { root, cache, target, out, rustc, all_clients: false, all: false, which: Vec::new() })
    }

    /// The directory of one installed tool.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.cache.join("tools").join(name)
    }

    /// A cargo call for this checkout; hold a [`Turn`] from [`Ctx::turn`] while it runs.
    pub fn cargo<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = plain_cargo();
        command.args(args).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// Waits until no other checkout is building, and makes sure that none of its crates is used for ours. Builds of this
    /// process share their turn.
    pub fn turn(&self) -> Result<Turn> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = held.upgrade() {
            return Ok(Turn(file));
        }
        let mut file = lock(&self.target.join(".checkout"))?;
        let mut last = String::new();
        file.read_to_string(&mut last)?;
        let this = self.root.to_string_lossy();
        if last != this {
            if !last.is_empty() {
                forget(&self.target, &members(&self.root))?;
            }
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(this.as_bytes())?;
        }
        let file = Arc::new(file);
        *held = Arc::downgrade(&file);
        Ok(Turn(file))
    }

    /// Lets only one xtask at a time install things into the cache.
    pub fn install_lock(&self) -> Result<Turn> {
        fs::create_dir_all(self.cache.join("tools"))?;
        Ok(Turn(Arc::new(lock(&self.cache.join(".lock"))?)))
    }
}

/// Holds a shared directory for us; dropping it lets the next xtask in.
pub struct Turn(#[expect(dead_code, reason = "the open file is the lock")] Arc<File>);

/// The turn of this process, if it has one.
static HELD: Mutex<Weak<File>> = Mutex::new(Weak::new());

/// Cargo without the environment variables that the outer `cargo run` set for xtask itself.
pub fn plain_cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let about_xtask = name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || matches!(name, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE");
        if about_xtask {
            command.env_remove(name);
        }
    }
    command
}

/// The first line of a command's output; an error if the command fails.
pub fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().with_context(|| format!("cannot run {name}"))?;
    if !done.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).lines().next().unwrap_or_default().trim().to_owned())
}

pub fn home() -> Result<PathBuf> {
    env::var_os("HOME").map(PathBuf::from).context("HOME is not set; set FLOWO_CACHE or HOME")
}

fn checkout(from: &Path) -> Result<PathBuf> {
    from.ancestors()
        .find(|dir| dir.join("xtask/Cargo.toml").is_file() && dir.join("Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .with_context(|| format!("{} is not inside a checkout", from.display()))
}

fn lock(path: &Path) -> Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    if file.try_lock().is_err() {
        step::note("another xtask is at work; waiting for it");
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

/// Names of our own crates, in the form that cargo uses in file names.
fn members(root: &Path) -> Vec<String> {
    walkdir::WalkDir::new(root)
        .max_depth(3)
        .into_iter()
        .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some("target" | ".git")))
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name() == "Cargo.toml")
        .filter_map(|entry| package_name(&fs::read_to_string(entry.path()).ok()?))
        .collect()
}

fn package_name(manifest: &str) -> Option<String> {
    let package = manifest.split("[package]").nth(1)?;
    let line = package.lines().find(|line| line.starts_with("name"))?;
    Some(line.split('"').nth(1)?.to_owned())
}

/// Removes cargo's fingerprints of these crates, for all profiles and platforms.
fn forget(target: &Path, names: &[String]) -> Result<()> {
    let prints = walkdir::WalkDir::new(target)
        .max_depth(3)
        .into_iter()
        .filter_entry(|entry| !entry.file_name().to_string_lossy().starts_with("out-"))
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name() == ".fingerprint");
    for print in prints {
        for entry in fs::read_dir(print.path())? {
            let entry = entry?;
            let dir = entry.file_name().to_string_lossy().into_owned();
            if dir.rsplit_once('-').is_some_and(|(name, _)| names.iter().any(|own| own == name)) {
                fs::remove_dir_all(entry.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_name_is_read_from_its_own_table() {
        let manifest = "[lib]\nname = \"other\"\n[package]\nname = \"store\"\nversion = \"1\"\n";

        assert_eq!(package_name(manifest).as_deref(), Some("store"));
        assert_eq!(package_name("[workspace]\n"), None);
    }

    #[test]
    fn only_the_crates_of_the_checkout_are_forgotten() {
        let target = env::temp_dir().join(format!("xtask-forget-{}", std::process::id()));
        for dir in ["debug/.fingerprint/store-0123", "wasm32/wasm-release/.fingerprint/sqlx-4567"] {
            fs::create_dir_all(target.join(dir)).unwrap();
        }

        forget(&target, &["store".to_owned()]).unwrap();

        assert!(!target.join("debug/.fingerprint/store-0123").exists());
        assert!(target.join("wasm32/wasm-release/.fingerprint/sqlx-4567").exists());
        fs::remove_dir_all(target).unwrap();
    }
}
