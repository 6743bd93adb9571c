//! The reports of one run, in order, as the Flowo plugin for Snakemake sends them.
//!
//! All runs are the same except for their names: a start with the code of five rules, the graph, the plan, then job
//! after job, then the close. So one number says how far a run came.

use serde_json::{Value, json};
use uuid::Uuid;

/// Jobs of a run.
pub const JOBS: usize = 60;
/// Reports before the first job's.
const OPENING: usize = 3;
/// Reports of one job: started, described, finished.
const PER_JOB: usize = 3;
/// Reports of a run from start to close.
pub const LENGTH: usize = OPENING + JOBS * PER_JOB + 1;
/// Files of each job: inputs, outputs, logs.
pub const FILES: [u64; 3] = [2, 1, 1];

const RULES: [(&str, &str); 5] = [
    ("trim", "fastp -i {input.a} -I {input.b} -o {output} --json {log} --thread {threads}"),
    ("align", "bwa-mem2 mem -t {threads} {input} 2> {log} | samtools sort -o {output} -"),
    ("mark_duplicates", "gatk MarkDuplicates -I {input} -O {output} -M {output}.metrics 2> {log}"),
    ("call", "gatk HaplotypeCaller -R {input.a} -I {input.b} -O {output} -ERC GVCF 2> {log}"),
    ("stats", "bcftools stats {input} > {output} 2> {log}"),
];

/// Number of rules in a run.
pub const RULE_COUNT: usize = RULES.len();

/// How far a run came, as the number of acknowledged reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress(pub usize);

impl Progress {
    pub const fn started(self) -> bool {
        self.0 >= 1
    }

    pub const fn has_graph(self) -> bool {
        self.0 >= 2
    }

    pub const fn has_plan(self) -> bool {
        self.0 >= OPENING
    }

    pub const fn closed(self) -> bool {
        self.0 >= LENGTH
    }

    /// How many jobs have started, are described, and have finished.
    pub const fn jobs(self) -> [usize; 3] {
        let said = self.0.saturating_sub(OPENING);
        let said = if said > JOBS * PER_JOB { JOBS * PER_JOB } else { said };
        [said.div_ceil(PER_JOB), (said + 1) / PER_JOB, said / PER_JOB]
    }
}

/// The rule of a job; the first job is 1.
pub const fn rule_of(job: usize) -> &'static str {
    RULES[job % RULES.len()].0
}

/// Everything one run sends.
pub struct Script {
    pub id: Uuid,
    client: usize,
    /// The plugin's state before and after the answer to the start, as JSON text.
    context: [String; 2],
}

/// A request of the script.
pub enum Request {
    /// Sent to the URL for reports.
    Report(String),
    /// Sent to the URL for closes.
    Close,
}

impl Script {
    /// The `nth` run of a client.
    pub fn new(client: usize, nth: usize) -> Self {
        let id = Uuid::new_v4();
        let directory = format!("/data/bench/client-{client:03}");
        let logfile = format!("{directory}/flowo_logs/log_{}.log", Uuid::new_v4());
        let context = |id: Value| {
            json!({
                "current_workflow_id": id,
                "dryrun": false,
                "jobs": {},
                "logfile": logfile,
                "flowo_project_name": format!("bench-{client}-{nth}"),
                "flowo_tags": ["bench", format!("client-{client}")],
                "flowo_catalog_slug": null,
                "workdir": directory,
                "configfiles": ["config/config.yaml"],
                "config_digest": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            })
            .to_string()
        };
        Self { id, client, context: [context(Value::Null), context(json!(id))] }
    }

