//! Panoptes clients: every recorded conversation ends in the state that its `expected.json` names, and no answer that
//! they may get ends a user's run.

use crate::lab::Lab;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::{collections::HashMap, fs, path::PathBuf};

const GENERATIONS: [&str; 5] =
    ["G1_snakemake-5.31.1", "G2_snakemake-7.31.1", "G3_snakemake-7.32.4", "G4_snakemake-8.30.0", "G5_plugin-0.3.0_snakemake-9.27.1"];

/// The token of all recordings.
const RECORDED: &str = "flw_TESTTOKEN0123456789abcdefghijklmnopqrstuvwx";

fn folder(generation: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/recordings/panoptes").join(generation)
}

fn expected(generation: &str) -> Value {
    let text = fs::read_to_string(folder(generation).join("expected.json")).expect("expected.json");
    serde_json::from_str(&text).expect("JSON")
}

fn lines(generation: &str, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder(generation).join(format!("{name}.jsonl"))).expect("a recording");
    text.lines().map(|line| serde_json::from_str(line).expect("a recorded line")).collect()
}

/// A client during its conversation.
struct Replay<'a> {
    lab: &'a Lab,
    /// Maps each of the recording's numbers to ours.
    ids: HashMap<i64, i64>,
    /// Our numbers, in the order in which they were assigned.
    given: Vec<i64>,
}

impl Replay<'_> {
    /// Sends one line as the client did, with the number that our server assigned.
    async fn send(&mut self, line: &Value) {
        let text = |key: &str| line[key].as_str().unwrap_or("");
        let path = text("path").replace(RECORDED, &self.lab.admin);
        let path = match path.rsplit_once('/') {
            Some((start, id)) if start.ends_with("/api/workflow") => format!("{start}/{}", self.ours(id.parse().expect("a number"))),
            _ => path,
        };
        let query = if text("query").is_empty() { String::new() } else { format!("?{}", text("query")) };
        let authorization = line["headers"]["authorization"].as_str();
        // A client without a token uses the port that needs none.
        let has_token = authorization.is_some() || path.starts_with("/t/");
        let base = if has_token { &self.lab.base } else { &self.lab.old_port };
        let method: Method = text("method").parse().expect("a method");
        let mut request = reqwest::Client::new().request(method.clone(), format!("{base}{path}{query}"));
        if let Some(authorization) = authorization {
            request = request.header("authorization", self.ours_for(authorization));
        }
        if let Some(kind) = line["headers"]["content-type"].as_str() {
            request = request.header("content-type", kind);
        }
        let body = self.body(&line["body"]);
        if let Some(body) = &body {
            request = request.body(body.clone());
        }
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let reply = response.text().await.expect("a body");
        let wanted = if method == Method::PUT && body.as_deref() == Some("{}") { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        assert_eq!(status, wanted, "{method} {path}: {reply}");
        if path.ends_with("/create_workflow") {
            let id = serde_json::from_str::<Value>(&reply).expect("JSON")["id"].as_i64().expect("a number");
            self.ids.insert(line["reply"]["id"].as_i64().expect("a number"), id);
            self.given.push(id);
        }
        if path.ends_with("/update_workflow_status") {
            assert_eq!(reply, "ok");
        }
    }

    fn ours(&self, id: i64) -> i64 {
        self.ids[&id]
    }

    fn ours_for(&self, authorization: &str) -> String {
        let (kind, secret) = authorization.split_once(' ').expect("two words");
        if kind == "Basic" {
            let pair = String::from_utf8(BASE64_STANDARD.decode(secret).expect("base64")).expect("text");
            return format!("Basic {}", BASE64_STANDARD.encode(pair.replace(RECORDED, &self.lab.admin)));
        }
        format!("{kind} {}", secret.replace(RECORDED, &self.lab.admin))
    }

    fn body(&self, body: &Value) -> Option<String> {
        match body {
            Value::Null => None,
            Value::String(form) => {
                let pairs = form_urlencoded::parse(form.as_bytes()).map(|(name, value)| match &*name {
                    "id" => (name, self.ours(value.parse().expect("a number")).to_string().into()),
                    _ => (name, value),
                });
                Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
            }
            value => {
                let mut value = value.clone();
                if let Some(id) = value.get_mut("id") {
                    *id = self.ours(id.as_i64().expect("a number")).into();
                }
                Some(value.to_string())
            }
        }
    }
}

