//! Counts the tests that passed and failed, from the output of the test runners.
//!
//! A skipped test counts as failed, because xtask installs whatever a test needs.

use std::ops::Add;

use anyhow::{Context, Result};
use serde_json::Value;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    pub const PASSED: Self = Self { passed: 1, failed: 0 };
    pub const FAILED: Self = Self { passed: 0, failed: 1 };

    /// A runner that failed, or that ran no tests, has not succeeded, whatever its counts are.
    pub fn unless(self, success: bool) -> Self {
        if (!success && self.failed == 0) || self == Self::default() { self + Self::FAILED } else { self }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// Sums the result lines of `cargo test`, of which there is one per binary.
pub fn cargo(lines: &[String]) -> Tally {
    lines
        .iter()
        .filter_map(|line| line.strip_prefix("test result: "))
        .map(|line| Tally { passed: before(line, " passed"), failed: before(line, " failed") + before(line, " ignored") })
        .fold(Tally::default(), Add::add)
}

/// The parts of `cargo test`'s output that explain failures: panics and lists of names.
pub fn cargo_failures(lines: &[String]) -> Vec<&str> {
    let mut shown = Vec::new();
    let mut inside = false;
    for line in lines {
        if line == "failures:" || line.starts_with("error") {
            inside = true;
        } else if line.starts_with("test result: ") || line.trim_start().starts_with("Running ") {
            inside = false;
        }
        if inside {
            shown.push(line.as_str());
        }
    }
    shown
}

/// Reads the last lines of Python's unittest: `Ran 7 tests in 3s`, `FAILED (failures=1, errors=2)`.
pub fn unittest(lines: &[String]) -> Tally {
    let ran = lines.iter().filter_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse::<u64>().ok()).next_back().unwrap_or(0);
    let verdict = lines.iter().rfind(|line| line.starts_with("OK") || line.starts_with("FAILED")).map_or("", String::as_str);
    let failed = ["failures=", "errors=", "skipped=", "unexpected successes="].iter().map(|key| after(verdict, key)).sum();
    // An error during the setup of a class counts as a failure, but no test ran for it.
    Tally { passed: ran.saturating_sub(failed), failed }
}

/// Reads the JSON report of Playwright. A test that passed only in a retry counts as failed.
pub fn playwright(report: &str) -> Result<Tally> {
    let report: Value = serde_json::from_str(report).context("the report is no JSON")?;
    let stat = |name: &str| report["stats"][name].as_u64().unwrap_or(0);
    let outside = report["errors"].as_array().map_or(0, Vec::len) as u64;
    Ok(Tally { passed: stat("expected"), failed: stat("unexpected") + stat("flaky") + stat("skipped") + outside })
}

/// The number before `word`.
fn before(line: &str, word: &str) -> u64 {
    line.split(word).next().filter(|rest| rest.len() < line.len()).and_then(|rest| rest.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

/// The number after `key`.
fn after(line: &str, key: &str) -> u64 {
    let digits = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    line.split_once(key).and_then(|(_, rest)| digits(rest)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn results_of_all_cargo_binaries_are_summed() {
        let out = lines(
            "running 2 tests\n\
             test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
             test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out\n",
        );

        assert_eq!(cargo(&out), Tally { passed: 15, failed: 3 });
        assert_eq!(cargo(&[]), Tally::default());
    }

    #[test]
    fn only_the_failures_of_cargo_test_are_shown() {
        let out = lines(
            "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nboom\n\n\
             test result: FAILED. 1 passed; 1 failed\n     Running tests/x.rs\ntest c ... ok\n",
        );

        assert_eq!(cargo_failures(&out), ["failures:", "", "---- b stdout ----", "boom", ""]);
    }

    #[test]
    fn every_verdict_of_unittest_is_understood() {
        for (text, passed, failed) in [
            ("Ran 7 tests in 3.2s\n\nOK", 7, 0),
            ("Ran 1 test in 3.2s\n\nOK (skipped=1)", 0, 1),
            ("Ran 7 tests in 3.2s\n\nFAILED (failures=1, errors=2)", 4, 3),
            ("Ran 0 tests in 0.0s\n\nFAILED (errors=1)", 0, 1),
            ("no module named flowo", 0, 0),
        ] {
            assert_eq!(unittest(&lines(text)), Tally { passed, failed }, "{text}");
        }
    }

    #[test]
    fn a_flaky_or_skipped_browser_test_is_a_failed_one() {
        let report = r#"{"stats":{"expected":5,"unexpected":1,"flaky":1,"skipped":2},"errors":[]}"#;

        assert_eq!(playwright(report).unwrap(), Tally { passed: 5, failed: 4 });
    }

    #[test]
    fn a_runner_that_ran_nothing_or_broke_has_failed() {
        let four = Tally { passed: 4, failed: 0 };

        assert_eq!(four.unless(true), four);
        assert_eq!(four.unless(false), Tally { passed: 4, failed: 1 });
        assert_eq!(Tally::default().unless(true), Tally::FAILED);
        assert_eq!(Tally::FAILED.unless(false), Tally::FAILED);
    }
}
