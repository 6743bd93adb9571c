//! How a run changes with each kind of event: when it comes back, goes on, fails and ends.

use super::story::*;
use model::{
    JobStatus, RunStatus,
    event::{Event, JobUpdate, LastWord},
    fold::jobs_of,
};
use std::collections::BTreeMap;

#[test]
fn the_jobs_of_an_event_are_those_it_names() {
    for (event, jobs) in [
        (Event::JobsStarted(vec![4, 7]), vec![4, 7]),
        (info(4), vec![4]),
        (end(4, JobStatus::Success), vec![4]),
        (Event::JobFailed { job_id: 4, update: Box::default() }, vec![4]),
        (update(4, JobUpdate::default()), vec![4]),
        (error("RuleException"), vec![]),
        (Event::Closed, vec![]),
    ] {
        assert_eq!(jobs_of(&event), jobs, "{event:?}");
    }
}

#[test]
fn a_sign_of_life_brings_back_only_what_was_lost_or_had_not_begun() {
    for (was, is) in [
        (RunStatus::Waiting, RunStatus::Running),
        (RunStatus::Running, RunStatus::Running),
        (RunStatus::Lost, RunStatus::Running),
        (RunStatus::Success, RunStatus::Success),
        (RunStatus::Failed, RunStatus::Failed),
        (RunStatus::Cancelled, RunStatus::Cancelled),
        (RunStatus::Skipped, RunStatus::Skipped),
    ] {
        let fold = then(loaded_as(was), [Event::Seen]);

        assert_eq!(run(&fold), (is, is.is_end().then_some(5)), "{was}");
        assert_eq!(fold.run.touched, was != is, "{was}: only a change is worth writing");
        assert_eq!(fold.run.last_seen_at, 10, "{was}");
    }
}

#[test]
fn a_report_about_a_job_lets_a_run_go_on_that_was_assumed_to_have_ended() {
    for (was, is) in [
        (RunStatus::Failed, RunStatus::Running),
        (RunStatus::Skipped, RunStatus::Running),
        (RunStatus::Success, RunStatus::Success),
        (RunStatus::Cancelled, RunStatus::Cancelled),
    ] {
        let fold = then(loaded_as(was), [begin(1)]);

        assert_eq!(run(&fold), (is, is.is_end().then_some(5)), "{was}");
    }
}

#[test]
fn no_report_reopens_a_run_that_its_client_closed() {
    for status in [RunStatus::Success, RunStatus::Failed, RunStatus::Lost, RunStatus::Cancelled, RunStatus::Skipped] {
        let mut closed = loaded_as(status);
        closed.run.closed = true;

        for event in [Event::Seen, begin(1), end(1, JobStatus::Failed), progress(1, 3), progress(3, 3), fatal("E"), Event::Closed] {
            let fold = then(closed.clone(), [event.clone()]);

            assert_eq!(run(&fold), (status, Some(5)), "{status}: {event:?}");
        }
    }
}

#[test]
fn an_earlier_report_that_arrives_late_does_not_turn_back_the_last_sign_of_life() {
    let mut fold = then(loaded(), [Event::Seen, Event::Seen]);
    fold.apply(Event::Seen, 7);
    assert_eq!(fold.run.last_seen_at, 20);
}

#[test]
fn only_the_first_heartbeat_is_worth_a_write() {
    let first = then(loaded(), [Event::Heartbeat]);
    assert!(first.run.heartbeats && first.run.touched);

    let mut again = first;
    again.run.touched = false;
    let again = then(again, [Event::Heartbeat]);
    assert!(again.run.heartbeats && !again.run.touched, "it came and changed nothing");
    assert_eq!(again.run.last_seen_at, 20);

    let mut among_others = loaded();
    among_others.run.touched = true;
    assert!(then(among_others, [Event::Heartbeat]).run.touched, "what else changed is still to be written");
}

