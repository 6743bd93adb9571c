//! `flowo login` as the recorded client did it: start, poll, approve, poll, use the token.

use crate::{lab::Lab, replay::folder};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn read(response: reqwest::Response, status: StatusCode) -> Value {
    assert_eq!(response.status(), status);
    response.json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_recorded_login_ends_with_a_token_that_works_once_approved() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    let text = std::fs::read_to_string(folder("cli-2.2.0").join("login_status_catalog.jsonl")).expect("the recording");
    let (mut code, mut token, mut polls) = (String::new(), String::new(), 0);
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a recorded line");
        let (method, path) = (line["method"].as_str().expect("a method"), line["path"].as_str().expect("a path"));
        let path = if path.contains("/poll/") { format!("/api/v1/tokens/cli/poll/{code}") } else { path.to_owned() };
        if path.contains("/poll/") {
            polls += 1;
        }
        if polls == 3 && path.contains("/poll/") {
            let approval =
                lab.request(Method::POST, "/api/v1/tokens/cli/approve").header("cookie", &cookie).json(&json!({ "device_code": code }));
            assert_eq!(read(approval.send().await.expect("an answer"), StatusCode::OK).await["status"], "approved");
        }
        let mut request = lab.request(method.parse().expect("a method"), &path);
        if line["headers"]["authorization"].is_string() {
            request = request.bearer_auth(&token);
        }
        if !line["body"].is_null() {
            request = request.json(&line["body"]);
        }
        let response = request.send().await.expect("an answer");
        match path.as_str() {
            "/api/v1/tokens/cli/start" => {
                let answer = read(response, StatusCode::OK).await;
                answer["device_code"].as_str().expect("a code").clone_into(&mut code);
                let shown = answer["user_code"].as_str().expect("a code");
                assert!(shown.len() == 9 && shown.as_bytes()[4] == b'-', "{shown}");
                assert!(answer["verification_uri_complete"].as_str().is_some_and(|uri| uri.starts_with("/login?")));
                assert!(answer["interval_seconds"].is_number() && answer["expires_at"].is_string());
            }
            path if path.contains("/poll/") && polls < 3 => {
                let answer = read(response, StatusCode::OK).await;
                assert_eq!((&answer["status"], &answer["token"]), (&json!("pending"), &Value::Null));
            }
            path if path.contains("/poll/") => {
                let answer = read(response, StatusCode::OK).await;
                answer["token"].as_str().expect("a token").clone_into(&mut token);
                assert_eq!((token.len(), &answer["status"]), (47, &json!("approved")));
                let again = lab.request(Method::GET, &format!("/api/v1/tokens/cli/poll/{code}")).send().await.expect("an answer");
                assert_eq!(again.status(), StatusCode::NOT_FOUND);
            }
            "/api/v1/utils/info" => assert!(read(response, StatusCode::OK).await["email_enabled"].is_boolean()),
            "/api/v1/catalog" => assert!(read(response, StatusCode::OK).await.is_array()),
            "/mcp" => assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED),
            other => panic!("the recording asks for {other}"),
        }
    }
    assert_eq!(polls, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_let_in_without_a_person_who_says_so() {
    let lab = Lab::new().await;
    let start = lab.request(Method::POST, "/api/v1/tokens/cli/start").json(&json!({ "ttl_days": null })).send().await.expect("an answer");
    let code = read(start, StatusCode::OK).await["device_code"].as_str().expect("a code").to_owned();
    let approve = |body: Value| lab.request(Method::POST, "/api/v1/tokens/cli/approve").json(&body);

    let by_nobody = approve(json!({ "device_code": code })).send().await.expect("an answer");
    assert_eq!(by_nobody.status(), StatusCode::UNAUTHORIZED);
    let by_token = approve(json!({ "device_code": code })).bearer_auth(&lab.admin).send().await.expect("an answer");
    assert_eq!(by_token.status(), StatusCode::FORBIDDEN);
    let cookie = lab.session(lab.owner).await;
    let guessed = approve(json!({ "device_code": "guessed" })).header("cookie", cookie).send().await.expect("an answer");
    assert_eq!(guessed.status(), StatusCode::NOT_FOUND);
    let poll = lab.request(Method::GET, &format!("/api/v1/tokens/cli/poll/{code}")).send().await.expect("an answer");
    assert_eq!(read(poll, StatusCode::OK).await["status"], "pending");
}

/// Begins a sign-in as the client does; returns its codes.
async fn begun(lab: &Lab, ttl_days: Value) -> (String, String) {
    let start =
        lab.request(Method::POST, "/api/v1/tokens/cli/start").json(&json!({ "ttl_days": ttl_days })).send().await.expect("an answer");
    let answer = read(start, StatusCode::OK).await;
    let text = |name: &str| answer[name].as_str().expect("a code").to_owned();
    (text("device_code"), text("user_code"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_page_shows_the_code_of_the_device_and_not_that_of_the_address() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    let (evil, shown) = begun(&lab, json!(14)).await;

    let path = format!("/login?cli_device_code={evil}&cli_user_code=GOOD-CODE");
    let page = lab.request(Method::GET, &path).header("cookie", &cookie).send().await.expect("an answer").text().await.expect("a page");

    assert!(page.contains(&shown) && !page.contains("GOOD-CODE"), "{page}");
    let tags = |name: &'static str| page.split(name).skip(1).filter_map(|rest| rest.split('>').next()).collect::<Vec<_>>();
    let checked: Vec<&str> = tags("<input").into_iter().filter(|tag| tag.contains("radio") && tag.contains("checked")).collect();
    assert!(checked.len() == 1 && checked[0].contains("value=\"report\""), "the least is chosen: {checked:?}");
    let selected: Vec<&str> = tags("<option").into_iter().filter(|tag| tag.contains("selected")).collect();
    assert!(selected.len() == 1 && selected[0].contains("value=\"14\""), "{selected:?}");
    let nobody = lab.request(Method::GET, &path).send().await.expect("an answer").text().await.expect("a page");
    assert!(!nobody.contains(&shown) && nobody.contains("Sign in first"), "{nobody}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_approval_gives_the_least_unless_the_approver_says_more() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    for (asked, approval, scope, days) in [
        (json!(null), json!({}), "report", Some(90)),
        (json!(3650), json!({}), "report", Some(90)),
        (json!(7), json!({}), "report", Some(7)),
        (json!(7), json!({ "scope": "write", "days": 30 }), "write", Some(30)),
        (json!(null), json!({ "scope": "admin", "days": 0 }), "admin", None),
        (json!(7), json!({ "scope": "run" }), "run", Some(7)),
        (json!(7), json!({ "scope": "work" }), "work", Some(7)),
    ] {
        let (code, _) = begun(&lab, asked.clone()).await;
        let mut body = approval.clone();
        body["device_code"] = json!(code);
        let done =
            lab.request(Method::POST, "/api/v1/tokens/cli/approve").header("cookie", &cookie).json(&body).send().await.expect("an answer");
        read(done, StatusCode::OK).await;
        let poll = lab.request(Method::GET, &format!("/api/v1/tokens/cli/poll/{code}")).send().await.expect("an answer");
        let answer = read(poll, StatusCode::OK).await;
        assert_eq!(answer["flowo_working_path"], "/", "as in the server's own config.toml");
        let made = "select scope || ' ' || coalesce(round(extract(epoch from expires_at - now()) / 86400)::text, 'for ever') \
                      from tokens where name = 'flowo login' order by id desc limit 1";
        let expected = format!("{scope} {}", days.map_or_else(|| "for ever".to_owned(), |days: i32| days.to_string()));
        assert_eq!(lab.database.text(made).await, Some(expected), "{asked} {approval}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_only_reports_is_enough_for_the_client() {
    let lab = Lab::new().await;
    let token = lab.token(lab.owner, "report").await;
    let ask = async |path: &str| lab.request(Method::GET, path).bearer_auth(&token).send().await.expect("an answer").status();
    assert_eq!(ask("/api/v1/utils/info").await, StatusCode::OK);
    assert_eq!(ask("/api/v1/catalog").await, StatusCode::OK);
    assert_eq!(ask("/mcp").await, StatusCode::METHOD_NOT_ALLOWED);
    let context = json!({ "current_workflow_id": "0193a4c2-0000-7000-8000-0000000000d1" });
    let body =
        json!({ "event": "workflow_started", "record": { "workflow_id": "0193a4c2-0000-7000-8000-0000000000d1" }, "context": context });
    let report = lab.request(Method::POST, "/api/v1/reports/").bearer_auth(&token).json(&body).send().await.expect("an answer");
    assert_eq!(report.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_gives_more_than_they_have() {
    let lab = Lab::new().await;
    let (member, viewer) = (lab.user("ana", "member").await, lab.user("guest", "viewer").await);
    let (members, viewers) = (lab.session(member).await, lab.session(viewer).await);
    let (code, _) = begun(&lab, json!(7)).await;
    let approve = async |cookie: &str, scope: &str| {
        let body = json!({ "device_code": code, "scope": scope });
        let request = lab.request(Method::POST, "/api/v1/tokens/cli/approve").header("cookie", cookie).json(&body);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(approve(&members, "admin").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(approve(&members, "work").await, StatusCode::UNPROCESSABLE_ENTITY, "a worker is handed everybody's tasks");
    assert_eq!(approve(&members, "root").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(approve(&viewers, "report").await, StatusCode::FORBIDDEN);
    let page =
        lab.request(Method::GET, &format!("/login?cli_device_code={code}")).header("cookie", &members).send().await.expect("an answer");
    let page = page.text().await.expect("a page");
    for (scope, offered) in [("write", true), ("run", false), ("work", false), ("admin", false)] {
        assert_eq!(page.contains(&format!("value=\"{scope}\"")), offered, "{scope}: {page}");
    }
    assert_eq!(approve(&members, "write").await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_begins_too_many_sign_ins_stops_nobody_else() {
    let lab = Lab::new().await;
    let start = async |client: &reqwest::Client| {
        let request = client.post(format!("{}/api/v1/tokens/cli/start", lab.base)).json(&json!({ "ttl_days": 90 }));
        request.send().await.expect("an answer")
    };
    let (crowd, other) = (testkit::client(), reqwest::Client::builder().local_address("127.0.0.2".parse().ok()).build().expect("a client"));
    let (mut begun, mut refused, mut waits) = (0, 0, 0);
    for _ in 0..1100 {
        let answer = start(&crowd).await;
        match answer.status() {
            StatusCode::OK => begun += 1,
            StatusCode::TOO_MANY_REQUESTS => {
                refused += 1;
                waits += u32::from(answer.headers().contains_key("retry-after"));
            }
            status => panic!("{status}"),
        }
    }
    assert!(begun >= 60 && refused >= 900, "{begun} begun, {refused} refused");
    assert_eq!(start(&other).await.status(), StatusCode::OK, "another address is served");
    assert_eq!(waits, refused, "each is told when to come again");

    // Another address can sign in even after many have filled the table.
    lab.database.sql("insert into device_logins (hash, user_code, expires_at, created_at) select sha256(n::text::bytea), 'x', now() + interval '9 minutes', now() - interval '1 minute' from generate_series(1, 1500) n").await;
    assert_eq!(start(&other).await.status(), StatusCode::OK);
    let kept = lab.database.text("select (count(*) <= 1000)::text from device_logins").await;
    assert_eq!(kept.as_deref(), Some("true"));
}
