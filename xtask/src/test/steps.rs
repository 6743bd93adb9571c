//! The steps of `cargo xtask test`.
//!
//! Each step installs what it needs, so that it can be run alone; an error counts as one failed check.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::count::{self, Tally};
use crate::advisories;
use crate::ctx::Ctx;
use crate::flowod::{self, Profile};
use crate::pg;
use crate::python;
use crate::site;
use crate::step;
use crate::tools;

/// Limits in bytes after Brotli, because that is the cost of a page on a slow line.
const BUDGET: [(&str, &[&str], u64); 3] =
    [("WASM", &["flowo.wasm"], 356_000), ("JavaScript", &["flowo.js", site::LOADER], 15_000), ("CSS", &["flowo.css"], 20_000)];

/// Fault stories in every run of the tests.
const STORIES: u64 = 100;
/// Fault stories before a release.
const ALL_STORIES: u64 = 1_000;
/// Odd requests before a release; the test itself sets the number for every day.
const ALL_REQUESTS: u32 = 100_000;
/// Promises broken on purpose, to verify that the checks of those stories notice.
const BROKEN: [&str; 4] = ["lost", "twice", "counter", "silent"];

/// Most lines shown of a failure; nobody reads more.
const SHOWN_LINES: usize = 300;

pub fn fmt(ctx: &Ctx) -> Result<Tally> {
    cargo_check(ctx, "fmt", &["fmt", "--all", "--check", "--", "--color=never"])
}

pub fn clippy(ctx: &Ctx) -> Result<Tally> {
    let what = ["clippy", "--workspace", "--exclude", "frontend", "--all-targets"];
    cargo_check(ctx, "clippy", &[&what[..], &["--", "-D", "warnings"]].concat())
}

pub fn clippy_wasm(ctx: &Ctx) -> Result<Tally> {
    tools::wasm_target(ctx)?;
    let what = ["clippy", "--package", "frontend", "--target", tools::WASM, "--features", "split"];
    cargo_check(ctx, "clippy-wasm", &[&what[..], &["--", "-D", "warnings"]].concat())
}

pub fn deny(ctx: &Ctx) -> Result<Tally> {
    let deny = tools::cargo_deny(ctx)?;
    step::step("deny", || {
        // Licences are read from the sources of the crates for all platforms; deny itself stays offline.
        step::run(&mut ctx.cargo(["fetch", "--locked"]))?;
        let frontend = ["--manifest-path", "frontend/Cargo.toml", "--target", tools::WASM];
        for part in [&["--workspace"][..], &frontend] {
            let mut check = Command::new(&deny);
            check.arg("--offline").args(part).args(["check", "bans", "licenses", "sources"]);
            step::run(check.current_dir(&ctx.root))?;
        }
        Ok(())
    })?;
    let known = step::step("deny: advisories of the snapshot", || {
        let found = advisories::findings(ctx)?;
        anyhow::ensure!(found.is_empty(), "{}", found.join("\n"));
        Ok(())
    });
    if let Err(findings) = &known {
        step::note(&format!("{findings:#}"));
    }
    Ok(Tally::PASSED + if known.is_ok() { Tally::PASSED } else { Tally::FAILED })
}

pub fn tidy(ctx: &Ctx) -> Result<Tally> {
    let findings = step::step("tidy", || crate::tidy::findings(ctx))?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    Ok(if findings.is_empty() { Tally::PASSED } else { Tally::FAILED })
}

pub fn unit(ctx: &Ctx) -> Result<Tally> {
    let pg = pg::provide(ctx)?;
    let mut what = vec!["test", "--no-fail-fast"];
    if !names_a_package(&ctx.which) {
        what.extend(["--workspace", "--exclude", "frontend"]);
    }
    let _turn = ctx.turn()?;
    // What comes after a second `--` is for the tests themselves; it must not come before `--no-run`.
    step::step("unit: build", || step::run(ctx.cargo(&what).arg("--no-run").args(&ctx.which)))?;
    let cluster = step::step("unit: database", || pg::Throwaway::start(&pg))?;
    let done = step::step("unit: tests", || {
        let mut test = ctx.cargo(&what);
        test.args(&ctx.which);
        test.env("DATABASE_URL", &cluster.url).env("FLOWO_PG_BIN", &pg.dir);
        if ctx.all {
            test.env(REQUESTS, ALL_REQUESTS.to_string());
        }
        step::capture(&mut test)
    })?;
    if !done.status.success() {
        let failures = count::cargo_failures(&done.lines);
        eprintln!("{}", failures[..failures.len().min(SHOWN_LINES)].join("\n"));
    }
    Ok(count::cargo(&done.lines).unless(done.status.success()))
}