#[test]
fn what_a_start_says_once_stays_true() {
    for (first, second) in [((false, false), (true, true)), ((true, true), (false, false))] {
        let fold = after([start(first.0, first.1), start(second.0, second.1)]);
        assert!(fold.run.dry_run && fold.run.heartbeats, "{first:?} {second:?}");
    }
    let fold = after([start(false, false)]);
    assert!(!fold.run.dry_run && !fold.run.heartbeats && fold.run.start.is_some());
}

#[test]
fn the_client_s_own_count_ends_the_run_when_it_is_complete() {
    for (done, total, was, is) in [
        (0, 3, RunStatus::Running, RunStatus::Running),
        (2, 3, RunStatus::Running, RunStatus::Running),
        (3, 3, RunStatus::Running, RunStatus::Success),
        (4, 3, RunStatus::Running, RunStatus::Success),
        (0, 0, RunStatus::Running, RunStatus::Running),
        (0, 3, RunStatus::Failed, RunStatus::Failed),
        (1, 3, RunStatus::Failed, RunStatus::Running),
        (2, 3, RunStatus::Skipped, RunStatus::Running),
        (1, 1, RunStatus::Failed, RunStatus::Success),
    ] {
        let fold = then(loaded_as(was), [progress(done, total)]);

        assert_eq!(fold.run.status, is, "{done} of {total} after {was}");
        assert_eq!(fold.run.closed, total > 0 && done >= total, "{done} of {total} after {was}");
        assert_eq!(fold.run.progress, Some((done, total)));
    }
}

#[test]
fn a_complete_count_outweighs_the_errors_of_retried_jobs_but_no_failed_job() {
    let retried = after([begin(1), info(1), end(1, JobStatus::Failed), begin(1), end(1, JobStatus::Success), error("E"), progress(1, 1)]);
    assert_eq!(run(&retried), (RunStatus::Success, Some(70)));

    let failed = after([begin(1), info(1), end(1, JobStatus::Failed), error("E"), progress(1, 1)]);
    assert_eq!(run(&failed), (RunStatus::Failed, Some(50)));
}

#[test]
fn a_run_fails_at_its_close_if_its_last_report_or_a_job_failed() {
    for (name, events, is) in [
        ("nothing", vec![], RunStatus::Success),
        ("an error last", vec![begin(1), end(1, JobStatus::Success), error("E")], RunStatus::Failed),
        ("a failed job", vec![begin(1), end(1, JobStatus::Failed), begin(2), end(2, JobStatus::Success)], RunStatus::Failed),
        ("two failed jobs, one retried", vec![end(1, JobStatus::Failed), end(2, JobStatus::Failed), begin(1)], RunStatus::Failed),
        ("a failed and retried job", vec![end(1, JobStatus::Failed), begin(1), end(1, JobStatus::Success)], RunStatus::Success),
        ("a cancelled job", vec![begin(1), end(1, JobStatus::Cancelled)], RunStatus::Success),
        ("an error, and more", vec![error("E"), Event::Other], RunStatus::Success),
        ("a fatal error, and more", vec![fatal("E"), Event::Other], RunStatus::Failed),
        ("a fatal error, and a job", vec![fatal("E"), begin(1), end(1, JobStatus::Success)], RunStatus::Success),
    ] {
        let fold = then(after(events), [Event::Closed]);

        assert_eq!((fold.run.status, fold.run.closed), (is, true), "{name}");
    }
}

/// Whatever follows an error shows that the client got over it, unless it is only a sign of life or a message.
#[test]
fn an_error_is_the_last_word_until_another_report_follows() {
    let over = [
        start(false, false),
        Event::RuleGraph(std::sync::Arc::default()),
        Event::Planned { per_rule: BTreeMap::new(), total: 1 },
        begin(1),
        info(1),
        end(1, JobStatus::Success),
        progress(0, 3),
        Event::Other,
    ];
    let not = [Event::Heartbeat, Event::Seen, said(), update(1, JobUpdate::default()), error("E"), fatal("E"), fatal_if_idle("E")];
    for (events, fails) in [(&over[..], false), (&not[..], true)] {
        for event in events {
            let fold = after([error("E"), event.clone()]);

            assert_eq!(fold.run.last_was_error, fails, "{event:?}");
        }
    }
    assert!(!after([begin(1)]).run.last_was_error, "no error came");
}

