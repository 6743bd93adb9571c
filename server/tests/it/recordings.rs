//! Every recorded conversation ends in the state that its `expected.json` names.

use crate::{
    lab::Lab,
    replay::{Line, expected, hold, lines},
};
use ingest::protocol::Timeouts;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Our word for a recorded state of a run.
fn run_word(word: &str) -> &'static str {
    match word {
        "RUNNING" => "running",
        "SUCCESS" => "success",
        "ERROR" => "failed",
        "ABORTED" => "lost",
        "WAITING" => "waiting",
        other => panic!("no word for {other}"),
    }
}

/// Our word for a recorded state of a job.
fn job_word(word: &str) -> &'static str {
    if word == "UNKNOWN" { "lost" } else { run_word(word) }
}

/// Compares a run read through the public API with the expected one.
pub async fn check(lab: &Lab, name: &str, id: &str, expected: &Value, whole: bool) {
    let run = lab.api(&format!("/runs/{id}")).await;
    let expected_run = &expected["run"];
    assert_eq!(run["status"], run_word(expected_run["state"].as_str().expect("a state")), "{name}: status of {run:#}");
    assert_eq!(run["dry_run"], expected_run["dry_run"], "{name}");
    assert_eq!(run["name"], expected_run["name"].as_str().unwrap_or(""), "{name}");
    assert_eq!(run["tags"], expected_run["tags"], "{name}");
    assert_eq!(run["directory"], expected_run["workdir"], "{name}");
    assert_eq!(run["catalog_slug"], expected_run["catalog_slug"], "{name}");
    assert_eq!(run["closed_by_client"], expected_run["closed_by_client"], "{name}");
    if whole {
        assert_eq!(run["snakefile"], expected_run["snakefile"], "{name}");
        let rules = lab.api(&format!("/runs/{id}/rules")).await;
        let names: Vec<&str> = rules["items"].as_array().expect("rules").iter().filter_map(|rule| rule["name"].as_str()).collect();
        for rule in expected_run["rules_listed"].as_array().expect("rules") {
            assert!(names.contains(&rule.as_str().expect("a name")), "{name}: {rule} in {names:?}");
        }
    }
    let errors: Vec<&str> = run["errors"].as_array().expect("errors").iter().filter_map(|error| error["exception"].as_str()).collect();
    let mut wanted: Vec<&str> = expected_run["errors"].as_array().expect("errors").iter().filter_map(Value::as_str).collect();
    wanted.dedup(); // The same error twice in a row is one report that arrived twice.
    let mut seen = errors.clone();
    seen.dedup();
    assert_eq!(seen, wanted, "{name}: errors");
    if let Some(planned) = expected_run["planned"].as_object() {
        assert_eq!(run["jobs"]["planned"], planned["total"], "{name}");
        let mut per_rule = planned.clone();
        per_rule.remove("total");
        assert_eq!(run["planned"], Value::Object(per_rule), "{name}");
    }
    check_jobs(lab, name, id, expected).await;
}

async fn check_jobs(lab: &Lab, name: &str, id: &str, expected: &Value) {
    let rows = lab.all(&format!("/runs/{id}/jobs?attempts=all")).await;
    let jobs = expected["jobs"].as_object().expect("jobs");
    let newest = rows.iter().filter(|row| row["superseded"] == json!(false)).count();
    assert_eq!(newest, jobs.len(), "{name}: jobs");
    for (job_id, job) in jobs {
        let mut attempts: Vec<&Value> = rows.iter().filter(|row| row["job_id"].as_i64() == job_id.parse().ok()).collect();
        attempts.sort_by_key(|row| row["attempt"].as_i64());
        let states: Vec<&str> = attempts.iter().filter_map(|row| row["status"].as_str()).collect();
        let mut wanted: Vec<&str> =
            job["attempt_states"].as_array().expect("states").iter().filter_map(Value::as_str).map(job_word).collect();
        if wanted.is_empty() {
            wanted.push(job_word(job["state"].as_str().expect("a state")));
        }
        assert_eq!(states, wanted, "{name}: attempts of job {job_id}");
        let last = attempts.last().expect("an attempt");
        assert_eq!(last["rule"], job["rule"], "{name}: rule of job {job_id}");
        if let Some(wildcards) = job["wildcards"].as_object() {
            let shown: Map<String, Value> = wildcards.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            assert_eq!(last["wildcards"], Value::Object(shown), "{name}: wildcards of job {job_id}");
        }
        assert_eq!(last["threads"], job["threads"], "{name}: threads of job {job_id}");
        if job["files"].is_object() {
            assert_eq!(last["files"], job["files"], "{name}: files of job {job_id}");
        }
        if states.last() == Some(&"waiting") {
            assert!(last["started_at"].is_null() && last["ended_at"].is_null(), "{name}: job {job_id} never ran");
        }
    }
    let run = lab.api(&format!("/runs/{id}")).await;
    for (word, count) in expected["counts"]["by_state"].as_object().into_iter().flatten() {
        assert_eq!(&run["jobs"][job_word(word)], count, "{name}: {word}");
    }
}

