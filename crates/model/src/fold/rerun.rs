//! Changes a run's state when somebody asks to run its jobs again. No report is involved. Checks no rights.

use super::{JobState, RunFold};
use crate::{JobStatus, Millis, RunStatus};

impl RunFold {
    /// Lets the run go on, and gives each of `jobs` whose newest attempt is over another attempt, which waits.
    ///
    /// After a final end the run goes on in its next epoch; otherwise in the same one. Attempts go on counting in both
    /// cases. Jobs that are unknown or not over yet stay as they are. The jobs must be loaded. Write the fold first if it
    /// has just closed the run: the end of jobs that are not loaded is written with it.
    pub fn rerun(&mut self, jobs: &[i64], at: Millis) {
        let run = &mut self.run;
        if run.status.rerun_opens_epoch() {
            run.epoch = run.epoch.next();
        }
        if run.status.is_end() {
            run.status = RunStatus::Running;
            run.ended_at = None;
            run.closed = false;
            run.last_was_error = false;
            run.last_seen_at = run.last_seen_at.max(at); // Else its silence since the end would count.
            run.touched = true;
        }
        for job_id in jobs {
            if self.newest(*job_id).is_some_and(|job| job.status.is_end()) {
                self.retry(*job_id, at);
                if let Some(job) = self.newest(*job_id) {
                    job.hold();
                }
            }
        }
    }
}

impl JobState {
    /// Lets a new attempt wait for its start.
    fn hold(&mut self) {
        self.status = JobStatus::Waiting;
        self.started_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Epoch, RunId,
        event::{Event, JobInfo},
        fold::RunState,
    };
    use proptest::prelude::*;
    use std::{collections::HashMap, sync::Arc};
    use uuid::Uuid;

    fn run() -> RunFold {
        RunFold::new(RunState::unknown(RunId(Uuid::nil()), 0))
    }

    fn attempts(fold: &RunFold, job: i64) -> Vec<(i32, i32, JobStatus)> {
        fold.jobs[&job].iter().map(|job| (job.attempt, job.epoch.into(), job.status)).collect()
    }

    /// As the store loads it after a commit: only the newest attempt of each job.
    fn loaded(fold: RunFold) -> RunFold {
        let jobs = fold.jobs.into_iter().map(|(id, mut attempts)| (id, attempts.split_off(attempts.len() - 1)));
        RunFold { jobs: jobs.collect(), closed_jobs: None, ..fold }
    }

    #[test]
    fn a_rerun_after_success_opens_an_epoch_and_attempts_go_on_counting() {
        let mut fold = run();
        for event in [Event::JobsStarted(vec![1, 2]), Event::Closed] {
            fold.apply(event, 1);
        }
        let mut fold = loaded(fold);
        assert_eq!((fold.run.status, fold.run.epoch), (RunStatus::Success, Epoch::FIRST));

        fold.rerun(&[1, 7], 2);

        assert_eq!((fold.run.status, fold.run.epoch, fold.run.ended_at), (RunStatus::Running, Epoch::FIRST.next(), None));
        assert_eq!(fold.run.last_seen_at, 2, "it is not silent since its end");
        assert_eq!(attempts(&fold, 1), [(1, 1, JobStatus::Success), (2, 2, JobStatus::Waiting)]);
        assert_eq!(attempts(&fold, 2), [(1, 1, JobStatus::Success)], "not asked for");
        assert!(!fold.jobs.contains_key(&7), "unknown");
        fold.apply(Event::JobsStarted(vec![1]), 3);
        fold.apply(Event::JobEnded { job_id: 1, status: JobStatus::Success }, 4);
        fold.apply(Event::Closed, 5);
        assert_eq!(attempts(&fold, 1)[1], (2, 2, JobStatus::Success));
        assert_eq!((fold.run.status, fold.run.ended_at), (RunStatus::Success, Some(5)));
    }

