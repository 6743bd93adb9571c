//! Fills in from the run's log what no report said. The log complements reports and never contradicts one.

use super::{JobState, RunFold};
use crate::{
    JobStatus, Millis, RunStatus,
    event::JobInfo,
    job::{Filled, StartReported},
};
use std::sync::Arc;

/// What a log says of one attempt of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct LogAttempt {
    pub job_id: i64,
    /// Counted from 1.
    pub attempt: i32,
    pub started_at: Millis,
    pub ended: Option<(JobStatus, Millis)>,
    /// The job's description, if it was asked for.
    pub info: Option<Arc<JobInfo>>,
}

impl RunFold {
    /// Takes over what the log says of an attempt. Call it with the oldest attempts first.
    pub fn fill(&mut self, logged: LogAttempt) {
        let is_over = self.run.status.is_end();
        match self.newest(logged.job_id).map(|job| job.attempt) {
            Some(attempt) if attempt == logged.attempt => {
                if let Some(job) = self.newest(logged.job_id) {
                    job.complement(logged, is_over);
                }
            }
            // While the run goes on, its reports may still arrive.
            Some(attempt) if is_over && attempt + 1 == logged.attempt => self.append(logged),
            None if is_over && logged.attempt == 1 => self.append(logged),
            _ => {}
        }
    }

    /// A lost run ended the way its log says. A failed run becomes cancelled if its log says that its user stopped it.
    pub fn fill_end(&mut self, status: RunStatus, at: Millis) {
        let run = &mut self.run;
        match (run.status, status) {
            (RunStatus::Lost, RunStatus::Success | RunStatus::Failed | RunStatus::Cancelled) => {
                run.ended_at = Some(at);
            }
            (RunStatus::Failed, RunStatus::Cancelled) => {}
            _ => return,
        }
        run.status = status;
        run.touched = true;
    }

    /// Ends the jobs of a finished run whose ends are neither in a report nor in the log: as the run's status says.
    pub fn fill_rest(&mut self, at: Millis) {
        let status = self.status_of_rest();
        for job in self.jobs.values_mut().filter_map(|attempts| attempts.last_mut()) {
            if job.status == JobStatus::Lost && status != JobStatus::Lost {
                job.guess(status, job.ended_at.unwrap_or(at));
            }
        }
    }

    fn append(&mut self, logged: LogAttempt) {
        let (rule, failed) = self.newest(logged.job_id).map_or((None, false), |last| (last.rule.clone(), last.status == JobStatus::Failed));
        self.run.failed -= i32::from(failed);
        let (status, ended_at) = logged.ended.unwrap_or((JobStatus::Lost, self.run.ended_at.unwrap_or(logged.started_at)));
        let mut job =
            JobState { attempt: logged.attempt, rule, filled: Some(Filled::Log), ..JobState::new(logged.job_id, logged.started_at) };
        job.start_reported = StartReported::Before;
        job.settle(status, ended_at);
        if let Some(info) = logged.info {
            job.inform(info);
        }
        self.add(job);
    }
}

