//! The records of the wire protocol, field by field as a Flowo client of version 2.2.0 writes them.
//!
//! Decides what a record holds, not when it is sent. Absent optional fields are `null`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    data::{Graph, book},
    schedule::threads,
    script::Order,
    work::Work,
};

/// The numbers that a new client gives to the jobs left to do; the target job gets 0.
pub fn ids(done: &[bool]) -> Vec<usize> {
    let mut next = 0;
    let number = |done: &bool| {
        let id = next;
        next += usize::from(!done);
        id
    };
    done.iter().map(number).collect()
}

/// The run's rules, and where they are defined.
pub fn workflow_started(order: &Order, run: Uuid) -> Value {
    let rules: Vec<Value> =
        order.graph.rules.iter().map(|rule| json!({ "name": rule.name, "code": rule.code, "language": rule.language })).collect();
    let snakefile = format!("/data/lab/pipelines/{}/workflow/Snakefile", order.graph.name);
    json!({ "workflow_id": run, "snakefile": snakefile, "rules": rules })
}

/// The graph of the rules, upstream to downstream.
pub fn rule_graph(graph: &Graph) -> Value {
    let name = |rule: usize| &graph.rules[rule].name;
    let nodes: Vec<Value> = graph.rules.iter().map(|rule| json!({ "rule": rule.name })).collect();
    let link = |&(from, to): &(usize, usize)| json!({ "source": from, "target": to, "sourcerule": name(from), "targetrule": name(to) });
    let links: Vec<Value> = graph.rule_edges.iter().map(link).collect();
    json!({ "rulegraph": { "nodes": nodes, "links": links } })
}

/// How many jobs of each rule are left to do.
pub fn run_info(order: &Order) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (work, _) in order.works.iter().zip(order.done).filter(|(_, done)| !**done) {
        *counts.entry(work.rule.name.as_str()).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let mut stats: Map<String, Value> = counts.into_iter().map(|(rule, n)| (rule.to_owned(), n.into())).collect();
    stats.insert("total".to_owned(), total.into());
    json!({ "stats": stats })
}

/// The description of one job; `mem_mb` is the memory of this attempt.
pub fn job_info(order: &Order, job: usize, mem_mb: u64) -> Value {
    let work = &order.works[job];
    let threads = threads(work, order.cores);
    let wildcards: Map<String, Value> = work.wildcards.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    let minutes = (book().kinds[&work.rule.kind].median_s / 15.0).ceil().max(5.0) as u64;
    json!({
        "job_id": ids(&order.done[..=job])[job],
        "rule_name": work.rule.name,
        "threads": threads,
        "input": work.input,
        "output": work.output,
        "log": work.log,
        "benchmark": work.benchmark,
        "rule_msg": null,
        "wildcards": wildcards,
        "reason": reason(order, work),
        "shellcmd": work.shell_command(threads, mem_mb),
        "priority": if work.rule.kind == "download" { 10 } else { 0 },
        "resources": {
            "tmpdir": "/tmp",
            "mem_mb": mem_mb,
            "mem": format!("{mem_mb} MB"),
            "mem_mib": mem_mb * 1_000_000 / 1_048_576,
            "runtime": minutes,
        },
    })
}

/// Why the job has to be done, in Snakemake's words.
fn reason(order: &Order, work: &Work) -> Option<String> {
    let mut parts = Vec::new();
    if !work.output.is_empty() {
        parts.push(format!("Missing output files: {}", work.output.join(", ")));
    }
    let fresh: Vec<&str> = work
        .needs
        .iter()
        .filter(|&&from| !order.done[from])
        .flat_map(|&from| order.works[from].output.iter().take(order.works[from].rule.passes))
        .map(String::as_str)
        .collect();
    if !fresh.is_empty() {
        parts.push(format!("Input files updated by another job: {}", fresh.join(", ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// An error of the run; clients fill in only the class of the exception.
pub fn error(exception: &str) -> Value {
    json!({
        "exception": exception,
        "location": null,
        "rule": null,
        "traceback": null,
        "file": null,
        "line": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_numbers_leave_out_what_is_done() {
        assert_eq!(ids(&[false, true, false, true, false]), [0, 1, 1, 2, 2]);
    }
}
