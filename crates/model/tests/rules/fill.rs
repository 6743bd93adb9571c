//! What the log of a run adds to what was reported, and what it must leave alone.

use super::story::*;
use model::{
    JobStatus, Millis, RunStatus,
    event::{Event, JobInfo},
    fold::{LogAttempt, RunFold},
    job::{Filled, StartReported},
};
use std::sync::Arc;

fn logged(attempt: i32, started_at: Millis, ended: Option<(JobStatus, Millis)>) -> LogAttempt {
    LogAttempt { job_id: 1, attempt, started_at, ended, info: None }
}

fn described(logged_attempt: LogAttempt) -> LogAttempt {
    let info = JobInfo { job_id: logged_attempt.job_id, rule: Some("sort".into()), ..JobInfo::default() };
    LogAttempt { info: Some(Arc::new(info)), ..logged_attempt }
}

fn filled(mut fold: RunFold, logged_attempt: LogAttempt) -> RunFold {
    fold.fill(logged_attempt);
    fold
}

/// Each row: the attempts that were reported, whether the run is over, the attempt in the log, and the attempts afterwards.
#[test]
fn an_attempt_of_the_log_is_added_only_where_it_is_the_next_one() {
    for (reported, is_over, attempt, wanted) in [
        (0, true, 1, 1),
        (0, true, 2, 0),
        (0, false, 1, 0),
        (1, true, 1, 1),
        (1, true, 2, 2),
        (1, true, 3, 1),
        (1, false, 2, 1),
        (2, true, 1, 2),
        (2, true, 3, 3),
        (2, false, 3, 2),
    ] {
        let starts = (0..reported).flat_map(|_| [begin(1), end(1, JobStatus::Failed)]);
        let mut fold = after(starts);
        if is_over {
            fold = then(fold, [Event::Closed]);
        }

        let fold = filled(fold, logged(attempt, 15, Some((JobStatus::Success, 16))));

        let name = format!("{reported} reported, over: {is_over}, attempt {attempt}");
        assert!(attempts(&fold, 1).iter().map(|job| job.attempt).eq(1..=wanted), "{name}: {:?}", states(&fold, 1));
        let last = attempts(&fold, 1).last().map(|job| job.status);
        assert_eq!(last, (wanted > 0).then_some(if wanted > reported { JobStatus::Success } else { JobStatus::Failed }), "{name}");
    }
}

#[test]
fn an_attempt_that_only_the_log_knows_is_as_the_log_says() {
    let closed = after([begin(1), of_rule(1, "align"), end(1, JobStatus::Failed), Event::Closed]);
    assert_eq!(closed.run.failed, 1);

    let fold = filled(closed.clone(), logged(2, 31, Some((JobStatus::Success, 38))));
    let added = attempts(&fold, 1).last().expect("an attempt");
    assert_eq!(spans(&fold, 1)[1], (JobStatus::Success, Some(31), Some(38)));
    assert_eq!((added.rule.as_deref(), added.filled, added.start_reported), (Some("align"), Some(Filled::Log), StartReported::Before));
    assert_eq!(fold.run.failed, 0, "the job did not fail after all");

    let named = filled(closed.clone(), described(logged(2, 31, None)));
    let added = attempts(&named, 1).last().expect("an attempt");
    assert_eq!(spans(&named, 1)[1], (JobStatus::Lost, Some(31), Some(40)), "without an end it lasted until the run ended");
    assert_eq!((added.rule.as_deref(), added.informed), (Some("sort"), true));

    let succeeded = after([begin(1), end(1, JobStatus::Success), end(2, JobStatus::Failed), Event::Closed]);
    assert_eq!(filled(succeeded, logged(2, 31, None)).run.failed, 1, "the failed job is another one");
}

#[test]
fn an_attempt_without_an_end_of_a_run_without_one_lasted_no_time() {
    let mut fold = loaded_as(RunStatus::Lost);
    fold.run.ended_at = None;

    assert_eq!(spans(&filled(fold, logged(1, 31, None)), 1), [(JobStatus::Lost, Some(31), Some(31))]);
}

