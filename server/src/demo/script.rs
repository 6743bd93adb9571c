//! One demo run as the reports that a Flowo client of version 2.2.0 would send, ordered by time.
//!
//! `runs.rs` decides which runs exist, `schedule.rs` when jobs start, `records.rs` what a record holds. Nothing is sent here.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    data::{Failure, Graph, book},
    dice::Dice,
    records::{error, ids, job_info, rule_graph, run_info, workflow_started},
    schedule::{Course, Pace, Step, Terms, Trouble, play},
    work::Work,
};

/// Milliseconds between two heartbeats of a client.
const HEARTBEAT_MS: i64 = 15_000;

/// One request of the client.
pub struct ScriptedReport {
    pub at: DateTime<Utc>,
    pub kind: ReportKind,
}

/// The kind of request.
pub enum ReportKind {
    /// `POST …/reports/` with these three fields.
    Event { event: &'static str, record: Value, context: Value },
    /// `POST …/reports/heartbeat`.
    Heartbeat { run: Uuid },
    /// `POST …/reports/close`.
    Close { run: Uuid },
}

/// Everything that is reported of one run.
pub struct ScriptedRun {
    pub run: Uuid,
    /// The owner of the run: one of the lab's members.
    pub user: &'static str,
    pub starts_at: DateTime<Utc>,
    /// Ordered by time; the first is `workflow_started` at `starts_at`.
    pub reports: Vec<ScriptedReport>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Clean,
    /// Jobs fail, but a retry succeeds.
    Flaky,
    /// A job fails for good, and no further ones start.
    Fails,
    /// Jobs fail for good, and the others go on.
    KeepsGoing,
    /// The machine disappears in the middle: no more reports arrive.
    Silent,
    /// Someone stops it in the middle.
    Stopped,
    Dry,
    /// No job graph could be built.
    Broken,
}

impl Fate {
    /// Whether work remains for another attempt.
    pub const fn fails(self) -> bool {
        matches!(self, Self::Fails | Self::KeepsGoing | Self::Silent | Self::Stopped | Self::Broken)
    }
}

/// A run to write.
pub struct Order<'a> {
    pub name: String,
    pub user: &'static str,
    pub graph: &'static Graph,
    pub works: &'a [Work],
    /// Which works earlier attempts have finished.
    pub done: &'a [bool],
    pub directory: String,
    pub tags: Vec<&'static str>,
    pub config_digest: &'a str,
    pub cores: usize,
    pub fate: Fate,
    pub pace: Pace,
}

/// A written run without a start time: its reports by milliseconds since its start.
pub struct Take {
    run: Uuid,
    user: &'static str,
    cues: Vec<(i64, ReportKind)>,
    /// Which works are finished afterwards.
    pub done: Vec<bool>,
}

impl Take {
    /// Milliseconds from the first report to the last.
    pub fn span(&self) -> i64 {
        self.cues.last().map_or(0, |(ms, _)| *ms)
    }

    /// Speeds the run up if it would last longer than `limit` milliseconds.
    pub fn squeeze(&mut self, limit: i64) {
        let share = limit.max(0) as f64 / self.span().max(1) as f64;
        if share < 1.0 {
            for (ms, _) in &mut self.cues {
                *ms = (*ms as f64 * share) as i64;
            }
        }
    }

    /// Adds the client's heartbeats.
    pub fn add_heartbeats(&mut self) {
        let run = self.run;
        let beats = (1..).map(|n| n * HEARTBEAT_MS).take_while(|ms| *ms < self.span());
        let beats: Vec<_> = beats.map(|ms| (ms, ReportKind::Heartbeat { run })).collect();
        self.cues.extend(beats);
        self.cues.sort_by_key(|(ms, _)| *ms);
    }

