//! How the attempts of a job change with each report about it: what belongs to the same attempt, and what begins another.

use super::story::*;
use JobStatus::{Cancelled, Failed, Lost, Running, Success, Waiting};
use model::{
    JobStatus, RunStatus,
    event::{Event, JobUpdate},
    job::{Filled, StartReported},
};

/// Each row: reports about job 1, and the states, starts and ends of its attempts after them.
#[test]
fn reports_belong_to_an_attempt_or_begin_another() {
    type Span = (JobStatus, Option<i64>, Option<i64>);
    let rows: &[(&str, Vec<Event>, Vec<Span>)] = &[
        ("a start", vec![begin(1)], vec![(Running, Some(10), None)]),
        ("a start twice", vec![begin(1), begin(1)], vec![(Running, Some(10), None)]),
        ("a start and a description", vec![begin(1), info(1)], vec![(Running, Some(10), None)]),
        ("a description and a start", vec![info(1), begin(1)], vec![(Running, Some(20), None)]),
        ("a plan", vec![plan(1)], vec![(Waiting, None, None)]),
        ("a plan and a start", vec![plan(1), begin(1)], vec![(Running, Some(20), None)]),
        ("a plan and a start twice", vec![plan(1), begin(1), begin(1)], vec![(Running, Some(20), None)]),
        ("a plan twice", vec![plan(1), plan(1)], vec![(Waiting, None, None)]),
        ("a plan and an end", vec![plan(1), end(1, Success)], vec![(Success, None, Some(20))]),
        ("an end", vec![end(1, Success)], vec![(Success, None, Some(10))]),
        ("an end twice", vec![begin(1), end(1, Success), end(1, Success)], vec![(Success, Some(10), Some(20))]),
        ("a failure twice", vec![begin(1), end(1, Failed), end(1, Failed)], vec![(Failed, Some(10), Some(20))]),
        ("a start while it runs", vec![begin(1), info(1), begin(1)], vec![(Lost, Some(10), Some(30)), (Running, Some(30), None)]),
        (
            "a start after an end",
            vec![begin(1), info(1), end(1, Failed), begin(1)],
            vec![(Failed, Some(10), Some(30)), (Running, Some(40), None)],
        ),
        (
            "another end, because the start between was lost",
            vec![begin(1), end(1, Failed), end(1, Success)],
            vec![(Failed, Some(10), Some(20)), (Success, None, Some(30))],
        ),
        (
            "another description after the end, because the start between was lost",
            vec![begin(1), info(1), end(1, Failed), info(1)],
            vec![(Failed, Some(10), Some(30)), (Running, Some(40), None)],
        ),
        ("the first description after the end", vec![begin(1), end(1, Failed), info(1)], vec![(Failed, Some(10), Some(20))]),
        (
            "a third attempt",
            vec![begin(1), end(1, Failed), begin(1), end(1, Failed), begin(1), end(1, Success)],
            vec![(Failed, Some(10), Some(20)), (Failed, Some(30), Some(40)), (Success, Some(50), Some(60))],
        ),
    ];
    for (name, events, wanted) in rows {
        let fold = after(events.clone());

        assert_eq!(&spans(&fold, 1), wanted, "{name}");
        assert!(attempts(&fold, 1).iter().map(|job| job.attempt).eq(1..=wanted.len() as i32), "{name}: numbered from 1");
        assert!(attempts(&fold, 1).iter().all(|job| job.touched), "{name}: to be written");
    }
}

#[test]
fn the_failed_jobs_are_those_whose_newest_attempt_failed() {
    for (events, failed) in [
        (vec![end(1, Failed)], 1),
        (vec![end(1, Failed), end(1, Failed)], 1),
        (vec![end(1, Failed), end(2, Failed), end(3, Success)], 2),
        (vec![end(1, Failed), begin(1)], 0),
        (vec![end(1, Failed), end(1, Success)], 0),
        (vec![end(1, Success), end(1, Failed)], 1),
        (vec![end(1, Failed), end(2, Failed), begin(1), end(1, Failed)], 2),
        (vec![end(1, Cancelled), begin(1)], 0),
        (vec![Event::JobFailed { job_id: 1, update: Box::default() }], 1),
    ] {
        assert_eq!(after(events.clone()).run.failed, failed, "{events:?}");
    }
}

#[test]
fn no_job_ends_before_it_began() {
    let mut fold = after([begin(1), begin(2)]);
    fold.apply(end(1, Success), 3);
    fold.apply(Event::Closed, 4);
    assert_eq!((spans(&fold, 1), spans(&fold, 2)), (vec![(Success, Some(10), Some(10))], vec![(Success, Some(20), Some(20))]));
}

#[test]
fn a_retry_has_the_rule_of_the_first_attempt_until_a_report_names_another() {
    let fold = after([begin(1), of_rule(1, "align"), end(1, Failed), begin(1)]);
    let rules = |fold: &model::fold::RunFold| attempts(fold, 1).iter().map(|job| job.rule.clone()).collect::<Vec<_>>();
    assert_eq!(rules(&fold), [Some("align".into()), Some("align".into())]);

    let named = then(fold, [of_rule(1, "sort")]);
    assert_eq!(rules(&named), [Some("align".into()), Some("sort".into())]);

    let unnamed = after([of_rule(1, "align"), plan(1)]);
    assert_eq!(rules(&unnamed), [Some("align".into())], "a description without a rule");
}

