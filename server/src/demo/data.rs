//! The built-in data of the demo lab: shapes of six public pipelines, usual durations,
//! usual failures, and the lab's people and projects.
//!
//! Reads the files of `data/demo/`, whose `README.md` names sources and licences. Does not decide which runs exist.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, de::DeserializeOwned};

/// All built-in data of the lab.
pub struct Book {
    pub graphs: Vec<Graph>,
    pub kinds: BTreeMap<String, Kind>,
    pub failures: Vec<Failure>,
    pub projects: Vec<Project>,
}

/// The shape of one pipeline.
#[derive(Deserialize)]
pub struct Graph {
    pub name: String,
    /// Whether a smaller run takes its samples from all over the sample sheet instead of from its top.
    pub spread: bool,
    pub rules: Vec<Rule>,
    /// Positions in `rules`, producer first.
    pub rule_edges: Vec<(usize, usize)>,
    pub jobs: Vec<Job>,
    /// Positions in `jobs`, producer first.
    pub job_edges: Vec<(usize, usize)>,
}

/// One rule of a pipeline.
#[derive(Deserialize)]
pub struct Rule {
    pub name: String,
    /// Key of [`Book::kinds`].
    pub kind: String,
    /// Names of the wildcards of the rule's jobs.
    pub wildcards: Vec<String>,
    /// Endings of its output files.
    pub outputs: Vec<String>,
    /// How many of the outputs later jobs read.
    pub passes: usize,
    pub benchmark: bool,
    /// `bash`, `python` or `r`; absent, like `code`, if the rule only gathers.
    pub language: Option<String>,
    pub code: Option<String>,
}

/// One job of a pipeline.
#[derive(Deserialize)]
pub struct Job {
    /// Position in [`Graph::rules`].
    pub rule: usize,
    /// Values of the rule's wildcards, in their order.
    #[serde(default)]
    pub values: Vec<String>,
    #[serde(default = "one")]
    pub threads: usize,
    /// Memory that the pipeline itself requests, in MB.
    pub mem_mb: Option<u64>,
}

/// What jobs of one kind usually cost.
#[derive(Deserialize)]
pub struct Kind {
    pub median_s: f64,
    pub sigma: f64,
    pub mem_mb: u64,
}

/// One way for a job to fail.
#[derive(Deserialize)]
pub struct Failure {
    /// Relative frequency among the failures.
    pub weight: f64,
    /// Class name of the exception that is reported.
    pub exception: String,
    /// When the job fails, as lower and upper bound of the share of its usual time.
    pub part: (f64, f64),
    /// Whether the next attempt asks for more memory.
    pub more_memory: bool,
    /// Kinds of job that can fail this way.
    pub kinds: Vec<String>,
}

/// One directory in which one person runs one pipeline again and again.
#[derive(Deserialize)]
pub struct Project {
    /// Name of one of [`Book::graphs`].
    pub pipeline: String,
    pub subject: String,
    /// One of the lab's members.
    pub user: String,
    /// Tags in addition to `demo`.
    pub tags: Vec<String>,
    /// Lowest and highest number of samples of a run; 0 for all that the pipeline has.
    pub samples: (usize, usize),
    pub cores: usize,
    /// Relative frequency among the projects.
    pub weight: f64,
}

impl Book {
    /// The pipeline of that name, which must be one of the six.
    pub fn graph(&self, name: &str) -> &Graph {
        let found = self.graphs.iter().find(|graph| graph.name == name);
        found.unwrap_or_else(|| panic!("no pipeline {name} in the lab"))
    }
}

/// The data, parsed once.
pub fn book() -> &'static Book {
    static BOOK: LazyLock<Book> = LazyLock::new(|| Book {
        graphs: GRAPHS.iter().map(|text| read(text)).collect(),
        kinds: read::<Durations>(include_str!("../../data/demo/durations.json")).kinds,
        failures: read::<Failures>(include_str!("../../data/demo/failures.json")).failures,
        projects: read::<Projects>(include_str!("../../data/demo/projects.json")).projects,
    });
    &BOOK
}

const GRAPHS: [&str; 6] = [
    include_str!("../../data/demo/single-cell-rna-seq.json"),
    include_str!("../../data/demo/rna-seq-kallisto-sleuth.json"),
    include_str!("../../data/demo/cyrcular-calling.json"),
    include_str!("../../data/demo/dna-seq-benchmark.json"),
    include_str!("../../data/demo/rna-seq-star-deseq2.json"),
    include_str!("../../data/demo/dna-seq-gatk-variant-calling.json"),
];

#[derive(Deserialize)]
struct Durations {
    kinds: BTreeMap<String, Kind>,
}

#[derive(Deserialize)]
struct Failures {
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
struct Projects {
    projects: Vec<Project>,
}

const fn one() -> usize {
    1
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the built-in lab data is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pipeline_names_its_source_and_licence() {
        for text in GRAPHS {
            let file: serde_json::Value = read(text);
            assert!(file["source"].as_str().is_some_and(|source| source.contains('/')));
            assert_eq!(file["commit"].as_str().map(str::len), Some(40));
            assert_eq!(file["license"], "MIT");
        }
    }

    #[test]
    fn positions_kinds_and_wildcards_of_the_data_agree() {
        let book = book();
        for graph in &book.graphs {
            for rule in &graph.rules {
                assert!(book.kinds.contains_key(&rule.kind), "{}", rule.name);
                assert!(rule.outputs.is_empty() || rule.passes <= rule.outputs.len());
                assert_eq!(rule.language.is_some(), rule.code.is_some());
            }
            for job in &graph.jobs {
                assert_eq!(job.values.len(), graph.rules[job.rule].wildcards.len());
            }
            for (from, to) in &graph.job_edges {
                assert!(*from < graph.jobs.len() && *to < graph.jobs.len());
            }
            for (from, to) in &graph.rule_edges {
                assert!(*from < graph.rules.len() && *to < graph.rules.len());
            }
        }
    }

    #[test]
    fn every_failure_can_happen_in_some_pipeline() {
        let book = book();
        for failure in &book.failures {
            for kind in &failure.kinds {
                assert!(book.kinds.contains_key(kind), "{kind}");
            }
            assert!(failure.weight > 0.0 && failure.part.0 <= failure.part.1);
        }
    }

    #[test]
    fn every_project_runs_a_pipeline_there_is() {
        let book = book();
        for project in &book.projects {
            assert_eq!(book.graph(&project.pipeline).name, project.pipeline);
            assert!(project.samples.0 <= project.samples.1);
            assert!(!project.tags.is_empty() && project.cores > 0 && project.weight > 0.0);
        }
    }

    #[test]
    fn the_data_stays_small() {
        let bytes: usize = GRAPHS.iter().map(|text| text.len()).sum();

        assert!(bytes < 300_000, "{bytes} bytes");
    }
}
