//! The server: builds it when its sources have changed, and runs it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context, Result};

use crate::ctx::Ctx;
use crate::pg;
use crate::python;
use crate::site;
use crate::stamp;
use crate::step;

/// How the server is optimised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Our crates not at all, others a little: the build of the tests, so that nothing is compiled twice for them.
    Dev,
    /// Our crates a little, too. Uses most of the foreign crates of [`Profile::Dev`].
    Quick,
    /// Everything fully; the program carries its pages.
    Release,
}

impl Profile {
    /// The names of its directory among the results, and of cargo's directory.
    const fn dirs(self) -> (&'static str, &'static str) {
        match self {
            Self::Dev => ("debug", "debug"),
            Self::Quick => ("quick", "debug"),
            Self::Release => ("release", "release"),
        }
    }

    fn args(self) -> &'static [&'static str] {
        match self {
            // For the tests, all programs are built at once: separately, each would need different features of shared crates.
            Self::Dev => &["--workspace", "--exclude", "frontend", "--bins"],
            Self::Quick => &["--package", "server", "--bin", "flowod"],
            Self::Release => &["--release", "--package", "server", "--bin", "flowod"],
        }
    }
}

/// The server's binary, built from the current sources.
///
/// It is copied out of cargo's own directories, so that the build of another checkout does not replace it.
pub fn build(ctx: &Ctx, profile: Profile) -> Result<PathBuf> {
    let site = if profile == Profile::Release { Some(site::build(ctx)?) } else { None };
    let (name, dir) = profile.dirs();
    let label = format!("flowod ({name})");
    let built = ctx.out.join(name).join("flowod");
    let pages = site.as_ref().map(|site| stamp::file(&site.archive)).transpose()?.unwrap_or_default();
    let sources = stamp::sources(&ctx.root, stamp::SERVER, &format!("{} {pages}", ctx.rustc))?;
    if stamp::is_current(&built, &sources) {
        step::present(&label);
        return Ok(built);
    }
    step::step(&label, || {
        let _turn = ctx.turn()?;
        let mut cargo = ctx.cargo(["build"]);
        cargo.args(profile.args());
        if profile == Profile::Quick {
            // Foreign crates have a level of their own in Cargo.toml, so theirs stays that of the tests.
            cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        }
        if let Some(site) = &site {
            cargo.env("FLOWO_PAGES", &site.archive);
        }
        step::run(&mut cargo)?;
        fs::create_dir_all(ctx.out.join(name))?;
        // Copied beside the old file, then renamed: a running server keeps the file it was started from.
        let copy = built.with_extension("new");
        fs::copy(ctx.target.join(dir).join("flowod"), &copy).context("cannot copy flowod")?;
        fs::rename(&copy, &built)?;
        stamp::set(&built, &sources)?;
        Ok(built.clone())
    })
}

/// `cargo xtask run`: replaces this process by the server.
pub fn serve(ctx: &Ctx, profile: Profile, args: &[OsString]) -> Result<ExitCode> {
    let (site, flowod) = if profile == Profile::Release {
        let flowod = build(ctx, profile)?;
        (site::build(ctx), Ok(flowod))
    } else {
        // Side by side: the last parts of each build keep one core busy only.
        thread::scope(|scope| {
            let flowod = scope.spawn(|| build(ctx, profile));
            (site::build(ctx), flowod.join().expect("a build does not panic"))
        })
    };
    let mut command = Command::new(flowod?);
    command.arg("serve").args(args).env("FLOWO_SITE_DIR", site?.dir);
    with_postgres(ctx, &mut command)?;
    Err(command.exec()).context("cannot start flowod")
}

/// `cargo xtask seed`: puts example data into the database of `run`.
pub fn demo(ctx: &Ctx, what: &[&str], args: &[OsString]) -> Result<ExitCode> {
    let mut command = Command::new(build(ctx, Profile::Quick)?);
    command.arg("demo").args(what).args(args);
    with_postgres(ctx, &mut command)?;
    Err(command.exec()).context("cannot start flowod")
}

/// `cargo xtask bench`: the load generators against a release build.
pub fn bench(ctx: &Ctx, which: &str, args: &[OsString]) -> Result<()> {
    let flowod = build(ctx, Profile::Release)?;
    let site = site::build(ctx)?;
    let mut build = ctx.cargo(["build", "--release", "--package", "bench"]);
    step::step("bench (release)", || {
        let _turn = ctx.turn()?;
        step::run(&mut build)
    })?;
    let _turn = ctx.turn()?;
    let mut run = ctx.cargo(["run", "--quiet", "--release", "--package", "bench", "--", which]);
    run.args(args);
    run.env("FLOWOD", flowod).env("FLOWO_SITE_DIR", &site.dir);
    run.env("FLOWO_PG_BIN", pg::provide(ctx)?.dir);
    if which == "panoptes" {
        run.env("PANOPTES", python::panoptes(ctx)?);
    }
    let status = run.status().context("cannot run the bench")?;
    anyhow::ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}

/// Plays `seeds` stories of clients, readers and faults, beginning with number `from`, against the build of the tests.
pub fn chaos(ctx: &Ctx, seeds: u64, from: u64) -> Result<Command> {
    let site = site::build(ctx)?;
    let flowod = build(ctx, Profile::Dev)?;
    let mut build = ctx.cargo(["build", "--workspace", "--exclude", "frontend", "--bins"]);
    let bench = ctx.out.join("debug").join("bench");
    step::step("bench", || {
        let _turn = ctx.turn()?;
        step::run(&mut build)?;
        fs::copy(ctx.target.join("debug/bench"), &bench).context("cannot copy the bench")
    })?;
    let mut command = Command::new(bench);
    command.arg("chaos").args(["--seeds", &seeds.to_string(), "--from", &from.to_string()]).current_dir(&ctx.root);
    command.env("FLOWOD", flowod).env("FLOWO_SITE_DIR", &site.dir).env("FLOWO_PG_BIN", pg::provide(ctx)?.dir);
    Ok(command)
}

/// Sets where PostgreSQL's programs are, unless the server is to use a PostgreSQL elsewhere.
fn with_postgres(ctx: &Ctx, command: &mut Command) -> Result<()> {
    let elsewhere = ["DATABASE_URL", "POSTGRES_HOST"].iter().any(|name| env::var_os(name).is_some());
    if !elsewhere {
        command.env("FLOWO_PG_BIN", pg::provide(ctx)?.dir);
    }
    Ok(())
}