#[test]
fn an_update_of_a_job_fills_gaps_and_changes_no_state() {
    let exit = JobUpdate { rule: Some("sort".into()), exit_code: Some(7), ..JobUpdate::default() };

    let fold = after([begin(1), end(1, Failed), update(1, exit.clone())]);
    assert_eq!(spans(&fold, 1), [(Failed, Some(10), Some(20))]);
    assert_eq!((attempts(&fold, 1)[0].rule.as_deref(), attempts(&fold, 1)[0].update.exit_code), (Some("sort"), Some(7)));

    let named = after([of_rule(1, "align"), update(1, exit.clone())]);
    assert_eq!(
        (states(&named, 1), attempts(&named, 1)[0].rule.as_deref()),
        (vec![Running], Some("align")),
        "its description is the authority"
    );

    let first = after([update(1, exit)]);
    assert_eq!(spans(&first, 1), [(Running, Some(10), None)], "a job of which nothing else was heard");
    assert!(!attempts(&first, 1)[0].informed);
}

#[test]
fn a_failure_says_why_it_failed() {
    let why = JobUpdate { error: Some("no space left".into()), exit_code: Some(1), ..JobUpdate::default() };

    let fold = after([begin(1), Event::JobFailed { job_id: 1, update: Box::new(why) }]);

    assert_eq!(spans(&fold, 1), [(Failed, Some(10), Some(20))]);
    assert_eq!((attempts(&fold, 1)[0].update.error.as_deref(), attempts(&fold, 1)[0].update.exit_code), (Some("no space left"), Some(1)));
}

/// Jobs 1, 2 and 3 when the run is closed: running, done, and not heard of. Then job 4 is reported for the first time.
#[test]
fn a_close_ends_what_runs_and_what_is_heard_of_later() {
    for (last, open, late) in [(said(), Success, Success), (error("E"), Lost, Lost)] {
        let fold = after([begin(1), begin(2), end(2, Success), last.clone(), Event::Closed, begin(4)]);

        assert_eq!((states(&fold, 1), states(&fold, 2), states(&fold, 4)), (vec![open], vec![Success], vec![late]), "{last:?}");
        let is_guess = (open != Lost).then_some(Filled::Close);
        assert_eq!([1, 2, 4].map(|job| attempts(&fold, job)[0].filled), [is_guess, None, is_guess], "{last:?}");
    }
}

#[test]
fn nobody_knows_what_became_of_a_job_that_is_reported_after_its_run_was_cancelled() {
    let fold = after([begin(1), said_last(model::event::LastWord::Cancelled), begin(2)]);

    assert_eq!((run(&fold).0, states(&fold, 1), states(&fold, 2)), (RunStatus::Cancelled, vec![Cancelled], vec![Lost]));
}

#[test]
fn a_retry_reported_after_the_close_is_another_attempt_only_after_a_reported_end() {
    let reported = after([begin(1), info(1), end(1, Success), Event::Closed, begin(1)]);
    assert_eq!(states(&reported, 1), [Success, Success]);
    assert_eq!(attempts(&reported, 1).iter().map(|job| job.filled).collect::<Vec<_>>(), [None, Some(Filled::Close)]);

    let guessed = after([begin(1), info(1), Event::Closed, begin(1), info(1)]);
    assert_eq!(states(&guessed, 1), [Success], "the same reports again");

    let described = after([begin(1), info(1), end(1, Success), Event::Closed, info(1)]);
    assert_eq!(states(&described, 1), [Success, Success], "a description of an attempt that had ended");
}

/// A run that was lost ended its jobs. When its client speaks again, a further description belongs to a further attempt.
#[test]
fn a_job_that_was_lost_with_its_run_is_described_again_only_when_it_is_retried() {
    let mut fold = after([begin(1), info(1)]);
    for job in fold.jobs.values_mut().flatten() {
        (job.status, job.ended_at) = (Lost, Some(25));
    }
    (fold.run.status, fold.run.ended_at) = (RunStatus::Lost, Some(25));

    assert_eq!(states(&then(fold.clone(), [info(1)]), 1), [Lost, Running]);
    assert_eq!(spans(&then(fold, [end(1, Success)]), 1), [(Success, Some(10), Some(30))], "its own end replaces the guess");
}

#[test]
fn the_first_report_of_an_end_replaces_an_assumed_one_and_the_second_does_not() {
    for status in [Success, Failed, Cancelled] {
        let fold = after([begin(1), info(1), Event::Closed, end(1, status), end(1, status)]);

        assert_eq!(spans(&fold, 1), [(status, Some(10), Some(40))], "{status}");
        assert_eq!((attempts(&fold, 1)[0].filled, fold.run.failed), (None, i32::from(status == Failed)), "{status}");
    }
}

#[test]
fn what_was_reported_of_a_start_decides_whose_the_next_start_is() {
    for (events, wanted) in [
        (vec![info(1)], StartReported::No),
        (vec![end(1, Success)], StartReported::No),
        (vec![begin(1)], StartReported::Last),
        (vec![info(1), begin(1)], StartReported::Last),
        (vec![begin(1), info(1)], StartReported::Before),
        (vec![begin(1), info(1), info(1)], StartReported::Before),
        (vec![info(1), info(1)], StartReported::No),
    ] {
        assert_eq!(attempts(&after(events.clone()), 1)[0].start_reported, wanted, "{events:?}");
    }
}

#[test]
fn a_start_whose_time_nobody_knows_takes_the_time_of_the_next_report() {
    let mut fold = after([begin(1)]);
    for job in fold.jobs.values_mut().flatten() {
        job.started_at = None;
    }

    assert_eq!(spans(&then(fold, [begin(1)]), 1), [(Running, Some(20), None)]);
}
