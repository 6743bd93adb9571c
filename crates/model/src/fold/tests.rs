//! The observed sequences of real clients, and what loss, repetition and order do to them.

use super::*;
use proptest::prelude::*;
use uuid::Uuid;

fn fold() -> RunFold {
    RunFold::new(RunState::unknown(RunId(Uuid::nil()), 0))
}

fn error() -> Event {
    Event::Error(ReportedError { exception: "RuleException".into(), rule: None, location: None, traceback: None, at: 0 })
}

fn info(job_id: i64) -> Event {
    Event::JobInfo(Box::new(JobInfo { job_id, rule: Some("step".into()), ..JobInfo::default() }))
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
fn what_begins_after_the_end_is_lost_until_its_own_end_is_told() {
    let mut fold = after(vec![Event::JobsStarted(vec![1]), info(1), Event::Closed, Event::JobsStarted(vec![2]), info(2)]);
    assert_eq!((attempts(&fold, 1), attempts(&fold, 2)), (vec![JobStatus::Lost], vec![JobStatus::Lost]));
    for again in [Event::JobsStarted(vec![2]), info(2), Event::JobsStarted(vec![1]), info(1)] {
        fold.apply(again, 8);
    }
    assert_eq!((attempts(&fold, 1), attempts(&fold, 2)), (vec![JobStatus::Lost], vec![JobStatus::Lost]), "told twice");
    fold.apply(ended(2, JobStatus::Success), 9);
    assert_eq!(attempts(&fold, 2), [JobStatus::Success]);
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
    assert_eq!(fold.closed_jobs_at, Some(3));
}

#[test]
fn planned_jobs_of_a_dry_run_stay_waiting() {
    let start = RunStart { dry_run: true, ..RunStart::default() };
    let fold = after(vec![Event::RunStarted(Box::new(start)), info(1), Event::Closed]);
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
fn a_job_first_heard_of_at_its_end_exists() {
    let fold = after(vec![ended(7, JobStatus::Success)]);
    assert_eq!(attempts(&fold, 7), [JobStatus::Success]);
    assert_eq!(fold.jobs[&7][0].started_at, None);
}

#[test]
fn every_move_of_a_job_is_a_legal_one() {
    for events in [retried_and_done(), retried_and_failed()] {
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

fn states(fold: &RunFold) -> (RunStatus, Vec<(i64, Vec<JobStatus>)>, usize) {
    let mut jobs: Vec<_> = fold.jobs.keys().map(|id| (*id, attempts(fold, *id))).collect();
    jobs.sort();
    (fold.run.status, jobs, fold.run.new_errors.len())
}

proptest! {
    #[test]
    fn a_report_that_arrives_twice_changes_nothing(at in 0usize..10, second in any::<bool>()) {
        let events = if second { retried_and_done() } else { retried_and_failed() };
        let mut twice = events.clone();
        if let Some(event) = events.get(at) {
            twice.insert(at, event.clone());
        }
        prop_assert_eq!(states(&after(twice)), states(&after(events)));
    }

    #[test]
    fn a_lost_report_leaves_a_run_that_still_ends(at in 0usize..7, second in any::<bool>()) {
        let mut events = if second { retried_and_done() } else { retried_and_failed() };
        events.remove(at);
        let fold = after(events);
        prop_assert!(fold.run.closed && fold.run.status.is_end());
        for attempts in fold.jobs.values() {
            prop_assert!(attempts.iter().all(|job| job.status.is_end()));
        }
    }
}
