//! The jobs of one run: its samples, the files that each job reads and writes, and its commands.
//!
//! Knows nothing of time, randomness or reports. The same arguments give the same jobs in the same order, so that a
//! later attempt knows which of them are done.

use std::collections::{BTreeMap, BTreeSet};

use super::data::{Graph, Job, Rule, book};

/// One job of one run, with its files.
pub struct Work {
    pub rule: &'static Rule,
    pub wildcards: Vec<(&'static str, String)>,
    pub threads: usize,
    pub mem_mb: u64,
    /// Positions of the jobs whose files it reads.
    pub needs: Vec<usize>,
    /// Positions of the jobs that read its files.
    pub feeds: Vec<usize>,
    pub input: Vec<String>,
    pub output: Vec<String>,
    pub log: Vec<String>,
    pub benchmark: Vec<String>,
}

/// The jobs of a run of `graph` over `samples` samples (0: all), the target rule's first.
///
/// `slug` replaces the placeholder names in the sample sheet.
pub fn lay_out(graph: &'static Graph, samples: usize, slug: &str) -> Vec<Work> {
    let left_out = left_out(graph, samples);
    let mut kept: Vec<usize> =
        (0..graph.jobs.len()).filter(|&job| sample(graph, &graph.jobs[job]).is_none_or(|name| !left_out.contains(name))).collect();
    kept.sort_by_key(|&job| graph.rules[graph.jobs[job].rule].name != "all");
    let place: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(new, &old)| (old, new)).collect();

    let mut works: Vec<Work> = kept.iter().map(|&job| alone(graph, &graph.jobs[job], slug)).collect();
    for (from, to) in &graph.job_edges {
        if let (Some(&from), Some(&to)) = (place.get(from), place.get(to)) {
            works[to].needs.push(from);
            works[from].feeds.push(to);
        }
    }
    for to in 0..works.len() {
        works[to].input = inputs(&works, to);
    }
    works
}

impl Work {
    /// The command as the shell gets it; `None` for scripts and for rules that only gather.
    pub fn shell_command(&self, threads: usize, mem_mb: u64) -> Option<String> {
        if self.rule.language.as_deref() != Some("bash") {
            return None;
        }
        let mut text = self.rule.code.clone()?;
        for (what, files) in [("input", &self.input), ("output", &self.output)] {
            text = text.replace(&format!("{{{what}}}"), &files.join(" "));
            for index in 0..3 {
                let file = files.get(index).or(files.last()).map_or("", String::as_str);
                text = text.replace(&format!("{{{what}[{index}]}}"), file);
            }
        }
        text = text.replace("{log}", &self.log.join(" "));
        text = text.replace("{threads}", &threads.to_string());
        Some(text.replace("{resources.mem_mb}", &mem_mb.to_string()))
    }
}

