//! What Panoptes' own tests check of its API, as far as HTTP allows; differences are stated.

use crate::lab::Lab;
use ingest::protocol::Timeouts;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A caller like the one in Panoptes' tests.
pub struct Api<'a>(pub &'a Lab);

impl Api<'_> {
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.0.request(method, path).bearer_auth(&self.0.admin);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    pub async fn create(&self, query: &str) -> Value {
        self.get(&format!("/create_workflow{query}")).await
    }

    /// Sends a message about a workflow.
    pub async fn send_update(&self, workflow: &Value, message: Value) {
        let fields = [("msg", message.to_string()), ("timestamp", "Sat Nov  7 06:41:04 2026".into()), ("id", workflow["id"].to_string())];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.0.post("/update_workflow_status").header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(form).send().await.expect("an answer");
        assert_eq!((response.status(), response.text().await.expect("a body").as_str()), (StatusCode::OK, "ok"));
    }

    pub async fn now(&self, workflow: &Value) -> Value {
        self.get(&format!("/api/workflow/{}", workflow["id"])).await["workflow"].clone()
    }

    pub async fn jobs(&self, workflow: &Value) -> Vec<Value> {
        let listed = self.get(&format!("/api/workflow/{}/jobs", workflow["id"])).await;
        assert_eq!(listed["count"], listed["jobs"].as_array().expect("jobs").len());
        listed["jobs"].as_array().expect("jobs").clone()
    }

    /// Makes a workflow look silent for this long.
    pub async fn age(&self, workflow: &Value, hours: f64) {
        let query =
            format!("update workflow_runs set last_seen_at = now() - {hours} * interval '1 hour' where panoptes_id = {}", workflow["id"]);
        self.0.database.sql(&query).await;
    }
}

