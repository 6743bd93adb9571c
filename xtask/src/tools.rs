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

/// The generator of the JavaScript glue, in exactly the version of the crate in `Cargo.lock`.
pub fn wasm_bindgen(ctx: &Ctx) -> Result<PathBuf> {
    let lock = fs::read_to_string(ctx.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let version = locked_version(&lock, "wasm-bindgen").context("Cargo.lock has no wasm-bindgen")?;
    cargo_tool(ctx, "wasm-bindgen", "wasm-bindgen-cli", version)
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

/// The name under which cargo-deny stores the database from this URL.
const ADVISORIES: (&str, &str) = ("https://github.com/rustsec/advisory-db", "advisory-db-3157b0e258782691");

/// Checks the lock file against the advisory database: a clone at `db`, or the one that cargo-deny fetches.
pub fn advisories(ctx: &Ctx, db: Option<&Path>) -> Result<()> {
    let deny = cargo_deny(ctx)?;
    step::step("advisories", || {
        let mut check = Command::new(&deny);
        check.arg("--workspace").current_dir(&ctx.root);
        if let Some(db) = db {
            let dir = ctx.cache.join("advisories");
            let (url, name) = ADVISORIES;
            if dir.join(name).exists() {
                fs::remove_dir_all(dir.join(name))?;
            }
            fs::create_dir_all(&dir)?;
            step::run(
                Command::new("git").args(["clone", "--quiet", "--depth", "1"]).arg(format!("file://{}", db.display())).arg(dir.join(name)),
            )?;
            let rules = fs::read_to_string(ctx.root.join("deny.toml")).context("cannot read deny.toml")?;
            let here = format!(
                "[advisories]\ndb-path = {:?}\ndb-urls = [{url:?}]\nmaximum-db-staleness = \"P3650D\"\n",
                dir.display().to_string()
            );
            let config = dir.join("deny.toml");
            fs::write(&config, rules.replace("[advisories]\n", &here))?;
            check.arg("--offline").arg("--config").arg(config);
        }
        step::run(check.args(["check", "advisories"])).map(drop)
    })
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

fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_very_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.79\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.129\"\n";

        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.129"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }
}
