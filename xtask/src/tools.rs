//! Tools for building and testing, each installed into the cache directory once.
//!
//! Every function reports `present` or installs; none touches the checkout. Versions are pinned here, unless a lock
//! file of the project pins them already.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::ctx::{self, Ctx};
use crate::stamp;
use crate::step;

/// The newest version whose lock file works with our compiler.
const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";
const CARGO_MUTANTS: &str = "27.1.0";

pub const WASM: &str = "wasm32-unknown-unknown";

/// The compiler's WASM target.
pub fn wasm_target(ctx: &Ctx) -> Result<()> {
    let mut ask = Command::new("rustc");
    ask.args(["--print", "target-libdir", "--target", WASM]).current_dir(&ctx.root);
    if ctx::output(&mut ask).is_ok_and(|dir| Path::new(&dir).is_dir()) {
        step::present("wasm target");
        return Ok(());
    }
    step::step("wasm target", || {
        step::run(Command::new("rustup").args(["target", "add", WASM]).current_dir(&ctx.root))
            .with_context(|| format!("{WASM} is missing and rustup could not add it"))?;
        Ok(())
    })
}

pub fn cargo_deny(ctx: &Ctx) -> Result<PathBuf> {
    cargo_tool(ctx, "cargo-deny", "cargo-deny", CARGO_DENY)
}

pub fn cargo_fuzz(ctx: &Ctx) -> Result<PathBuf> {
    cargo_tool(ctx, "cargo-fuzz", "cargo-fuzz", CARGO_FUZZ)
}

pub fn cargo_mutants(ctx: &Ctx) -> Result<PathBuf> {
    cargo_tool(ctx, "cargo-mutants", "cargo-mutants", CARGO_MUTANTS)
}

/// The Node modules of `package-lock.json`; returns the directory that contains `node_modules`.
pub fn npm(ctx: &Ctx) -> Result<PathBuf> {
    let key = stamp::sources(&ctx.root, &["package-lock.json"], "")?;
    let dir = ctx.cache.join("npm").join(key);
    if dir.join(".done").is_file() {
        step::present("node modules");
        return Ok(dir);
    }
    let _lock = ctx.install_lock()?;
    if dir.join(".done").is_file() {
        return Ok(dir);
    }
    step::step("node modules", || {
        fs::create_dir_all(&dir)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(ctx.root.join(file), dir.join(file)).with_context(|| format!("cannot copy {file}"))?;
        }
        // No install scripts are needed: esbuild finds its binary by itself, and browsers come from elsewhere.
        let mut ci = Command::new("npm");
        ci.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&dir);
        step::run(&mut ci).context("Node 20 or newer with npm is needed to build the site")?;
        fs::write(dir.join(".done"), "")?;
        Ok(dir)
    })
}

/// A Chromium for the browser tests: `$CHROMIUM`, one on PATH, else the distribution's package.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    let look = || ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"].into_iter().find_map(on_path);
    if let Some(path) = look() {
        step::present("chromium");
        return Ok(path);
    }
    if !can_apt() {
        bail!("no Chromium found: install one or set CHROMIUM to its path");
    }
    step::step("chromium", || {
        apt_install("chromium")?;
        look().context("the package chromium brought no program of that name")
    })
}

/// Whether this is a Debian-like machine on which we may install packages.
pub fn can_apt() -> bool {
    is_root() && on_path("apt-get").is_some()
}

pub fn apt_install(package: &str) -> Result<()> {
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    step::run(apt().args(["update", "-q"]))?;
    step::run(apt().args(["install", "-y", "-q", package]))?;
    Ok(())
}

/// Whether programs that refuse to run as root (PostgreSQL) need another user.
pub fn is_root() -> bool {
    ctx::output(Command::new("id").arg("-u")).is_ok_and(|uid| uid == "0")
}

pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// Installs a program with cargo into its own directory and removes the build files.
fn cargo_tool(ctx: &Ctx, program: &str, package: &str, version: &str) -> Result<PathBuf> {
    let label = format!("{program} {version}");
    let root = ctx.tool(&format!("{program}-{version}"));
    let path = root.join("bin").join(program);
    // Some programs only know their version as a subcommand of cargo.
    let subcommand = program.strip_prefix("cargo-").into_iter();
    let asks = [Vec::new(), subcommand.collect()];
    let is = |line: String| line.split_whitespace().nth(1) == Some(version);
    let is_there = || asks.iter().any(|ask| ctx::output(Command::new(&path).args(ask).arg("--version")).is_ok_and(is));
    if is_there() {
        step::present(&label);
        return Ok(path);
    }
    let _lock = ctx.install_lock()?;
    if is_there() {
        return Ok(path);
    }
    step::step(&label, || {
        let built = ctx.tool(&format!(".build-{program}"));
        let mut install = ctx::plain_cargo();
        install
            .args(["install", "--locked", "--force", "--version", version, package, "--root"])
            .arg(&root)
            .env("CARGO_TARGET_DIR", &built)
            .current_dir(&ctx.cache);
        let done = step::run(&mut install);
        if built.exists() {
            fs::remove_dir_all(&built)?;
        }
        done?;
        if !is_there() {
            bail!("{} does not call itself {label}", path.display());
        }
        Ok(path.clone())
    })
}