/// Whether options of `cargo test` choose a package. Beside `--workspace`, cargo would ignore them.
fn names_a_package(options: &[OsString]) -> bool {
    let mut own = options.iter().take_while(|option| *option != "--").filter_map(|option| option.to_str());
    own.any(|option| (option.starts_with("-p") && !option.starts_with("--")) || option.starts_with("--package"))
}

/// Number of requests in the test of the whole HTTP surface.
const REQUESTS: &str = "FLOWO_SURFACE_REQUESTS";

/// Runs only the test of the whole HTTP surface, with `requests` requests, and shows its output.
pub fn surface(ctx: &Ctx, requests: u32) -> Result<bool> {
    let pg = pg::provide(ctx)?;
    let _turn = ctx.turn()?;
    let cluster = step::step("surface: database", || pg::Throwaway::start(&pg))?;
    let mut test = ctx.cargo(["test", "--workspace", "--exclude", "frontend", "--test", "it", "--", "surface", "--nocapture"]);
    test.env("DATABASE_URL", &cluster.url).env("FLOWO_PG_BIN", &pg.dir).env(REQUESTS, requests.to_string());
    Ok(test.status().context("cannot run the test")?.success())
}

pub fn site(ctx: &Ctx) -> Result<Tally> {
    let site = site::build(ctx)?;
    let mut tally = Tally::PASSED;
    for (what, files, budget) in BUDGET {
        let bytes = files.iter().map(|file| site.brotli_size(file)).sum::<Result<u64>>()?;
        if bytes <= budget {
            tally = tally + Tally::PASSED;
        } else {
            step::note(&format!("{what} has {bytes} bytes after Brotli, {budget} are allowed"));
            tally = tally + Tally::FAILED;
        }
    }
    Ok(tally)
}

pub fn flowod(ctx: &Ctx) -> Result<Tally> {
    flowod::build(ctx, Profile::Dev)?;
    Ok(Tally::PASSED)
}

pub fn chaos(ctx: &Ctx) -> Result<Tally> {
    let mut stories = flowod::chaos(ctx, if ctx.all { ALL_STORIES } else { STORIES }, 1)?;
    let done = step::step("chaos: stories", || step::capture(&mut stories))?;
    step::note(&done.tail());
    let mut tally = if done.status.success() { Tally::PASSED } else { Tally::FAILED };
    // Checks that notice nothing would pass with anything.
    for broken in BROKEN {
        let mut story = flowod::chaos(ctx, 1, 1)?;
        story.args(["--break", broken]);
        let done = step::step(&format!("chaos: broken on purpose, {broken}"), || step::capture(&mut story))?;
        if !done.status.success() {
            step::note(&done.tail());
        }
        tally = tally + if done.status.success() { Tally::PASSED } else { Tally::FAILED };
    }
    Ok(tally)
}

pub fn conformance(ctx: &Ctx) -> Result<Tally> {
    let today = published(ctx, "conformance", &python::conformance(ctx)?, "conformance/flowo", "")?;
    let writers = published(ctx, "direct writers", &python::direct_writers(ctx)?, "conformance/flowo_sql", "")?;
    // The newest Snakemake reports to Panoptes through a plugin that is installed beside Flowo's.
    let newest = python::conformance(ctx)?;
    let bin = newest.parent().context("python lies in a directory")?.to_path_buf();
    let mut clients = python::monitors(ctx)?;
    clients.push((python::version(ctx)?, bin));
    let quoted: Vec<String> = clients.iter().map(|(version, bin)| format!("\"{version}\": \"{}\"", bin.display())).collect();
    let clients = format!("{{{}}}", quoted.join(", "));
    let monitors = published(ctx, "clients of Panoptes", &newest, "conformance/panoptes", &clients)?;
    Ok((today + writers + monitors).unless(true))
}

