//! The demo lab: who works there, on what, and which runs there have been.
//!
//! Pure: the same instant and seed give the same runs, ids included. `data.rs` has the people's projects; `script.rs`
//! writes a run as reports.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

use super::{
    data::{Project, book},
    dice::Dice,
    schedule::Pace,
    script::{Fate, Order, ScriptedRun, Take, write},
    work::lay_out,
};

/// The lab's members.
pub const USERS: [&str; 5] = ["ana", "marek", "lin", "sara", "noor"];

/// How far back the lab's past reaches.
const PAST: TimeDelta = TimeDelta::days(30);
/// The past ends this long before now, to leave room for the runs in progress.
const REST: TimeDelta = TimeDelta::minutes(10);
/// Nobody starts a run in a directory where another run may still be busy.
const BUSY: TimeDelta = TimeDelta::hours(3);
/// Longest time span that [`running`] fills; an hour takes some 90 MB of memory.
const LONGEST_LIVE: TimeDelta = TimeDelta::hours(2);
/// Cores of a run in progress: few enough that its jobs run one after another.
const LIVE_CORES: usize = 8;

/// How the first attempts of the past end, and how many end that way.
const FATES: [(Fate, usize); 8] = [
    (Fate::Clean, 128),
    (Fate::Flaky, 20),
    (Fate::Fails, 18),
    (Fate::KeepsGoing, 9),
    (Fate::Silent, 5),
    (Fate::Stopped, 5),
    (Fate::Dry, 11),
    (Fate::Broken, 4),
];

/// How the runs in progress end, in turn; each person begins at a different position.
const LIVE_FATES: [Fate; 7] = [Fate::Clean, Fate::Flaky, Fate::KeepsGoing, Fate::Clean, Fate::Flaky, Fate::Fails, Fate::Clean];

/// One attempt at one goal.
struct Attempt {
    project: &'static Project,
    /// Identifies the goal; attempts at one goal have the same samples and configuration.
    goal: u64,
    fate: Fate,
    seed: u64,
}

/// A run of the past that is not written yet.
struct Planned {
    attempt: Attempt,
    starts_at: DateTime<Utc>,
    /// The latest time at which it may end.
    deadline: DateTime<Utc>,
}

/// For each goal that no attempt has reached yet, which of its jobs are done.
type Remains = BTreeMap<u64, Vec<bool>>;

/// The finished runs of the 30 days before `now`, oldest first, each written on demand.
///
/// At least 200 runs; all their reports are before `now`.
pub fn history(now: DateTime<Utc>, seed: u64) -> impl Iterator<Item = ScriptedRun> {
    let mut remains = Remains::new();
    plan(now, seed).into_iter().map(move |planned| {
        let mut take = planned.attempt.write(Pace::Usual, &mut remains);
        take.squeeze((planned.deadline - planned.starts_at).num_milliseconds());
        take.starting(planned.starts_at)
    })
}

/// Runs that keep a page lively from `now` on for `for_` (at most two hours), ordered by start.
///
/// Each person has one run in progress at `now` and begins the next when it has ended. Runs that begin before `now +
/// for_` are written to their end, which may be some minutes later. Their jobs last 1 to 20 s. The same seed gives the
/// same ids.
pub fn running(now: DateTime<Utc>, for_: TimeDelta, seed: u64) -> Vec<ScriptedRun> {
    let until = now + for_.clamp(TimeDelta::zero(), LONGEST_LIVE);
    let mut dice = Dice::new(seed ^ 0x6c69_7665);
    let mut remains = Remains::new();
    let mut runs = Vec::new();

    for (place, user) in USERS.into_iter().enumerate() {
        let mut own: Vec<&Project> = book().projects.iter().filter(|p| p.user == user).collect();
        dice.shuffle(&mut own);
        let (mut project, mut goal) = (own[0], dice.roll());
        let mut starts_at = now;
        let mut turn = 0;
        while turn == 0 || starts_at < until {
            let fate = LIVE_FATES[(turn + place) % LIVE_FATES.len()];
            let seed = dice.roll();
            let attempt = Attempt { project, goal, fate, seed };
            let mut take = attempt.write(Pace::Lively, &mut remains);
            take.add_heartbeats();
            let span = take.span();
            if turn == 0 {
                let past = span as f64 * dice.between(0.2, 0.6);
                starts_at = now - TimeDelta::milliseconds(past as i64).min(REST);
            }
            runs.push(take.starting(starts_at));
            starts_at += TimeDelta::milliseconds(span + dice.between(3000.0, 15_000.0) as i64);
            turn += 1;
            if !fate.fails() {
                (project, goal) = (own[turn % own.len()], dice.roll());
            }
        }
    }
    runs.sort_by_key(|run| run.starts_at);
    runs
}