/// Each row: what was reported of job 1, the end in the log, and the job afterwards.
#[test]
fn the_log_ends_only_what_no_report_ended() {
    let log = Some(Filled::Log);
    for (name, events, logs, wanted) in [
        ("a running job of a running run", vec![begin(1), info(1)], Some((JobStatus::Success, 15)), (JobStatus::Running, None, None)),
        (
            "an end that was assumed",
            vec![begin(1), info(1), Event::Closed],
            Some((JobStatus::Failed, 15)),
            (JobStatus::Failed, Some(15), log),
        ),
        (
            "a lost end",
            vec![begin(1), info(1), error("E"), Event::Closed],
            Some((JobStatus::Success, 15)),
            (JobStatus::Success, Some(15), log),
        ),
        (
            "a reported end",
            vec![begin(1), info(1), end(1, JobStatus::Success), Event::Closed],
            Some((JobStatus::Failed, 15)),
            (JobStatus::Success, Some(30), None),
        ),
        (
            "a failure that was a cancellation",
            vec![begin(1), info(1), end(1, JobStatus::Failed), Event::Closed],
            Some((JobStatus::Cancelled, 15)),
            (JobStatus::Cancelled, Some(30), None),
        ),
        (
            "a success that cannot have been a cancellation",
            vec![begin(1), info(1), end(1, JobStatus::Success), Event::Closed],
            Some((JobStatus::Cancelled, 15)),
            (JobStatus::Success, Some(30), None),
        ),
        ("no end in the log either", vec![begin(1), info(1), Event::Closed], None, (JobStatus::Success, Some(30), Some(Filled::Close))),
    ] {
        let fold = filled(after(events), logged(1, 12, logs));

        let job = &attempts(&fold, 1)[0];
        assert_eq!((job.status, job.ended_at, job.filled), wanted, "{name}");
        assert_eq!(job.started_at, Some(10), "{name}: the reported start stays");
    }
}

#[test]
fn a_planned_job_of_a_run_that_is_over_ends_as_the_log_says() {
    let mut fold = after([plan(1)]);
    fold.run.status = RunStatus::Success;

    let fold = filled(fold, logged(1, 12, Some((JobStatus::Success, 15))));

    assert_eq!(spans(&fold, 1), [(JobStatus::Success, Some(12), Some(15))]);
}

#[test]
fn only_a_job_that_was_never_described_takes_its_description_from_the_log() {
    let fold = filled(after([begin(1), of_rule(1, "align")]), described(logged(1, 12, None)));
    assert_eq!((attempts(&fold, 1)[0].rule.as_deref(), attempts(&fold, 1)[0].filled), (Some("align"), None));

    let fold = filled(after([begin(1)]), described(logged(1, 12, None)));
    assert_eq!((attempts(&fold, 1)[0].rule.as_deref(), attempts(&fold, 1)[0].filled), (Some("sort"), Some(Filled::Log)));

    let later = then(fold, [end(1, JobStatus::Success)]);
    assert_eq!((states(&later, 1), attempts(&later, 1)[0].filled), (vec![JobStatus::Success], None), "its end is a report of its own");
}

#[test]
fn only_the_end_of_a_lost_run_or_a_cancellation_is_taken_from_the_log() {
    let statuses = [RunStatus::Running, RunStatus::Success, RunStatus::Failed, RunStatus::Lost, RunStatus::Cancelled, RunStatus::Skipped];
    for was in statuses {
        for says in statuses {
            let mut fold = loaded_as(was);
            fold.fill_end(says, 90);

            let ends = matches!(says, RunStatus::Success | RunStatus::Failed | RunStatus::Cancelled);
            let wanted = match was {
                RunStatus::Lost if ends => (says, Some(90)),
                RunStatus::Failed if says == RunStatus::Cancelled => (says, Some(5)),
                _ => (was, was.is_end().then_some(5)),
            };
            assert_eq!(run(&fold), wanted, "{was} in the reports, {says} in the log");
            assert_eq!(fold.run.touched, wanted.0 != was, "{was} in the reports, {says} in the log");
        }
    }
}

#[test]
fn the_rest_ends_as_the_run_did() {
    for (status, rest) in [
        (RunStatus::Success, (JobStatus::Success, Some(Filled::Close))),
        (RunStatus::Cancelled, (JobStatus::Cancelled, Some(Filled::Close))),
        (RunStatus::Failed, (JobStatus::Lost, None)),
        (RunStatus::Lost, (JobStatus::Lost, None)),
    ] {
        let mut fold = after([begin(1), begin(2), end(2, JobStatus::Failed), begin(3)]);
        fold.run.status = status;
        for job in [1, 3] {
            let job = &mut fold.jobs.get_mut(&job).expect("a job")[0];
            (job.status, job.ended_at) = (JobStatus::Lost, (job.job_id == 1).then_some(50));
        }

        fold.fill_rest(90);

        let shown = |job: i64| (attempts(&fold, job)[0].status, attempts(&fold, job)[0].filled);
        assert_eq!((shown(1), shown(3), shown(2)), (rest, rest, (JobStatus::Failed, None)), "{status}");
        let later = if rest.1.is_some() { Some(90) } else { None };
        assert_eq!((spans(&fold, 1)[0].2, spans(&fold, 3)[0].2), (Some(50), later), "{status}: when they were lost, if that is known");
    }
}
