//! Estimates how much longer a run takes: from how long jobs of each rule took, here and in earlier attempts, and from
//! how many ran at once.

use crate::{ReadError, Reader, jobs::Snapshot};
use model::{JobStatus, Millis, RunId, run::RuleRow};
use std::collections::HashMap;
use store::{
    jobs::marks::{Marks, past},
    runs::find,
};

/// How many jobs must have succeeded before there is an estimate.
const LEAST: usize = 3;

/// How long jobs of one rule take.
#[derive(Clone, Copy, Debug, Default)]
struct Takes {
    jobs: f64,
    mean: f64,
    variance: f64,
}

/// How much longer a run takes, in milliseconds: the lowest and the highest expected value. `None` if it is not
/// running, or if too few of its jobs have ended.
pub async fn left(reader: &Reader, run: RunId) -> Result<Option<(Millis, Millis)>, ReadError> {
    let Snapshot { marks, .. } = reader.jobs.of_run(run).await?;
    let mut conn = reader.store.conn().await?;
    let rules = find::rules(&mut conn, run).await?;
    let past = past(&mut conn, run).await?;
    drop(conn);
    let past =
        past.into_iter().map(|(rule, jobs, mean, deviation)| (rule, Takes { jobs: jobs as f64, mean, variance: deviation * deviation }));
    Ok(band(&marks, &rules, &past.collect(), reader.store.clock().now()))
}

fn band(marks: &Marks, rules: &[RuleRow], past: &HashMap<String, Takes>, now: Millis) -> Option<(Millis, Millis)> {
    let ended: Vec<(u32, Millis, Millis)> = marks
        .rows
        .iter()
        .filter(|mark| mark.status == JobStatus::Success && mark.started_at != Marks::NEVER)
        .map(|mark| (mark.rule, mark.started_at, mark.ended_at))
        .collect();
    let running: Vec<(u32, Millis)> =
        marks.rows.iter().filter(|mark| mark.status == JobStatus::Running).map(|mark| (mark.rule, mark.started_at)).collect();
    if ended.len() < LEAST || running.is_empty() {
        return None;
    }
    let mut here: HashMap<&str, Vec<f64>> = HashMap::new();
    for (rule, from, to) in &ended {
        here.entry(&marks.rules.list()[*rule as usize]).or_default().push((to - from) as f64);
    }
    let all: Vec<f64> = ended.iter().map(|(_, from, to)| (to - from) as f64).collect();
    let whole = takes(&all);
    let of = |rule: &str| {
        let known = here.get(rule).map(|times| takes(times));
        // Times from this run count most; but one or two jobs say little about the variance.
        match (known, past.get(rule)) {
            (Some(known), Some(past)) if known.jobs < 3.0 => Takes { mean: f64::midpoint(known.mean, past.mean), ..*past },
            (Some(known), _) => known,
            (None, Some(past)) => *past,
            (None, None) => whole,
        }
    };
    let (mut work, mut variance, mut longest) = (0.0, 0.0, 0.0_f64);
    for (rule, from) in &running {
        let takes = of(&marks.rules.list()[*rule as usize]);
        let left = (takes.mean - (now - from) as f64).max(takes.mean * 0.1);
        (work, variance, longest) = (work + left, variance + takes.variance, longest.max(left));
    }
    for rule in rules {
        let waiting = f64::from(rule.jobs.of(JobStatus::Waiting));
        if waiting > 0.0 {
            let takes = of(&rule.name);
            (work, variance, longest) = (work + waiting * takes.mean, variance + waiting * takes.variance, longest.max(takes.mean));
        }
    }
    let first = ended.iter().map(|(_, from, _)| *from).min()?;
    let at_once = |since: Millis| {
        let span = (now - since).max(1) as f64;
        let spent = ended
            .iter()
            .map(|(_, from, to)| (to - (*from).max(since)).max(0))
            .chain(running.iter().map(|(_, from)| now - (*from).max(since)));
        (spent.sum::<i64>() as f64 / span).max(0.5)
    };
    // Over the whole run, and over its last quarter.
    let (one, other) = (at_once(first), at_once(now - (now - first) / 4));
    let deviation = variance.sqrt();
    let low = ((work - deviation).max(work * 0.6) / one.max(other) * 0.9).max(longest.min(work / one.max(other)));
    let high = ((work + deviation) / one.min(other) * 1.1).max(low * 1.2).max(longest);
    Some((low as Millis, high as Millis))
}

fn takes(times: &[f64]) -> Takes {
    let jobs = times.len() as f64;
    let mean = times.iter().sum::<f64>() / jobs;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / jobs;
    Takes { jobs, mean, variance }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{JobKey, run::JobCounts};
    use store::jobs::marks::Mark;

    /// Ten jobs of a minute each, two at a time; six have ended, and two have been running for half a minute.
    #[test]
    fn a_steady_run_takes_as_long_as_what_is_left_by_as_many_as_run() {
        let minute = 60_000;
        let mut marks = Marks::default();
        let rule = marks.rules.place("map");
        let mark = |nth: i64, status, from, to| Mark {
            id: JobKey(nth),
            started_at: from,
            ended_at: to,
            rule,
            job_id: nth,
            wildcards: Marks::NONE,
            threads: 1,
            attempt: 1,
            status,
            superseded: false,
        };
        for nth in 0..6 {
            marks.rows.push(mark(nth, JobStatus::Success, nth / 2 * minute, (nth / 2 + 1) * minute));
        }
        let now = 3 * minute + minute / 2;
        for nth in 6..8 {
            marks.rows.push(mark(nth, JobStatus::Running, 3 * minute, Marks::NEVER));
        }
        let jobs = JobCounts { planned: Some(10), success: 6, running: 2, ..JobCounts::default() };
        let rules = [RuleRow { name: "map".into(), language: None, jobs }];

        let (low, high) = band(&marks, &rules, &HashMap::new(), now).expect("enough has ended");

        // Half a minute for the two that are running, then a minute for the next two.
        let real = minute + minute / 2;
        assert!(low <= real && real <= high && high < 2 * real && low > real / 2, "{low} {high}");
        assert_eq!(band(&Marks::default(), &rules, &HashMap::new(), now), None);
    }
}
