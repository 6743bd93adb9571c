//! Every route against every kind of caller.

use crate::lab::Lab;
use flowo_server::http::access::{Access, routes};
use model::access::Permission;
use reqwest::{Method, StatusCode};

/// Kinds of callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anonymous,
    BadToken,
    BadCookie,
    ReportToken,
    ReadToken,
    WriteToken,
    RunToken,
    WorkToken,
    ViewerSession,
    MemberSession,
    OtherAdminSession,
    OwnerToken,
    OwnerSession,
}

const CALLERS: [Caller; 13] = [
    Caller::Anonymous,
    Caller::BadToken,
    Caller::BadCookie,
    Caller::ReportToken,
    Caller::ReadToken,
    Caller::WriteToken,
    Caller::RunToken,
    Caller::WorkToken,
    Caller::ViewerSession,
    Caller::MemberSession,
    Caller::OtherAdminSession,
    Caller::OwnerToken,
    Caller::OwnerSession,
];

/// How a route treats a caller.
#[derive(Debug, PartialEq, Eq)]
enum Door {
    Open,
    SignIn,
    Refused,
}

fn expected(access: Access, caller: Caller) -> Door {
    use Caller as C;
    use Permission as P;
    let unknown = matches!(caller, C::Anonymous | C::BadToken | C::BadCookie);
    let changes_by_session = matches!(caller, C::MemberSession | C::OtherAdminSession | C::OwnerSession);
    let open = match access {
        Access::Public => true,
        Access::Page => changes_by_session || caller == C::ViewerSession,
        Access::Asks(P::Greet) => !unknown,
        Access::Asks(P::ReadRuns) => !unknown && !matches!(caller, C::ReportToken | C::WorkToken),
        Access::Asks(P::AdmitPrograms) => changes_by_session,
        Access::Asks(P::ChangeRuns) => changes_by_session || matches!(caller, C::WriteToken | C::OwnerToken),
        Access::Asks(P::ReportByToken) => matches!(caller, C::ReportToken | C::WriteToken | C::OwnerToken),
        Access::Asks(P::Report) => changes_by_session || matches!(caller, C::ReportToken | C::WriteToken | C::OwnerToken),
        // The tests run on this machine, where operators need no credential; an invalid one is still refused.
        Access::Operator => matches!(caller, C::Anonymous | C::OtherAdminSession | C::OwnerToken | C::OwnerSession),
        Access::Asks(other) => panic!("no route asked for {other:?} before: say here who has it"),
    };
    match (open, unknown || matches!(access, Access::Page | Access::Asks(P::ReportByToken))) {
        (true, _) => Door::Open,
        (false, true) => Door::SignIn,
        (false, false) => Door::Refused,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_route_opens_to_whom_the_table_names_and_to_nobody_else() {
    let lab = Lab::new().await;
    let viewer = lab.user("visitor", "viewer").await;
    let (member, other) = (lab.user("ana", "member").await, lab.user("second", "admin").await);
    let (report, read) = (lab.token(lab.owner, "report").await, lab.token(lab.owner, "read").await);
    let write = lab.token(lab.owner, "write").await;
    let (run_token, work) = (lab.token(lab.owner, "run").await, lab.token(lab.owner, "work").await);
    let run = "0193a4c2-0000-7000-8000-000000000001";
    for (method, pattern, access) in routes() {
        for caller in CALLERS {
            // A fresh session each time, because one of the routes ends it.
            let session = match caller {
                Caller::ViewerSession => Some(lab.session(viewer).await),
                Caller::MemberSession => Some(lab.session(member).await),
                Caller::OtherAdminSession => Some(lab.session(other).await),
                Caller::OwnerSession => Some(lab.session(lab.owner).await),
                Caller::BadCookie => Some("flowo_session=guessed".to_owned()),
                _ => None,
            };
            let path = pattern
                .replace("{id}", run)
                .replace("{*name}", "runs/overview")
                .replace("{*file}", "x")
                .replace("{code}", "x")
                .replace("{number}", "1")
                .replace("/pkg/", "/pkg-test/");
            let path = if path == "/live" { "/live?scope=nothing".to_owned() } else { path };
            let mut request = lab.request(method.clone(), &path);
            request = match caller {
                Caller::BadToken => request.bearer_auth("flw_0000000000000000000000000000000000000000000"),
                Caller::ReportToken => request.bearer_auth(&report),
                Caller::ReadToken => request.bearer_auth(&read),
                Caller::WriteToken => request.bearer_auth(&write),
                Caller::RunToken => request.bearer_auth(&run_token),
                Caller::WorkToken => request.bearer_auth(&work),
                Caller::OwnerToken => request.bearer_auth(&lab.admin),
                _ => request,
            };
            if let Some(cookie) = session {
                request = request.header("cookie", cookie);
            }
            let response = request.send().await.expect("an answer");
            let status = response.status();
            // The one answer that does not end the run of whoever is refused.
            let kindly = access == Access::Asks(Permission::ReportByToken) && status == StatusCode::BAD_REQUEST;
            let to_login = response.headers().get("location").is_some_and(|to| to == "/login");
            let door = match status {
                StatusCode::UNAUTHORIZED => Door::SignIn,
                StatusCode::FORBIDDEN => Door::Refused,
                _ if to_login => Door::SignIn,
                _ if kindly && response.text().await.expect("a body").contains("Authorization is required") => Door::SignIn,
                _ => Door::Open,
            };
            assert_eq!(door, expected(access, caller), "{method} {path} as {caller:?} answered {status}");
            assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "{method} {path} as {caller:?} broke");
        }
    }
}

/// A refusal has the form that the route's clients expect, also without a body.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_head_request_is_refused_like_a_get() {
    let lab = Lab::new().await;
    let read = lab.token(lab.owner, "read").await;
    for token in ["flw_0000000000000000000000000000000000000000000", &read] {
        let [get, head] = [Method::GET, Method::HEAD].map(|method| lab.request(method, "/create_workflow").bearer_auth(token).send());
        let (get, head) = (get.await.expect("an answer"), head.await.expect("an answer"));
        assert_eq!((get.status(), head.status()), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
        assert_eq!(get.headers().get("content-type"), head.headers().get("content-type"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_that_is_not_in_the_table_answers_nobody() {
    let lab = Lab::new().await;
    for path in ["/api/flowo/v1/nothing", "/api/v1/workflows/", "/_fn/nothing"] {
        assert_eq!(lab.get(path).send().await.expect("an answer").status(), StatusCode::NOT_FOUND, "{path}");
    }
    let wrong_method = lab.request(Method::PUT, "/api/flowo/v1/runs").bearer_auth(&lab.admin).send().await.expect("an answer");
    assert_eq!(wrong_method.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_member_sees_only_their_own_runs() {
    let lab = Lab::new().await;
    let (ana, ben) = (lab.user("ana", "member").await, lab.user("ben", "member").await);
    lab.database
        .sql(&format!("insert into workflow_runs (workflow_name, user_id, user_name) values ('hers', {ana}, 'ana'), ('his', {ben}, 'ben')"))
        .await;
    let token = lab.token(ana, "write").await;
    let list = lab.request(Method::GET, "/api/flowo/v1/runs").bearer_auth(&token).send().await.expect("an answer");
    let list: serde_json::Value = list.json().await.expect("JSON");
    let names: Vec<&str> = list["items"].as_array().expect("items").iter().filter_map(|run| run["name"].as_str()).collect();
    assert_eq!(names, ["hers"]);

    let his = lab.database.text("select id::text from workflow_runs where workflow_name = 'his'").await.expect("an id");
    for (method, path) in [
        (Method::GET, format!("/api/flowo/v1/runs/{his}")),
        (Method::GET, format!("/api/flowo/v1/runs/{his}/jobs")),
        (Method::DELETE, format!("/api/flowo/v1/runs/{his}")),
        (Method::GET, format!("/live?scope=run:{his}")),
    ] {
        let response = lab.request(method, &path).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_site_cannot_act_with_a_readers_cookie() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    let response = lab
        .request(Method::POST, "/_fn/runs/delete")
        .header("cookie", &cookie)
        .header("origin", "https://elsewhere.example")
        .header("sec-fetch-site", "cross-site")
        .json(&serde_json::json!({ "ids": [] }))
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}
