//! One very large invented run with a given number of jobs, rules and samples.
//!
//! For trying pages at a scale for which no real workflow is at hand. Reports are generated lazily: a run of a million
//! jobs is never in memory as a whole. The same size and seed give the same run.

use super::{
    dice::Dice,
    records,
    script::{ReportKind, ScriptedReport},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
};
use uuid::Uuid;

#[rustfmt::skip]
const NAMES: [&str; 20] = [
    "fetch", "fastp", "fastqc", "star_align", "sort_bam", "dedup", "rseqc", "featurecounts", "salmon", "kallisto", "bigwig", "preseq",
    "qualimap", "arriba", "rmats", "recalibrate", "call", "filter", "annotate", "stats",
];
/// Cores of the invented cluster.
const CORES: u32 = 2_000;
/// The share of first attempts that fail, and of second attempts.
const FAILING: (f64, f64) = (0.004, 0.12);

/// The size of the run.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// At least as many as rules times samples need; the remaining jobs are chunks of one rule.
    pub jobs: usize,
    /// At least 4.
    pub rules: usize,
    pub samples: usize,
}

struct Rule {
    name: String,
    threads: u32,
    median_s: f64,
    parents: Vec<usize>,
    children: Vec<usize>,
}

/// Identifies a job: its rule, and its index within the rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    sample: usize,
    rule: usize,
    nth: usize,
}

struct Running {
    place: Place,
    fails: bool,
}

/// Generates the run report by report.
pub struct Big {
    run: Uuid,
    context: Value,
    starts_at: DateTime<Utc>,
    dice: Dice,
    rules: Vec<Rule>,
    samples: usize,
    /// Jobs of the chunked rule.
    chunks: usize,
    /// Indexed by job number: the jobs still to wait for, and the attempts made.
    waits: Vec<u32>,
    attempts: Vec<u8>,
    /// Ordered by sample, like a scheduler that finishes what it began.
    ready: BTreeSet<Place>,
    running: BinaryHeap<Reverse<(i64, u64)>>,
    what: std::collections::HashMap<u64, Running>,
    begun: u64,
    free: u32,
    now: i64,
    pending: VecDeque<ScriptedReport>,
    failed: bool,
    closed: bool,
}

impl Big {
    /// A run that began at `starts_at`.
    pub fn new(size: Size, starts_at: DateTime<Utc>, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let per_sample = size.rules - 3;
        let mut rules: Vec<Rule> = (0..per_sample).map(|at| rule(at, &mut dice)).collect();
        let last = per_sample - 1;
        let one = |name: &str, threads, median_s, parents| Rule { name: name.into(), threads, median_s, parents, children: Vec::new() };
        rules.push(one("call_chunk", 2, 240.0, vec![per_sample / 2]));
        rules.push(one("merge", 16, 1_800.0, vec![last, per_sample]));
        rules.push(one("all", 1, 1.0, vec![per_sample + 1]));
        for at in 0..rules.len() {
            for parent in rules[at].parents.clone() {
                rules[parent].children.push(at);
            }
        }
        let chunks = size.jobs.saturating_sub(per_sample * size.samples + 2).max(1);
        let total = per_sample * size.samples + chunks + 2;
        let run = dice.uuid();
        let directory = "/data/lab/big/cohort";
        let context = json!({
            "current_workflow_id": run,
            "dryrun": false,
            "jobs": {},
            "logfile": format!("{directory}/flowo_logs/log_{}.log", dice.uuid()),
            "flowo_project_name": format!("cohort of {} samples, {total} jobs", size.samples),
            "flowo_tags": ["big"],
            "flowo_catalog_slug": null,
            "workdir": directory,
            "configfiles": ["config/config.yaml"],
            "config_digest": dice.digest(),
        });
        let mut big = Self {
            run,
            context,
            starts_at,
            dice,
            rules,
            samples: size.samples,
            chunks,
            waits: vec![0; total],
            attempts: vec![0; total],
            ready: BTreeSet::new(),
            running: BinaryHeap::new(),
            what: std::collections::HashMap::new(),
            begun: 0,
            free: CORES,
            now: 0,
            pending: VecDeque::new(),
            failed: false,
            closed: false,
        };
        big.open();
        big
    }

    /// The run's id.
    pub fn run(&self) -> Uuid {
        self.run
    }

