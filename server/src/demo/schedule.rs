//! Schedules a run's jobs on cores: when each starts and ends, and which fail.
//!
//! A list scheduler in milliseconds since the first job could start. Knows nothing of reports. The caller decides which
//! jobs fail.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    data::{Failure, book},
    dice::Dice,
    work::Work,
};

/// How long jobs take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As long as such jobs usually take.
    Usual,
    /// 1 to 20 s; jobs that usually last longer still last longer.
    Lively,
}

/// The settings a run was started with.
#[derive(Clone, Copy)]
pub struct Terms {
    pub cores: usize,
    pub retries: u32,
    pub keep_going: bool,
    pub pace: Pace,
}

/// How one job fails.
#[derive(Clone, Copy)]
pub struct Trouble {
    pub failure: &'static Failure,
    /// How many attempts fail before one succeeds.
    pub attempts: u32,
}

/// An event of jobs; jobs are named by their positions.
pub enum Step {
    /// Jobs start together, each with the number of its earlier attempts.
    Started(Vec<(usize, u32)>),
    Finished(usize),
    Failed(usize, &'static Failure),
}

/// What happened, ordered by time.
pub struct Course {
    pub steps: Vec<(i64, Step)>,
    /// Whether a job failed for good.
    pub failed: bool,
}

impl Course {
    /// Milliseconds until the last step.
    pub fn span(&self) -> i64 {
        self.steps.last().map_or(0, |(ms, _)| *ms)
    }

    /// Drops what happens at `ms` and later.
    pub fn cut(&mut self, ms: i64) {
        self.steps.retain(|(at, _)| *at < ms);
    }

    /// `done`, plus the jobs that finished in this course.
    pub fn done_after(&self, done: &[bool]) -> Vec<bool> {
        let mut done = done.to_vec();
        for (_, step) in &self.steps {
            if let Step::Finished(job) = step {
                done[*job] = true;
            }
        }
        done
    }
}

/// Runs the jobs that are not `done`, lowest position first.
pub fn play(works: &[Work], done: &[bool], troubles: &BTreeMap<usize, Trouble>, terms: Terms, dice: &mut Dice) -> Course {
    let todo = |job: usize| !done[job];
    let mut waits_for: Vec<usize> = works.iter().map(|work| work.needs.iter().filter(|&&from| todo(from)).count()).collect();
    let mut ready: BTreeSet<usize> = (0..works.len()).filter(|&job| todo(job) && waits_for[job] == 0).collect();
    let mut running: BTreeSet<(i64, usize)> = BTreeSet::new();
    let mut failures = vec![0_u32; works.len()];
    let mut free = terms.cores;
    let mut now = 0;
    let mut course = Course { steps: Vec::new(), failed: false };

    loop {
        if terms.keep_going || !course.failed {
            let batch = fitting(works, &ready, terms.cores, &mut free);
            if !batch.is_empty() {
                now += 60 + dice.below(200) as i64;
                for &job in &batch {
                    ready.remove(&job);
                    let lasts = duration(&works[job], failing(troubles, job, failures[job]), terms.pace, dice);
                    running.insert((now + lasts, job));
                }
                let batch = batch.into_iter().map(|job| (job, failures[job])).collect();
                course.steps.push((now, Step::Started(batch)));
            }
        }
        let Some((end, job)) = running.pop_first() else {
            return course;
        };
        now = now.max(end);
        free += threads(&works[job], terms.cores);
        if let Some(failure) = failing(troubles, job, failures[job]) {
            course.steps.push((now, Step::Failed(job, failure)));
            failures[job] += 1;
            if failures[job] <= terms.retries {
                ready.insert(job);
            } else {
                course.failed = true;
            }
        } else {
            course.steps.push((now, Step::Finished(job)));
            for &next in &works[job].feeds {
                waits_for[next] -= 1;
                if waits_for[next] == 0 {
                    ready.insert(next);
                }
            }
        }
    }
}

/// The threads a job gets on a machine with `cores` cores.
pub fn threads(work: &Work, cores: usize) -> usize {
    work.threads.clamp(1, cores)
}

/// The ready jobs that fit on the free cores; their cores are taken from `free`.
fn fitting(works: &[Work], ready: &BTreeSet<usize>, cores: usize, free: &mut usize) -> Vec<usize> {
    let mut batch = Vec::new();
    for &job in ready {
        let wanted = threads(&works[job], cores);
        if wanted <= *free {
            *free -= wanted;
            batch.push(job);
        }
    }
    batch
}

fn failing(troubles: &BTreeMap<usize, Trouble>, job: usize, earlier: u32) -> Option<&'static Failure> {
    let trouble = troubles.get(&job)?;
    (earlier < trouble.attempts).then_some(trouble.failure)
}

