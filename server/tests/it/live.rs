//! Every committed change reaches every open stream, or the stream says that changes are missing.

use crate::{
    lab::Lab,
    replay::{hold, lines},
};
use reqwest::StatusCode;
use serde_json::Value;
use testkit::{Event, until};

fn names(event: &Event) -> Vec<&str> {
    let runs = event.data["runs"].as_array().into_iter().flatten();
    runs.filter_map(|change| change["now"]["name"].as_str()).collect()
}

fn is_about(event: &Event, name: &str) -> bool {
    event.name == "frame" && names(event).contains(&name)
}

async fn insert(lab: &Lab, name: &str) {
    lab.database.sql(&format!("INSERT INTO workflow_runs (workflow_name, status) VALUES ('{name}', 'running')")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_written_by_hand_appears_in_an_open_stream() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;

    insert(&lab, "test_workflow").await;

    let event = tab.until("the run", |event| is_about(event, "test_workflow")).await;
    assert!(event.data["changed_at"].as_i64().is_some() && event.id.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_is_deleted_is_sent_as_gone() {
    let lab = Lab::new().await;
    insert(&lab, "short lived").await;
    let id = lab.database.text("select id::text from workflow_runs").await.expect("an id");
    let mut tab = lab.open("scope=runs").await;
    lab.database.sql("delete from workflow_runs").await;
    tab.until("the end", |event| event.data["runs"].as_array().into_iter().flatten().any(|change| change["gone"] == id.as_str())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_that_comes_back_gets_what_it_missed() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
    insert(&lab, "seen").await;
    let last = tab.until("the first run", |event| is_about(event, "seen")).await.id.expect("an id");
    drop(tab);
    insert(&lab, "missed").await;
    let mut other = lab.open("scope=runs").await;
    insert(&lab, "marker").await;
    other.until("the marker", |event| is_about(event, "marker")).await;

    let response = lab.get("/live?scope=runs").header("last-event-id", &last).send().await.expect("an answer");
    let mut back = testkit::Tab::new(response);

    back.until("what was missed", |event| is_about(event, "missed")).await;
    assert!(back.seen.iter().all(|event| event.name != "reset"), "{:#?}", back.seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cursor_from_elsewhere_is_answered_with_reset() {
    let lab = Lab::new().await;
    for after in ["ffff-7", "nonsense"] {
        let mut tab = lab.open(&format!("scope=runs&after={after}")).await;
        tab.until("a reset", |event| event.name == "reset").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_listener_that_lost_its_connection_catches_up() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
    for round in 0..3 {
        let name = format!("written while deaf {round}");
        let cut = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'flowo-listener' and datname = current_database();
             insert into workflow_runs (workflow_name) values ('{name}')"
        );
        lab.database.sql(&cut).await;
        tab.until("the run written meanwhile", |event| is_about(event, &name)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_nobody_rang_for_is_found_in_the_change_log() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
    // Like a server that is killed between a quiet commit and its notification.
    lab.database.sql("begin; set local flowo.quiet = 'on'; insert into workflow_runs (workflow_name) values ('quiet'); commit").await;
    insert(&lab, "loud").await;
    tab.until("the one that rang", |event| is_about(event, "loud")).await;
    tab.until("the one that did not", |event| is_about(event, "quiet")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_ring_may_tell_of_many_transactions() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
    let quiet = "set local flowo.quiet = 'on'; insert into workflow_runs (workflow_name) values";
    let ring = "select pg_notify('flowo_changes', string_agg(distinct xact::text, ' ')) from change_notifications";
    lab.database.sql(&format!("begin; {quiet} ('first'); commit; begin; {quiet} ('second'); commit; {ring}")).await;
    let both = |event: &Event| is_about(event, "first") && is_about(event, "second");
    tab.until("both in one frame", both).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_commits_late_is_delivered_all_the_same() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
    let mut early = lab.database.raw().await;
    testkit::run(&mut early, "begin; insert into workflow_runs (workflow_name) values ('began first')").await;
    insert(&lab, "ended first").await;
    tab.until("the one that ended first", |event| is_about(event, "ended first")).await;
    // The listener is cut while the earlier transaction is still open, so only the change log has the change.
    lab.database
        .sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'flowo-listener' and datname = current_database()")
        .await;
    testkit::run(&mut early, "commit").await;
    tab.until("the one that began first", |event| is_about(event, "began first")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_scope_carries_its_jobs_and_nobody_elses() {
    let lab = Lab::new().await;
    let id = hold(&lab, &lines("2.2.0", "sigkill")).await;
    let other = hold(&lab, &lines("2.2.0", "sigkill")).await;
    let mut tab = lab.open(&format!("scope=run:{id}")).await;
    for run in [&other, &id] {
        lab.database.sql(&format!("update job_executions set message = 'changed' where workflow_run_id = '{run}'")).await;
    }
    // A frame committed just before may still arrive, with the old message.
    let is_changed = |jobs: &Vec<serde_json::Value>| !jobs.is_empty() && jobs.iter().all(|job| job["message"] == "changed");
    tab.until("its jobs", |event| event.data["jobs"].as_array().is_some_and(is_changed)).await;
    let runs: Vec<&str> = tab
        .seen
        .iter()
        .flat_map(|event| event.data["runs"].as_array().into_iter().flatten())
        .filter_map(|run| run["now"]["id"].as_str())
        .collect();
    assert!(runs.iter().all(|run| *run == id), "{runs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revisions_on_the_stream_never_go_back() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
    let id = hold(&lab, &lines("2.2.0", "many_jobs")).await;
    tab.until("the end of the run", |event| {
        event.data["runs"].as_array().into_iter().flatten().any(|run| run["now"]["id"] == id.as_str() && run["now"]["status"] == "success")
    })
    .await;
    let revisions: Vec<i64> = tab
        .seen
        .iter()
        .flat_map(|event| event.data["runs"].as_array().into_iter().flatten())
        .filter_map(|run| run["now"]["revision"].as_i64())
        .collect();
    assert!(revisions.is_sorted(), "{revisions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_must_name_what_it_wants() {
    let lab = Lab::new().await;
    for (query, status) in [
        ("scope=everything", StatusCode::BAD_REQUEST),
        ("scope=run:7", StatusCode::BAD_REQUEST),
        ("scope=run:0193a4c2-0000-7000-8000-000000000001", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(lab.get(&format!("/live?{query}")).send().await.expect("an answer").status(), status, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn health_says_how_well_the_server_hears() {
    let lab = Lab::new().await;
    let health: Value = until("a live listener", || async {
        let health: Value = lab.get("/healthz").send().await.ok()?.json().await.ok()?;
        (health["listener"]["state"] == "live").then_some(health)
    })
    .await;
    assert_eq!(health["status"], "ok");
    assert_eq!(health["queue"]["depth"], 0);
    let metrics = lab.get("/metrics").send().await.expect("an answer");
    assert_eq!(metrics.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_than_can_be_listed_is_answered_with_reset() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
    lab.database
        .sql(
            "insert into workflow_runs (workflow_name) values ('large');
             insert into job_executions (workflow_run_id, job_id, rule) select r.id, n, 'map' from workflow_runs r, generate_series(1, 60000) n;
             insert into workflow_runs (workflow_name) values ('small')",
        )
        .await;
    tab.until("a reset", |event| event.name == "reset").await;
    insert(&lab, "afterwards").await;
    tab.until("what comes then", |event| is_about(event, "afterwards")).await;
}
