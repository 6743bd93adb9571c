//! What a run shows about why it failed, from the reports and the log of real runs: which attempts failed, with which
//! exit status, and the error text of each. Holds even if the log is ahead of the reports.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};
use testkit::until;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/failures").join(name)
}

/// A run in its own directory, as its client reports it.
struct ReportedRun {
    id: String,
    directory: tempfile::TempDir,
    events: Vec<Value>,
}

impl ReportedRun {
    fn new(name: &str) -> Self {
        let id = uuid::Uuid::now_v7().to_string();
        let text = fs::read_to_string(folder(name).join("events.jsonl")).expect("events");
        let text = text.replace("00000000-0000-7000-8000-000000000000", &id);
        let events = text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
        Self { id, directory: tempfile::tempdir().expect("a directory"), events }
    }

    fn log(&self, name: &str) {
        fs::copy(folder(name).join("run.log"), self.directory.path().join("run.log")).expect("a log");
    }

    /// Sends the next `count` events.
    async fn send(&mut self, lab: &Lab, count: usize) {
        for event in self.events.drain(..count.min(self.events.len())).collect::<Vec<_>>() {
            let name = event["event"].as_str().expect("a name");
            let response = if name == "close" {
                lab.post(&format!("/api/v1/reports/close?workflow_id={}", self.id)).send().await.expect("an answer")
            } else {
                let known = (name != "workflow_started").then_some(&self.id);
                let context = json!({ "current_workflow_id": known, "dryrun": false, "jobs": {}, "flowo_project_name": null, "flowo_tags": [],
                    "logfile": self.directory.path().join("run.log"), "workdir": self.directory.path() });
                lab.event(name, event["record"].clone(), context).await
            };
            assert_eq!(response.status(), StatusCode::OK, "{event}");
        }
    }

    async fn jobs_as_text(&self, lab: &Lab) -> String {
        let query = format!(
            "select string_agg(concat_ws(' ', rule, job_id || '#' || attempt, status, exit_code, split_part(error, E'\\n', 1)), E'\\n'
                               order by job_id, attempt)
               from job_executions where workflow_run_id = '{}'",
            self.id
        );
        lab.database.text(&query).await.unwrap_or_default()
    }

    /// Waits until the log is read to its end.
    async fn read(&self, lab: &Lab) {
        let query = format!("select max(read_at)::text from run_logs where workflow_run_id = '{}'", self.id);
        until("the log to be read", || lab.database.text(&query)).await;
    }

    /// The `Failures` that the page shows, as the browser gets them.
    async fn failures(&self, lab: &Lab) -> Value {
        // Files are read with the owner's session.
        let cookie = lab.session(lab.owner).await;
        let request = lab.request(Method::POST, "/_fn/jobs/failures").header("cookie", cookie).json(&json!({ "id": self.id, "at": null }));
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.expect("JSON")
    }
}

