//! The observed sequences of real clients, and the effects of lost, repeated and reordered reports.

use super::*;
use crate::{event::LastWord, job::Filled};
use proptest::prelude::*;
use uuid::Uuid;

fn fold() -> RunFold {
    RunFold::new(RunState::unknown(RunId(Uuid::nil()), 0))
}

fn error() -> Event {
    Event::Error(ReportedError { exception: "RuleException".into(), ..ReportedError::at(0) })
}

fn info(job_id: i64) -> Event {
    Event::JobInfo(Arc::new(JobInfo { job_id, rule: Some("step".into()), ..JobInfo::default() }))
}

fn ended(job_id: i64, status: JobStatus) -> Event {
    Event::JobEnded { job_id, status }
}

fn after(events: Vec<Event>) -> RunFold {
    let mut fold = fold();
    for (at, event) in events.into_iter().enumerate() {
        fold.apply(event, at as Millis);
    }
    fold
}

fn attempts(fold: &RunFold, job_id: i64) -> Vec<JobStatus> {
    fold.jobs[&job_id].iter().map(|job| job.status).collect()
}

fn retried_and_failed() -> Vec<Event> {
    use JobStatus::Failed;
    vec![
        Event::JobsStarted(vec![3]),
        info(3),
        error(),
        ended(3, Failed),
        Event::JobsStarted(vec![3]),
        info(3),
        error(),
        ended(3, Failed),
        error(),
        Event::Closed,
    ]
}

fn retried_and_done() -> Vec<Event> {
    vec![
        Event::JobsStarted(vec![1]),
        info(1),
        error(),
        ended(1, JobStatus::Failed),
        Event::JobsStarted(vec![1]),
        info(1),
        ended(1, JobStatus::Success),
        Event::Closed,
    ]
}

#[test]
fn what_begins_after_a_failure_is_lost_until_its_own_end_is_reported() {
    let mut fold = after(vec![Event::JobsStarted(vec![1]), info(1), error(), Event::Closed, Event::JobsStarted(vec![2]), info(2)]);
    assert_eq!((attempts(&fold, 1), attempts(&fold, 2)), (vec![JobStatus::Lost], vec![JobStatus::Lost]));
    for again in [Event::JobsStarted(vec![2]), info(2), Event::JobsStarted(vec![1]), info(1)] {
        fold.apply(again, 8);
    }
    assert_eq!((attempts(&fold, 1), attempts(&fold, 2)), (vec![JobStatus::Lost], vec![JobStatus::Lost]), "reported twice");
    fold.apply(ended(2, JobStatus::Success), 9);
    assert_eq!(attempts(&fold, 2), [JobStatus::Success]);
}

#[test]
fn a_close_without_an_error_means_that_the_jobs_are_done() {
    let mut fold = after(vec![Event::JobsStarted(vec![1]), info(1), Event::Closed, Event::JobsStarted(vec![2]), info(2)]);
    assert_eq!(fold.run.status, RunStatus::Success);
    assert_eq!(fold.closed_jobs, Some((2, JobStatus::Success)));
    for again in [Event::JobsStarted(vec![2]), info(2), Event::JobsStarted(vec![1]), info(1)] {
        fold.apply(again, 8);
    }
    for job in [1, 2] {
        assert_eq!(attempts(&fold, job), [JobStatus::Success]);
        assert_eq!(fold.jobs[&job][0].filled, Some(Filled::Close), "marked as assumed from the end of the run");
    }
    fold.apply(ended(1, JobStatus::Failed), 9);
    fold.apply(ended(2, JobStatus::Success), 9);
    assert_eq!((attempts(&fold, 1), attempts(&fold, 2)), (vec![JobStatus::Failed], vec![JobStatus::Success]));
    assert_eq!(
        (fold.jobs[&1][0].filled, fold.jobs[&2][0].filled, fold.jobs[&2][0].ended_at),
        (None, None, Some(9)),
        "reports replaced the guesses"
    );
}

fn last(word: LastWord) -> Event {
    Event::Said { level: "info", message: "Complete log: x".into(), logfile: None, end: Some(word) }
}

