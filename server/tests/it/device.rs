//! `flowo login`, as the recorded client held it: start, poll, approve, poll, use the token.

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
