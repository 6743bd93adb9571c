//! The moves between states, as a table of all pairs.

use model::{JobStatus, RunStatus};

/// For each state the states to which a run may move, in the order of the columns.
#[test]
fn a_run_moves_only_along_these_ways() {
    use RunStatus::{Cancelled, Failed, Lost, Running, Skipped, Success, Suspended, Waiting};
    let columns = [Waiting, Running, Suspended, Success, Failed, Lost, Cancelled, Skipped];
    for (from, row) in [
        (Waiting, ". x x x x x x x"),
        (Running, ". . x x x x x ."),
        (Suspended, ". x x x x x x x"),
        (Success, ". . . . . . . ."),
        (Failed, ". x . x . . x ."),
        (Lost, ". x . x x . x ."),
        (Cancelled, ". . . . . . . ."),
        (Skipped, ". x . x x . x ."),
    ] {
        for (to, mark) in columns.into_iter().zip(row.split(' ')) {
            assert_eq!(from.may_become(to), mark == "x", "{from} -> {to}");
        }
    }
}

/// For each state the states to which one attempt of a job may move, in the order of the columns.
#[test]
fn an_attempt_moves_only_along_these_ways() {
    use JobStatus::{Cancelled, Failed, Lost, Running, Skipped, Success, Waiting};
    let columns = [Waiting, Running, Success, Failed, Lost, Cancelled, Skipped];
    for (from, row) in [
        (Waiting, ". x x x x x x"),
        (Running, ". . x x x x x"),
        (Success, ". . . . . . ."),
        (Failed, ". . . . . x ."),
        (Lost, ". . x x . x ."),
        (Cancelled, ". . . . . . ."),
        (Skipped, ". . . . . . ."),
    ] {
        for (to, mark) in columns.into_iter().zip(row.split(' ')) {
            assert_eq!(from.may_become(to), mark == "x", "{from} -> {to}");
        }
    }
}

#[test]
fn only_what_can_still_happen_is_no_end() {
    for status in RunStatus::ALL {
        let goes_on = matches!(status, RunStatus::Waiting | RunStatus::Running | RunStatus::Suspended);
        assert_eq!(status.is_end(), !goes_on, "{status}");
    }
    for (status, is_end) in [
        (JobStatus::Waiting, false),
        (JobStatus::Running, false),
        (JobStatus::Success, true),
        (JobStatus::Failed, true),
        (JobStatus::Lost, true),
        (JobStatus::Cancelled, true),
        (JobStatus::Skipped, true),
    ] {
        assert_eq!(status.is_end(), is_end, "{status}");
    }
}

#[test]
fn states_print_as_the_words_that_they_are_read_from() {
    for status in RunStatus::ALL {
        assert_eq!(status.to_string().parse(), Ok(*status));
    }
    for status in JobStatus::ALL {
        assert_eq!(status.to_string().parse(), Ok(*status));
    }
}
