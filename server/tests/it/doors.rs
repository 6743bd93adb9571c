//! How people sign in and out, and what the audit log records.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_link_works_once() {
    let lab = Lab::new().await;
    let key = lab.sign_in_key(lab.owner).await;

    let first = lab.sign_in(&key).await;
    let second = lab.sign_in(&key).await;

    assert_eq!(first.headers()["location"], "/runs");
    assert_eq!(second.headers()["location"], "/login?why=used");
    assert!(!second.headers().contains_key("set-cookie"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn looking_at_a_sign_in_link_does_not_use_it_up() {
    let lab = Lab::new().await;
    let key = lab.sign_in_key(lab.owner).await;
    let path = format!("/sign-in?key={key}");
    for (method, header) in [
        (Method::HEAD, ("accept", "*/*")),
        (Method::GET, ("accept", "*/*")),
        (Method::GET, ("sec-purpose", "prefetch;prerender")),
        (Method::GET, ("purpose", "prefetch")),
        (Method::GET, ("user-agent", "Slackbot-LinkExpanding 1.0")),
    ] {
        let answer = lab.request(method.clone(), &path).header(header.0, header.1).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{method} {header:?}");
        assert!(!answer.headers().contains_key("set-cookie"), "{method} {header:?}");
        let page = answer.text().await.expect("a page");
        let form = page.contains("<form") && page.contains("method=\"post\"") && page.contains(&key);
        assert!(form || method == Method::HEAD, "a button that works without script: {page}");
    }

    assert_eq!(lab.sign_in(&key).await.headers()["location"], "/runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_on_one_host_do_not_sign_each_others_people_out() {
    let (one, two) = (Lab::new().await, Lab::new().await);
    let (first, second) = (one.session(one.owner).await, two.session(two.owner).await);
    let name = |cookie: &str| cookie.split('=').next().expect("a name").to_owned();
    assert_ne!(name(&first), name(&second));
    for lab in [&one, &two] {
        // A browser sends both cookies to both servers.
        let both = format!("{second}; {first}");
        let page = lab.request(Method::GET, "/runs").header("cookie", both).send().await.expect("an answer");
        assert_eq!(page.status(), StatusCode::OK);
    }

    let out = two.request(Method::POST, "/sign-out").header("cookie", format!("{first}; {second}")).send().await.expect("an answer");

    let gone: Vec<&str> = out.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(gone.len() == 1 && gone[0].starts_with(&name(&second)), "{gone:?}");
    let page = one.request(Method::GET, "/runs").header("cookie", &first).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);
    let page = two.request(Method::GET, "/runs").header("cookie", &second).send().await.expect("an answer");
    assert_eq!(page.headers()["location"], "/login");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_of_an_older_version_goes_on_until_it_is_ended() {
    let lab = Lab::new().await;
    let session = lab.session(lab.owner).await;
    let older = format!("flowo_session={}", session.split_once('=').expect("a cookie").1);
    let page = lab.request(Method::GET, "/runs").header("cookie", &older).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);

    let out = lab.request(Method::POST, "/sign-out").header("cookie", &older).send().await.expect("an answer");

    assert!(out.headers()["set-cookie"].to_str().expect("text").starts_with("flowo_session=; "), "{:?}", out.headers());
    let page = lab.request(Method::GET, "/runs").header("cookie", &older).send().await.expect("an answer");
    assert_eq!(page.headers()["location"], "/login");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn by_tls_a_session_never_travels_without() {
    let lab = Lab::new().await;
    let key = lab.sign_in_key(lab.owner).await;
    let request = lab.pressed(&key).header("host", "flowo.example.org");
    let answer = request.header("x-forwarded-proto", "https").send().await.expect("an answer");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("__Host-flowo_session_443=") && cookie.ends_with("; Secure"), "{cookie}");
    let page = lab.request(Method::GET, "/runs").header("host", "flowo.example.org").header("x-forwarded-proto", "https");
    let page = page.header("cookie", cookie.split(';').next().expect("a cookie")).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_metrics_are_for_programs_of_this_machine_and_for_admins() {
    let lab = Lab::new().await;
    let ask = async |headers: &[(&str, &str)]| {
        let request = headers.iter().fold(lab.request(Method::GET, "/metrics"), |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("an answer").status()
    };
    assert_eq!(ask(&[]).await, StatusCode::OK);
    for passed_on in [
        &[("host", "flowo.example.org")][..],
        &[("host", "localhost.evil.example")],
        &[("x-forwarded-for", "192.0.2.1")],
        &[("x-forwarded-host", "flowo.example.org")],
        &[("x-real-ip", "192.0.2.1")],
        &[("via", "1.1 proxy")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(ask(passed_on).await, StatusCode::UNAUTHORIZED, "{passed_on:?}");
    }
    let admin = format!("Bearer {}", lab.admin);
    assert_eq!(ask(&[("host", "flowo.example.org"), ("authorization", admin.as_str())]).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_old_port_trusts_nobody_who_comes_through_a_proxy() {
    let lab = Lab::new().await;
    let http = testkit::client();
    let ask = async |name: &'static str, value: &str| {
        http.get(format!("{}/api/workflows", lab.old_port)).header(name, value).send().await.expect("an answer").status()
    };
    assert_eq!(ask("accept", "*/*").await, StatusCode::OK);
    for (name, value) in [("host", "flowo.example.org"), ("x-real-ip", "192.0.2.1"), ("via", "1.1 proxy"), ("forwarded", "for=192.0.2.1")] {
        assert_eq!(ask(name, value).await, StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_only_reports_touches_no_run_of_others() {
    let lab = Lab::new().await;
    let ana = lab.user("ana", "member").await;
    let (hers, mine) = ("0193a4c2-0000-7000-8000-0000000000a1", "0193a4c2-0000-7000-8000-0000000000a2");
    lab.database
        .sql(&format!(
            "insert into workflow_runs (id, workflow_name, status, source, user_id, user_name, panoptes_id) values
             ('{hers}', 'hers', 'running', 'panoptes', {ana}, 'ana', 7001), ('{mine}', 'mine', 'running', 'panoptes', {}, 'owner', 7002)",
            lab.owner
        ))
        .await;
    let state = async |run: &str| {
        let facts =
            format!("select workflow_name || ' ' || status || ' ' || coalesce(directory, '-') from workflow_runs where id = '{run}'");
        lab.database.text(&facts).await.expect("the run")
    };
    let before = state(hers).await;
    let report = lab.token(lab.owner, "report").await;
    let ask = |method: Method, path: String| lab.request(method, &path).bearer_auth(&report);
    let record = |run: &str| json!({ "workflow_id": run, "exception": "x", "rule": "r" });
    let context = |run: &str| json!({ "current_workflow_id": run, "workdir": "/stolen" });
    for event in ["workflow_started", "job_info", "error"] {
        let body = json!({ "event": event, "record": record(hers), "context": context(hers) });
        ask(Method::POST, "/api/v1/reports/".into()).json(&body).send().await.expect("an answer");
    }
    for call in ["heartbeat", "close"] {
        ask(Method::POST, format!("/api/v1/reports/{call}?workflow_id={hers}")).send().await.expect("an answer");
    }
    let renamed = ask(Method::PUT, "/api/workflow/7001".into()).json(&json!({ "name": "stolen" })).send().await.expect("an answer");
    assert_eq!(renamed.status(), StatusCode::NOT_FOUND);
    for message in [json!({ "level": "progress", "done": 5, "total": 5 }), json!({ "level": "error", "msg": "x" })] {
        let body = json!({ "msg": message.to_string(), "timestamp": "now", "id": 7001 });
        ask(Method::POST, "/update_workflow_status".into()).json(&body).send().await.expect("an answer");
    }
    assert_eq!(state(hers).await, before);
    let kept = lab.database.text(&format!("select count(*)::text from ingest_events where workflow_run_id = '{hers}'")).await;
    assert_eq!(kept.as_deref(), Some("0"), "nothing of it was kept");

    let renamed = ask(Method::PUT, "/api/workflow/7002".into()).json(&json!({ "name": "still mine" })).send().await.expect("an answer");
    assert_eq!(renamed.status(), StatusCode::OK);
    let closed = ask(Method::POST, format!("/api/v1/reports/close?workflow_id={mine}")).send().await.expect("an answer");
    assert_eq!(closed.status(), StatusCode::OK);
    assert!(state(mine).await.starts_with("still mine success"), "{}", state(mine).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_came_in_and_what_was_given_out_is_noted() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    for _ in 0..50 {
        lab.sign_in("guessed").await;
    }
    let start = lab.request(Method::POST, "/api/v1/tokens/cli/start").json(&json!({ "ttl_days": 7 })).send().await.expect("an answer");
    let start: Value = start.json().await.expect("JSON");
    let body = json!({ "device_code": start["device_code"] });
    lab.request(Method::POST, "/api/v1/tokens/cli/approve").header("cookie", &cookie).json(&body).send().await.expect("an answer");
    let poll = format!("/api/v1/tokens/cli/poll/{}", start["device_code"].as_str().expect("a code"));
    lab.request(Method::GET, &poll).send().await.expect("an answer");
    let ana = lab.user("ana", "member").await;
    lab.database
        .sql(&format!("update users set role = 'viewer' where id = {ana}; update tokens set revoked_at = now() where name = 'flowo login'"))
        .await;
    lab.request(Method::POST, "/sign-out").header("cookie", &cookie).send().await.expect("an answer");

    let noted = lab.database.texts("select action || ' ' || coalesce(detail ->> 'times', '') from audit_log order by id").await;

    for deed in [
        "add.user ",
        "make.token ",
        "open.session ",
        "refuse.sign_in 50",
        "approve.device ",
        "change.role ",
        "revoke.token ",
        "end.session ",
    ] {
        assert!(noted.iter().any(|line| line == deed), "{deed:?} is not in {noted:?}");
    }
    let secrets = "select count(*)::text from audit_log where detail::text ~ 'guessed|flw_[A-Za-z0-9_-]{10,}'";
    assert_eq!(lab.database.text(secrets).await.as_deref(), Some("0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn before_sign_in_there_is_nothing_to_navigate() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    for (path, status) in [
        ("/login", StatusCode::OK),
        ("/login?why=out", StatusCode::OK),
        ("/sign-in?key=x", StatusCode::OK),
        ("/nowhere", StatusCode::NOT_FOUND),
    ] {
        let answer = lab.request(Method::GET, path).header("accept", "text/html").send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
        let page = answer.text().await.expect("a page");
        for part in ["href=\"/runs\"", "href=\"/logs\"", "Search or jump to", "class=\"rail\""] {
            assert!(!page.contains(part), "{path} has {part}");
        }
    }
    let known =
        lab.request(Method::GET, "/nowhere").header("cookie", &cookie).header("accept", "text/html").send().await.expect("an answer");
    let page = known.text().await.expect("a page");
    assert!(page.contains("class=\"rail\"") && page.contains("href=\"/logs\""), "whoever is signed in keeps the frame");
    let hosted = lab.request(Method::GET, "/login").send().await.expect("an answer").text().await.expect("a page");
    assert!(hosted.contains("flowod link") && hosted.contains("FLOWO_HOST"), "{hosted}");
}