const CALLED: &str = "CalledProcessError in file \"/lab/Snakefile\", line";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_attempt_that_failed_says_so_with_its_own_error_and_exit_status() {
    let lab = Lab::new().await;
    for (name, wanted) in [
        (
            "missing-output",
            vec![
                "sub 1#1 failed MissingOutputException in rule sub in file \"/lab/Snakefile\", line 3:".to_owned(),
                "dd 2#1 failed MissingOutputException in rule dd in file \"/lab/Snakefile\", line 6:".to_owned(),
            ],
        ),
        (
            "in-other-words",
            vec![
                "ensured 1#1 failed WorkflowError in rule ensured in file \"/lab/Snakefile\", line 3:".to_owned(),
                "checked 2#1 failed WorkflowError in rule checked in file \"/lab/Snakefile\", line 6:".to_owned(),
                "improper 3#1 failed ImproperOutputException in rule improper in file \"/lab/Snakefile\", line 9:".to_owned(),
                "missing 4#1 failed MissingOutputException in rule missing in file \"/lab/Snakefile\", line 12:".to_owned(),
                "missing 5#1 failed MissingOutputException in rule missing in file \"/lab/Snakefile\", line 12:".to_owned(),
                format!("uses 6#1 failed 9 {CALLED} 22:"),
                "temped 7#1 success".to_owned(),
                "withmsg 8#1 failed MissingOutputException in rule withmsg in file \"/lab/Snakefile\", line 23:".to_owned(),
                "retried 9#1 failed MissingOutputException in rule retried in file \"/lab/Snakefile\", line 27:".to_owned(),
                "retried 9#2 failed MissingOutputException in rule retried in file \"/lab/Snakefile\", line 27:".to_owned(),
                "retried 10#1 failed MissingOutputException in rule retried in file \"/lab/Snakefile\", line 27:".to_owned(),
                "retried 10#2 failed MissingOutputException in rule retried in file \"/lab/Snakefile\", line 27:".to_owned(),
            ],
        ),
        ("formaterr", vec!["a 1#1 failed RuleException in rule a in file \"/lab/formaterr.smk\", line 3:".to_owned()]),
        (
            "pipe-group",
            vec![
                "consumer 1#1 failed".to_owned(),
                format!("producer 2#1 failed 4 {CALLED} 6:"),
                "consumer2 3#1 success".to_owned(),
                "producer2 4#1 success".to_owned(),
            ],
        ),
        ("group-without-output", vec!["consumer 0#1 failed WorkflowError:".to_owned(), "producer 1#1 failed".to_owned()]),
        ("run-error", vec!["A 1#1 failed".to_owned(), format!("B 2#1 failed 2 {CALLED} 12:"), format!("C 3#1 failed 1 {CALLED} 18:")]),
        (
            "quick-retry",
            vec![
                "all 0#1 success".to_owned(),
                format!("flaky 1#1 failed 1 {CALLED} 8:"),
                format!("flaky 1#2 failed 1 {CALLED} 8:"),
                "flaky 1#3 success".to_owned(),
            ],
        ),
    ] {
        let mut run = ReportedRun::new(name);
        run.log(name); // The whole log at once, so that it is ahead of every report.

        run.send(&lab, usize::MAX).await;
        run.read(&lab).await;

        assert_eq!(run.jobs_as_text(&lab).await, wanted.join("\n"), "{name}");
    }
}