#[test]
fn the_last_word_ends_the_run_and_what_runs_of_it() {
    for (word, run, job) in [
        (LastWord::Done, RunStatus::Success, JobStatus::Success),
        (LastWord::DoneIfIdle, RunStatus::Failed, JobStatus::Lost),
        (LastWord::Failed, RunStatus::Failed, JobStatus::Lost),
        (LastWord::Cancelled, RunStatus::Cancelled, JobStatus::Cancelled),
    ] {
        let fold = after(vec![Event::JobsStarted(vec![1]), info(1), last(word), Event::Closed]);
        assert_eq!((fold.run.status, attempts(&fold, 1)), (run, vec![job]), "{word:?}");
    }
    let idle = after(vec![Event::JobsStarted(vec![1]), info(1), ended(1, JobStatus::Success), last(LastWord::DoneIfIdle)]);
    assert_eq!(idle.run.status, RunStatus::Success);
    let failed = after(vec![info(1), ended(1, JobStatus::Failed), last(LastWord::Done)]);
    assert_eq!(failed.run.status, RunStatus::Failed);
}

#[test]
fn the_first_start_after_a_description_joins_the_same_attempt() {
    let mut fold = after(vec![info(1), Event::JobsStarted(vec![1])]);
    assert_eq!((attempts(&fold, 1), fold.jobs[&1][0].started_at), (vec![JobStatus::Running], Some(1)));
    fold.apply(Event::JobsStarted(vec![1]), 2);
    assert_eq!((attempts(&fold, 1), fold.jobs[&1][0].started_at), (vec![JobStatus::Running], Some(1)), "reported twice");
    fold.apply(ended(1, JobStatus::Failed), 3);
    fold.apply(info(1), 4);
    fold.apply(Event::JobsStarted(vec![1]), 5);
    assert_eq!(attempts(&fold, 1), [JobStatus::Failed, JobStatus::Running], "a retry");
    fold.apply(ended(1, JobStatus::Success), 6);
    assert!(fold.jobs[&1].iter().all(|job| job.informed), "every attempt has its description");
}

#[test]
fn a_start_after_a_started_and_described_attempt_begins_another() {
    let fold = after(vec![Event::JobsStarted(vec![1]), info(1), Event::JobsStarted(vec![1])]);
    assert_eq!(attempts(&fold, 1), [JobStatus::Lost, JobStatus::Running]);
}

#[test]
fn a_job_that_fails_for_good_fails_the_run() {
    let fold = after(retried_and_failed());
    assert_eq!(fold.run.status, RunStatus::Failed);
    assert_eq!(attempts(&fold, 3), [JobStatus::Failed, JobStatus::Failed]);
}

#[test]
fn a_retry_that_succeeds_makes_the_run_done() {
    let fold = after(retried_and_done());
    assert_eq!(fold.run.status, RunStatus::Success);
    assert_eq!(attempts(&fold, 1), [JobStatus::Failed, JobStatus::Success]);
    assert_eq!(fold.run.failed, 0);
}

#[test]
fn an_error_as_the_last_word_fails_the_run() {
    let fold = after(vec![error(), Event::Heartbeat, Event::Closed]);
    assert_eq!(fold.run.status, RunStatus::Failed);
}

#[test]
fn a_job_without_an_end_is_lost_at_the_close() {
    let fold = after(vec![Event::JobsStarted(vec![2]), info(2), error(), Event::Closed]);
    assert_eq!(attempts(&fold, 2), [JobStatus::Lost]);
    assert_eq!(fold.closed_jobs, Some((3, JobStatus::Lost)));
}

#[test]
fn planned_jobs_of_a_dry_run_stay_waiting() {
    let start = RunStart { dry_run: true, ..RunStart::default() };
    let fold = after(vec![Event::RunStarted(Arc::new(start)), info(1), Event::Closed]);
    assert_eq!(fold.run.status, RunStatus::Success);
    assert_eq!(attempts(&fold, 1), [JobStatus::Waiting]);
}

#[test]
fn a_lost_run_comes_back_when_its_client_speaks() {
    let mut fold = fold();
    fold.run.status = RunStatus::Lost;
    fold.run.ended_at = Some(5);
    fold.apply(Event::Heartbeat, 9);
    assert_eq!((fold.run.status, fold.run.ended_at), (RunStatus::Running, None));
}

