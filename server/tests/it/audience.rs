//! A run for its owner and team only, made so by SQL: nobody else finds it, wherever they look.

use crate::lab::Lab;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use testkit::{Event, until};

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// The run of the member ana, and another one that stays for everyone.
async fn filled() -> Lab {
    let lab = Lab::new().await;
    let ana = lab.user("ana", "member").await;
    lab.database
        .sql(&format!(
            "insert into workflow_runs (id, workflow_name, status, user_id, user_name) values ('{RUN}', 'hushed', 'running', {ana}, 'ana');
             insert into workflow_runs (workflow_name, status, user_id, user_name) values ('loud', 'running', {ana}, 'ana');
             insert into job_executions (workflow_run_id, job_id, rule, status) values ('{RUN}', 1, 'map', 'running');
             insert into log_entries (workflow_run_id, message) values ('{RUN}', 'whispered words')"
        ))
        .await;
    lab
}

async fn narrow(lab: &Lab) {
    lab.database.sql(&format!("update workflow_runs set audience = 'owner and team' where id = '{RUN}'")).await;
}

/// Everywhere a run can be found: what of it each place shows.
async fn found(lab: &Lab, cookie: &str) -> Vec<&'static str> {
    let with = |request: RequestBuilder| request.header("cookie", cookie);
    let get = async |path: String| with(lab.request(Method::GET, &path)).send().await.expect("an answer");
    let call = async |name: &str, body: Value| {
        let answer = with(lab.request(Method::POST, &format!("/_fn/{name}"))).json(&body).send().await.expect("an answer");
        answer.text().await.expect("a body")
    };
    let mut places = Vec::new();
    for (place, path) in [
        ("API", format!("/api/flowo/v1/runs/{RUN}")),
        ("API of jobs", format!("/api/flowo/v1/runs/{RUN}/jobs")),
        ("API of rules", format!("/api/flowo/v1/runs/{RUN}/rules")),
        ("report", format!("/runs/{RUN}/report")),
        ("stream", format!("/live?scope=run:{RUN}")),
    ] {
        let status = get(path).await.status();
        assert!(matches!(status, StatusCode::OK | StatusCode::NOT_FOUND), "{place} answers {status}");
        if status == StatusCode::OK {
            places.push(place);
        }
    }
    for (place, path) in
        [("API list", "/api/flowo/v1/runs".to_owned()), ("list page", "/runs".to_owned()), ("run page", format!("/runs/{RUN}"))]
    {
        if get(path).await.text().await.expect("a body").contains("hushed") {
            places.push(place);
        }
    }
    for (place, name, body, word) in [
        ("list", "runs/list", json!({ "q": "hushed", "sort": "", "after": null }), RUN),
        ("run", "runs/read", json!({ "id": RUN, "at": null }), "hushed"),
        ("search", "logs/search", json!({ "q": "whispered", "errors": false, "after": null }), "whispered words"),
    ] {
        if call(name, body).await.contains(word) {
            places.push(place);
        }
    }
    places
}

const EVERYWHERE: [&str; 11] =
    ["API", "API of jobs", "API of rules", "report", "stream", "API list", "list page", "run page", "list", "run", "search"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_for_its_owner_and_team_is_hidden_from_other_people_everywhere() {
    let lab = filled().await;
    let (ben, guest, second) = (lab.user("ben", "member").await, lab.user("guest", "viewer").await, lab.user("second", "admin").await);
    let ana = lab.user("ana", "member").await;
    let everywhere = EVERYWHERE.as_slice();
    for (who, before, after) in [
        (ana, everywhere, everywhere),
        (second, everywhere, everywhere),
        (guest, everywhere, &[][..]),
        (ben, &[][..], &[][..]), // A member sees their own runs only, whomever others are for.
    ] {
        let cookie = lab.session(who).await;
        lab.database.sql("update workflow_runs set audience = 'everyone'").await;
        assert_eq!(found(&lab, &cookie).await, before, "{who}, for everyone");
        narrow(&lab).await;
        assert_eq!(found(&lab, &cookie).await, after, "{who}, for owner and team");
    }
    // Given to ben, it is his, and no longer ana's.
    lab.database.sql(&format!("update workflow_runs set owner_id = {ben} where id = '{RUN}'")).await;
    assert_eq!(found(&lab, &lab.session(ben).await).await, everywhere);
    assert_eq!(found(&lab, &lab.session(ana).await).await, Vec::<&str>::new());
}

fn change<'a>(event: &'a Event, kind: &str) -> Vec<&'a Value> {
    event.data["runs"].as_array().into_iter().flatten().map(|change| &change[kind]).filter(|change| !change.is_null()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_open_stream_says_that_the_run_is_gone_and_nothing_more_of_it() {
    let lab = filled().await;
    let (guest, second) = (lab.user("guest", "viewer").await, lab.user("second", "admin").await);
    let (guests, admins) = (lab.session(guest).await, lab.session(second).await);
    let of_run = format!("scope=run:{RUN}");
    let mut tabs = [lab.open_as(&guests, "scope=runs").await, lab.open_as(&guests, &of_run).await];
    let mut overseer = lab.open_as(&admins, "scope=runs").await;
    overseer.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;

    narrow(&lab).await;
    for tab in &mut tabs {
        tab.until("the run to go", |event| change(event, "gone").contains(&&json!(RUN))).await;
    }
    lab.database
        .sql(&format!(
            "update job_executions set status = 'success' where workflow_run_id = '{RUN}';
             update workflow_runs set workflow_name = 'quieter' where id = '{RUN}'"
        ))
        .await;
    lab.database.sql("update workflow_runs set workflow_name = 'louder' where workflow_name = 'loud'").await;

    let is_about = |event: &Event, name: &str| change(event, "now").iter().any(|run| run["name"] == name);
    overseer.until("what the admin sees", |event| is_about(event, "quieter")).await;
    let [list, run] = &mut tabs;
    list.until("the other run", |event| is_about(event, "louder")).await;
    lab.database.sql(&format!("update workflow_runs set audience = 'everyone', workflow_name = 'back' where id = '{RUN}'")).await;
    list.until("the run to come back", |event| is_about(event, "back")).await;
    run.until("the run to come back", |event| is_about(event, "back")).await;
    for tab in [&*list, &*run] {
        assert!(tab.seen.iter().all(|event| !event.data.to_string().contains("quieter")), "{:#?}", tab.seen);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_figures_above_the_list_leave_out_what_is_hidden() {
    let lab = filled().await;
    let cookie = lab.session(lab.user("guest", "viewer").await).await;
    narrow(&lab).await;
    until("one run in all figures", || async {
        let request = lab.request(Method::POST, "/_fn/runs/overview").header("cookie", &cookie).json(&json!({ "q": "" }));
        let figures: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        (figures[1]["count"] == 1).then_some(())
    })
    .await;
}