    fn open(&mut self) {
        for rule in 0..self.rules.len() {
            for nth in 0..self.jobs_of(rule) {
                let place = self.place(rule, nth);
                let waits: usize = self.rules[rule].parents.iter().map(|&parent| self.needed(parent, rule)).sum();
                let number = self.number(place);
                self.waits[number] = waits as u32;
                if waits == 0 {
                    self.ready.insert(place);
                }
            }
        }
        let rules: Vec<Value> =
            self.rules.iter().map(|rule| json!({ "name": rule.name, "code": code(rule), "language": "bash" })).collect();
        self.event("workflow_started", json!({ "workflow_id": self.run, "snakefile": "/data/lab/big/workflow/Snakefile", "rules": rules }));
        self.now += 4_000;
        let nodes: Vec<Value> = self.rules.iter().map(|rule| json!({ "rule": rule.name })).collect();
        let links: Vec<Value> = (0..self.rules.len()).flat_map(|to| self.rules[to].parents.iter().map(move |&from| (from, to))).map(|(from, to)| {
            json!({ "source": from, "target": to, "sourcerule": self.rules[from].name, "targetrule": self.rules[to].name })
        }).collect();
        self.event("rulegraph", json!({ "rulegraph": { "nodes": nodes, "links": links } }));
        let mut stats: Map<String, Value> =
            (0..self.rules.len()).map(|rule| (self.rules[rule].name.clone(), self.jobs_of(rule).into())).collect();
        stats.insert("total".into(), self.waits.len().into());
        self.event("run_info", json!({ "stats": stats }));
        self.now += 500;
    }

    fn per_sample(&self) -> usize {
        self.rules.len() - 3
    }

    fn jobs_of(&self, rule: usize) -> usize {
        match rule.checked_sub(self.per_sample()) {
            None => self.samples,
            Some(0) => self.chunks,
            Some(_) => 1,
        }
    }

    /// How many jobs of `parent` one job of `rule` waits for.
    fn needed(&self, parent: usize, rule: usize) -> usize {
        if rule <= self.per_sample() { 1 } else { self.jobs_of(parent) }
    }

    fn place(&self, rule: usize, nth: usize) -> Place {
        let sample = if rule > self.per_sample() { self.samples } else { nth % self.samples };
        Place { sample, rule, nth }
    }

    /// The number that the client gives a job.
    fn number(&self, place: Place) -> usize {
        let before = place.rule.min(self.per_sample()) * self.samples;
        let chunked = if place.rule > self.per_sample() { self.chunks + place.rule - self.per_sample() - 1 } else { 0 };
        before + chunked + place.nth
    }

    fn report(&mut self, kind: ReportKind) {
        self.pending.push_back(ScriptedReport { at: self.starts_at + TimeDelta::milliseconds(self.now), kind });
    }

    fn event(&mut self, event: &'static str, record: Value) {
        let context = self.context.clone();
        self.report(ReportKind::Event { event, record, context });
    }

    /// Starts one job if it can; `false` if it cannot.
    fn start(&mut self) -> bool {
        let Some(&place) = self.ready.first() else { return false };
        let threads = self.rules[place.rule].threads;
        if self.free < threads {
            return false;
        }
        self.ready.remove(&place);
        self.free -= threads;
        let number = self.number(place);
        self.attempts[number] += 1;
        let chance = if self.attempts[number] > 1 { FAILING.1 } else { FAILING.0 };
        let fails = place.rule < self.per_sample() && self.dice.chance(chance);
        let seconds = self.dice.spread(self.rules[place.rule].median_s, 0.5) * if fails { 0.4 } else { 1.0 };
        self.event("job_started", json!({ "job_ids": [number] }));
        let info = self.info(place, number);
        self.event("job_info", info);
        self.begun += 1;
        self.running.push(Reverse((self.now + (seconds * 1_000.0) as i64 + 1, self.begun)));
        self.what.insert(self.begun, Running { place, fails });
        self.now += 1;
        true
    }

    fn file(&self, place: Place) -> String {
        let name = &self.rules[place.rule].name;
        match place.rule.checked_sub(self.per_sample()) {
            None => format!("results/{name}/S{:05}.out", place.sample),
            Some(0) => format!("results/{name}/S{:05}.{}.out", place.sample, place.nth / self.samples),
            Some(_) => format!("results/{name}.out"),
        }
    }

