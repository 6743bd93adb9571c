//! Secrets in reports of clients of every kind: no table and no file of Flowo contains one.

use crate::{
    lab::Lab,
    panoptes_api::Api,
    private_postgres::{open_dir, setting, start_as, stop},
    unreported::Client,
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::path::Path;
use testkit::TestDatabase;

const SECRET: &str = "hunter2Zq9xW7";
const RUN: &str = "0193a4c2-0000-7000-8000-00000000005e";

/// The tables with rows that contain a text.
async fn rows_with(database: &TestDatabase, text: &str) -> Vec<String> {
    let tables = "select format('select %L where exists (select from %I as t where t::text like ''%%{text}%%'')', c.relname, c.relname)
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')";
    let queries = database.texts(&tables.replace("{text}", text)).await;
    assert!(queries.len() > 15, "all tables are looked at");
    let mut found = Vec::new();
    for query in queries {
        found.extend(database.texts(&query).await);
    }
    found
}

fn files_with(dir: &Path, text: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        if entry.path().is_dir() {
            files_with(&entry.path(), text, found);
        } else if std::fs::read(entry.path()).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes())) {
            found.push(entry.path().display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_clients_report_is_kept_without_its_secrets() {
    let lab = Lab::new().await;
    let run = |known: bool| {
        json!({ "current_workflow_id": known.then_some(RUN), "dryrun": false, "jobs": {}, "logfile": "/lab/flowo_logs/log.log",
            "flowo_project_name": format!("https://ana:{SECRET}@host"), "flowo_tags": [format!("token={SECRET}")], "workdir": "/lab" })
    };
    let rule = json!({ "name": "upload", "code": format!("shell: \"curl -H 'Authorization: Bearer {SECRET}' x\""), "language": "bash" });
    for (event, record, known) in [
        ("workflow_started", json!({ "workflow_id": RUN, "snakefile": format!("https://u:{SECRET}@h/Snakefile"), "rules": [rule] }), false),
        (
            "job_info",
            json!({ "jobid": 1, "rule_name": "upload", "threads": 1, "input": [], "output": ["out.txt"], "log": [], "benchmark": null,
            "rule_msg": format!("with --password {SECRET}"), "wildcards": { "api_key": SECRET }, "reason": format!("API_TOKEN={SECRET}"),
            "resources": { "secret": SECRET }, "shellcmd": format!("PGPASSWORD={SECRET} psql"), "priority": 0 }),
            true,
        ),
        ("job_started", json!({ "job_ids": [1] }), true),
        ("shellcmd", json!({ "jobid": 1, "shellcmd": format!("tool --token={SECRET}"), "rule_name": "upload" }), true),
        (
            "error",
            json!({ "exception": "WorkflowError", "location": null, "rule": "upload", "traceback": format!("connect(password='{SECRET}')"), "file": null, "line": null }),
            true,
        ),
        ("something_new", json!({ "deep": [{ "password": SECRET }] }), true),
    ] {
        let response = lab.event(event, record, run(known)).await;
        assert_eq!(response.status(), StatusCode::OK, "{event}");
    }
    let api = Api(&lab);
    let token = format!("flw_TESTTOKEN{SECRET}abcdefghijklmnopqrstuvwx");
    let workflow = api.create(&format!("?name=token%3D{SECRET}")).await;
    let form = json!({ "command": format!("snakemake --wms-monitor http://me:{token}@h:1 --config password={SECRET}"), "workdir": "/lab", "snakefile": "Snakefile" });
    let made = lab.request(Method::POST, "/create_workflow").bearer_auth(&lab.admin).json(&form).send().await.expect("an answer");
    assert_eq!(made.status(), StatusCode::OK);
    api.send_update(&workflow, json!({ "level": "job_info", "jobid": 1, "name": "make", "msg": format!("--secret {SECRET}"), "input": ["a"], "output": ["b"], "log": [],
        "wildcards": { "token": SECRET }, "is_checkpoint": false, "shellcmd": format!("mysql://u:{SECRET}@h") })).await;
    api.send_update(
        &workflow,
        json!({ "level": "job_error", "jobid": 1, "name": "make", "shellcmd": format!("curl -u a:{SECRET} h"), "msg": null }),
    )
    .await;
    let literal = format!("{{'level': 'error', 'msg': 'login(pwd=\\'{SECRET}\\')', 'secret': '{SECRET}'}}");
    let broken = format!("{{'level': 'error', 'password': '{SECRET}'");
    for msg in [literal, broken] {
        let fields = [("msg", msg), ("timestamp", "Sat Nov  7 06:41:04 2026".into()), ("id", workflow["id"].to_string())];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = lab.post("/update_workflow_status").header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(request.body(form).send().await.expect("an answer").status(), StatusCode::OK);
    }
    let name = json!({ "name": format!("password: {SECRET}") });
    let (status, _) = api.ask(Method::PUT, &format!("/api/workflow/{}", workflow["id"]), Some(name)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(api.now(&workflow).await["name"], "password: ***", "all of it is written by now");

    assert!(!rows_with(&lab.database, "PGPASSWORD=***").await.is_empty(), "what stands around a secret is kept");
    assert_eq!(rows_with(&lab.database, SECRET).await, Vec::<String>::new());
    let mut files = Vec::new();
    files_with(lab.journal_dir(), SECRET, &mut files);
    assert_eq!(files, Vec::<String>::new());
}

/// A job that no report describes, and its error, as Snakemake prints them.
fn log_with_secrets() -> String {
    format!(
        "Building DAG of jobs...\n  Date: 2026-11-29 19:25:54\n[Sun Nov 29 19:25:56 2026]\nrule upload:\n    input: https://u:{SECRET}@h/x\n    \
         output: out.txt\n    log: up.log\n    jobid: 1\n    reason: API_TOKEN={SECRET} is new\n    wildcards: token={SECRET}\n    \
         resources: tmpdir=/tmp\n\nShell command: tool --password {SECRET} x\n\
         [Sun Nov 29 19:25:58 2026]\nError in rule upload:\n    message: login(pwd='{SECRET}') was refused\n    jobid: 1\n    \
         input: https://u:{SECRET}@h/x\n    output: out.txt\n    log: up.log (check log file(s) for error details)\n    shell:\n        \
         tool --password {SECRET} x\n        (command exited with non-zero exit code)\n\
         WorkflowError:\nBearer of bad news: Authorization: Bearer {SECRET}\nComplete log(s): x\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_log_of_a_run_tells_and_the_report_that_is_sent_hold_no_secrets() {
    let (lab, place) = (Lab::new().await, tempfile::tempdir().expect("a directory"));
    let mut client = Client::started(&lab, place.path()).await;
    client.send_event("job_started", json!({ "job_ids": [1] })).await;
    client.send_event("job_error", json!({ "job_id": 1 })).await;
    client.send_event("error", json!({ "exception": "WorkflowError" })).await;
    client.log(&log_with_secrets());
    std::fs::write(place.path().join("up.log"), format!("connecting with --password {SECRET} to the lab\nrefused\n")).expect("a log");
    client.ends().await;
    let id = client.id().expect("a run");
    let jobs = format!("/runs/{id}/jobs");
    let command = testkit::until("what the log says", async || lab.all(&jobs).await[0]["shell_command"].as_str().map(str::to_owned)).await;
    assert_eq!(command, "tool --password *** x");

    let cookie = lab.session(lab.owner).await;
    let get = async |path: String| {
        let response = lab.request(Method::GET, &path).header("cookie", &cookie).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.expect("text")
    };
    let report = testkit::until("the end of the log in the report", async || {
        Some(get(format!("/runs/{id}/report")).await).filter(|html| html.contains("to the lab"))
    })
    .await;

    assert!(report.contains("connecting with --password *** to the lab"), "{report}");
    assert!(!report.contains(SECRET), "{report}");
    for tab in ["info", "jobs", "history", "code"] {
        let page = get(format!("/runs/{id}?tab={tab}")).await;
        // The failure card shows the job's log as it is to those who may read the file.
        assert_eq!(page.matches(SECRET).count(), page.matches(&format!("connecting with --password {SECRET}")).count(), "{tab}");
    }
    assert_eq!(rows_with(&lab.database, SECRET).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn secrets_are_kept_only_where_a_setting_says_so() {
    for (setting_of, kept) in [("on", false), ("off", true)] {
        let database = TestDatabase::new().await;
        let dir = open_dir();
        let mut server = start_as(dir.path(), &["--database-url", &database.url()], &[("FLOWO_MASK_SECRETS", setting_of)]);
        let (base, token) = (setting(dir.path(), "FLOWO_HOST"), setting(dir.path(), "FLOWO_USER_TOKEN"));
        let context = json!({ "current_workflow_id": null, "dryrun": false, "jobs": {}, "logfile": "/lab/x.log", "flowo_project_name": format!("token={SECRET}"),
                              "flowo_tags": [], "workdir": "/lab" });
        let started =
            json!({ "event": "workflow_started", "record": { "workflow_id": RUN, "snakefile": "S", "rules": [] }, "context": context });
        let reports = format!("{base}/api/v1/reports/");
        let answer = testkit::client().post(reports).bearer_auth(&token).json(&started).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        stop(&server);
        server.wait().expect("it ends"); // Everything is written before it ends.

        let rows = rows_with(&database, SECRET).await;
        assert_eq!(!rows.is_empty(), kept, "{setting_of}: {rows:?}");
        assert!(!rows_with(&database, "token=").await.is_empty(), "the report arrived");
    }
}
