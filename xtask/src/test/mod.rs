//! `cargo xtask test`: the list of checks, the selection of those to run, and the totals.
//!
//! [`steps`] implements the checks; [`count`] counts their results.

mod count;
mod steps;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::ctx::Ctx;
use crate::step;
use count::Tally;

#[derive(Args)]
pub struct Selection {
    /// Run only these steps
    #[arg(long, value_delimiter = ',', value_name = "STEP", conflicts_with = "from")]
    only: Vec<String>,
    /// Begin at this step
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
    /// Say what the steps are, and run none
    #[arg(long)]
    list: bool,
    /// Also run clients that are rarely used: every generation of Panoptes clients
    #[arg(long)]
    pub all_clients: bool,
    /// Everything, before a release: all clients, a thousand stories of faults, a hundred thousand odd requests; takes hours
    #[arg(long)]
    pub all: bool,
    /// Which tests of the one step: options of cargo test (unit), Playwright (browser) or unittest (conformance, deploy).
    /// For example `--only browser -- filter.spec.ts -g chip`, `--only unit -- --test it device`
    #[arg(last = true, value_name = "OPTION", requires = "only")]
    pub which: Vec<OsString>,
}

/// The steps whose tests can be chosen.
const CHOOSABLE: [&str; 4] = ["deploy", "unit", "conformance", "browser"];

struct Step {
    name: &'static str,
    about: &'static str,
    /// If one of these steps failed, this step could only fail too.
    needs: &'static [&'static str],
    run: fn(&Ctx) -> Result<Tally>,
}

const fn step_of(name: &'static str, about: &'static str, needs: &'static [&'static str], run: fn(&Ctx) -> Result<Tally>) -> Step {
    Step { name, about, needs, run }
}

/// Quick steps first; steps that build come before those that use the build.
const STEPS: &[Step] = &[
    step_of("fmt", "layout of the Rust sources", &[], steps::fmt),
    step_of("clippy", "lints, native", &[], steps::clippy),
    step_of("clippy-wasm", "lints, as the browser's program is compiled", &[], steps::clippy_wasm),
    step_of("deny", "licences, sources and known faults of foreign crates", &[], steps::deny),
    step_of("tidy", "invariants of the design", &[], steps::tidy),
    step_of("deploy", "files for containers", &[], steps::deploy),
    step_of("unit", "unit, database and HTTP tests", &[], steps::unit),
    step_of("site", "build of the site, and its size", &[], steps::site),
    step_of("flowod", "build of the server", &[], steps::flowod),
    step_of("chaos", "faults at random moments", &["site", "flowod"], steps::chaos),
    step_of("conformance", "the published Python clients", &["flowod"], steps::conformance),
    step_of("browser", "the pages in a real browser", &["site", "flowod"], steps::browser),
];

struct Done {
    name: &'static str,
    took: Duration,
    tally: Tally,
    remark: &'static str,
}

pub fn run(ctx: &Ctx, selection: &Selection) -> Result<ExitCode> {
    if selection.list {
        for step in STEPS {
            println!("{:<12} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut done: Vec<Done> = Vec::new();
    for step in selected(selection)? {
        let started = Instant::now();
        let broken = |name: &&&str| done.iter().any(|one| one.name == **name && one.tally.failed > 0);
        let (tally, remark) = match step.needs.iter().find(broken) {
            Some(name) => {
                step::note(&format!("{}: not run, since {name} failed", step.name));
                (Tally::FAILED, "not run")
            }
            None => match (step.run)(ctx) {
                Ok(tally) => (tally, ""),
                Err(err) => {
                    step::note(&format!("{}: {err:#}", step.name));
                    (Tally::FAILED, "")
                }
            },
        };
        done.push(Done { name: step.name, took: started.elapsed(), tally, remark });
    }
    Ok(summary(&done))
}

/// `cargo xtask fuzz-http`.
pub fn surface(ctx: &Ctx, requests: u32) -> Result<ExitCode> {
    Ok(if steps::surface(ctx, requests)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn selected(selection: &Selection) -> Result<Vec<&'static Step>> {
    let position = |name: &str| match STEPS.iter().position(|step| step.name == name) {
        Some(position) => Ok(position),
        None => bail!("there is no step {name:?}; `cargo xtask test --list` names them"),
    };
    if let Some(name) = &selection.from {
        return Ok(STEPS[position(name)?..].iter().collect());
    }
    let mut wanted: Vec<usize> = selection.only.iter().map(|name| position(name)).collect::<Result<_>>()?;
    wanted.sort_unstable();
    wanted.dedup();
    if !selection.which.is_empty() {
        let choosable = matches!(wanted.as_slice(), [only] if CHOOSABLE.contains(&STEPS[*only].name));
        ensure!(choosable, "tests can be chosen within one step, and only within one of {}", CHOOSABLE.join(", "));
    }
    Ok(match wanted.as_slice() {
        [] => STEPS.iter().collect(),
        some => some.iter().map(|at| &STEPS[*at]).collect(),
    })
}

fn summary(done: &[Done]) -> ExitCode {
    let total = done.iter().fold(Tally::default(), |sum, one| sum + one.tally);
    println!("\n{:<12} {:>9} {:>7} {:>7}", "step", "time", "passed", "failed");
    for Done { name, took, tally, remark } in done {
        let seconds = format!("{:.1} s", took.as_secs_f64());
        println!("{name:<12} {seconds:>9} {:>7} {:>7} {remark}", tally.passed, tally.failed);
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str], from: Option<&str>) -> Vec<&'static str> {
        let selection = Selection {
            only: only.iter().map(ToString::to_string).collect(),
            from: from.map(ToOwned::to_owned),
            list: false,
            all_clients: false,
            all: false,
            which: Vec::new(),
        };
        selected(&selection).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn tests_are_chosen_within_one_step() {
        let chosen = |only: &[&str]| {
            let only = only.iter().map(ToString::to_string).collect();
            selected(&Selection { only, from: None, list: false, all_clients: false, all: false, which: vec!["runs.spec.ts".into()] })
                .is_ok()
        };
        assert!(CHOOSABLE.iter().all(|step| chosen(&[step])));
        assert!(!chosen(&["fmt"]), "it has no tests");
        assert!(!chosen(&["unit", "browser"]), "their options differ");
    }

    #[test]
    fn steps_run_in_their_order_whatever_the_order_of_the_wish() {
        assert_eq!(names(&["unit", "fmt", "unit"], None), ["fmt", "unit"]);
        assert_eq!(names(&[], Some("conformance")), ["conformance", "browser"]);
        assert_eq!(names(&[], None).len(), STEPS.len());
    }

    #[test]
    fn what_a_step_needs_comes_before_it() {
        for (at, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                assert!(STEPS[..at].iter().any(|one| one.name == *need), "{} {need}", step.name);
            }
        }
    }
}
