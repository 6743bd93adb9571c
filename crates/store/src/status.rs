//! Converts the statuses, file roles and epochs that rows contain as words and numbers.
//!
//! The one rule for a word that this build does not know: the read fails and names the row. No row is left out, because a
//! list, a graph or a history without it would be wrong and would not say so.

use crate::StoreError;
use model::{Epoch, Invalid, JobStatus, RunStatus, job::FileRole};
use std::{fmt::Display, str::FromStr};

/// The state of a run, from the word in its row.
///
/// # Errors
/// [`StoreError::Corrupt`] for a word that no version of Flowo writes.
pub fn of_run(id: impl Display, word: &str) -> Result<RunStatus, StoreError> {
    read("workflow_runs", id, word)
}

/// The state of an attempt of a job, from the word in its row.
///
/// # Errors
/// As [`of_run`].
pub fn of_job(id: impl Display, word: &str) -> Result<JobStatus, StoreError> {
    read("job_executions", id, word)
}

/// What a file is to a job, from the word in its row.
///
/// # Errors
/// As [`of_run`]; it names the job.
pub fn role(job: impl Display, word: &str) -> Result<FileRole, StoreError> {
    FileRole::of(word).ok_or_else(|| StoreError::Corrupt {
        table: "job_files",
        column: "role",
        id: job.to_string(),
        source: Invalid::new("file role", word, "input, output, log or benchmark"),
    })
}

/// An epoch, from the number in its row.
///
/// # Errors
/// [`StoreError::Corrupt`] for a number below 1, which a CHECK keeps out.
pub fn epoch(table: &'static str, id: impl Display, number: i32) -> Result<Epoch, StoreError> {
    Epoch::try_from(number).map_err(|source| StoreError::Corrupt { table, column: "epoch", id: id.to_string(), source })
}

fn read<T: FromStr<Err = Invalid>>(table: &'static str, id: impl Display, word: &str) -> Result<T, StoreError> {
    word.parse().map_err(|source| StoreError::Corrupt { table, column: "status", id: id.to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::chain;

    #[test]
    fn a_word_that_is_no_status_names_the_row() {
        assert!(matches!(of_run(7, "running"), Ok(RunStatus::Running)));
        let error = of_job(7, "RUNNING").expect_err("no status of ours");
        assert_eq!(error.to_string(), "row 7 of job_executions holds an unusable status");
        assert!(chain(&error).contains("\"RUNNING\""), "{}", chain(&error));
    }

    #[test]
    fn a_word_that_is_no_role_names_the_job() {
        for known in FileRole::ALL {
            assert!(role(7, known.as_str()).is_ok_and(|found| found == known));
        }
        let error = role(7, "INPUT").expect_err("no role of ours");
        assert_eq!(error.to_string(), "row 7 of job_files holds an unusable role");
        assert!(chain(&error).contains("\"INPUT\""), "{}", chain(&error));
    }
}