    #[test]
    fn a_rerun_of_what_failed_stays_in_the_epoch() {
        let mut fold = run();
        for event in [Event::JobsStarted(vec![1]), Event::JobEnded { job_id: 1, status: JobStatus::Failed }, Event::Closed] {
            fold.apply(event, 1);
        }
        let mut fold = loaded(fold);
        assert_eq!((fold.run.status, fold.run.failed), (RunStatus::Failed, 1));

        fold.rerun(&[1], 2);
        fold.rerun(&[1], 3); // Its new attempt waits already.

        assert_eq!((fold.run.status, fold.run.epoch, fold.run.failed), (RunStatus::Running, Epoch::FIRST, 0));
        assert_eq!(attempts(&fold, 1), [(1, 1, JobStatus::Failed), (2, 1, JobStatus::Waiting)]);
    }

    #[test]
    fn a_report_about_a_suspended_job_counts_as_if_it_waited() {
        let info = || Event::JobInfo(Arc::new(JobInfo { job_id: 1, ..JobInfo::default() }));
        for (event, status) in [
            (Event::JobsStarted(vec![1]), JobStatus::Running),
            (info(), JobStatus::Suspended),
            (Event::JobEnded { job_id: 1, status: JobStatus::Failed }, JobStatus::Failed),
            (Event::Closed, JobStatus::Success),
        ] {
            let mut fold = run();
            let mut job = JobState::new(1, 0);
            job.hold();
            job.status = JobStatus::Suspended;
            fold.add(job);

            fold.apply(event, 3);

            assert_eq!(attempts(&fold, 1), [(1, 1, status)]);
        }
    }

    /// What may happen to a run, by number: reports, reruns, and an operator who suspends and resumes.
    fn happen(fold: &mut RunFold, what: u8, job: i64, at: Millis) {
        let ended = |status| Event::JobEnded { job_id: job, status };
        match what {
            0 => fold.apply(Event::JobsStarted(vec![job]), at),
            1 => fold.apply(Event::JobInfo(Arc::new(JobInfo { job_id: job, ..JobInfo::default() })), at),
            2 => fold.apply(ended(JobStatus::Success), at),
            3 => fold.apply(ended(JobStatus::Failed), at),
            4 => fold.apply(Event::Closed, at),
            5 => fold.rerun(&[job], at),
            _ => {
                let Some(job) = fold.newest(job) else { return };
                job.status = match job.status {
                    JobStatus::Waiting => JobStatus::Suspended,
                    JobStatus::Suspended => JobStatus::Waiting,
                    other => other,
                };
            }
        }
    }

    proptest! {
        #[test]
        fn edges_are_strict_within_an_epoch_and_attempts_count_across_epochs(
            happenings in proptest::collection::vec((0u8..7, 1i64..4), 1..60),
        ) {
            let mut fold = run();
            for (at, (what, job)) in happenings.into_iter().enumerate() {
                let (run, jobs): (_, HashMap<i64, Vec<JobState>>) = (fold.run.clone(), fold.jobs.clone());
                happen(&mut fold, what, job, at as Millis);
                prop_assert!(fold.run.epoch == run.epoch || fold.run.epoch == run.epoch.next() && run.status.rerun_opens_epoch());
                let moved = fold.run.status != run.status;
                prop_assert!(!moved || fold.run.epoch > run.epoch || run.status.may_become(fold.run.status), "{:?} -> {:?}", run, fold.run);
                for (id, now) in &fold.jobs {
                    let before = jobs.get(id).map_or(&[][..], Vec::as_slice);
                    for (old, new) in before.iter().zip(now) {
                        let stays_or_moves = old.status == new.status || old.status.may_become(new.status);
                        let resumed = old.status == JobStatus::Suspended && JobStatus::Waiting.may_become(new.status);
                        // An end that was assumed from the end of the run gives way to a report.
                        prop_assert!(stays_or_moves || resumed || old.filled.is_some(), "{old:?} -> {new:?}");
                        prop_assert_eq!(old.epoch, new.epoch);
                    }
                    prop_assert!(now.iter().enumerate().all(|(at, job)| job.attempt == at as i32 + 1));
                    prop_assert!(now.windows(2).all(|pair| pair[0].epoch <= pair[1].epoch && pair[0].status.is_end()));
                    prop_assert!(now.iter().all(|job| job.epoch <= fold.run.epoch));
                }
                prop_assert_eq!(fold.run.status.is_end(), fold.run.ended_at.is_some());
            }
        }
    }
}