impl JobState {
    fn complement(&mut self, logged: LogAttempt, is_over: bool) {
        let mut filled = false;
        if let Some(info) = logged.info.filter(|_| !self.informed) {
            self.inform(info);
            filled = true;
        }
        if let Some((status, at)) = logged.ended.filter(|_| is_over) {
            let explained = (self.status, status) == (JobStatus::Failed, JobStatus::Cancelled);
            if explained {
                self.status = status;
                self.touched = true;
            } else if self.is_guess() || !self.status.is_end() {
                self.settle(status, at);
                filled = true;
            }
        }
        if filled {
            // For some jobs only the end was reported.
            self.started_at = self.started_at.or_else(|| Some(self.ended_at.map_or(logged.started_at, |end| end.min(logged.started_at))));
            self.filled = Some(Filled::Log);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RunId, fold::RunState};
    use uuid::Uuid;

    fn run(status: RunStatus) -> RunFold {
        let mut run = RunState::unknown(RunId(Uuid::nil()), 0);
        run.status = status;
        run.ended_at = status.is_end().then_some(100);
        RunFold::new(run)
    }

    fn logged(attempt: i32, ended: Option<(JobStatus, Millis)>) -> LogAttempt {
        let info = JobInfo { job_id: 1, rule: Some("make".into()), ..JobInfo::default() };
        LogAttempt { job_id: 1, attempt, started_at: 10, ended, info: Some(Arc::new(info)) }
    }

    fn with(status: RunStatus, job: JobStatus, informed: bool) -> RunFold {
        let mut fold = run(status);
        let mut state = JobState::new(1, 5);
        state.settle(job, 50);
        state.informed = informed;
        fold.add(state);
        fold
    }

    fn job(fold: &RunFold) -> (JobStatus, Option<Millis>, Option<Filled>, bool) {
        let job = fold.jobs[&1].last().expect("an attempt");
        (job.status, job.ended_at, job.filled, job.informed)
    }

    #[test]
    fn what_was_lost_ends_as_the_log_says() {
        let mut fold = with(RunStatus::Success, JobStatus::Lost, true);
        fold.fill(logged(1, Some((JobStatus::Success, 20))));
        assert_eq!(job(&fold), (JobStatus::Success, Some(20), Some(Filled::Log), true));
    }

    #[test]
    fn what_was_reported_stays() {
        for status in [JobStatus::Success, JobStatus::Failed] {
            let mut fold = with(RunStatus::Failed, status, true);
            for end in [JobStatus::Success, JobStatus::Failed] {
                fold.fill(logged(1, Some((end, 20))));
            }
            assert_eq!(job(&fold), (status, Some(50), None, true));
        }
    }

    #[test]
    fn a_job_that_was_never_reported_is_made_once_its_run_is_over() {
        let mut fold = run(RunStatus::Running);
        fold.fill(logged(1, Some((JobStatus::Success, 20))));
        assert!(fold.jobs.is_empty(), "its reports may still come");
        let mut fold = run(RunStatus::Success);
        fold.fill(logged(1, Some((JobStatus::Failed, 20))));
        fold.fill(logged(2, Some((JobStatus::Success, 30))));
        assert_eq!(fold.jobs[&1].iter().map(|job| job.attempt).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(job(&fold), (JobStatus::Success, Some(30), Some(Filled::Log), true));
        fold.fill(logged(4, None));
        assert_eq!(fold.jobs[&1].len(), 2, "the attempts between are unknown");
    }

    #[test]
    fn a_description_is_filled_in_while_the_run_goes_on() {
        let mut fold = with(RunStatus::Running, JobStatus::Success, false);
        fold.fill(logged(1, Some((JobStatus::Failed, 20))));
        assert_eq!(job(&fold), (JobStatus::Success, Some(50), Some(Filled::Log), true));
        assert_eq!(fold.jobs[&1][0].rule.as_deref(), Some("make"));
    }

    #[test]
    fn a_job_of_which_only_the_end_was_heard_began_when_the_log_says() {
        for (ended_at, started_at) in [(50, 10), (7, 7)] {
            let mut fold = with(RunStatus::Success, JobStatus::Success, false);
            for job in fold.jobs.values_mut().flatten() {
                (job.started_at, job.ended_at) = (None, Some(ended_at));
            }
            fold.fill(logged(1, Some((JobStatus::Success, 20))));
            assert_eq!((fold.jobs[&1][0].started_at, fold.jobs[&1][0].ended_at), (Some(started_at), Some(ended_at)));
        }
    }

    #[test]
    fn what_its_user_stopped_was_cancelled_and_did_not_fail() {
        let mut fold = with(RunStatus::Failed, JobStatus::Failed, true);
        fold.fill_end(RunStatus::Cancelled, 90);
        fold.fill(logged(1, Some((JobStatus::Cancelled, 20))));
        assert_eq!((fold.run.status, fold.run.ended_at), (RunStatus::Cancelled, Some(100)));
        assert_eq!(job(&fold), (JobStatus::Cancelled, Some(50), None, true));
        let mut fold = with(RunStatus::Failed, JobStatus::Lost, true);
        fold.fill_end(RunStatus::Cancelled, 90);
        fold.fill_rest(90);
        assert_eq!(job(&fold), (JobStatus::Cancelled, Some(50), Some(Filled::Close), true));
    }

    #[test]
    fn a_run_that_ended_unheard_ends_as_its_log_says() {
        for (was, says, is) in [
            (RunStatus::Lost, RunStatus::Success, (RunStatus::Success, Some(90))),
            (RunStatus::Lost, RunStatus::Failed, (RunStatus::Failed, Some(90))),
            (RunStatus::Success, RunStatus::Failed, (RunStatus::Success, Some(100))),
            (RunStatus::Failed, RunStatus::Success, (RunStatus::Failed, Some(100))),
            (RunStatus::Running, RunStatus::Success, (RunStatus::Running, None)),
        ] {
            let mut fold = run(was);
            fold.fill_end(says, 90);
            assert_eq!((fold.run.status, fold.run.ended_at), is, "{was} {says}");
        }
    }
}