    /// Gives the run its start time.
    pub fn starting(self, starts_at: DateTime<Utc>) -> ScriptedRun {
        let at = |ms| starts_at + TimeDelta::milliseconds(ms);
        let reports = self.cues.into_iter().map(|(ms, kind)| ScriptedReport { at: at(ms), kind }).collect();
        ScriptedRun { run: self.run, user: self.user, starts_at, reports }
    }
}

/// Writes the run.
pub fn write(order: &Order, dice: &mut Dice) -> Take {
    let mut pen = Pen::new(order, dice);
    pen.event(0, "workflow_started", workflow_started(order, pen.run));
    pen.context["current_workflow_id"] = json!(pen.run);
    let opening = if order.pace == Pace::Lively { 700 } else { 2000 + dice.below(7000) as i64 };
    let mut done = order.done.to_vec();

    if order.fate == Fate::Broken {
        let exceptions = ["MissingInputException", "AmbiguousRuleException", "CreateCondaEnvironmentException"];
        pen.error(opening, exceptions[dice.below(exceptions.len())]);
        pen.close(opening + 60);
        return pen.take(done);
    }
    pen.event(opening, "rulegraph", rule_graph(order.graph));
    pen.event(opening + 15, "run_info", run_info(order));
    if order.fate == Fate::Dry {
        for job in (0..order.works.len()).filter(|&job| !order.done[job]) {
            pen.event(opening + 25 + 3 * job as i64, "job_info", job_info(order, job, order.works[job].mem_mb));
        }
        pen.event(pen.now + 10, "run_info", run_info(order));
        pen.close(pen.now + 200);
        return pen.take(done);
    }

    let retries = match order.fate {
        Fate::Flaky => 1 + dice.below(3) as u32,
        Fate::Fails | Fate::KeepsGoing => dice.below(3) as u32,
        _ => 0,
    };
    let keep_going = order.fate == Fate::KeepsGoing;
    let terms = Terms { cores: order.cores, retries, keep_going, pace: order.pace };
    let troubles = troubles(order, retries, dice);
    let mut course = play(order.works, order.done, &troubles, terms, dice);
    let cut = (course.span() as f64 * dice.between(0.25, 0.8)) as i64;
    if matches!(order.fate, Fate::Silent | Fate::Stopped) {
        course.cut(cut);
    }
    let first = opening + 150;
    pen.course(first, order, &course, &troubles);
    match order.fate {
        Fate::Silent => pen.cue(first + cut, ReportKind::Heartbeat { run: pen.run }),
        Fate::Stopped => {
            pen.error(first + cut, "WorkflowError");
            pen.close(first + cut + 300);
        }
        _ => {
            if course.failed {
                pen.error(pen.now + 250, "WorkflowError");
            }
            pen.close(pen.now + 400);
        }
    }
    done = course.done_after(&done);
    pen.take(done)
}

/// Which jobs fail, how, and how often.
fn troubles(order: &Order, retries: u32, dice: &mut Dice) -> BTreeMap<usize, Trouble> {
    let (jobs, attempts) = match order.fate {
        Fate::Flaky => (1 + dice.below(3), 1 + dice.below(retries as usize) as u32),
        Fate::Fails => (1, u32::MAX),
        Fate::KeepsGoing => (1 + dice.below(3), u32::MAX),
        _ => (0, 0),
    };
    let mut troubles = BTreeMap::new();
    for _ in 0..jobs {
        let can_hit = |failure: &Failure| -> Vec<usize> {
            let hits = |job: &usize| !order.done[*job] && failure.kinds.contains(&order.works[*job].rule.kind);
            (1..order.works.len()).filter(hits).collect()
        };
        let weight = |failure: &Failure| {
            if can_hit(failure).is_empty() { 0.0 } else { failure.weight }
        };
        let weights: Vec<f64> = book().failures.iter().map(weight).collect();
        if let Some(index) = dice.weighted(&weights) {
            let failure = &book().failures[index];
            let jobs = can_hit(failure);
            troubles.insert(jobs[dice.below(jobs.len())], Trouble { failure, attempts });
        }
    }
    troubles
}