impl Attempt {
    /// Writes the attempt at what remains of its goal, and records what then remains.
    fn write(&self, pace: Pace, remains: &mut Remains) -> Take {
        let Project { pipeline, subject, user, samples: (least, most), .. } = self.project;
        let lively = pace == Pace::Lively;
        let mut goal = Dice::new(self.goal);
        let config_digest = goal.digest();
        let samples = if lively { *least } else { least + goal.below(most - least + 1) };
        let slug = subject.to_lowercase().replace(' ', "-");
        let graph = book().graph(pipeline);
        let works = lay_out(graph, samples, &slug);
        // If the goal was reached, the attempt starts from scratch.
        let done = remains.remove(&self.goal).filter(|done| done.contains(&false));
        let done = done.unwrap_or_else(|| vec![false; works.len()]);
        let tags = self.project.tags.iter().map(String::as_str);
        let order = Order {
            name: format!("{pipeline} · {subject}"),
            user,
            graph,
            works: &works,
            done: &done,
            directory: format!("/data/lab/{user}/{slug}/{pipeline}"),
            tags: std::iter::once("demo").chain(tags).collect(),
            config_digest: &config_digest,
            cores: if lively { LIVE_CORES } else { self.project.cores },
            fate: self.fate,
            pace,
        };
        let take = write(&order, &mut Dice::new(self.seed));
        if self.fate.fails() {
            remains.insert(self.goal, take.done.clone());
        }
        take
    }
}

/// The runs of the past, ordered by start.
fn plan(now: DateTime<Utc>, seed: u64) -> Vec<Planned> {
    let mut dice = Dice::new(seed ^ 0x7061_7374);
    let latest = now - REST * 2;
    let mut fates: Vec<Fate> = FATES.iter().flat_map(|&(fate, times)| vec![fate; times]).collect();
    dice.shuffle(&mut fates);
    let mut starts: Vec<DateTime<Utc>> = fates.iter().map(|_| some_start(now, latest, &mut dice)).collect();
    starts.sort_unstable();

    let mut plan = Vec::new();
    let projects = &book().projects;
    let mut busy_until = vec![now - PAST; projects.len()];
    let mut newest = vec![None; projects.len()];
    for (mut starts_at, mut fate) in starts.into_iter().zip(fates) {
        let project = some_project(starts_at, &busy_until, &mut dice);
        let goal = dice.roll();
        loop {
            // No two runs are busy in one directory.
            if let Some(last) = newest[project] {
                let last: &mut Planned = &mut plan[last];
                last.deadline = last.deadline.min(starts_at - TimeDelta::seconds(20));
            }
            newest[project] = Some(plan.len());
            let attempt = Attempt { project: &projects[project], goal, fate, seed: dice.roll() };
            plan.push(Planned { attempt, starts_at, deadline: now - REST });
            busy_until[project] = starts_at + BUSY;
            let tried_again = match fate {
                Fate::Dry => dice.chance(0.6),
                _ => fate.fails() && dice.chance(0.8),
            };
            // A dry run is soon followed by the real one; a failure is investigated first.
            let minutes = if fate == Fate::Dry { dice.between(3.0, 15.0) } else { dice.between(40.0, 280.0) };
            starts_at += TimeDelta::seconds((minutes * 60.0) as i64);
            if !tried_again || starts_at > latest {
                break;
            }
            let chances = [(Fate::Clean, 0.7), (Fate::Flaky, 0.15), (Fate::Fails, 0.15)];
            fate = dice.weighted(&chances.map(|(_, weight)| weight)).map_or(Fate::Clean, |at| chances[at].0);
        }
    }
    plan.sort_by_key(|planned| planned.starts_at);
    plan
}