    fn info(&self, place: Place, number: usize) -> Value {
        let rule = &self.rules[place.rule];
        let mut wildcards = Map::new();
        if place.rule <= self.per_sample() {
            wildcards.insert("sample".into(), format!("S{:05}", place.sample).into());
        }
        if place.rule == self.per_sample() {
            wildcards.insert("chunk".into(), (place.nth / self.samples).to_string().into());
        }
        let mut input = Vec::new();
        for &parent in &rule.parents {
            if place.rule <= self.per_sample() {
                input.push(self.file(self.place(parent, place.sample)));
            } else {
                input.extend((0..self.jobs_of(parent)).map(|nth| self.file(self.place(parent, nth))));
            }
        }
        if rule.parents.is_empty() {
            input.push(format!("reads/S{:05}.fq.gz", place.sample));
        }
        let output = self.file(place);
        json!({
            "job_id": number,
            "rule_name": rule.name,
            "threads": rule.threads,
            "input": input,
            "output": [output],
            "log": [format!("logs/{}/{}.log", rule.name, number)],
            "benchmark": null,
            "rule_msg": null,
            "wildcards": wildcards,
            "reason": format!("Missing output files: {output}"),
            "shellcmd": format!("{} --threads {} --out {output}", rule.name, rule.threads),
            "priority": 0,
            "resources": { "tmpdir": "/tmp", "mem_mb": rule.threads * 4_000, "runtime": 240 },
        })
    }

    /// Ends the running job that is due first; `false` if none runs.
    fn end(&mut self) -> bool {
        let Some(Reverse((at, nth))) = self.running.pop() else { return false };
        self.now = self.now.max(at);
        let Running { place, fails } = self.what.remove(&nth).expect("what runs is known");
        self.free += self.rules[place.rule].threads;
        let number = self.number(place);
        if fails {
            self.event("job_error", json!({ "job_id": number }));
            if self.attempts[number] < 2 {
                self.ready.insert(place);
            } else {
                self.failed = true;
            }
            return true;
        }
        self.event("job_finished", json!({ "job_id": number }));
        for child in self.rules[place.rule].children.clone() {
            // Children are a chunk or a later step of the same sample, or the one job that gathers all.
            let nths: Vec<usize> = match child.checked_sub(self.per_sample()) {
                None => vec![place.nth],
                Some(0) => (place.nth..self.chunks).step_by(self.samples).collect(),
                Some(_) => vec![0],
            };
            for nth in nths {
                let to = self.place(child, nth);
                let waiting = self.number(to);
                self.waits[waiting] -= 1;
                if self.waits[waiting] == 0 {
                    self.ready.insert(to);
                }
            }
        }
        true
    }
}

impl Iterator for Big {
    type Item = ScriptedReport;

    fn next(&mut self) -> Option<ScriptedReport> {
        while self.pending.is_empty() && !self.closed {
            if !self.start() && !self.end() {
                self.closed = true;
                self.now += 300;
                if self.failed {
                    self.event("error", records::error("WorkflowError"));
                }
                let run = self.run;
                self.report(ReportKind::Close { run });
            }
        }
        self.pending.pop_front()
    }
}

fn rule(at: usize, dice: &mut Dice) -> Rule {
    let (round, name) = (at / NAMES.len(), NAMES[at % NAMES.len()]);
    let name = if round == 0 { name.to_owned() } else { format!("{name}_{}", round + 1) };
    let mut parents: Vec<usize> = Vec::new();
    if at > 0 {
        parents.push(at - 1 - dice.below(at.min(4)));
        if at > 6 && dice.chance(0.4) {
            parents.push(at - 1 - dice.below(6));
        }
        parents.sort_unstable();
        parents.dedup();
    }
    Rule { name, threads: 1 << dice.below(4), median_s: dice.spread(400.0, 0.9), parents, children: Vec::new() }
}

fn code(rule: &Rule) -> String {
    format!("{} --threads {{threads}} --out {{output}} {{input}} 2> {{log}}", rule.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_big_run_has_the_size_that_was_asked_for_and_every_job_starts_before_it_ends() {
        let size = Size { jobs: 2_000, rules: 12, samples: 150 };
        let start = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (mut open, mut infos, mut ended, mut before) = (BTreeSet::new(), BTreeMap::new(), 0, start);
        let mut planned = 0;
        let mut last = "";
        for report in Big::new(size, start, 3) {
            assert!(report.at >= before);
            before = report.at;
            let ReportKind::Event { event, record, .. } = report.kind else {
                last = "close";
                continue;
            };
            last = event;
            match event {
                "run_info" => planned = record["stats"]["total"].as_u64().unwrap(),
                "job_started" => assert!(open.insert(record["job_ids"][0].as_u64().unwrap())),
                "job_info" => *infos.entry(record["rule_name"].as_str().unwrap().to_owned()).or_insert(0) += 1,
                "job_finished" | "job_error" => {
                    assert!(open.remove(&record["job_id"].as_u64().unwrap()));
                    ended += 1;
                }
                _ => {}
            }
        }
        assert_eq!((planned, last, open.len(), infos.len()), (2_000, "close", 0, 12), "{infos:?}");
        assert!(ended > 1_900, "{ended}");
    }
}