    /// The request at a position in the script, or `None` after the last.
    pub fn request(&self, at: usize) -> Option<Request> {
        if at + 1 >= LENGTH {
            return (at + 1 == LENGTH).then_some(Request::Close);
        }
        let (event, record) = match at {
            0 => ("workflow_started", self.start()),
            1 => ("rulegraph", graph()),
            2 => ("run_info", plan()),
            _ => {
                let job = (at - OPENING) / PER_JOB + 1;
                match (at - OPENING) % PER_JOB {
                    0 => ("job_started", json!({ "job_ids": [job] })),
                    1 => ("job_info", self.job(job)),
                    _ => ("job_finished", json!({ "job_id": job })),
                }
            }
        };
        let context = &self.context[usize::from(at > 0)];
        let body = format!(r#"{{"event":"{event}","record":{record},"context":{context}}}"#);
        Some(Request::Report(body))
    }

    fn start(&self) -> Value {
        let rules: Vec<Value> = RULES.iter().map(|(name, code)| json!({ "name": name, "code": code, "language": "bash" })).collect();
        let snakefile = format!("/data/bench/client-{:03}/workflow/Snakefile", self.client);
        json!({ "workflow_id": self.id, "snakefile": snakefile, "rules": rules })
    }

    fn job(&self, job: usize) -> Value {
        let (rule, code) = RULES[job % RULES.len()];
        let sample = format!("sample-{:03}", job / RULES.len());
        let output = format!("results/{rule}/{sample}.out");
        json!({
            "job_id": job,
            "rule_name": rule,
            "threads": 4,
            "input": [format!("reads/{sample}_1.fq.gz"), format!("reads/{sample}_2.fq.gz")],
            "output": [output],
            "log": [format!("logs/{rule}/{sample}.log")],
            "benchmark": null,
            "rule_msg": null,
            "wildcards": { "sample": sample, "lane": format!("L{:03}", self.client) },
            "reason": format!("Missing output files: {output}"),
            "shellcmd": code,
            "priority": 0,
            "resources": { "tmpdir": "/tmp", "mem_mb": 8000, "mem": "8 GB", "runtime": 120 },
        })
    }
}

fn graph() -> Value {
    let nodes: Vec<Value> = RULES.iter().map(|(name, _)| json!({ "rule": name })).collect();
    let links: Vec<Value> = (1..RULES.len())
        .map(|at| {
            let (from, to) = (RULES[at - 1].0, RULES[at].0);
            json!({ "source": at - 1, "target": at, "sourcerule": from, "targetrule": to })
        })
        .collect();
    json!({ "rulegraph": { "nodes": nodes, "links": links } })
}

fn plan() -> Value {
    let mut stats = serde_json::Map::new();
    for job in 1..=JOBS {
        let n = stats.entry(rule_of(job)).or_insert_with(|| json!(0));
        *n = json!(n.as_u64().unwrap_or(0) + 1);
    }
    stats.insert("total".to_owned(), json!(JOBS));
    json!({ "stats": stats })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(script: &Script, at: usize) -> String {
        match script.request(at) {
            Some(Request::Report(body)) => {
                let body: Value = serde_json::from_str(&body).expect("reports are JSON");
                body["event"].as_str().expect("reports have a name").to_owned()
            }
            Some(Request::Close) => "close".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn a_run_goes_from_start_to_close() {
        let script = Script::new(7, 0);

        let opening: Vec<String> = (0..7).map(|at| event(&script, at)).collect();
        assert_eq!(opening, ["workflow_started", "rulegraph", "run_info", "job_started", "job_info", "job_finished", "job_started"]);
        assert_eq!(event(&script, LENGTH - 2), "job_finished");
        assert_eq!(event(&script, LENGTH - 1), "close");
        assert_eq!(event(&script, LENGTH), "nothing");
    }

    #[test]
    fn progress_follows_from_the_number_of_acknowledged_reports() {
        for (acknowledged, jobs) in [
            (0, [0, 0, 0]),
            (3, [0, 0, 0]),
            (4, [1, 0, 0]),
            (5, [1, 1, 0]),
            (6, [1, 1, 1]),
            (7, [2, 1, 1]),
            (LENGTH - 1, [JOBS; 3]),
            (LENGTH, [JOBS; 3]),
        ] {
            assert_eq!(Progress(acknowledged).jobs(), jobs, "{acknowledged}");
        }
        assert!(!Progress(LENGTH - 1).closed() && Progress(LENGTH).closed());
    }
}
