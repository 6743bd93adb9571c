//! `cargo xtask mutants`: breaks the code on purpose, one small change at a time, and counts how many of the changes the
//! tests of the same crate notice. Not part of the tests, because every change is a build.
//!
//! Covers the rules that everything else relies on. A change that only the tests of other crates notice counts as
//! unnoticed.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use serde_json::Value;

use crate::ctx::Ctx;
use crate::{step, tools};

/// The share (percent) of mutants that the tests must kill.
const LEAST: u64 = 90;

/// A crate whose code is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Package {
    /// How events become states, the moves between them, the filter language, who may do what
    Model,
    /// All geometry
    Chart,
}

impl Package {
    const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Chart => "chart",
        }
    }

    /// The files that are changed. A directory belongs to the file of the same name.
    const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Model => &[
                "crates/model/src/fold.rs",
                "crates/model/src/fold/**",
                "crates/model/src/status.rs",
                "crates/model/src/filter.rs",
                "crates/model/src/filter/**",
                "crates/model/src/access.rs",
                "crates/model/src/access/**",
            ],
            Self::Chart => &["crates/chart/src/**"],
        }
    }
}

/// Tests the tests of one package, or of all. `args` go to cargo-mutants; `--file` among them replaces our files.
///
/// Fails if the tests kill less than [`LEAST`] percent of the mutants of a package.
pub fn run(ctx: &Ctx, only: Option<Package>, args: &[OsString]) -> Result<ExitCode> {
    let tool = tools::cargo_mutants(ctx)?;
    let mut enough = true;
    for package in Package::value_variants().iter().filter(|package| only.is_none_or(|only| only == **package)) {
        enough &= one(ctx, &tool, *package, args)?;
    }
    Ok(if enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the tests of a package kill enough of its mutants.
fn one(ctx: &Ctx, tool: &Path, package: Package, args: &[OsString]) -> Result<bool> {
    let out = ctx.cache.join("mutants");
    let mut mutants = Command::new(tool);
    mutants.args(["mutants", "--package", package.name(), "--output"]).arg(out.join(package.name()));
    if !names_files(args) {
        mutants.args(package.files().iter().flat_map(|file| ["--file", *file]));
    }
    mutants.args(args).current_dir(&ctx.root).env("CARGO_TARGET_DIR", out.join("target"));
    if args.iter().any(|arg| arg == "--list" || arg == "--list-files") {
        ensure!(mutants.status().context("cannot run cargo-mutants")?.success(), "cargo-mutants could not list the mutants");
        return Ok(true);
    }
    // Standard output is for the result; progress goes where all progress goes.
    mutants.stdout(Stdio::from(io::stderr()));
    std::fs::create_dir_all(out.join(package.name()))?;
    step::note(&format!("{}: breaking its code, one change at a time", package.name()));
    let status = mutants.status().context("cannot run cargo-mutants")?;
    // 2 and 3: some mutants survived, or made the tests run too long.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        bail!("cargo-mutants ended with {status}; its logs lie in {}", out.join(package.name()).join("mutants.out").display());
    }
    let found = out.join(package.name()).join("mutants.out/outcomes.json");
    let text = std::fs::read_to_string(&found).with_context(|| format!("no mutant was tested: {} is missing", found.display()))?;
    let score = Score::of(&text)?;
    println!("{}", score.says(package.name()));
    Ok(score.is_enough())
}

fn names_files(args: &[OsString]) -> bool {
    let is = |arg: &str| arg == "--file" || arg.starts_with("--file=") || (arg.starts_with("-f") && !arg.starts_with("--"));
    args.iter().filter_map(|arg| arg.to_str()).any(is)
}

/// How many mutants were killed, and which were not.
#[derive(Debug, PartialEq, Eq)]
struct Score {
    killed: u64,
    survivors: Vec<String>,
    /// Mutants that do not compile; they say nothing about the tests.
    unviable: u64,
}

impl Score {
    /// The result in a report of cargo-mutants (`outcomes.json`). A mutant for which a test never ends is killed, too.
    fn of(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report).context("the report of cargo-mutants is not JSON")?;
        let count = |key: &str| report[key].as_u64().with_context(|| format!("the report of cargo-mutants has no number \"{key}\""));
        let outcomes = report["outcomes"].as_array().context("the report of cargo-mutants has no outcomes")?;
        let missed = outcomes.iter().filter(|outcome| outcome["summary"] == "MissedMutant");
        let survivors: Vec<String> =
            missed.filter_map(|outcome| outcome.pointer("/scenario/Mutant/name")?.as_str()).map(str::to_owned).collect();
        ensure!(survivors.len() as u64 == count("missed")?, "the report of cargo-mutants does not name every survivor");
        Ok(Self { killed: count("caught")? + count("timeout")?, survivors, unviable: count("unviable")? })
    }

    fn viable(&self) -> u64 {
        self.killed + self.survivors.len() as u64
    }

    /// Without a mutant there is nothing to kill.
    fn is_enough(&self) -> bool {
        self.killed * 100 >= LEAST * self.viable()
    }

    /// The survivors, and a last line with the share that was killed.
    fn says(&self, package: &str) -> String {
        let share = (self.killed * 1000).checked_div(self.viable()).unwrap_or(1000);
        let (killed, viable, unviable) = (self.killed, self.viable(), self.unviable);
        let verdict = if self.is_enough() { "enough" } else { "too few" };
        let survivors = self.survivors.iter().fold(String::new(), |text, name| text + "survived: " + name + "\n");
        let rest = format!("{verdict}, {LEAST} % are needed ({unviable} more do not compile)");
        format!("{survivors}{package}: {killed} of {viable} mutants killed, {}.{} %: {rest}", share / 10, share % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(caught: u64, timeout: u64, missed: &[&str]) -> String {
        let mutant = |name: &&str| json!({ "summary": "MissedMutant", "scenario": { "Mutant": { "name": name } } });
        let mut outcomes = vec![json!({ "summary": "Success", "scenario": "Baseline" })];
        outcomes.extend(missed.iter().map(mutant));
        json!({ "outcomes": outcomes, "caught": caught, "timeout": timeout, "missed": missed.len(), "unviable": 7 }).to_string()
    }

    #[test]
    fn the_share_is_that_of_the_mutants_that_compile() {
        let score = Score::of(&report(17, 1, &["a.rs:1:2: replace + with -", "b.rs:3:4: delete !"])).unwrap();

        assert_eq!((score.killed, score.viable()), (18, 20));
        assert!(score.is_enough());
        let says = score.says("model");
        assert!(says.starts_with("survived: a.rs:1:2: replace + with -\nsurvived: b.rs:3:4: delete !\nmodel: 18 of 20 "), "{says}");
        assert!(says.contains("90.0 %"), "{says}");
    }

    #[test]
    fn a_share_just_below_the_least_is_too_little() {
        assert!(!Score::of(&report(89, 0, &["x"; 10])).unwrap().is_enough());
        assert!(Score::of(&report(90, 0, &["x"; 10])).unwrap().is_enough());
        assert!(Score::of(&report(0, 0, &[])).unwrap().is_enough(), "a part without a mutant");
    }

    #[test]
    fn a_report_that_is_not_understood_is_no_success() {
        assert!(Score::of("{}").is_err());
        assert!(Score::of(&report(1, 0, &["x"]).replace("MissedMutant", "Other")).is_err());
    }

    #[test]
    fn files_that_somebody_names_replace_ours() {
        for (args, names) in [(&["--file", "a.rs"][..], true), (&["-f=a.rs"], true), (&["--file=a.rs"], true), (&["--re", "fold"], false)] {
            assert_eq!(names_files(&args.iter().map(OsString::from).collect::<Vec<_>>()), names, "{args:?}");
        }
    }
}
