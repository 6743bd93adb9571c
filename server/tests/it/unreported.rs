//! What clients do not report, over HTTP: the server derives it from other reports or from the run's log, and says so.
//! Reports that only look like those of a run create no run.

use crate::lab::Lab;
use ingest::protocol::Timeouts;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use uuid::Uuid;

/// A Flowo client, which knows its run's id once the server has sent it.
pub struct Client<'a> {
    lab: &'a Lab,
    context: Value,
}

impl<'a> Client<'a> {
    /// A client before its first report. `directory` holds its log.
    fn new(lab: &'a Lab, directory: &Path) -> Self {
        let log = directory.join(format!("log_{}.log", Uuid::new_v4()));
        let context = json!({ "current_workflow_id": null, "dryrun": false, "jobs": {}, "logfile": log, "flowo_project_name": "some run",
                              "flowo_tags": [], "workdir": directory });
        Self { lab, context }
    }

    /// A client that executes a workflow.
    pub async fn started(lab: &'a Lab, directory: &Path) -> Self {
        let mut client = Self::new(lab, directory);
        client.executes();
        client.send_event("workflow_started", json!({ "workflow_id": Uuid::now_v7(), "snakefile": "Snakefile", "rules": [] })).await;
        client
    }

    /// The client collects these right before it sends its start.
    fn executes(&mut self) {
        self.context["configfiles"] = json!([]);
        self.context["config_digest"] = json!("44136fa3");
    }

    pub async fn send_event(&mut self, event: &str, record: Value) {
        let response = self.lab.event(event, record, self.context.clone()).await;
        assert_eq!(response.status(), StatusCode::OK, "{event}");
        let answer: Value = response.json().await.expect("JSON");
        for (key, value) in answer["context"].as_object().expect("a context") {
            self.context[key] = value.clone();
        }
    }

    pub async fn begins(&mut self, job: i64) {
        self.send_event("job_started", json!({ "job_ids": [job] })).await;
        self.describes(job).await;
    }

    async fn describes(&mut self, job: i64) {
        let output = format!("{job}.txt");
        self.send_event("job_info", json!({ "job_id": job, "rule_name": "make", "input": [], "output": [output], "wildcards": {} })).await;
    }

    /// Closes its run, as the real client does if it knows one.
    pub async fn ends(&self) {
        if let Some(id) = self.id() {
            let path = format!("/api/v1/reports/close?workflow_id={id}");
            assert_eq!(self.lab.post(&path).send().await.expect("an answer").status(), StatusCode::OK);
        }
    }

    pub fn id(&self) -> Option<String> {
        self.context["current_workflow_id"].as_str().map(str::to_owned)
    }

    async fn run(&self) -> Value {
        self.lab.api(&format!("/runs/{}", self.id().expect("a run"))).await
    }

    /// Status, attempt and origin of all attempts, by job number.
    async fn jobs(&self) -> Vec<(i64, i64, String, Option<String>)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let rows = self.lab.all(&format!("/runs/{}/jobs?attempts=all", self.id().expect("a run"))).await;
        let row = |row: &Value| {
            let number = |key: &str| row[key].as_i64().expect("a number");
            (number("job_id"), number("attempt"), text(&row["status"]).expect("a status"), text(&row["filled_from"]))
        };
        let mut jobs: Vec<_> = rows.iter().map(row).collect();
        jobs.sort();
        jobs
    }

    pub fn log(&self, text: &str) {
        fs::write(self.context["logfile"].as_str().expect("a path"), text).expect("a log");
    }
}