/// Writes cues; time never goes back.
struct Pen {
    run: Uuid,
    user: &'static str,
    context: Value,
    now: i64,
    cues: Vec<(i64, ReportKind)>,
}

impl Pen {
    fn new(order: &Order, dice: &mut Dice) -> Self {
        let run = dice.uuid();
        let context = json!({
            "current_workflow_id": null,
            "dryrun": order.fate == Fate::Dry,
            "jobs": {},
            "logfile": format!("{}/flowo_logs/log_{}.log", order.directory, dice.uuid()),
            "flowo_project_name": order.name,
            "flowo_tags": order.tags,
            "flowo_catalog_slug": null,
            "workdir": order.directory,
            "configfiles": ["config/config.yaml"],
            "config_digest": order.config_digest,
        });
        Self { run, user: order.user, context, now: 0, cues: Vec::new() }
    }

    fn cue(&mut self, ms: i64, kind: ReportKind) {
        self.now = self.now.max(ms);
        self.cues.push((self.now, kind));
    }

    fn event(&mut self, ms: i64, event: &'static str, record: Value) {
        let context = self.context.clone();
        self.cue(ms, ReportKind::Event { event, record, context });
    }

    fn error(&mut self, ms: i64, exception: &str) {
        self.event(ms, "error", error(exception));
    }

    fn close(&mut self, ms: i64) {
        self.cue(ms, ReportKind::Close { run: self.run });
    }

    /// Everything that happens to jobs, beginning at `first`.
    fn course(&mut self, first: i64, order: &Order, course: &Course, troubles: &BTreeMap<usize, Trouble>) {
        let ids = ids(order.done);
        for (ms, step) in &course.steps {
            let ms = first + ms;
            match step {
                Step::Started(batch) => {
                    let batch_ids: Vec<usize> = batch.iter().map(|(job, _)| ids[*job]).collect();
                    self.event(ms, "job_started", json!({ "job_ids": batch_ids }));
                    for (nth, (job, earlier)) in batch.iter().enumerate() {
                        let more = troubles.get(job).is_some_and(|trouble| trouble.failure.more_memory);
                        let times = if more { u64::from(*earlier) + 1 } else { 1 };
                        let record = job_info(order, *job, order.works[*job].mem_mb * times);
                        self.event(ms + 1 + nth as i64, "job_info", record);
                    }
                }
                Step::Finished(job) => {
                    self.event(ms, "job_finished", json!({ "job_id": ids[*job] }));
                }
                Step::Failed(job, failure) => {
                    self.error(ms, &failure.exception);
                    self.event(ms + 2, "job_error", json!({ "job_id": ids[*job] }));
                }
            }
        }
    }

    fn take(self, done: Vec<bool>) -> Take {
        Take { run: self.run, user: self.user, cues: self.cues, done }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::super::work::lay_out;
    use super::*;

    /// The names of what a run of single-cell-rna-seq with that fate sends, ordered by time.
    fn names(fate: Fate) -> Vec<&'static str> {
        let (run, _) = scripted(fate, Pace::Usual);
        run.reports.iter().map(name).collect()
    }