#[test]
fn a_late_report_does_not_change_how_a_run_ended() {
    let mut failed = after([error("E"), Event::Closed]);
    failed.run.touched = false;
    let fold = then(failed, [Event::Other]);
    assert!(fold.run.last_was_error && !fold.run.touched, "nothing is worth writing");

    let done = then(after([Event::Closed]), [error("E")]);
    assert!(!done.run.last_was_error);
    assert_eq!(done.run.new_errors.len(), 1, "but the error is kept");
}

#[test]
fn the_same_error_twice_in_a_row_is_one_that_arrived_twice() {
    for (events, kept) in [
        (vec![error("A"), error("A")], vec!["A"]),
        (vec![error("A"), error("B")], vec!["A", "B"]),
        (vec![error("A"), error("B"), error("A")], vec!["A", "B", "A"]),
        (vec![error("A"), begin(1), error("A")], vec!["A", "A"]),
        (vec![error("A"), said(), error("A")], vec!["A"]),
        (vec![fatal("A"), fatal("A")], vec!["A"]),
    ] {
        let fold = after(events.clone());

        let texts: Vec<&str> = fold.run.new_errors.iter().map(|error| error.exception.as_str()).collect();
        assert_eq!(texts, kept, "{events:?}");
    }
}

#[test]
fn a_fatal_error_ends_the_run_and_what_it_leaves_is_lost() {
    let fold = after([begin(1), info(1), fatal("WorkflowError")]);
    assert_eq!((run(&fold), spans(&fold, 1)), ((RunStatus::Failed, Some(30)), vec![(JobStatus::Lost, Some(10), Some(30))]));
    assert!(!fold.run.closed, "its client may still go on");

    let again = then(fold, [fatal("Another")]);
    assert_eq!(run(&again), (RunStatus::Failed, Some(30)), "it had ended already");
}

#[test]
fn an_error_that_is_fatal_for_an_idle_run_ends_no_run_with_running_jobs() {
    let (ended, running) = ((RunStatus::Failed, Some(30)), (RunStatus::Running, None));
    for (name, events, is) in [
        ("no job", vec![said(), said()], ended),
        ("a running job", vec![begin(1), said()], running),
        ("a finished job", vec![begin(1), end(1, JobStatus::Success)], ended),
        ("one of two has finished", vec![Event::JobsStarted(vec![1, 2]), end(1, JobStatus::Success)], running),
        ("a planned job", vec![plan(1), said()], ended),
        ("a job that is retried", vec![end(1, JobStatus::Failed), begin(1)], running),
    ] {
        assert_eq!(run(&then(after(events), [fatal_if_idle("E")])), is, "{name}");
    }
}

/// Most jobs of a run are not loaded. Their number is, as it was when the batch began.
#[test]
fn jobs_that_run_and_are_not_loaded_keep_a_run_from_being_idle() {
    for (were_running, loaded_job, event, runs) in [
        (0, None, said(), false),
        (1, None, said(), true),
        (1, Some(1), said(), true),
        (1, Some(1), end(1, JobStatus::Success), false),
        (2, Some(1), end(1, JobStatus::Success), true),
        (1, None, begin(2), true),
        (2, Some(1), begin(1), true),
        (1, Some(1), Event::JobFailed { job_id: 1, update: Box::default() }, false),
    ] {
        let name = format!("{were_running} running, {loaded_job:?} loaded, {event:?}");
        let mut fold = loaded();
        fold.run.were_running = were_running;
        if let Some(job) = loaded_job {
            let mut held = attempts(&after([begin(job), info(job)]), job).to_vec();
            held[0].was_running = true;
            fold.jobs.insert(job, held);
        }

        let fold = then(fold, [event, fatal_if_idle("E")]);

        assert_eq!(fold.run.status == RunStatus::Running, runs, "{name}");
    }
}