async fn replayed(version: &str, twice: bool) {
    let lab = Lab::new().await;
    for (name, wanted) in expected(version).as_object().expect("recordings") {
        let once = lines(version, name);
        let sent: Vec<Line> = if twice { once.iter().flat_map(|line| [line.clone(), line.clone()]).collect() } else { once };
        let id = hold(&lab, &sent).await;
        check(&lab, name, &id, wanted, true).await;
        check_reports(&lab, name, &id, twice).await;
    }
}

/// Every report about a job is linked from it.
async fn check_reports(lab: &Lab, name: &str, id: &str, twice: bool) {
    let job_events = "('job_info', 'job_finished', 'job_error')";
    let query = format!(
        "select count(*)::text from ingest_events e
          where e.workflow_run_id = '{id}' and e.event in {job_events} and e.outcome = 'applied'
            and not exists (select from job_executions j where j.workflow_run_id = e.workflow_run_id and e.id = any(j.reports))"
    );
    // The second of two equal reports changes nothing and is linked from no job.
    if !twice {
        assert_eq!(lab.database.text(&query).await.as_deref(), Some("0"), "{name}: reports of no job");
    }
    let query = format!(
        "select count(*)::text from job_executions j, unnest(j.reports) r
          where j.workflow_run_id = '{id}' and not exists (select from ingest_events e where e.id = r and e.workflow_run_id = j.workflow_run_id)"
    );
    assert_eq!(lab.database.text(&query).await.as_deref(), Some("0"), "{name}: reports of other runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_conversation_of_2_2_0_ends_as_expected() {
    replayed("2.2.0", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_conversation_of_2_1_1_ends_as_expected() {
    replayed("2.1.1", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_report_sent_twice_in_a_row_changes_nothing() {
    replayed("2.2.0", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_whose_start_never_arrived_is_found_by_its_log_file() {
    let lab = Lab::new().await;
    let all = expected("2.2.0");
    for name in ["lost_start", "lost_start_recovered"] {
        let mut rest = lines("2.2.0", name);
        rest.remove(0);
        let id = hold(&lab, &rest).await;
        check(&lab, name, &id, &all[name], false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_recording_with_other_ids_is_another_run() {
    let lab = Lab::new().await;
    let first = hold(&lab, &lines("2.2.0", "ok")).await;
    let second = hold(&lab, &lines("2.2.0", "ok")).await;
    assert_ne!(first, second);
    assert_eq!(lab.api("/runs").await["total"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_silent_run_is_lost_with_its_running_job() {
    let lab = Lab::new().await;
    let id = hold(&lab, &lines("2.2.0", "sigkill")).await;
    let mut conn = lab.database.later(Duration::from_mins(2)).store.conn().await.expect("a connection");

    let lost = store::sweep::lose_silent(&mut conn, &ingest::protocol::silences(&Timeouts { heartbeat: 60, quiet: 3600, stale: None }), 0)
        .await
        .expect("the sweep runs");

    assert_eq!(lost.len(), 1);
    assert_eq!(lab.api(&format!("/runs/{id}")).await["status"], "lost");
    let jobs = lab.all(&format!("/runs/{id}/jobs")).await;
    let of = |job: i64| jobs.iter().find(|row| row["job_id"] == job).expect("the job")["status"].clone();
    assert_eq!((of(2), of(3)), (json!("lost"), json!("success")));
}
