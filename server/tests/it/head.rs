//! Strangers' texts in the document's head and body stay text wherever the server renders a page.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};

/// Each closes something that a page may have opened around it.
const BREAKERS: [&str; 7] = [
    "</title><meta http-equiv=\"refresh\" content=\"0;url=http://127.0.0.1:3999/\">",
    "</title><style>body{display:none}</style>",
    "</style><style>*{display:none}</style>",
    "</script><script>top.__pwned=1</script>",
    "--><meta http-equiv=refresh content=1>",
    "</textarea></noscript></template></title><base href=//127.0.0.1:3999/>",
    "\"><link rel=stylesheet href=//127.0.0.1:3999/>",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_stays_text_wherever_a_page_shows_it() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    for (number, breaker) in BREAKERS.into_iter().enumerate() {
        let quoted = breaker.replace('\'', "''");
        let id = format!("0193a4c2-0000-7000-8000-0000000000{number:02}");
        lab.database
            .sql(&format!(
                "insert into workflow_runs (id, workflow_name, status, ended_at, user_id, user_name, directory, snakefile, command_line, host, tags)
                 values ('{id}', 'name {quoted}', 'failed', now(), {}, 'user {quoted}', '/dir {quoted}', 'file {quoted}', 'cmd {quoted}', 'host {quoted}', array['tag {quoted}'])",
                lab.owner
            ))
            .await;
        let in_address = percent_encoding::utf8_percent_encode(breaker, percent_encoding::NON_ALPHANUMERIC).to_string();
        for path in [
            format!("/runs/{id}"),
            format!("/runs/{id}/report"),
            format!("/runs/{id}?view=info"),
            format!("/runs/{id}?rule={in_address}&q={in_address}"),
            "/runs".to_owned(),
            format!("/runs?q={in_address}&tag={in_address}&user={in_address}"),
            format!("/logs?q={in_address}"),
            format!("/login?why={in_address}"),
            format!("/nowhere/{in_address}"),
        ] {
            let response = lab.request(Method::GET, &path).header("cookie", &cookie).send().await.expect("an answer");
            assert!(response.status() == StatusCode::OK || path.starts_with("/nowhere"), "{path}: {}", response.status());
            let html = response.text().await.expect("a page");
            assert!(!html.contains(breaker), "{path} holds {breaker} as it is");
            assert_eq!(html.matches("</title>").count(), 1, "{path}: the title ends once");
            assert!(!html.contains("<meta http-equiv") && !html.contains("<base"), "{path} is sent elsewhere");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_that_comes_without_a_token_stays_text() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    for breaker in BREAKERS {
        let in_address = percent_encoding::utf8_percent_encode(breaker, percent_encoding::NON_ALPHANUMERIC);
        let made = testkit::client().get(format!("{}/create_workflow?name={in_address}", lab.old_port)).send().await.expect("an answer");
        assert_eq!(made.status(), StatusCode::OK);
        let newest = "select id::text from workflow_runs order by number desc limit 1";
        let id = lab.database.text(newest).await.expect("a run");

        for path in [format!("/runs/{id}"), "/runs".to_owned()] {
            let html = lab.request(Method::GET, &path).header("cookie", &cookie).send().await.expect("a page").text().await.expect("text");
            assert!(!html.contains(breaker), "{path} holds {breaker} as it is");
            assert_eq!(html.matches("</title>").count(), 1, "{path}: the title ends once");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_page_sends_its_forms_or_links_elsewhere() {
    let lab = Lab::new().await;
    for path in ["/login", "/runs", "/nowhere"] {
        let answer = lab.get(path).send().await.expect("a page");
        let policy = answer.headers().get("content-security-policy").and_then(|policy| policy.to_str().ok()).unwrap_or_default().to_owned();
        for rule in ["form-action 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule) || answer.status().is_redirection(), "{path}: {rule} is not in {policy:?}");
        }
    }
}