pub fn info(jobid: i64) -> Value {
    json!({"level": "job_info", "jobid": jobid, "name": "make", "msg": null, "input": ["a"], "output": ["b"], "log": [], "wildcards": {"s": "1"}, "is_checkpoint": false, "shellcmd": "true"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_empty_server_says_so() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    assert_eq!(api.get("/api/service-info").await, json!({"status": "running"}));
    assert_eq!(api.get("/api/workflows").await, json!({"count": 0, "workflows": []}));
    for path in ["/api/workflow/1", "/api/workflow/x", "/api/workflow/1/jobs", "/api/workflow/1/job/1"] {
        assert_eq!(api.ask(Method::GET, path, None).await, (StatusCode::NOT_FOUND, json!("")), "{path}");
    }
    assert_eq!(api.ask(Method::POST, "/api/workflow/1/cancel", None).await, (StatusCode::NOT_FOUND, json!("")));
    assert_eq!(api.ask(Method::DELETE, "/api/workflow/1", None).await, (StatusCode::NOT_FOUND, json!("")));
    assert_eq!(api.ask(Method::DELETE, "/api/workflows/all", None).await, (StatusCode::GONE, json!("")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_workflow_is_made_and_has_eight_keys() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let made = api.create("").await;
    let keys: Vec<&str> = made.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["completed_at", "id", "jobs_done", "jobs_total", "name", "started_at", "status", "updated_at"]);
    assert_eq!(made["name"].as_str().map(str::len), Some(36));
    assert_eq!(
        (&made["status"], &made["jobs_done"], &made["jobs_total"], &made["completed_at"]),
        (&json!("Running"), &json!(0), &json!(1), &Value::Null)
    );
    assert_eq!(api.get("/api/workflows").await, json!({"count": 1, "workflows": [made]}));
    let shown = made["started_at"].as_str().expect("a time");
    let seconds =
        lab.database.text("select to_char(started_at at time zone 'utc', 'Dy, DD Mon YYYY HH24:MI:SS \"GMT\"') from workflow_runs").await;
    assert_eq!(seconds.as_deref(), Some(shown), "true UTC");
    let response = lab.get("/api/workflows").send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.text().await.expect("a body").ends_with("}\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_is_known_again() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let first = api.create("?workflow_id=nightly").await;
    assert_eq!(first["name"], "nightly");
    // A running workflow is not touched.
    let beside = api.create("?workflow_id=nightly").await;
    assert_ne!(beside["id"], first["id"]);
    let suffix = beside["name"].as_str().and_then(|name| name.strip_prefix("nightly-")).expect("a distinct name");
    assert!(suffix.len() == 8 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{suffix}");
    // Done, failed, cancelled, stale: the same number is reused for a new attempt. Earlier attempts stay.
    let endings: [Value; 2] = [json!({"level": "workflow_success"}), json!({"level": "job_error", "jobid": 1})];
    for (attempt, ending) in endings.into_iter().enumerate() {
        api.send_update(&first, info(1)).await;
        api.send_update(&first, ending).await;
        let again = api.create("?workflow_id=nightly").await;
        assert_eq!(
            (&again["id"], &again["status"], &again["jobs_done"], &again["jobs_total"]),
            (&first["id"], &json!("Running"), &json!(0), &json!(1))
        );
        assert!(api.jobs(&again).await.is_empty());
        let attempts = lab.database.text(&format!("select count(*)::text from workflow_runs where panoptes_id = {}", first["id"])).await;
        assert_eq!(attempts, Some((attempt + 2).to_string()));
    }
    api.ask(Method::POST, &format!("/api/workflow/{}/cancel", first["id"]), None).await;
    assert_eq!(api.create("?workflow_id=nightly").await["id"], first["id"]);
    api.age(&first, 49.0).await;
    assert_eq!(api.create("?workflow_id=nightly").await["id"], first["id"]);
    let attempts = lab
        .database
        .texts(&format!("select attempt::text || status from workflow_runs where panoptes_id = {} order by number", first["id"]))
        .await;
    assert_eq!(attempts, ["1success", "2failed", "3cancelled", "4failed", "5running"]);
    let older = api.create("?name=legacy&other=x").await;
    assert_eq!(older["name"], "legacy");
    assert_eq!(api.create("?workflow_id=wins&name=loses").await["name"], "wins");
    assert_eq!(api.create("?workflow_id=&name=").await["name"].as_str().map(str::len), Some(36));
    // Snakemake's help promises that a number resumes a workflow; here it does.
    api.send_update(&older, json!({"level": "progress", "done": 1, "total": 1})).await;
    assert_eq!(api.create(&format!("?id={}", older["id"])).await["id"], older["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_start_and_end_as_reported() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let flow = api.create("").await;
    api.send_update(&flow, json!({"level": "job_started", "jobs": [0]})).await;
    api.send_update(&flow, info(0)).await;
    let job = api.get(&format!("/api/workflow/{}/job/0", flow["id"])).await["jobs"].clone();
    assert_eq!(
        (&job["status"], &job["completed_at"], &job["shell_command"], &job["workflow_id"]),
        (&json!("Running"), &Value::Null, &json!("true"), &flow["id"])
    );
    api.send_update(&flow, json!({"level": "job_finished", "jobid": 0})).await;
    let job = api.get(&format!("/api/workflow/{}/job/0", flow["id"])).await["jobs"].clone();
    assert_eq!(job["status"], "Done");
    assert!(job["completed_at"].is_string());
    assert_eq!(api.now(&flow).await["status"], "Running");
    api.send_update(&flow, json!({"level": "job_finished", "jobid": 77})).await;
}

/// Each of these messages may be stored before the next one arrives, or all of them together.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_start_that_comes_after_its_description_is_of_the_same_attempt() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    for one_by_one in [true, false] {
        let flow = api.create("").await;
        for message in [info(1), json!({"level": "job_started", "jobs": [1]}), json!({"level": "job_finished", "jobid": 1})] {
            api.send_update(&flow, message).await;
            if one_by_one {
                api.now(&flow).await;
            }
        }
        api.send_update(&flow, json!({"level": "progress", "done": 1, "total": 1})).await;

        let jobs = api.jobs(&flow).await;
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        assert_eq!((&jobs[0]["status"], &jobs[0]["input"], &jobs[0]["output"]), (&json!("Done"), &json!(["a"]), &json!(["b"])));
        let run = lab.api("/runs?limit=1&sort=started:desc").await["items"][0].clone();
        assert_eq!((&run["status"], &run["jobs"]["seen"], &run["jobs"]["lost"]), (&json!("success"), &json!(1), &json!(0)));
        let attempts = lab.all(&format!("/runs/{}/jobs?attempts=all", run["id"].as_str().expect("an id"))).await;
        assert_eq!(attempts.len(), 1, "one by one: {one_by_one}: {attempts:?}");
        let job = &attempts[0];
        assert_eq!((&job["attempt"], &job["status"], &job["filled_from"]), (&json!(1), &json!("success"), &Value::Null));
        assert_eq!((&job["files"]["input"], &job["files"]["output"]), (&json!(1), &json!(1)));
        assert!(job["started_at"].is_string() && job["ended_at"].is_string(), "{job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn progress_counts_and_ends() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let flow = api.create("").await;
    api.send_update(&flow, json!({"level": "progress", "done": 2, "total": 5})).await;
    let now = api.now(&flow).await;
    assert_eq!((&now["jobs_done"], &now["jobs_total"], &now["status"]), (&json!(2), &json!(5), &json!("Running")));
    api.send_update(&flow, json!({"level": "progress", "done": 5, "total": 5})).await;
    let now = api.now(&flow).await;
    assert_eq!((&now["jobs_done"], &now["status"]), (&json!(5), &json!("Done")));
    assert!(now["completed_at"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn success_counts_jobs_and_takes_nothing_back() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let flow = api.create("").await;
    for job in [1, 2] {
        api.send_update(&flow, info(job)).await;
        api.send_update(&flow, json!({"level": "job_finished", "jobid": job})).await;
    }
    api.send_update(&flow, json!({"level": "progress", "done": 2, "total": 9})).await;
    api.send_update(&flow, json!({"level": "workflow_success"})).await;
    let now = api.now(&flow).await;
    assert_eq!((&now["status"], &now["jobs_done"], &now["jobs_total"]), (&json!("Done"), &json!(2), &json!(2)));
    let failed = api.create("").await;
    api.send_update(&failed, json!({"level": "error", "msg": "WorkflowError", "rule": null, "location": null, "traceback": null})).await;
    api.send_update(&failed, json!({"level": "workflow_success"})).await;
    let now = api.now(&failed).await;
    assert_eq!((&now["status"], &now["completed_at"]), (&json!("Error"), &Value::Null));
    // Without a job there is nothing to count.
    let bare = api.create("").await;
    api.send_update(&bare, json!({"level": "workflow_success"})).await;
    assert_eq!(api.now(&bare).await["status"], "Done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_error_shows_at_once_and_a_retry_heals_it() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let flow = api.create("").await;
    api.send_update(&flow, info(1)).await;
    api.send_update(&flow, json!({"level": "job_error", "jobid": 1, "name": "make"})).await;
    assert_eq!(api.now(&flow).await["status"], "Error");
    assert_eq!(api.jobs(&flow).await[0]["status"], "Error");
    api.send_update(&flow, info(1)).await;
    let jobs = api.jobs(&flow).await;
    assert_eq!((jobs.len(), &jobs[0]["status"]), (1, &json!("Running")), "a retry is no second job");
    assert_eq!(api.now(&flow).await["status"], "Running", "Panoptes stays at Error");
    api.send_update(&flow, json!({"level": "job_finished", "jobid": 1})).await;
    api.send_update(&flow, json!({"level": "progress", "done": 1, "total": 1})).await;
    assert_eq!(api.now(&flow).await["status"], "Done");
    let attempts = lab.database.texts("select status from job_executions order by attempt").await;
    assert_eq!(attempts, ["failed", "success"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn other_messages_are_taken() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let flow = api.create("").await;
    for message in [
        json!({"level": "shellcmd", "jobid": null, "msg": "true"}),
        json!({"level": "never heard of", "x": 1}),
        json!({"level": ""}),
        json!({}),
        json!({"level": "job_info", "name": "without a number"}),
        json!({"level": "debug", "msg": "x"}),
    ] {
        api.send_update(&flow, message).await;
    }
    assert_eq!(api.now(&flow).await["status"], "Running");
    api.send_update(&flow, json!({"level": "info", "msg": "Nothing to be done."})).await;
    let now = api.now(&flow).await;
    assert_eq!((&now["status"], &now["completed_at"]), (&json!("No Execution"), &json!(null)));
}

/// If the client reports that all is done, its total counts; otherwise, what was seen counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counts_are_the_clients_where_it_has_done_all_and_ours_where_it_was_not_to() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let counts = async |flow: &Value| {
        let now = api.now(flow).await;
        (now["status"].clone(), now["jobs_done"].clone(), now["jobs_total"].clone())
    };
    // The server came up late and missed two jobs.
    let late = api.create("").await;
    for message in [info(3), json!({"level": "job_finished", "jobid": 3}), json!({"level": "progress", "done": 5, "total": 5})] {
        api.send_update(&late, message).await;
    }
    assert_eq!(counts(&late).await, (json!("Done"), json!(5), json!(5)));
    // A run with --until.
    let part = api.create("").await;
    for message in [
        json!({"level": "run_info", "msg": "Job stats:\njob      count\n-----  -------\nmake         5\ntotal        5\n"}),
        json!({"level": "resources_info", "msg": "Provided cores: 2"}),
        info(3),
        json!({"level": "job_finished", "jobid": 3}),
        json!({"level": "progress", "done": 1, "total": 5}),
        json!({"level": "info", "msg": "Complete log: x.log"}),
    ] {
        api.send_update(&part, message).await;
    }
    assert_eq!(counts(&part).await, (json!("Done"), json!(1), json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn envelopes_are_read_in_each_form_and_their_faults_named() {
    let lab = Lab::new().await;
    let flow = Api(&lab).create("").await;
    let as_json = json!({"msg": json!({"level": "progress", "done": 1, "total": 2}).to_string(), "timestamp": "x", "id": flow["id"]});
    let response = lab.post("/update_workflow_status").json(&as_json).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(Api(&lab).now(&flow).await["jobs_done"], 1);
    for (body, fields) in [("", &["msg", "timestamp"][..]), ("msg=x&timestamp=y&id=z", &["id"]), ("msg=x", &["timestamp"])] {
        let request = lab.post("/update_workflow_status").header("content-type", "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let errors: Value = response.json().await.expect("JSON");
        let named: Vec<&str> = errors["errors"].as_object().expect("errors").keys().map(String::as_str).collect();
        assert_eq!(named, fields, "{body}");
        assert!(errors["errors"][fields[0]][0].is_string(), "texts in a list: {errors}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_workflow_is_renamed() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let (one, other) = (api.create("?name=one").await, api.create("?name=other").await);
    let path = format!("/api/workflow/{}", one["id"]);
    let put = async |path: &str, body| api.ask(Method::PUT, path, Some(body)).await;
    let (status, renamed) = put(&path, json!({"name": "  new  "})).await;
    assert_eq!((status, &renamed["workflow"]["name"]), (StatusCode::OK, &json!("new")));
    for body in [json!(null), json!({}), json!({"name": ""}), json!({"name": "  "}), json!({"name": 5}), json!([])] {
        assert_eq!(put(&path, body.clone()).await, (StatusCode::BAD_REQUEST, json!("")), "{body}");
        assert_eq!(put("/api/workflow/99999", body).await.0, StatusCode::BAD_REQUEST, "checked before the number");
    }
    assert_eq!(put("/api/workflow/99999", json!({"name": "x"})).await, (StatusCode::NOT_FOUND, json!("")));
    let without = lab.request(Method::PUT, &path).bearer_auth(&lab.admin).send().await.expect("an answer");
    assert_eq!(without.status(), StatusCode::BAD_REQUEST);
    let (status, same) = put(&path, json!({"name": "other"})).await;
    assert_eq!((status, &same["workflow"]["name"]), (StatusCode::OK, &json!("other")), "two may have one name; Panoptes breaks here");
    assert_eq!(api.now(&other).await["name"], "other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_running_workflow_is_cancelled_before_it_is_deleted() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let flow = api.create("").await;
    let path = format!("/api/workflow/{}", flow["id"]);
    let (status, why) = api.ask(Method::DELETE, &path, None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(why["msg"].as_str().is_some_and(|msg| msg.to_lowercase().contains("cancel")), "{why}");
    let (status, cancelled) = api.ask(Method::POST, &format!("{path}/cancel"), None).await;
    assert_eq!((status, &cancelled["workflow"]["status"]), (StatusCode::OK, &json!("Cancelled")));
    assert!(cancelled["workflow"]["completed_at"].is_string());
    assert_eq!(api.ask(Method::POST, &format!("{path}/cancel"), None).await.1["workflow"]["status"], "Cancelled");
    // Later messages are accepted but do not revive the workflow.
    api.send_update(&flow, info(1)).await;
    assert_eq!(api.now(&flow).await["status"], "Cancelled");
    assert_eq!(api.ask(Method::DELETE, &path, None).await, (StatusCode::NO_CONTENT, json!("")));
    assert_eq!(api.ask(Method::GET, &path, None).await.0, StatusCode::NOT_FOUND);
    api.send_update(&flow, info(2)).await;
    assert_eq!(api.get("/api/workflows").await["count"], 0);
    // An end is final; in Panoptes it would not be.
    let done = api.create("").await;
    api.send_update(&done, json!({"level": "workflow_success"})).await;
    assert_eq!(api.ask(Method::POST, &format!("/api/workflow/{}/cancel", done["id"]), None).await.1["workflow"]["status"], "Done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_are_deleted_and_nothing_else() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    lab.database.sql("insert into workflow_runs (workflow_name) values ('not of Panoptes')").await;
    let flow = api.create("?name=x").await;
    api.create("").await;
    api.send_update(&flow, json!({"level": "workflow_success"})).await;
    api.create("?name=x").await;
    assert_eq!(api.get("/api/workflows").await["count"], 2);
    let (status, answer) = api.ask(Method::DELETE, "/api/workflows/all", None).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"msg": "Database clean up is complete"})));
    assert_eq!(api.get("/api/workflows").await, json!({"count": 0, "workflows": []}));
    assert_eq!(api.ask(Method::DELETE, "/api/workflows/all", None).await.0, StatusCode::GONE);
    let left = lab.database.texts("select workflow_name from workflow_runs where deleted_at is null").await;
    assert_eq!(left, ["not of Panoptes"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn silence_makes_a_workflow_stale_until_it_is_heard_again() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let (flow, recent, done) = (api.create("").await, api.create("").await, api.create("").await);
    api.send_update(&done, json!({"level": "workflow_success"})).await;
    api.age(&flow, 49.0).await;
    api.age(&recent, 47.0).await;
    api.age(&done, 490.0).await;
    assert_eq!(api.now(&flow).await["status"], "Stale");
    assert_eq!(api.now(&recent).await["status"], "Running");
    assert_eq!(api.now(&done).await["status"], "Done");
    let listed = api.get("/api/workflows").await;
    let words: Vec<&str> = listed["workflows"].as_array().expect("a list").iter().filter_map(|flow| flow["status"].as_str()).collect();
    assert_eq!(words, ["Stale", "Running", "Done"]);
    // The sweep makes the state permanent, and a workflow that reports again runs again.
    let mut conn = lab.database.store.conn().await.expect("a connection");
    assert_eq!(
        store::sweep::lose_silent(&mut conn, &ingest::protocol::silences(&Timeouts { heartbeat: 60, quiet: 3600, stale: None }), 0)
            .await
            .expect("the sweep runs")
            .len(),
        0,
        "switched off"
    );
    // The server's own may come first.
    store::sweep::lose_silent(&mut conn, &ingest::protocol::silences(&Timeouts { heartbeat: 60, quiet: 3600, stale: Some(48 * 3600) }), 0)
        .await
        .expect("the sweep runs");
    let lost = lab.database.texts("select panoptes_id::text from workflow_runs where status = 'lost'").await;
    assert_eq!(lost, [flow["id"].to_string()]);
    assert_eq!(api.now(&flow).await["status"], "Stale");
    api.send_update(&flow, info(1)).await;
    assert_eq!(api.now(&flow).await["status"], "Running");
    // A stale workflow can be deleted.
    api.age(&recent, 50.0).await;
    assert_eq!(api.ask(Method::DELETE, &format!("/api/workflow/{}", recent["id"]), None).await.0, StatusCode::NO_CONTENT);
}