fn job(job: i64, attempt: i64, status: &str, filled: Option<&str>) -> (i64, i64, String, Option<String>) {
    (job, attempt, status.to_owned(), filled.map(str::to_owned))
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_reports_no_ends_and_no_error_has_done_its_jobs() {
    let (lab, place) = (Lab::new().await, directory());
    let mut client = Client::started(&lab, place.path()).await;
    client.begins(1).await;
    client.begins(2).await;
    client.send_event("job_finished", json!({ "job_id": 2 })).await;

    client.ends().await;

    let run = client.run().await;
    assert_eq!((&run["status"], &run["jobs"]["success"], &run["jobs"]["lost"]), (&json!("success"), &json!(2), &json!(0)));
    assert_eq!(client.jobs().await, [job(1, 1, "success", Some("close")), job(2, 1, "success", None)]);
    let notes = run["notes"].as_array().expect("notes");
    assert!(notes.len() == 1 && notes[0].as_str().is_some_and(|note| note.contains("the end of 1 job.")), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_start_that_comes_after_its_description_is_of_the_same_attempt() {
    let (lab, place) = (Lab::new().await, directory());
    let mut client = Client::started(&lab, place.path()).await;

    client.describes(1).await;
    client.send_event("job_started", json!({ "job_ids": [1] })).await;
    client.send_event("job_started", json!({ "job_ids": [1] })).await;
    client.send_event("job_finished", json!({ "job_id": 1 })).await;

    assert_eq!(client.jobs().await, [job(1, 1, "success", None)]);
    let jobs = lab.all(&format!("/runs/{}/jobs", client.id().expect("a run"))).await;
    assert_eq!((jobs.len(), &jobs[0]["rule"], &jobs[0]["files"]["output"]), (1, &json!("make"), &json!(1)), "with its description");

    client.ends().await;

    let run = client.run().await;
    assert_eq!((&run["status"], &run["jobs"]["success"], &run["jobs"]["lost"]), (&json!("success"), &json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_only_looks_at_a_workflow_runs_nothing() {
    let (lab, place) = (Lab::new().await, directory());
    let graph = json!({ "rulegraph": { "nodes": [{ "rule": "all" }], "links": [] } });
    let mut looks = Client::new(&lab, place.path());

    looks.send_event("rulegraph", graph.clone()).await;
    looks.ends().await;

    assert_eq!((looks.id(), lab.api("/runs").await["total"].clone()), (None, json!(0)));

    // An error in such a run is shown.
    looks.send_event("error", json!({ "exception": "WorkflowError" })).await;
    looks.ends().await;
    assert_eq!((&looks.run().await["status"], &looks.run().await["errors"][0]["exception"]), (&json!("failed"), &json!("WorkflowError")));

    // A run whose start was lost is shown as running.
    let mut runs = Client::new(&lab, place.path());
    runs.executes();
    runs.send_event("rulegraph", graph).await;
    assert_eq!(runs.run().await["status"], "running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_too_long_to_be_kept_says_so() {
    let (lab, place) = (Lab::new().await, directory());
    let mut client = Client::new(&lab, place.path());
    client.executes();
    client.context["flowo_project_name"] = json!("x".repeat(60_000));
    client.context["flowo_tags"] = json!((0..6_000).map(|n| format!("tag {n}")).collect::<Vec<_>>());

    client.send_event("workflow_started", json!({ "workflow_id": Uuid::now_v7(), "snakefile": "Snakefile", "rules": [] })).await;

    let notes = client.run().await["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .map(|note| note.as_str().unwrap_or("").to_owned())
        .collect::<Vec<_>>();
    let thin = |text: &str| text.replace('_', "\u{202f}");
    assert_eq!(
        notes,
        [
            thin("The client sent a name of 60_000 bytes. Flowo keeps the first 1_000"),
            thin("The client sent 6_000 tags. Flowo keeps the first 100"),
        ]
    );
}

/// A log as Snakemake writes it; `rest` follows three jobs, the second of which is done.
fn log(rest: &str) -> String {
    format!(
        "  Date: 2026-11-29 19:25:54\n[Sun Nov 29 19:25:55 2026]\nrule make:\n    output: 1.txt\n    jobid: 1\n    wildcards: n=1\n\
         [Sun Nov 29 19:25:56 2026]\nrule make:\n    output: 2.txt\n    log: logs/2.log\n    jobid: 2\n    priority: highest\nShell command: true\n\
         [Sun Nov 29 19:25:58 2026]\nFinished jobid: 2 (Rule: make)\n2 of 3 steps (66%) done\n\
         [Sun Nov 29 19:25:59 2026]\nrule sum:\n    input: 2.txt\n    output: 3.txt\n    jobid: 3\n{rest}"
    )
}

const DONE: &str = "[Sun Nov 29 19:26:01 2026]\nFinished jobid: 3 (Rule: sum)\n3 of 3 steps (100%) done\nComplete log(s): x\n";

const STOPPED: &str = "Terminating processes on user request, this might take some time.\n[Sun Nov 29 19:26:01 2026]\nError in rule sum:\n    \
                       message: None\n    jobid: 3\nComplete log(s): x\nWorkflowError:\nAt least one job did not complete successfully.\n";

async fn until_jobs(client: &Client<'_>, wanted: &[(i64, i64, String, Option<String>)]) {
    testkit::until(&format!("{wanted:?}"), async || (client.jobs().await == wanted).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_not_heard_is_filled_in_from_the_log_of_the_run() {
    let (lab, place) = (Lab::new().await, directory());
    let mut client = Client::started(&lab, place.path()).await;
    client.begins(1).await;
    client.send_event("job_finished", json!({ "job_id": 1 })).await;
    // The client does not describe this job, and nothing arrives about the last one.
    client.send_event("job_started", json!({ "job_ids": [2] })).await;
    client.send_event("job_finished", json!({ "job_id": 2 })).await;
    client.log(&log(DONE));

    client.ends().await;

    until_jobs(&client, &[job(1, 1, "success", None), job(2, 1, "success", Some("log")), job(3, 1, "success", Some("log"))]).await;
    let run = client.run().await;
    assert_eq!((&run["status"], &run["jobs"]["success"]), (&json!("success"), &json!(3)));
    let jobs = lab.all(&format!("/runs/{}/jobs", client.id().expect("a run"))).await;
    let of = |id: i64| jobs.iter().find(|job| job["job_id"] == id).expect("the job");
    assert_eq!((&of(2)["rule"], &of(2)["shell_command"], &of(2)["files"]["log"]), (&json!("make"), &json!("true"), &json!(1)));
    assert_eq!((&of(3)["rule"], &of(3)["files"]["output"]), (&json!("sum"), &json!(1)));
    assert!(of(3)["started_at"].as_str() < of(3)["ended_at"].as_str(), "{}", of(3));
    assert!(run["notes"][0].as_str().is_some_and(|note| note.starts_with("2 jobs were not reported in full")), "{}", run["notes"]);
}

/// A job in a log, with this many inputs.
fn described(job: i64, inputs: usize) -> String {
    let inputs: Vec<String> = (0..inputs).map(|n| format!("in/{n:012}.txt")).collect();
    format!(
        "[Sun Nov 29 19:25:56 2026]\nrule r{job}:\n    input: {}\n    output: {job}.txt\n    jobid: {job}\nShell command: true\n\
         [Sun Nov 29 19:25:57 2026]\nFinished jobid: {job} (Rule: r{job})\n",
        inputs.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_left_out_of_the_log_of_a_run_is_said_with_the_way_to_it() {
    let (lab, place) = (Lab::new().await, directory());
    let mut client = Client::started(&lab, place.path()).await;
    client.begins(1).await;
    let error = |job: i64| format!("[Sun Nov 29 19:26:00 2026]\nError in rule lost:\n    jobid: {job}\n");
    let errors = (100..3_110).map(error).collect::<Vec<_>>().concat();
    client.log(&format!("  Date: 2026-11-29 19:25:54\n{}{}{errors}Complete log(s): x\n", described(2, 9_000), described(3, 70_000)));

    client.ends().await;

    let of_log =
        |run: Value| run["notes"].as_array()?.iter().filter_map(Value::as_str).find(|note| note.contains("description")).map(str::to_owned);
    let note = testkit::until("the note", async || of_log(client.run().await)).await;
    assert!(note.contains("10 more errors of jobs") && note.contains("the end of the long description of job 3"), "{note}");
    let id = client.id().expect("a run");
    let jobs = lab.all(&format!("/runs/{id}/jobs")).await;
    let inputs = |job: i64| jobs.iter().find(|row| row["job_id"] == job).and_then(|row| row["files"]["input"].as_i64()).expect("files");
    assert_eq!(inputs(2), 9_000, "a description longer than most is read whole");
    assert!((9_000..70_000).contains(&inputs(3)), "{}", inputs(3));
    let cookie = lab.session(lab.owner).await;
    let page = lab.request(Method::GET, &format!("/runs/{id}?tab=info")).header("cookie", cookie).send().await.expect("an answer");
    let html = page.text().await.expect("a page");
    assert!(html.contains("Left out of the log") && html.contains("tab=logs&amp;file=run"), "{html}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_ended_while_nobody_could_hear_it_ends_as_its_log_says() {
    let (lab, place) = (Lab::new().await, directory());
    let mut client = Client::started(&lab, place.path()).await;
    client.begins(1).await;
    client.send_event("job_finished", json!({ "job_id": 1 })).await;
    client.begins(2).await;
    client.log(&log(DONE));
    let mut conn = lab.database.later(Duration::from_mins(2)).store.conn().await.expect("a connection");

    store::sweep::lose_silent(&mut conn, &ingest::protocol::silences(&Timeouts { heartbeat: 60, quiet: 60, stale: None }), 0)
        .await
        .expect("the sweep runs");

    until_jobs(&client, &[job(1, 1, "success", None), job(2, 1, "success", Some("log")), job(3, 1, "success", Some("log"))]).await;
    assert_eq!(client.run().await["status"], "success");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_its_user_stopped_was_cancelled() {
    let (lab, place) = (Lab::new().await, directory());
    let mut client = Client::started(&lab, place.path()).await;
    client.begins(2).await;
    client.send_event("job_finished", json!({ "job_id": 2 })).await;
    client.begins(1).await;
    client.begins(3).await;
    client.send_event("error", json!({ "exception": "RuleException" })).await;
    client.send_event("job_error", json!({ "job_id": 3 })).await;
    client.send_event("error", json!({ "exception": "WorkflowError" })).await;
    client.log(&log(STOPPED));

    client.ends().await;

    until_jobs(&client, &[job(1, 1, "cancelled", Some("close")), job(2, 1, "success", None), job(3, 1, "cancelled", None)]).await;
    assert_eq!(client.run().await["status"], "cancelled");
}

/// Sends a message as a Panoptes client does.
async fn update(lab: &Lab, id: i64, message: Value) {
    let body = json!({ "msg": message.to_string(), "timestamp": "x", "id": id });
    let response = lab.post("/update_workflow_status").json(&body).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
}

/// A workflow started with this command, and two of its jobs.
async fn begun(lab: &Lab, command: &str) -> i64 {
    let request = lab.request(Method::GET, "/create_workflow").bearer_auth(&lab.admin);
    let body = json!({ "command": command, "workdir": "/lab" });
    let made: Value = request.json(&body).send().await.expect("an answer").json().await.expect("JSON");
    let id = made["id"].as_i64().expect("a number");
    update(lab, id, json!({ "level": "info", "msg": "Using shell: /usr/bin/bash" })).await;
    for job in [1, 2] {
        update(lab, id, json!({ "level": "job_info", "jobid": job, "name": "make", "output": [format!("{job}.txt")] })).await;
        update(lab, id, json!({ "level": "shellcmd", "msg": "true" })).await;
    }
    id
}

async fn states(lab: &Lab, command: &str, rest: &[Value]) -> (String, Vec<String>) {
    let id = begun(lab, command).await;
    for message in rest {
        update(lab, id, message.clone()).await;
    }
    let last = json!({ "level": "info", "msg": "Complete log: .snakemake/log/x.snakemake.log" });
    update(lab, id, last).await;
    let word = |value: &Value| value["status"].as_str().expect("a word").to_owned();
    // The old API waits until everything acknowledged is stored.
    let asked = lab.get(&format!("/api/workflow/{id}")).send().await.expect("an answer");
    assert_eq!(asked.status(), StatusCode::OK);
    let run = lab.api("/runs?limit=1&sort=started:desc").await["items"][0].clone();
    let jobs = lab.all(&format!("/runs/{}/jobs?attempts=all", run["id"].as_str().expect("an id"))).await;
    (word(&run), jobs.iter().map(word).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_of_panoptes_that_says_little_has_done_what_it_does_not_call_failed() {
    let lab = Lab::new().await;
    let stop = json!({ "level": "info", "msg": "Terminating processes on user request, this might take some time." });
    let failed = |job: i64| json!({ "level": "job_error", "jobid": job, "name": "make" });
    let gives_up = json!({ "level": "error", "msg": "Exiting because a job execution failed. Look above for error message" });
    for (command, rest, run, jobs) in [
        ("snakemake --cores 2 --quiet", vec![], "success", ["success", "success"]),
        ("snakemake --cores 2", vec![], "failed", ["lost", "lost"]),
        ("snakemake --cores 2 --quiet", vec![failed(1), gives_up], "failed", ["lost", "failed"]),
        ("snakemake --cores 2 --quiet", vec![stop.clone(), failed(1), failed(2)], "cancelled", ["cancelled", "cancelled"]),
        ("snakemake --cores 2", vec![stop, failed(1)], "cancelled", ["cancelled", "cancelled"]),
        // The oldest clients send no command line.
        ("", vec![], "success", ["success", "success"]),
        ("", vec![json!({ "level": "job_finished", "jobid": 1 })], "failed", ["lost", "success"]),
    ] {
        let (run_is, mut jobs_are) = states(&lab, command, &rest).await;
        jobs_are.sort();
        let mut jobs = jobs.map(str::to_owned).to_vec();
        jobs.sort();
        assert_eq!((run_is.as_str(), jobs_are), (run, jobs), "{command} {rest:?}");
    }
}

/// With --quiet, Panoptes' plugin for Snakemake 9 reports which jobs start, and no more of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_of_panoptes_that_reports_starts_alone_has_done_its_jobs_unless_it_reports_an_error() {
    let lab = Lab::new().await;
    let error = |class: &str| json!({ "level": "error", "msg": class, "rule": null, "location": null, "traceback": null });
    let started = |jobs: &[i64]| json!({ "level": "job_started", "jobs": jobs });
    for (rest, run_is, jobs_are) in [
        (vec![started(&[3]), json!({ "level": "workflow_success" })], "success", ("success", Some("close"))),
        (vec![error("RuleException"), started(&[3]), error("WorkflowError")], "failed", ("lost", None)),
    ] {
        let made: Value = lab.get("/create_workflow").send().await.expect("an answer").json().await.expect("JSON");
        let id = made["id"].as_i64().expect("a number");
        update(&lab, id, json!({ "level": "info", "msg": "Workflow started: workflow.py" })).await;
        update(&lab, id, started(&[1, 2])).await;
        for message in rest {
            update(&lab, id, message).await;
        }

        // The old API waits until everything acknowledged is stored.
        assert_eq!(lab.get(&format!("/api/workflow/{id}")).send().await.expect("an answer").status(), StatusCode::OK);
        let run = lab.api("/runs?limit=1&sort=started:desc").await["items"][0].clone();
        let jobs = lab.all(&format!("/runs/{}/jobs?attempts=all", run["id"].as_str().expect("an id"))).await;
        let ends: Vec<_> = jobs.iter().map(|job| (job["status"].as_str().expect("a status"), job["filled_from"].as_str())).collect();
        assert_eq!((run["status"].as_str(), ends), (Some(run_is), vec![jobs_are; 3]), "{run}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_its_client_did_not_describe_is_shown_as_such() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    let id = "0193a4c2-0000-7000-8000-000000000001";
    lab.database
        .sql(&format!(
            "insert into workflow_runs (id, workflow_name, status) values ('{id}', 'quiet', 'running');
             insert into job_executions (workflow_run_id, job_id, status, started_at) values ('{id}', 1, 'running', now())"
        ))
        .await;

    for place in ["tab=jobs", "tab=timeline", "tab=info"] {
        let page =
            lab.request(reqwest::Method::GET, &format!("/runs/{id}?{place}")).header("cookie", &cookie).send().await.expect("a page");
        let html = page.text().await.expect("text");
        assert!(html.contains(model::run::NO_RULE), "{place}: {html}");
    }
}