/// An instant in the past, more often in working hours than at night.
fn some_start(now: DateTime<Utc>, latest: DateTime<Utc>, dice: &mut Dice) -> DateTime<Utc> {
    let span = (latest - (now - PAST)).num_milliseconds() as f64;
    loop {
        let at = latest - TimeDelta::milliseconds((span * dice.unit()) as i64);
        let by_hour = match at.hour() {
            7..=16 => 1.0,
            5 | 6 | 17..=20 => 0.3,
            _ => 0.08,
        };
        let by_day = if at.weekday().number_from_monday() > 5 { 0.2 } else { 1.0 };
        if dice.chance(by_hour * by_day) {
            return at;
        }
    }
}

/// A project whose directory is not busy, or else the one that was left alone longest.
fn some_project(at: DateTime<Utc>, busy_until: &[DateTime<Utc>], dice: &mut Dice) -> usize {
    let weight = |(project, busy): (&Project, &DateTime<Utc>)| {
        if *busy <= at { project.weight } else { 0.0 }
    };
    let weights: Vec<f64> = book().projects.iter().zip(busy_until).map(weight).collect();
    let longest_alone = || (0..busy_until.len()).min_by_key(|&project| busy_until[project]);
    let chosen = dice.weighted(&weights).or_else(longest_alone);
    chosen.expect("the lab has projects")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::script::ReportKind;
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn context(run: &ScriptedRun) -> &Value {
        match &run.reports[0].kind {
            ReportKind::Event { context, .. } => context,
            _ => panic!("a run begins with an event"),
        }
    }

    /// A run in few words: who, what, how it ends, how much.
    fn summary(run: &ScriptedRun) -> String {
        let mut text = format!("{} {} {} {}", run.run, run.user, run.starts_at, context(run));
        for report in &run.reports {
            text.push_str(&report.at.to_rfc3339());
            if let ReportKind::Event { event, record, .. } = &report.kind {
                text.push_str(event);
                text.push_str(&record.to_string());
            }
        }
        text
    }

    /// Asserts that times never go back and that jobs start before they end.
    fn assert_in_order(run: &ScriptedRun) {
        let mut open: BTreeSet<u64> = BTreeSet::new();
        assert!(run.reports.is_sorted_by_key(|report| report.at));
        assert_eq!(run.reports[0].at, run.starts_at);
        for report in &run.reports {
            let ReportKind::Event { event, record, .. } = &report.kind else {
                continue;
            };
            match *event {
                "job_started" => {
                    for id in record["job_ids"].as_array().unwrap() {
                        assert!(open.insert(id.as_u64().unwrap()), "started twice");
                    }
                }
                "job_finished" | "job_error" => {
                    assert!(open.remove(&record["job_id"].as_u64().unwrap()), "ended before it started");
                }
                _ => (),
            }
        }
    }

    fn ends_with_close(run: &ScriptedRun) -> bool {
        matches!(run.reports.last().unwrap().kind, ReportKind::Close { .. })
    }

    #[test]
    fn the_past_holds_at_least_two_hundred_sound_runs_of_six_pipelines_before_now() {
        for seed in [1, 2, 3] {
            let (mut runs, mut attempts, mut silent, mut dry) = (0, 0, 0, 0);
            let mut pipelines = BTreeSet::new();
            let mut users = BTreeSet::new();
            let mut ids = BTreeSet::new();
            let mut goals: BTreeMap<String, usize> = BTreeMap::new();
            let mut before = now() - PAST;
            for run in history(now(), seed) {
                assert_in_order(&run);
                assert!(run.starts_at >= before, "oldest first, and not older than the past");
                assert!(run.reports.last().unwrap().at < now());
                before = run.starts_at;
                let context = context(&run);
                let tags = context["flowo_tags"].as_array().unwrap();
                assert!(tags[0] == "demo" && tags.len() > 1);
                let name = context["flowo_project_name"].as_str().unwrap();
                pipelines.insert(name.split(" · ").next().unwrap().to_owned());
                users.insert(run.user);
                assert!(ids.insert(run.run));
                runs += 1;
                silent += usize::from(!ends_with_close(&run));
                dry += usize::from(context["dryrun"] == true);
                *goals.entry(format!("{}{}", context["workdir"], context["config_digest"])).or_default() += 1;
                for report in &run.reports {
                    if let ReportKind::Event { event: "job_started", record, .. } = &report.kind {
                        attempts += record["job_ids"].as_array().unwrap().len();
                    }
                }
            }
            assert!((200..280).contains(&runs), "{runs} runs");
            assert!((10_000..40_000).contains(&attempts), "{attempts} attempts");
            assert_eq!((pipelines.len(), users.len()), (6, USERS.len()));
            assert!((2..12).contains(&silent), "{silent} silent");
            assert!(dry >= 5);
            assert!(goals.values().filter(|&&attempts| attempts > 1).count() >= 10);
        }
    }

    #[test]
    fn one_seed_gives_the_same_runs() {
        let all = |seed| history(now(), seed).take(30).map(|run| summary(&run)).collect::<Vec<_>>();
        let live = |seed| running(now(), TimeDelta::minutes(1), seed).iter().map(summary).collect::<Vec<_>>();

        assert_eq!(all(5), all(5));
        assert_ne!(all(5), all(6));
        assert_eq!(live(5), live(5));
    }

    #[test]
    fn no_two_runs_are_busy_in_one_directory() {
        let mut free_from: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();

        for run in history(now(), 9).chain(running(now(), TimeDelta::minutes(20), 9)) {
            let directory = context(&run)["workdir"].to_string();
            if let Some(free) = free_from.insert(directory, run.reports.last().unwrap().at) {
                assert!(free <= run.starts_at, "{free} {}", run.starts_at);
            }
        }
    }

    #[test]
    fn a_failed_attempt_is_followed_by_one_that_does_the_rest() {
        let mut planned: BTreeMap<String, u64> = BTreeMap::new();
        let mut smaller = 0;
        for run in history(now(), 4) {
            let total = run.reports.iter().find_map(|report| match &report.kind {
                ReportKind::Event { event: "run_info", record, .. } => record["stats"]["total"].as_u64(),
                _ => None,
            });
            let (Some(total), digest) = (total, context(&run)["config_digest"].to_string()) else {
                continue;
            };
            if let Some(first) = planned.insert(digest, total) {
                assert!(total <= first);
                smaller += usize::from(total < first);
            }
        }
        assert!(smaller >= 10, "{smaller}");
    }

    #[test]
    fn runs_under_way_straddle_now_and_follow_one_another_for_the_time_asked() {
        for seed in 0..8 {
            let runs = running(now(), TimeDelta::minutes(30), seed);
            let end = |run: &ScriptedRun| run.reports.last().unwrap().at;

            let straddling = runs.iter().filter(|run| run.starts_at < now() && end(run) > now());
            assert_eq!(straddling.count(), USERS.len());
            for minute in 0..30 {
                let at = now() + TimeDelta::minutes(minute);
                let busy = runs.iter().filter(|run| run.starts_at <= at && end(run) > at);
                assert!(busy.count() >= 3, "minute {minute}");
            }
            for run in &runs {
                assert_in_order(run);
                assert!(ends_with_close(run));
            }
            assert!(runs.is_sorted_by_key(|run| run.starts_at));
        }
    }
}
