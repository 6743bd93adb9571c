//! Secrets in reports of clients of every kind: no table and no file of Flowo contains one.

use crate::{lab::Lab, panoptes_api::Api};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::path::Path;

const SECRET: &str = "hunter2Zq9xW7";
const RUN: &str = "0193a4c2-0000-7000-8000-00000000005e";

/// The tables with rows that contain a text.
async fn rows_with(lab: &Lab, text: &str) -> Vec<String> {
    let tables = "select format('select %L where exists (select from %I as t where t::text like ''%%{text}%%'')', c.relname, c.relname)
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')";
    let queries = lab.database.texts(&tables.replace("{text}", text)).await;
    assert!(queries.len() > 15, "all tables are looked at");
    let mut found = Vec::new();
    for query in queries {
        found.extend(lab.database.texts(&query).await);
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
    let told = json!({ "command": format!("snakemake --wms-monitor http://me:{token}@h:1 --config password={SECRET}"), "workdir": "/lab", "snakefile": "Snakefile" });
    let made = lab.request(Method::POST, "/create_workflow").bearer_auth(&lab.admin).json(&told).send().await.expect("an answer");
    assert_eq!(made.status(), StatusCode::OK);
    api.tell(&workflow, json!({ "level": "job_info", "jobid": 1, "name": "make", "msg": format!("--secret {SECRET}"), "input": ["a"], "output": ["b"], "log": [],
        "wildcards": { "token": SECRET }, "is_checkpoint": false, "shellcmd": format!("mysql://u:{SECRET}@h") })).await;
    api.tell(
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

    assert!(!rows_with(&lab, "PGPASSWORD=***").await.is_empty(), "what stands around a secret is kept");
    assert_eq!(rows_with(&lab, SECRET).await, Vec::<String>::new());
    let mut files = Vec::new();
    files_with(lab.journal_dir(), SECRET, &mut files);
    assert_eq!(files, Vec::<String>::new());
}