async fn get(lab: &Lab, path: &str) -> Value {
    let response = lab.get(path).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.json().await.expect("JSON")
}

/// The run with a number: its newest attempt, or an earlier one (`back`).
async fn run_of(lab: &Lab, id: i64, back: u32) -> Value {
    let query = format!("select id::text from workflow_runs where panoptes_id = {id} order by number desc offset {back} limit 1");
    lab.api(&format!("/runs/{}", lab.database.text(&query).await.expect("a run"))).await
}

fn api_word(word: &str) -> &str {
    match word {
        "planned" => "Pending",
        "unknown" => "Unknown",
        other => other,
    }
}

fn own_word(word: &str) -> &str {
    match word {
        "planned" => "waiting",
        "unknown" => "lost",
        "Done" => "success",
        "Error" => "failed",
        "Running" => "running",
        other => panic!("no word for {other}"),
    }
}

async fn check(lab: &Lab, name: &str, id: i64, wanted: &Value) {
    let workflow = get(lab, &format!("/api/workflow/{id}")).await["workflow"].clone();
    let statuses = wanted["status_any_of"].as_array().expect("a list");
    assert!(statuses.contains(&workflow["status"]), "{name}: {workflow} is none of {statuses:?}");
    assert_eq!(workflow["jobs_done"], wanted["jobs_done"], "{name}: {workflow}");
    if !wanted["jobs_total"].is_null() {
        assert_eq!(workflow["jobs_total"], wanted["jobs_total"], "{name}: {workflow}");
    }
    let listed = get(lab, &format!("/api/workflow/{id}/jobs")).await;
    let jobs = wanted["jobs"].as_object().expect("jobs");
    assert_eq!(listed["count"], jobs.len(), "{name}");
    for (job_id, job) in jobs {
        let shown = &get(lab, &format!("/api/workflow/{id}/job/{job_id}")).await["jobs"];
        assert_eq!(shown["name"], job["rule"], "{name}: job {job_id}");
        assert_eq!(shown["status"], api_word(job["status"].as_str().expect("a word")), "{name}: job {job_id}");
        assert_eq!(shown["wildcards"], job["wildcards"], "{name}: job {job_id}");
    }
    check_run(lab, name, &run_of(lab, id, 0).await, wanted).await;
}

/// Checks the same through our own API, which shows more.
async fn check_run(lab: &Lab, name: &str, run: &Value, wanted: &Value) {
    assert_eq!(run["dry_run"], wanted["dry_run"], "{name}");
    let status = run["status"].as_str().expect("a word");
    let wanted_status = match wanted["status_any_of"][0].as_str().expect("a word") {
        "Done" | "No Execution" => "success",
        "Error" => "failed",
        "Running" => "running",
        other => panic!("no word for {other}"),
    };
    assert_eq!(status, wanted_status, "{name}: {run:#}");
    let id = run["id"].as_str().expect("an id");
    let whole = lab.database.text(&format!("select concat_ws('|', coalesce(command_line, '-'), coalesce(directory, '-'), coalesce(snakefile, '-')) from workflow_runs where id = '{id}'")).await;
    let value = |key: &str| wanted[key].as_str().unwrap_or("-").to_owned();
    assert_eq!(whole, Some(format!("{}|{}|{}", value("command"), value("workdir"), value("snakefile"))), "{name}");
    let rows = lab.all(&format!("/runs/{id}/jobs?attempts=all")).await;
    for (job_id, job) in wanted["jobs"].as_object().expect("jobs") {
        let mut attempts: Vec<&Value> = rows.iter().filter(|row| row["job_id"].as_i64() == job_id.parse().ok()).collect();
        attempts.sort_by_key(|row| row["attempt"].as_i64());
        let states: Vec<&str> = attempts.iter().filter_map(|row| row["status"].as_str()).collect();
        let wanted: Vec<&str> = job["attempt_states"].as_array().expect("states").iter().filter_map(Value::as_str).map(own_word).collect();
        assert_eq!(states, wanted, "{name}: attempts of job {job_id}");
        assert_eq!(attempts[0]["threads"], job["threads"], "{name}: threads of job {job_id}");
    }
}

