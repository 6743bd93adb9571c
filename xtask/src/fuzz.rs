//! `cargo xtask fuzz`: feeds arbitrary bytes to the code that reads files, logs and messages. Not part of the tests,
//! but they read the corpus that it keeps.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::ctx::Ctx;
use crate::{step, tools};

/// The directories of the targets.
const PLACES: [&str; 2] = ["crates/peek/fuzz", "crates/ingest/fuzz"];
/// Size limit of one input (bytes), and memory limit of one target (MiB).
const INPUT: &str = "4096";
const MEMORY: &str = "1500";

/// Runs every target for `seconds`, and keeps inputs that reached new code, minimised.
pub fn run(ctx: &Ctx, seconds: u32, only: Option<&str>) -> Result<()> {
    let tool = tools::cargo_fuzz(ctx)?;
    let mut found = 0;
    for place in PLACES {
        let dir = ctx.root.join(place);
        let mut names: Vec<String> = fs::read_dir(dir.join("fuzz_targets"))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".rs").map(str::to_owned))
            .filter(|name| only.is_none_or(|only| only == name))
            .collect();
        names.sort();
        found += names.len();
        for name in names {
            one(ctx, &tool, &dir, &name, seconds)?;
        }
    }
    ensure!(found > 0, "there is no such target");
    Ok(())
}

fn one(ctx: &Ctx, tool: &Path, dir: &Path, name: &str, seconds: u32) -> Result<()> {
    let tried = ctx.cache.join("fuzz").join(name);
    fs::create_dir_all(&tried)?;
    let kept = dir.join("corpus").join(name);
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly"])
        .current_dir(&ctx.root)
        .arg(tool)
        .args(["fuzz", "run", "--fuzz-dir"])
        .arg(dir)
        .arg(name)
        .arg(&tried)
        .arg(&kept);
    command.args(["--", &format!("-max_total_time={seconds}"), &format!("-max_len={INPUT}"), &format!("-rss_limit_mb={MEMORY}")]);
    command.env("CARGO_TARGET_DIR", ctx.cache.join("fuzz/target"));
    step::note(&format!("{name}: {seconds} s"));
    let status = command.status().context("cannot run cargo-fuzz; the nightly toolchain is needed")?;
    let artifacts = dir.join("artifacts").join(name);
    ensure!(status.success(), "{name} found something: the input lies in {}; keep it in the corpus", artifacts.display());
    Ok(())
}