/// How long an attempt lasts, in milliseconds.
fn duration(work: &Work, failure: Option<&Failure>, pace: Pace, dice: &mut Dice) -> i64 {
    let kind = &book().kinds[&work.rule.kind];
    let mut seconds = dice.spread(kind.median_s, kind.sigma);
    if let Some(failure) = failure {
        seconds *= dice.between(failure.part.0, failure.part.1);
    }
    if pace == Pace::Lively {
        seconds = 1.0 + 19.0 * seconds / (seconds + 600.0);
    }
    (seconds * 1000.0).max(300.0) as i64
}

#[cfg(test)]
mod tests {
    use super::super::work::lay_out;
    use super::*;

    const TERMS: Terms = Terms { cores: 16, retries: 0, keep_going: false, pace: Pace::Usual };

    fn kallisto() -> Vec<Work> {
        lay_out(book().graph("rna-seq-kallisto-sleuth"), 0, "liver")
    }

    fn trouble(works: &[Work], rule: &str, attempts: u32) -> (usize, BTreeMap<usize, Trouble>) {
        let job = works.iter().position(|work| work.rule.name == rule).unwrap();
        (job, BTreeMap::from([(job, Trouble { failure: &book().failures[0], attempts })]))
    }

    fn run(works: &[Work], troubles: &BTreeMap<usize, Trouble>, terms: Terms) -> Course {
        play(works, &vec![false; works.len()], troubles, terms, &mut Dice::new(4))
    }

    #[test]
    fn no_job_starts_before_what_it_needs_is_there_and_cores_suffice() {
        let works = kallisto();
        let course = run(&works, &BTreeMap::new(), TERMS);
        let mut finished = vec![false; works.len()];
        let mut busy = 0;

        for (_, step) in &course.steps {
            match step {
                Step::Started(batch) => {
                    for (job, _) in batch {
                        assert!(works[*job].needs.iter().all(|&from| finished[from]));
                        busy += threads(&works[*job], TERMS.cores);
                    }
                }
                Step::Finished(job) => {
                    finished[*job] = true;
                    busy -= threads(&works[*job], TERMS.cores);
                }
                Step::Failed(..) => panic!("nothing was to fail"),
            }
            assert!(busy <= TERMS.cores);
        }
        assert!(finished.iter().all(|&done| done));
        assert!(course.steps.is_sorted_by_key(|(ms, _)| *ms));
    }

    #[test]
    fn a_retry_that_goes_well_lets_the_run_finish() {
        let works = kallisto();
        let (job, troubles) = trouble(&works, "kallisto_quant", 1);

        let course = run(&works, &troubles, Terms { retries: 1, ..TERMS });

        let failed = course.steps.iter().filter(|(_, step)| matches!(step, Step::Failed(at, _) if *at == job));
        assert_eq!(failed.count(), 1);
        assert!(!course.failed);
        assert!(course.done_after(&vec![false; works.len()]).iter().all(|&done| done));
    }

    #[test]
    fn a_job_that_fails_for_good_stops_the_run_unless_it_keeps_going() {
        let works = kallisto();
        let (job, troubles) = trouble(&works, "kallisto_quant", u32::MAX);
        let finished = |terms| {
            let course = run(&works, &troubles, terms);
            assert!(course.failed);
            let done = course.done_after(&vec![false; works.len()]);
            assert!(!done[job] && !done[0], "the target needs the failed job");
            done.iter().filter(|&&done| done).count()
        };

        assert!(finished(TERMS) <= finished(Terms { keep_going: true, ..TERMS }));
    }

    #[test]
    fn a_later_attempt_does_only_what_is_left() {
        let works = kallisto();
        let mut done = vec![true; works.len()];
        done[0] = false;

        let course = play(&works, &done, &BTreeMap::new(), TERMS, &mut Dice::new(1));

        assert_eq!(course.steps.len(), 2);
    }

    #[test]
    fn lively_jobs_last_a_second_to_twenty() {
        let works = kallisto();
        let mut dice = Dice::new(9);

        for work in works.iter().cycle().take(2000) {
            let ms = duration(work, None, Pace::Lively, &mut dice);
            assert!((1000..=20_000).contains(&ms), "{ms}");
        }
    }
}