fn published(ctx: &Ctx, label: &str, python: &Path, tests: &str, clients: &str) -> Result<Tally> {
    let bin = python.parent().context("python lies in a directory")?;
    let mut path = vec![bin.to_path_buf()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));

    let mut test = Command::new(python);
    test.args(["-m", "unittest", "discover", "-v", "-s", tests]).args(&ctx.which);
    test.current_dir(&ctx.root).env("PATH", env::join_paths(path)?);
    test.env("PYTHONDONTWRITEBYTECODE", "1").env("VIRTUAL_ENV", bin.parent().unwrap_or(bin)).env("CLIENTS", clients);
    if !clients.is_empty() {
        test.env("PANOPTES", python::panoptes(ctx)?);
    }
    let done = against_flowod(ctx, label, &mut test)?;
    let tally = count::unittest(&done.lines);
    // Tests that were chosen lie in one of the directories; the others have none of them.
    let elsewhere = !ctx.which.is_empty() && tally == Tally::default();
    Ok(if elsewhere { tally } else { tally.unless(done.status.success()) })
}

/// Validates the compose files against their schema.
pub fn deploy(ctx: &Ctx) -> Result<Tally> {
    let python = python::compose(ctx)?;
    let done = step::step("deploy: tests", || {
        let mut test = Command::new(&python);
        test.args(["-m", "unittest", "discover", "-v", "-s", "conformance/deploy"]).args(&ctx.which);
        step::capture(test.current_dir(&ctx.root).env("PYTHONDONTWRITEBYTECODE", "1"))
    })?;
    if !done.status.success() {
        eprintln!("{}", done.lines[done.lines.len().saturating_sub(SHOWN_LINES)..].join("\n"));
    }
    Ok(count::unittest(&done.lines).unless(done.status.success()))
}

pub fn browser(ctx: &Ctx) -> Result<Tally> {
    let npm = tools::npm(ctx)?;
    let chromium = tools::chromium()?;
    link_modules(&ctx.root.join("node_modules"), &npm.join("node_modules"))?;
    let report = ctx.out.join("playwright.json");
    if report.exists() {
        fs::remove_file(&report)?;
    }
    let mut test = Command::new("node");
    test.arg(npm.join("node_modules/@playwright/test/cli.js"));
    test.args(["test", "--config=end2end/playwright.config.ts", "--reporter=list,json"]).args(&ctx.which);
    test.current_dir(&ctx.root).env("CHROMIUM", chromium);
    let python = python::conformance(ctx)?;
    test.env("SNAKEMAKE", python.with_file_name("snakemake"));
    test.env("PLAYWRIGHT_JSON_OUTPUT_FILE", &report).env("CI", "1");
    let done = against_flowod(ctx, "browser", &mut test)?;
    let written = fs::read_to_string(&report).context("Playwright wrote no report")?;
    Ok(count::playwright(&written)?.unless(done.status.success()))
}

/// Runs tests that start the built server themselves, each with its own database.
fn against_flowod(ctx: &Ctx, label: &str, test: &mut Command) -> Result<step::Captured> {
    let site = site::build(ctx)?;
    let flowod = flowod::build(ctx, Profile::Dev)?;
    let pg = pg::provide(ctx)?;
    let cluster = step::step(&format!("{label}: database"), || pg::Throwaway::start(&pg))?;
    test.env("FLOWOD", flowod).env("FLOWO_SITE_DIR", &site.dir);
    test.env("FLOWO_PG_BIN", &pg.dir).env("DATABASE_URL", &cluster.url);
    let done = step::step(&format!("{label}: tests"), || step::capture(test))?;
    if !done.status.success() {
        eprintln!("{}", done.lines[done.lines.len().saturating_sub(SHOWN_LINES)..].join("\n"));
    }
    Ok(done)
}

/// Lets the browser tests import their runner as if it were installed in the checkout.
fn link_modules(link: &Path, to: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|now| now == to) {
        return Ok(());
    }
    match fs::symlink_metadata(link) {
        Ok(meta) if meta.is_symlink() => fs::remove_file(link)?,
        Ok(_) => bail!("{} is not ours: remove it", link.display()),
        Err(_) => (),
    }
    std::os::unix::fs::symlink(to, link).with_context(|| format!("cannot make {}", link.display()))
}

fn cargo_check(ctx: &Ctx, name: &str, args: &[&str]) -> Result<Tally> {
    step::step(name, || {
        let _turn = ctx.turn()?;
        step::run(&mut ctx.cargo(args))?;
        Ok(Tally::PASSED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_named_before_the_options_of_its_tests() {
        let names = |options: &[&str]| names_a_package(&options.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(names(&["-p", "store"]) && names(&["-pstore"]) && names(&["--package=store"]));
        assert!(!names(&["--test", "it", "--", "-p"]) && !names(&["--profile", "dev"]) && !names(&[]));
    }
}