async fn replayed(generation: &str, twice: bool) {
    let lab = Lab::new().await;
    for (name, wanted) in expected(generation).as_object().expect("recordings") {
        let name = format!("{generation}/{name}");
        let before = get(&lab, "/api/workflows").await["count"].as_i64().expect("a count");
        let mut replay = Replay { lab: &lab, ids: HashMap::new(), given: Vec::new() };
        for line in lines(generation, name.rsplit('/').next().expect("a name")) {
            replay.send(&line).await;
            if twice && line["path"] == "/update_workflow_status" {
                replay.send(&line).await;
            }
        }
        let runs = wanted["expected_runs"].as_array().expect("a list");
        let after = get(&lab, "/api/workflows").await["count"].as_i64().expect("a count");
        assert_eq!(after - before, runs.len() as i64, "{name}: runs");
        let mut ids = replay.given.clone();
        ids.dedup();
        assert_eq!(ids.len(), runs.len(), "{name}: the same number for the same name");
        for (id, wanted) in ids.iter().zip(runs) {
            check(&lab, &name, *id, wanted).await;
        }
        for (back, wanted) in wanted["expected_earlier_attempts"].as_array().expect("a list").iter().rev().enumerate() {
            let earlier = run_of(&lab, ids[0], back as u32 + 1).await;
            assert_eq!(earlier["attempt"], 1, "{name}");
            check_run(&lab, &name, &earlier, wanted).await;
        }
        if ids.len() == 1 && name.ends_with("ok_name_token") {
            assert_eq!(get(&lab, &format!("/api/workflow/{}", ids[0])).await["workflow"]["name"], "lab-named");
        }
    }
    assert_eq!(lab.database.text("select count(*)::text from ingest_events where outcome = 'quarantined'").await.as_deref(), Some("0"));
}

macro_rules! generations {
    ($($test:ident: $nth:literal, $twice:literal;)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $test() {
            replayed(GENERATIONS[$nth], $twice).await;
        }
    )* };
}

generations! {
    conversations_of_the_first_generation_end_as_they_should: 0, false;
    conversations_of_the_second_generation_end_as_they_should: 1, false;
    conversations_of_the_third_generation_end_as_they_should: 2, false;
    conversations_of_the_fourth_generation_end_as_they_should: 3, false;
    conversations_of_the_fifth_generation_end_as_they_should: 4, false;
    conversations_of_the_second_generation_may_be_held_twice: 1, true;
    conversations_of_the_third_generation_may_be_held_twice: 2, true;
    conversations_of_the_fourth_generation_may_be_held_twice: 3, true;
}