/// The job without an error text starts first here, so it would lead by order alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failure_with_a_text_leads_whichever_job_began_first() {
    let lab = Lab::new().await;
    let mut run = ReportedRun::new("run-error");
    let of_a = |event: &Value| event["record"]["job_id"] == 1 || event["record"]["job_ids"] == json!([1]);
    let is_start = |event: &Value| ["job_info", "job_started"].contains(&event["event"].as_str().unwrap_or_default());
    let (first, mut rest): (Vec<Value>, Vec<Value>) = run.events.drain(..).partition(|event| of_a(event) && is_start(event));
    assert_eq!(first.len(), 2);
    let at = rest.iter().position(is_start).expect("a job");
    rest.splice(at..at, first);
    run.events = rest;
    run.log("run-error");
    let all = run.events.len();
    run.send(&lab, all).await;
    run.read(&lab).await;

    let failures = run.failures(&lab).await["failures"].clone();

    let groups = failures["groups"].as_array().expect("groups");
    let shown: Vec<_> = groups.iter().map(|group| (group["rule"].as_str().unwrap_or_default(), group["error"].is_string())).collect();
    assert_eq!(shown, [("B", true), ("C", true), ("A", false)], "{failures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_nobody_reports_as_failed_has_failed_while_the_run_goes_on() {
    let lab = Lab::new().await;
    let mut run = ReportedRun::new("missing-output");
    run.send(&lab, 5).await;
    let before = run.jobs_as_text(&lab).await;

    run.log("missing-output");

    assert_eq!(before, "sub 1#1 running\ndd 2#1 running");
    let both = |text: String| (text.matches(" failed MissingOutputException").count() == 2).then_some(());
    let look = || async { both(run.jobs_as_text(&lab).await) };
    until("both jobs to have failed", look).await;
    assert_eq!(lab.api(&format!("/runs/{}", run.id)).await["jobs"]["failed"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_fails_before_its_first_job_shows_what_was_printed() {
    let lab = Lab::new().await;
    for (name, class, rule, end) in [
        ("missing-input", "MissingInputException", "x", "        does-not-exist.fa"),
        ("keyerr", "InputFunctionException", "a", ", in <lambda> (rule a, line 10, /lab/keyerr.smk)"),
    ] {
        let mut run = ReportedRun::new(name);
        run.log(name);

        run.send(&lab, usize::MAX).await;
        run.read(&lab).await;

        let answer = lab.api(&format!("/runs/{}", run.id)).await;
        let error = &answer["errors"][0];
        assert_eq!((error["exception"].as_str(), error["rule"].as_str()), (Some(class), Some(rule)), "{name}");
        assert_eq!(error["location"], format!("file \"/lab/{name}.smk\", line 3"));
        let text = error["text"].as_str().expect("a text");
        assert!(text.starts_with(&format!("{class} in rule {rule} in file")) && text.ends_with(end), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_card_leads_with_the_job_whose_failure_has_a_text_and_names_all_its_logs() {
    let lab = Lab::new().await;
    let mut run = ReportedRun::new("pipe-group");
    run.log("pipe-group");
    let logs = run.directory.path().join("logs");
    fs::create_dir(&logs).expect("a directory");
    fs::write(logs.join("prod.out"), "normal\n").expect("a log");
    fs::write(logs.join("prod.err"), "the producer broke\n").expect("a log");

    run.send(&lab, usize::MAX).await;
    run.read(&lab).await;

    let found = run.failures(&lab).await;
    let groups = found["failures"]["groups"].as_array().expect("groups");
    let rules: Vec<_> = groups.iter().map(|group| (group["rule"].as_str(), group["exit_code"].as_i64())).collect();
    assert_eq!(rules, [(Some("producer"), Some(4)), (Some("consumer"), None)]);
    assert_eq!(groups[0]["logs"], json!(["logs/prod.out", "logs/prod.err"]));
    assert_eq!(groups[0]["group"], groups[1]["group"]);
    let ends: Vec<_> =
        found["logs"].as_array().expect("logs").iter().map(|log| (log["path"].as_str(), log["text"]["Ok"].as_str())).collect();
    assert_eq!(ends, [(Some("logs/prod.out"), Some("normal")), (Some("logs/prod.err"), Some("the producer broke"))]);
    let linked = "select count(*)::text from job_files o join job_files i using (path_id) where o.role = 'output' and i.role = 'input'";
    assert_eq!(lab.database.text(linked).await.as_deref(), Some("2"), "a pipe is the same file for its writer and its readers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_attempt_keeps_its_number_on_the_cluster_alone_and_in_a_group() {
    let lab = Lab::new().await;
    for (name, wanted) in [
        ("cluster-retry", "0#1 failed 76135\n0#2 success 70357"),
        (
            "cluster-groups",
            "0#1 failed 73326\n0#2 success 70972\n1#1 failed 73326\n1#2 success 70972\n\
             2#1 failed 77314\n2#2 success 79097\n3#1 failed 77314\n3#2 success 79097",
        ),
    ] {
        let mut run = ReportedRun::new(name);
        run.log(name);

        run.send(&lab, usize::MAX).await;
        run.read(&lab).await;

        let query = format!(
            "select string_agg(concat_ws(' ', job_id || '#' || attempt, status, external_id), E'\\n' order by job_id, attempt)
               from job_executions where workflow_run_id = '{}'",
            run.id
        );
        assert_eq!(lab.database.text(&query).await.as_deref(), Some(wanted), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_that_a_later_attempt_wrote_again_says_so_at_the_earlier_one() {
    let lab = Lab::new().await;
    let mut run = ReportedRun::new("quick-retry");
    run.send(&lab, usize::MAX).await;
    let jobs = lab.all(&format!("/runs/{}/jobs?attempts=all", run.id)).await;
    let attempts: Vec<&Value> =
        (1..=3).map(|nth| jobs.iter().find(|job| job["job_id"] == 1 && job["attempt"] == nth).expect("a job")).collect();

    for (job, wanted) in attempts.iter().zip([json!(3), json!(3), Value::Null]) {
        let body = json!({ "id": run.id, "job": job["id"], "at": null });
        let response = lab.request(Method::POST, "/_fn/jobs/read").bearer_auth(&lab.admin).json(&body).send().await.expect("an answer");
        let open: Value = response.json().await.expect("JSON");
        let files = open["detail"]["files"].as_array().expect("files");
        let log = files.iter().find(|file| file["role"] == "Log").expect("a log");
        assert_eq!(log["rewritten_by"], wanted, "{open:#}");
    }
}