    fn name(report: &ScriptedReport) -> &'static str {
        match report.kind {
            ReportKind::Event { event, .. } => event,
            ReportKind::Heartbeat { .. } => "heartbeat",
            ReportKind::Close { .. } => "close",
        }
    }

    fn scripted(fate: Fate, pace: Pace) -> (ScriptedRun, usize) {
        let graph = book().graph("single-cell-rna-seq");
        let works = lay_out(graph, 0, "retina");
        let done = vec![false; works.len()];
        let order = Order {
            name: "single-cell-rna-seq · mouse retina".to_owned(),
            user: "lin",
            graph,
            works: &works,
            done: &done,
            directory: "/data/lab/lin/mouse-retina".to_owned(),
            tags: vec!["demo", "single-cell"],
            config_digest: "00",
            cores: 8,
            fate,
            pace,
        };
        let mut take = write(&order, &mut Dice::new(11));
        if pace == Pace::Lively {
            take.add_heartbeats();
        }
        (take.starting(DateTime::UNIX_EPOCH), works.len())
    }

    fn records<'a>(run: &'a ScriptedRun, wanted: &str) -> Vec<&'a Value> {
        let record = |report: &'a ScriptedReport| match &report.kind {
            ReportKind::Event { event, record, .. } if *event == wanted => Some(record),
            _ => None,
        };
        run.reports.iter().filter_map(record).collect()
    }

    #[test]
    fn each_fate_ends_as_clients_were_seen_to_end() {
        let count = |names: &[&str], name| names.iter().filter(|&&seen| seen == name).count();

        for fate in [Fate::Clean, Fate::Flaky] {
            let names = names(fate);
            assert_eq!(names[..4], ["workflow_started", "rulegraph", "run_info", "job_started"]);
            assert_eq!(names[names.len() - 2..], ["job_finished", "close"], "{fate:?}");
            assert_eq!(count(&names, "error"), count(&names, "job_error"));
            assert_eq!(fate == Fate::Flaky, count(&names, "job_error") > 0);
        }
        for fate in [Fate::Fails, Fate::KeepsGoing, Fate::Stopped] {
            let names = names(fate);
            assert_eq!(names[names.len() - 2..], ["error", "close"], "{fate:?}");
        }
        let silent = names(Fate::Silent);
        assert_eq!(silent.last(), Some(&"heartbeat"));
        assert_eq!(count(&silent, "close"), 0);
        assert_eq!(names(Fate::Broken), ["workflow_started", "error", "close"]);
        let dry = names(Fate::Dry);
        assert_eq!((count(&dry, "run_info"), count(&dry, "job_started"), count(&dry, "job_info")), (2, 0, 33));
    }

    #[test]
    fn records_have_the_fields_of_the_wire_and_no_others() {
        let (run, jobs) = scripted(Fate::Clean, Pace::Usual);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");

        assert_eq!(keys(records(&run, "workflow_started")[0]), "rules snakefile workflow_id");
        let graph = &records(&run, "rulegraph")[0]["rulegraph"];
        assert_eq!(keys(&graph["links"][0]), "source sourcerule target targetrule");
        assert_eq!(records(&run, "run_info")[0]["stats"]["total"], jobs);
        let infos = records(&run, "job_info");
        assert_eq!(infos.len(), jobs);
        assert_eq!(
            keys(infos[0]),
            "benchmark input job_id log output priority reason resources rule_msg rule_name shellcmd threads wildcards"
        );
        let (failed, _) = scripted(Fate::Fails, Pace::Usual);
        assert_eq!(keys(records(&failed, "error")[0]), "exception file line location rule traceback");
    }

    #[test]
    fn the_first_context_knows_no_id_and_the_later_ones_do() {
        let (run, _) = scripted(Fate::Clean, Pace::Usual);

        for (index, report) in run.reports.iter().enumerate() {
            let ReportKind::Event { context, .. } = &report.kind else {
                continue;
            };
            let id = &context["current_workflow_id"];
            assert_eq!(*id, if index == 0 { Value::Null } else { json!(run.run) });
            assert_eq!(context.as_object().map(Map::len), Some(10));
            assert_eq!(context["jobs"], json!({}));
        }
    }

    #[test]
    fn a_live_run_gives_a_sign_of_life_every_fifteen_seconds_until_it_ends() {
        let (run, _) = scripted(Fate::Clean, Pace::Lively);
        let seconds = (run.reports[run.reports.len() - 1].at - run.starts_at).num_seconds();

        let beats = run.reports.iter().filter(|report| name(report) == "heartbeat").count();

        assert_eq!(beats as i64, seconds / 15);
        assert_eq!(run.reports.last().map(name), Some("close"));
    }
}