#[test]
fn jobs_that_ended_with_their_run_no_longer_run_when_it_goes_on() {
    let mut fold = loaded();
    fold.run.were_running = 3;

    let fold = then(fold, [fatal("E"), begin(1), end(1, JobStatus::Success), fatal_if_idle("E")]);

    assert_eq!(run(&fold), (RunStatus::Failed, Some(40)));
    assert_eq!(fold.closed_jobs, Some((10, JobStatus::Lost)), "the first end is when they were lost");
}

#[test]
fn the_last_word_depends_on_what_still_runs() {
    for (word, runs, is, job) in [
        (LastWord::Done, false, RunStatus::Success, JobStatus::Success),
        (LastWord::Done, true, RunStatus::Success, JobStatus::Success),
        (LastWord::DoneIfIdle, false, RunStatus::Success, JobStatus::Success),
        (LastWord::DoneIfIdle, true, RunStatus::Failed, JobStatus::Lost),
        (LastWord::Failed, false, RunStatus::Failed, JobStatus::Success),
        (LastWord::Cancelled, true, RunStatus::Cancelled, JobStatus::Cancelled),
    ] {
        let ended = if runs { said() } else { end(1, JobStatus::Success) };

        let fold = after([begin(1), info(1), ended, said_last(word)]);

        assert_eq!((run(&fold), states(&fold, 1)), ((is, Some(40)), vec![job]), "{word:?} {runs}");
        assert_eq!((fold.run.closed, fold.run.logfile.as_deref()), (true, Some("run.log")));
        assert_eq!(fold.run.last_was_error, is == RunStatus::Failed, "{word:?}");
    }
}

#[test]
fn a_last_word_after_the_end_changes_nothing() {
    for word in [LastWord::Done, LastWord::DoneIfIdle, LastWord::Failed, LastWord::Cancelled] {
        let fold = after([Event::Closed, said_last(word)]);

        assert_eq!((run(&fold), fold.run.last_was_error), ((RunStatus::Success, Some(10)), false), "{word:?}");
    }
}

#[test]
fn a_message_without_a_path_keeps_the_path_that_came_before() {
    let mut fold = after([said_last(LastWord::Done)]);
    fold.run.touched = false;

    let fold = then(fold, [said()]);

    assert_eq!((fold.run.logfile.as_deref(), fold.run.touched), (Some("run.log"), false));
}

#[test]
fn a_run_with_nothing_to_do_is_done_and_has_no_jobs_planned() {
    let fold = after([Event::Planned { per_rule: BTreeMap::from([("align".to_owned(), 3)]), total: 3 }, Event::NothingToDo]);

    assert_eq!((run(&fold), fold.run.closed), ((RunStatus::Success, Some(20)), true));
    assert_eq!(fold.run.planned, Some((BTreeMap::new(), 0)));
}

#[test]
fn a_dry_run_that_says_so_only_at_its_end_leaves_its_jobs_waiting() {
    let fold = after([plan(1), plan(2), Event::WasDryRun]);

    assert_eq!((run(&fold), fold.run.dry_run, fold.closed_jobs), ((RunStatus::Success, Some(30)), true, None));
    assert_eq!((spans(&fold, 1), states(&fold, 2)), (vec![(JobStatus::Waiting, None, None)], vec![JobStatus::Waiting]));

    let late = then(fold, [plan(3)]);
    assert_eq!(states(&late, 3), [JobStatus::Waiting], "described after the end");
}

#[test]
fn every_report_that_changes_a_run_is_worth_a_write() {
    for event in [
        start(false, false),
        Event::RuleGraph(std::sync::Arc::default()),
        Event::Planned { per_rule: BTreeMap::new(), total: 1 },
        progress(0, 3),
        error("E"),
        Event::WasDryRun,
        Event::NothingToDo,
        Event::Closed,
        said_last(LastWord::Done),
    ] {
        assert!(after([event.clone()]).run.touched, "{event:?}");
    }
    for event in [Event::Seen, Event::Other, said(), begin(1), end(1, JobStatus::Success)] {
        assert!(!after([event.clone()]).run.touched, "{event:?}");
    }
}
