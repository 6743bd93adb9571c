//! Hostile, broken and huge requests get the right status and a clear message, and nothing is lost.

use crate::lab::Lab;
use reqwest::StatusCode;
use serde_json::{Value, json};

const RUN: &str = "0193a4c2-0000-7000-8000-00000000000a";

fn context(run: Option<&str>) -> Value {
    json!({ "current_workflow_id": run, "dryrun": false, "jobs": {}, "logfile": "/lab/flowo_logs/log_1.log", "flowo_project_name": "bad input", "flowo_tags": [], "workdir": "/lab" })
}

async fn start(lab: &Lab) {
    let response = lab.event("workflow_started", json!({ "workflow_id": RUN, "snakefile": "Snakefile", "rules": [] }), context(None)).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_no_report_is_refused_with_the_place_and_the_reason() {
    let lab = Lab::new().await;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let deepish = format!("{{\"event\":\"x\",\"record\":{{\"a\":{}1{}}},\"context\":{{}}}}", "[".repeat(90), "]".repeat(90));
    for (what, body, place) in [
        ("nothing", Vec::new(), "body"),
        ("not JSON", b"event=error".to_vec(), "body"),
        ("invalid UTF-8", b"{\"event\":\"\xff\",\"record\":{},\"context\":{}}".to_vec(), "body"),
        ("bottomless", deep.into_bytes(), "body"),
        ("deep", deepish.into_bytes(), "body"),
        ("a list", b"[]".to_vec(), "record"),
        ("no record", b"{\"event\":\"error\",\"context\":{}}".to_vec(), "record"),
        ("no context", b"{\"event\":\"error\",\"record\":{}}".to_vec(), "context"),
        ("no event", b"{\"record\":{},\"context\":{\"logfile\":\"/x\"}}".to_vec(), "envelope"),
        ("an event that is a number", b"{\"event\":7,\"record\":{},\"context\":{\"logfile\":\"/x\"}}".to_vec(), "envelope"),
        ("no way to know the run", b"{\"event\":\"error\",\"record\":{},\"context\":{}}".to_vec(), "context"),
        ("an id that is none", b"{\"event\":\"error\",\"record\":{},\"context\":{\"current_workflow_id\":\"7\"}}".to_vec(), "context"),
    ] {
        let response = lab.post("/api/v1/reports/").header("content-type", "application/json").body(body).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{what}");
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(answer["detail"][0]["loc"][1], place, "{what}: {answer}");
        assert!(answer["detail"][0]["msg"].as_str().is_some_and(|text| text.len() > 5), "{what}: {answer}");
    }
    assert_eq!(lab.api("/runs").await["total"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn names_that_no_index_holds_are_cut_and_the_run_is_there() {
    let lab = Lab::new().await;
    // Three-byte letters that do not compress.
    let long: String = (0..4_000_u32).filter_map(|n| char::from_u32(0x4e00 + n * 7919 % 20_000)).collect();
    let mut sent = context(None);
    sent["flowo_tags"] = json!([long, "short"]);
    sent["flowo_project_name"] = json!(long);
    sent["logfile"] = json!(format!("/lab/{long}"));
    let response = lab.event("workflow_started", json!({ "workflow_id": RUN, "snakefile": "Snakefile", "rules": [] }), sent).await;
    assert_eq!(response.status(), StatusCode::OK);
    let run = lab.api(&format!("/runs/{RUN}")).await;
    assert!(run["name"].as_str().is_some_and(|name| name.len() < 1_010 && long.starts_with(name.trim_end_matches('…'))));
    assert_eq!((run["tags"][1].as_str(), run["status"].as_str()), (Some("short"), Some("running")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_record_of_the_wrong_form_is_kept_aside_and_the_run_goes_on() {
    let lab = Lab::new().await;
    start(&lab).await;
    for (event, record) in [
        ("job_started", json!({ "job_ids": ["a-group"] })),
        ("job_info", json!({ "job_id": "seven" })),
        ("run_info", json!({ "stats": [1, 2] })),
        ("job_finished", json!({})),
    ] {
        let response = lab.event(event, record, context(Some(RUN))).await;
        assert_eq!(response.status(), StatusCode::OK, "{event}");
    }
    let unknown = lab.event("invented_tomorrow", json!({ "x": 1 }), context(Some(RUN))).await;
    assert_eq!(unknown.status(), StatusCode::OK);
    lab.event("job_finished", json!({ "job_id": 1 }), context(Some(RUN))).await;

    let run = lab.api(&format!("/runs/{RUN}")).await;
    assert_eq!((&run["quarantined"], &run["jobs"]["success"]), (&json!(4), &json!(1)));
    let kept = lab.database.texts("select outcome from ingest_events order by id").await;
    assert_eq!(kept, ["applied", "quarantined", "quarantined", "quarantined", "quarantined", "ignored", "applied"]);
    let reasons = lab.database.texts("select detail from ingest_events where detail is not null").await;
    assert!(reasons.iter().all(|reason| reason.contains("expected form")), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nul_characters_are_replaced_and_the_rest_is_kept() {
    let lab = Lab::new().await;
    let mut named = context(None);
    named["flowo_project_name"] = json!("a\0b");
    let response = lab
        .event("workflow_started", json!({ "workflow_id": RUN, "rules": [{ "name": "r\0", "code": "x\0y", "language": null }] }), named)
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(lab.api(&format!("/runs/{RUN}")).await["name"], "a\u{fffd}b");
    assert_eq!(lab.api(&format!("/runs/{RUN}/rules")).await["items"][0]["code"], "x\u{fffd}y");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_thousand_rules_and_a_megabyte_of_name_are_taken() {
    let lab = Lab::new().await;
    let rules: Vec<Value> = (0..100_000).map(|n| json!({ "name": format!("rule_{n}"), "code": "true", "language": "bash" })).collect();
    let mut named = context(None);
    named["flowo_project_name"] = json!("n".repeat(1 << 20));
    let response = lab.event("workflow_started", json!({ "workflow_id": RUN, "rules": rules }), named).await;
    assert_eq!(response.status(), StatusCode::OK);
    let stored = lab.database.text("select count(*)::text from rules").await;
    assert_eq!(stored.as_deref(), Some("100000"));
    let name = lab.api(&format!("/runs/{RUN}")).await["name"].as_str().expect("a name").chars().count();
    assert!(name <= 1001, "the name is cut, not refused: {name}");
    let rule = "r".repeat(1 << 20);
    let info = json!({ "job_id": 1, "rule_name": rule, "threads": 1, "wildcards": {}, "resources": {}, "priority": 0, "input": ["p".repeat(1 << 16)] });
    assert_eq!(lab.event("job_info", info, context(Some(RUN))).await.status(), StatusCode::OK);
    assert_eq!(lab.api(&format!("/runs/{RUN}")).await["jobs"]["running"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_oversized_body_is_refused_and_the_server_stays_up() {
    let lab = Lab::new().await;
    let huge = vec![b' '; (64 << 20) + 1];
    // The server may close while the rest is still being sent; either way the request is refused.
    if let Ok(response) = lab.post("/api/v1/reports/").header("content-type", "application/json").body(huge).send().await {
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    start(&lab).await;
    assert_eq!(lab.api("/runs").await["total"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn unknown_and_foreign_runs_are_answered_as_the_client_expects() {
    let lab = Lab::new().await;
    start(&lab).await;
    let nobody = "0193a4c2-0000-7000-8000-0000000000ff";
    let ben = lab.user("ben", "member").await;
    let ben = lab.token(ben, "report").await;

    let unknown = lab.post(&format!("/api/v1/reports/heartbeat?workflow_id={nobody}")).send().await.expect("an answer");
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let unknown: Value =
        lab.post(&format!("/api/v1/reports/close?workflow_id={nobody}")).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(unknown["message"], "Workflow not found");
    let no_id = lab.post("/api/v1/reports/close?workflow_id=7").send().await.expect("an answer");
    assert_eq!(no_id.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let foreign = |path: String| lab.request(reqwest::Method::POST, &path).bearer_auth(&ben);
    let report = json!({ "event": "job_finished", "record": { "job_id": 1 }, "context": context(Some(RUN)) });
    let answer = foreign("/api/v1/reports/".into()).json(&report).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let answer = foreign(format!("/api/v1/reports/heartbeat?workflow_id={RUN}")).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let answer: Value =
        foreign(format!("/api/v1/reports/close?workflow_id={RUN}")).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["message"], "Unauthorized");
    let run = lab.api(&format!("/runs/{RUN}")).await;
    assert_eq!((&run["status"], &run["jobs"]["seen"]), (&json!("running"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deleted_run_stays_deleted_although_its_client_goes_on() {
    let lab = Lab::new().await;
    start(&lab).await;
    let gone =
        lab.request(reqwest::Method::DELETE, &format!("/api/flowo/v1/runs/{RUN}")).bearer_auth(&lab.admin).send().await.expect("an answer");
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let mut conn = lab.database.store.conn().await.expect("a connection");
    assert_eq!(store::runs::edit::purge(&mut conn, 0, 10).await.expect("the purge runs"), 1);

    let answer = lab.event("job_finished", json!({ "job_id": 1 }), context(Some(RUN))).await;

    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(lab.api("/runs").await["total"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_api_names_the_mistake() {
    let lab = Lab::new().await;
    for (path, part) in
        [("/runs?q=status:broken", "status:broken"), ("/runs?sort=size", "size"), ("/runs?limit=0", "limit"), ("/runs?after=~", "after")]
    {
        let response = lab.get(&format!("/api/flowo/v1{path}")).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        let problem: Value = response.json().await.expect("JSON");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(part)), "{path}: {problem}");
    }
}