async fn form(lab: &Lab, token: Option<&str>, fields: &[(&str, &str)]) -> Response {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = lab.request(Method::POST, "/update_workflow_status").header("content-type", "application/x-www-form-urlencoded");
    let mut request = request.body(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answer_to_an_update_ends_a_run() {
    let lab = Lab::new().await;
    let ana = lab.user("ana", "member").await;
    let hers = lab.token(ana, "report").await;
    let made: Value = lab.get("/create_workflow").send().await.expect("an answer").json().await.expect("JSON");
    let id = made["id"].to_string();
    let fine = [("msg", "{\"level\": \"info\", \"msg\": \"x\"}"), ("timestamp", "x"), ("id", &id)];
    let deadly = [401, 403, 404, 500];
    for (token, fields) in [
        (None, &fine[..]),
        (Some("flw_guessed"), &fine[..]),
        (Some(hers.as_str()), &fine[..]),
        (Some(lab.admin.as_str()), &[("msg", "{}"), ("timestamp", "x"), ("id", "99999")][..]),
        (Some(lab.admin.as_str()), &[("msg", "[["), ("timestamp", ""), ("id", &id)][..]),
        (Some(lab.admin.as_str()), &[("timestamp", "x"), ("id", &id)][..]),
        (Some(lab.admin.as_str()), &[("msg", "{\"level\": \"job_info\", \"jobid\": 1e99}"), ("timestamp", "x"), ("id", &id)][..]),
        (Some(lab.admin.as_str()), &fine[..]),
    ] {
        let response = form(&lab, token, fields).await;
        assert!(!deadly.contains(&response.status().as_u16()), "{fields:?}: {}", response.status());
    }
    get(&lab, "/api/workflows").await; // Returns once everything acknowledged is written.
    let run = run_of(&lab, made["id"].as_i64().expect("a number"), 0).await;
    let kept = lab
        .database
        .text(&format!(
            "select body ->> 'msg' from ingest_events where workflow_run_id = '{}' and outcome = 'quarantined'",
            run["id"].as_str().expect("an id")
        ))
        .await;
    assert_eq!(kept.as_deref(), Some("[["), "what cannot be read is kept as it came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_is_asked_for_before_anything_runs() {
    let lab = Lab::new().await;
    let read = lab.token(lab.owner, "read").await;
    for token in [None, Some("flw_guessed"), Some(read.as_str())] {
        let mut request = lab.request(Method::GET, "/create_workflow").body("command=x");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let answer: Value = response.json().await.expect("JSON");
        assert!(
            answer.as_object().is_some_and(|answer| answer.contains_key("id")),
            "some clients read it before they look at the status: {answer}"
        );
    }
    let info = lab.request(Method::GET, "/api/service-info").send().await.expect("an answer");
    assert_eq!(info.text().await.expect("a body"), "{\"status\":\"running\"}\n", "open, and nothing else in it");
    for path in [format!("/t/{}/create_workflow", lab.admin), format!("/t/{}/api/workflows", lab.admin)] {
        assert_eq!(lab.request(Method::GET, &path).send().await.expect("an answer").status(), StatusCode::OK);
    }
    assert_eq!(lab.request(Method::GET, "/t/guessed/api/workflows").send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    for pair in [format!("somebody:{}", lab.admin), format!("{}:", lab.admin)] {
        let basic = format!("Basic {}", BASE64_STANDARD.encode(pair));
        let request = lab.request(Method::GET, "/create_workflow").header("authorization", basic);
        assert_eq!(request.send().await.expect("an answer").status(), StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_old_port_serves_panoptes_and_shows_people_the_way() {
    let lab = Lab::new().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let ask = async |path: &str| client.get(format!("{}{path}", lab.old_port)).send().await.expect("an answer");
    assert_eq!(ask("/api/workflows").await.json::<Value>().await.expect("JSON"), json!({"count": 0, "workflows": []}));
    let page = ask("/workflows/").await;
    assert_eq!((page.status(), page.headers()["location"].to_str().ok()), (StatusCode::TEMPORARY_REDIRECT, Some(lab.base.as_str())));
    assert_eq!(ask("/api/flowo/v1/runs").await.status(), StatusCode::NOT_FOUND, "ours is not open there");
    let guessed = client.get(format!("{}/api/workflows", lab.old_port)).bearer_auth("guessed").send().await.expect("an answer");
    assert_eq!(guessed.status(), StatusCode::UNAUTHORIZED, "a token that is sent decides");
    // A page of another site, a name that points here, and a request through a proxy do not count as programs on this machine.
    for (name, value) in [("sec-fetch-site", "cross-site"), ("host", "evil.example:5000"), ("x-forwarded-for", "10.0.0.1")] {
        let asked = client.get(format!("{}/create_workflow", lab.old_port)).header(name, value).send().await.expect("an answer");
        assert_eq!(asked.status(), StatusCode::UNAUTHORIZED, "{name}: {value}");
    }
    let hers = lab.user("ana", "member").await;
    let token = lab.token(hers, "write").await;
    client.get(format!("{}/create_workflow", lab.old_port)).send().await.expect("an answer");
    let list: Value = client
        .get(format!("{}/api/workflows", lab.old_port))
        .bearer_auth(token)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(list["count"], 0, "a member sees only their own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_a_client_tells_is_kept_and_shown() {
    let lab = Lab::new().await;
    let long = "x".repeat(3000);
    let mut replay = Replay { lab: &lab, ids: HashMap::new(), given: Vec::new() };
    let create = json!({"method": "GET", "path": "/create_workflow", "query": format!("workflow_id={long}"), "headers": {"content-type": "application/x-www-form-urlencoded"}, "body": format!("command={long}&workdir=%2Flab%2F%C3%A4&snakefile=Snakefile"), "reply": {"id": 1}});
    replay.send(&create).await;
    let messages = [
        json!({"level": "resources_info", "msg": "Provided cores: 2", "timestamp": 1.0}),
        json!({"level": "job_info", "jobid": 3, "name": "größe", "msg": "makes \u{0}it", "input": [long, "a (cached)"], "output": ["o"], "log": ["l"], "benchmark": "b.tsv", "wildcards": {"s": "ü"}, "reason": "why", "resources": [1, 1, "/tmp"], "priority": 7, "threads": 4, "is_checkpoint": true, "timestamp": 2.0}),
        json!({"level": "shellcmd", "msg": long, "timestamp": 3.0}),
        json!({"level": "info", "msg": "Submitted job 3 with external jobid 'Submitted batch job 4711'.", "timestamp": 4.0}),
        json!({"level": "error", "msg": format!("RuleException:\nCalledProcessError in file /lab/Snakefile, line 7:\nCommand '{long}' returned non-zero exit status 7."), "timestamp": 5.0}),
        json!({"level": "job_error", "jobid": 3, "name": "größe", "conda_env": "/envs/1", "aux": {}, "shellcmd": long, "timestamp": 6.0}),
        json!({"level": "info", "msg": "Complete log: .snakemake/log/x.log", "timestamp": 7.0}),
    ];
    for message in messages {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("msg", message.to_string()), ("timestamp", "Sat".into()), ("id", "1".into())])
            .finish();
        replay.send(&json!({"method": "POST", "path": "/update_workflow_status", "headers": {"content-type": "application/x-www-form-urlencoded"}, "body": form})).await;
    }
    let id = replay.given[0];
    let job = &get(&lab, &format!("/api/workflow/{id}/job/3")).await["jobs"];
    assert_eq!(job["shell_command"], long.as_str());
    assert_eq!((&job["msg"], &job["is_checkpoint"], &job["status"]), (&json!("makes \u{fffd}it"), &json!(true), &json!("Error")));
    assert_eq!(job["input"], json!([long, "a"]), "a mark is no part of a name");
    let mut keys: Vec<&str> = job.as_object().expect("a job").keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "completed_at",
            "input",
            "is_checkpoint",
            "jobid",
            "log",
            "msg",
            "name",
            "output",
            "shell_command",
            "started_at",
            "status",
            "wildcards",
            "workflow_id"
        ]
    );
    let run = run_of(&lab, id, 0).await;
    let query = format!(
        "select concat_ws('|', external_id, exit_code, conda_env, left(error, 13), priority, threads, resources::text) from job_executions where workflow_run_id = '{}'",
        run["id"].as_str().expect("an id")
    );
    assert_eq!(
        lab.database.text(&query).await.as_deref(),
        Some("Submitted batch job 4711|7|/envs/1|RuleException|7|4|{\"unnamed\": [1, 1, \"/tmp\"]}")
    );
    assert_eq!((run["status"].as_str(), run["directory"].as_str()), (Some("failed"), Some("/lab/ä")));
}