#[test]
fn a_closed_run_is_not_reopened_by_a_straggler() {
    let mut fold = after(retried_and_done());
    fold.apply(error(), 99);
    fold.apply(Event::Closed, 100);
    assert_eq!((fold.run.status, fold.run.ended_at), (RunStatus::Success, Some(7)));
}

#[test]
fn a_run_that_was_taken_for_a_question_goes_on_when_it_has_jobs() {
    let asked = || {
        let mut fold = fold();
        (fold.run.status, fold.run.ended_at) = (RunStatus::Skipped, Some(0));
        fold
    };
    let said = || Event::Said { level: "info", message: "Building DAG of jobs...".into(), logfile: None, end: None };
    let mut quiet = asked();
    quiet.apply(said(), 1);
    assert_eq!((quiet.run.status, quiet.run.ended_at), (RunStatus::Skipped, Some(0)));
    let mut run = asked();
    for event in [said(), Event::JobsStarted(vec![1]), info(1)] {
        run.apply(event, 2);
    }
    assert_eq!((run.run.status, run.run.ended_at, attempts(&run, 1)), (RunStatus::Running, None, vec![JobStatus::Running]));
}

#[test]
fn a_question_stays_one_whatever_comes_of_it() {
    for last in [
        Event::Fatal { error: ReportedError { exception: "SyntaxError".into(), ..ReportedError::at(3) }, idle: false },
        Event::NothingToDo,
        Event::Closed,
    ] {
        let mut fold = fold();
        (fold.run.status, fold.run.ended_at) = (RunStatus::Skipped, Some(0));

        fold.apply(last.clone(), 3);

        assert_eq!((fold.run.status, fold.run.ended_at), (RunStatus::Skipped, Some(0)), "{last:?}");
        assert_eq!(fold.run.last_was_error, matches!(last, Event::Fatal { .. }));
    }
}

#[test]
fn a_job_first_heard_of_at_its_end_exists() {
    let fold = after(vec![ended(7, JobStatus::Success)]);
    assert_eq!(attempts(&fold, 7), [JobStatus::Success]);
    assert_eq!(fold.jobs[&7][0].started_at, None);
}

#[test]
fn every_move_of_a_job_is_a_legal_one() {
    for events in [retried_and_done(), retried_and_failed(), described_first()] {
        let mut fold = fold();
        for (at, event) in events.into_iter().enumerate() {
            let before: HashMap<_, _> = fold.jobs.clone();
            fold.apply(event, at as Millis);
            for (id, attempts) in &before {
                for (old, new) in attempts.iter().zip(&fold.jobs[id]) {
                    assert!(old.status == new.status || old.status.may_become(new.status), "{old:?} -> {new:?}");
                }
            }
        }
    }
}

fn described_first() -> Vec<Event> {
    use JobStatus::{Failed, Success};
    vec![
        info(1),
        Event::JobsStarted(vec![1]),
        ended(1, Failed),
        info(1),
        Event::JobsStarted(vec![1]),
        ended(1, Success),
        info(2),
        Event::JobsStarted(vec![2]),
        ended(2, Success),
        Event::Closed,
    ]
}

fn conversation(which: usize) -> Vec<Event> {
    [retried_and_done, retried_and_failed, described_first][which]()
}

fn states(fold: &RunFold) -> (RunStatus, Vec<(i64, Vec<JobStatus>)>, usize) {
    let mut jobs: Vec<_> = fold.jobs.keys().map(|id| (*id, attempts(fold, *id))).collect();
    jobs.sort();
    (fold.run.status, jobs, fold.run.new_errors.len())
}

proptest! {
    #[test]
    fn a_report_that_arrives_twice_changes_nothing(at in 0usize..10, which in 0usize..3) {
        let events = conversation(which);
        let mut twice = events.clone();
        if let Some(event) = events.get(at) {
            twice.insert(at, event.clone());
        }
        prop_assert_eq!(states(&after(twice)), states(&after(events)));
    }

    #[test]
    fn a_lost_report_leaves_a_run_that_still_ends(at in 0usize..7, which in 0usize..3) {
        let mut events = conversation(which);
        events.remove(at);
        let fold = after(events);
        prop_assert!(fold.run.closed && fold.run.status.is_end());
        for attempts in fold.jobs.values() {
            prop_assert!(attempts.iter().all(|job| job.status.is_end()));
        }
    }
}