/// The job without its dependencies.
fn alone(graph: &'static Graph, job: &Job, slug: &str) -> Work {
    let rule = &graph.rules[job.rule];
    let wildcards: Vec<(&'static str, String)> =
        rule.wildcards.iter().zip(&job.values).map(|(name, value)| (name.as_str(), in_place(name, value, slug))).collect();
    let stem = stem(rule, &wildcards);
    let folder = match rule.kind.as_str() {
        "download" | "genome_index" => "resources",
        "plot" => "results/plots",
        _ => "results",
    };
    let named = |folder: &str, ending: &str| format!("{folder}/{}/{stem}{ending}", rule.name);
    let usual = book().kinds.get(&rule.kind).map_or(1000, |kind| kind.mem_mb);
    let runs_something = rule.code.is_some();
    Work {
        rule,
        threads: job.threads,
        mem_mb: job.mem_mb.unwrap_or((usual * 5 / 4).next_multiple_of(250)),
        needs: Vec::new(),
        feeds: Vec::new(),
        input: Vec::new(),
        output: rule.outputs.iter().map(|ending| named(folder, ending)).collect(),
        log: if runs_something { vec![named("logs", ".log")] } else { Vec::new() },
        benchmark: if rule.benchmark { vec![named("benchmarks", ".tsv")] } else { Vec::new() },
        wildcards,
    }
}

/// The inputs of `works[to]`: the outputs of the jobs before it, or files that existed before the run.
fn inputs(works: &[Work], to: usize) -> Vec<String> {
    let work = &works[to];
    let mut made: Vec<String> =
        work.needs.iter().flat_map(|&from| works[from].output.iter().take(works[from].rule.passes)).cloned().collect();
    made.sort_by_key(|file| standing(file));
    if !made.is_empty() || work.rule.kind == "download" {
        return made;
    }
    if work.wildcards.iter().any(|(name, _)| *name == "sample") {
        let stem = stem(work.rule, &work.wildcards);
        return vec![format!("data/reads/{stem}_R1.fastq.gz"), format!("data/reads/{stem}_R2.fastq.gz")];
    }
    vec!["config/samples.tsv".to_owned()]
}

/// Sort key of inputs: reads come first, references and indices last.
fn standing(file: &str) -> u8 {
    let ends = |endings: &[&str]| endings.iter().any(|ending| file.ends_with(ending));
    if file.starts_with("resources/") || ends(&[".fai", ".bai", ".csi", ".tbi", ".dict"]) {
        2
    } else {
        u8::from(!ends(&[".bam", ".fastq.gz"]))
    }
}

/// The name of a job's files, without directory and extension.
fn stem(rule: &Rule, wildcards: &[(&'static str, String)]) -> String {
    if wildcards.is_empty() {
        return rule.name.clone();
    }
    let values: Vec<String> = wildcards.iter().map(|(_, value)| value.replace('/', "_")).collect();
    values.join(".")
}

/// The wildcard value with the sheet's placeholder names replaced.
fn in_place(name: &str, value: &str, slug: &str) -> String {
    if name == "sample" && value.len() == 1 {
        return format!("{slug}-{value}");
    }
    value.replace("example", slug)
}

fn sample<'a>(graph: &Graph, job: &'a Job) -> Option<&'a str> {
    let names = &graph.rules[job.rule].wildcards;
    let at = names.iter().position(|name| name == "sample")?;
    job.values.get(at).map(String::as_str)
}

/// The samples of the sheet that a run over `samples` samples leaves out.
fn left_out(graph: &Graph, samples: usize) -> BTreeSet<&str> {
    let sheet: BTreeSet<&str> = graph.jobs.iter().filter_map(|job| sample(graph, job)).collect();
    let all = sheet.len();
    if samples == 0 || samples >= all {
        return BTreeSet::new();
    }
    let has = |index: usize| {
        if graph.spread { index * samples % all < samples } else { index < samples }
    };
    sheet.into_iter().enumerate().filter(|(index, _)| !has(*index)).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_has_files_of_its_own_and_no_gap_in_its_command() {
        for graph in &book().graphs {
            let works = lay_out(graph, 0, "liver");
            let mut seen = BTreeSet::new();

            assert_eq!(works.len(), graph.jobs.len());
            assert_eq!(works[0].rule.name, "all");
            for work in &works {
                for file in &work.output {
                    assert!(seen.insert(file.clone()), "{file} is written twice");
                }
                let command = work.shell_command(2, 1000).unwrap_or_default();
                for gap in ["{input", "{output", "{log", "{threads", "{resources"] {
                    assert!(!command.contains(gap), "{command}");
                }
            }
        }
    }

    #[test]
    fn a_smaller_run_has_the_samples_asked_for() {
        for (name, asked) in [("rna-seq-star-deseq2", 8), ("dna-seq-gatk-variant-calling", 3)] {
            let works = lay_out(book().graph(name), asked, "x");
            let samples: BTreeSet<&str> = works
                .iter()
                .flat_map(|work| &work.wildcards)
                .filter(|(name, _)| *name == "sample")
                .map(|(_, value)| value.as_str())
                .collect();

            assert_eq!(samples.len(), asked, "{samples:?}");
        }
    }

    #[test]
    fn whoever_is_needed_feeds() {
        let works = lay_out(book().graph("cyrcular-calling"), 0, "x");

        for (to, work) in works.iter().enumerate() {
            for &from in &work.needs {
                assert!(works[from].feeds.contains(&to));
            }
        }
    }
}
