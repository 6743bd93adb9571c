//! Files of runs over HTTP: only files of the run, only for people who may see it, and one reader per file however many
//! follow it.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

const SECRET: &str = "SECRET-OF-SOMEBODY-ELSE";

/// A run in a real directory, with a secret beside it.
struct Ran {
    id: String,
    base: tempfile::TempDir,
    directory: PathBuf,
}

async fn ran(lab: &Lab) -> Ran {
    let base = tempfile::tempdir().expect("a directory");
    let directory = base.path().join("run");
    fs::create_dir_all(directory.join("out/deep")).expect("a directory");
    fs::write(base.path().join("secret.txt"), SECRET).expect("a file");
    fs::write(directory.join("a.txt"), "inside").expect("a file");
    fs::write(directory.join("out/b.tsv"), "x\ty\n1\t2\n").expect("a file");
    fs::write(directory.join("run.log"), "begin\n").expect("a file");
    for (name, to) in [("link-out", base.path().join("secret.txt")), ("dir-out", PathBuf::from("..")), ("root", PathBuf::from("/"))] {
        symlink(to, directory.join(name)).expect("a link");
    }
    let id = uuid::Uuid::now_v7().to_string();
    let context = |run: Option<&str>| {
        json!({ "current_workflow_id": run, "dryrun": false, "jobs": {}, "logfile": directory.join("run.log"), "flowo_project_name": "files",
                "flowo_tags": [], "workdir": directory })
    };
    let started = json!({ "workflow_id": id, "snakefile": "Snakefile", "rules": [] });
    assert_eq!(lab.event("workflow_started", started, context(None)).await.status(), StatusCode::OK);
    let job = json!({ "job_id": 1, "rule_name": "map", "threads": 1, "input": [], "output": ["a.txt", "out/b.tsv"], "log": ["run.log"],
                      "benchmark": null, "rule_msg": null, "wildcards": {}, "reason": "", "shellcmd": "", "priority": 0, "resources": {} });
    assert_eq!(lab.event("job_info", job, context(Some(&id))).await.status(), StatusCode::OK);
    Ran { id, base, directory }
}

/// Calls a server function as a page does.
async fn call(lab: &Lab, cookie: &str, name: &str, body: Value) -> (StatusCode, String) {
    let request = lab.request(Method::POST, &format!("/_fn/{name}")).header("cookie", cookie).json(&body);
    let response = request.send().await.expect("an answer");
    (response.status(), response.text().await.expect("text"))
}

/// Different ways to write the same path in a URL.
fn spellings(way: &str) -> Vec<String> {
    let each = |letters: &str, with: &dyn Fn(u8) -> String| {
        way.bytes()
            .map(|byte| if letters.as_bytes().contains(&byte) { with(byte) } else { char::from(byte).to_string() })
            .collect::<String>()
    };
    vec![
        way.to_owned(),
        each("./", &|byte| format!("%{byte:02x}")),
        each("./", &|byte| format!("%{byte:02X}")),
        each("/", &|byte| format!("%{byte:02x}")),
        each(".", &|byte| format!("%{byte:02x}")),
        each("./", &|byte| format!("%25{byte:02x}")),
        each("/", &|_| "%5c".to_owned()),
        each("/", &|_| "\\".to_owned()),
        each("/", &|_| "//".to_owned()),
        each("/", &|_| "/./".to_owned()),
        each("/", &|_| "%c0%af".to_owned()),
        each("/", &|_| "%ef%bc%8f".to_owned()),
        each(".", &|_| "%c0%ae".to_owned()),
        each(".", &|_| "%ef%bc%8e".to_owned()),
        format!("{way}%00"),
        format!("{way}%00.txt"),
        format!("{way}%2500"),
        format!("{way}/"),
        format!("{way}%20"),
        format!("{way}%09"),
        format!("{way}%0d%0a"),
        format!("{way}?x"),
        format!("{way}%23x"),
        format!("%2e/{way}"),
    ]
}

/// Paths that lead out of the run, or would if the server trusted them.
fn ways(base: &Path) -> BTreeSet<String> {
    let base = base.display();
    let mut ways = BTreeSet::new();
    for up in 1..=6 {
        let climb = "../".repeat(up);
        for end in ["secret.txt", "etc/passwd", "etc/hostname"] {
            ways.insert(format!("{climb}{end}"));
            ways.insert(format!("out/{climb}{end}"));
            ways.insert(format!("out/deep/../{climb}{end}"));
        }
    }
    for whole in [
        format!("{base}/secret.txt"),
        format!("/{base}/secret.txt"),
        format!("file://{base}/secret.txt"),
        "/etc/passwd".into(),
        "/proc/self/environ".into(),
        "/proc/self/cmdline".into(),
        "/proc/self/fd/0".into(),
        "/proc/self/root/etc/passwd".into(),
        "/proc/self/cwd/../secret.txt".into(),
        "/dev/stdin".into(),
        "/dev/fd/0".into(),
        "~/.config/flowo/config.toml".into(),
        "$HOME/.config".into(),
        "link-out".into(),
        "dir-out/secret.txt".into(),
        "dir-out/run/../secret.txt".into(),
        "out/../dir-out/secret.txt".into(),
        "root/etc/passwd".into(),
        "root/proc/self/environ".into(),
        "....//secret.txt".into(),
        "..;/secret.txt".into(),
        ".../secret.txt".into(),
        "../run/../secret.txt".into(),
        "../run/dir-out/secret.txt".into(),
    ] {
        ways.insert(whole);
    }
    ways
}

fn is_escape(answer: &str) -> bool {
    answer.contains(SECRET) || answer.contains("root:x:0:0") || answer.contains("PATH=") || answer.contains("DATABASE_URL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_way_of_writing_a_path_leads_out_of_the_run() {
    let lab = Lab::new().await;
    let Ran { id, base, .. } = ran(&lab).await;
    let cookie = lab.session(lab.owner).await;
    let mut asked = 0;
    for way in ways(base.path()) {
        for spelling in spellings(&way) {
            // `./` means a file below the directory, `=` a file that the run named, and neither means a number.
            for before in ["./", "=", ""] {
                let path = format!("/runs/{id}/raw?file={before}{spelling}");
                let request = lab.request(Method::GET, &path).header("cookie", &cookie);
                let response = request.send().await.expect("an answer");
                let to = response.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
                assert!(!is_escape(&response.text().await.expect("text")), "{path}");
                // A ticket is issued for any allowed name, whether or not there is a file.
                if let Some(to) = to {
                    let response = lab.request(Method::GET, &to).send().await.expect("an answer");
                    let status = response.status();
                    let text = response.text().await.unwrap_or_default();
                    assert!(!is_escape(&text), "{path} -> {to}: {text}");
                    assert!(status.is_client_error() || text == "inside", "{path} -> {to}: {status} {text}");
                }
                asked += 1;
            }
        }
        let (file, tree) = (json!({ "Under": way }), way.as_str());
        let ask = |file: Value, tree: Value| json!({ "id": id, "ask": { "rule": null, "file": file, "after": null, "tree": tree } });
        for (name, body) in [
            ("results/preview", json!({ "id": id, "file": file, "at": 0 })),
            ("results/preview", json!({ "id": id, "file": { "Named": way }, "at": 0 })),
            ("results/list", ask(Value::Null, json!(tree))),
            ("results/list", ask(file.clone(), Value::Null)),
            ("logs/window", json!({ "id": id, "file": file, "part": "End" })),
            ("logs/window", json!({ "id": id, "file": { "Named": way }, "part": { "From": 0 } })),
            ("logs/find", json!({ "id": id, "file": file, "words": "o", "from": 0 })),
            ("logs/line", json!({ "id": id, "file": file, "number": 1 })),
        ] {
            let (_, text) = call(&lab, &cookie, name, body.clone()).await;
            assert!(!is_escape(&text), "{name} {body}: {text}");
            asked += 1;
        }
    }
    assert!(asked >= 2_000, "{asked} ways");
    let (status, text) = call(&lab, &cookie, "results/preview", json!({ "id": id, "file": { "Under": "out/b.tsv" }, "at": 0 })).await;
    assert!(status == StatusCode::OK && text.contains("\"Table\""), "what is inside is shown: {status} {text}");
    // A directory that is a symbolic link to another place is not listed either.
    let (_, text) =
        call(&lab, &cookie, "results/list", json!({ "id": id, "ask": { "rule": null, "file": null, "after": null, "tree": "dir-out" } }))
            .await;
    assert!(text.contains("\"Outside\"") && !text.contains("secret.txt"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_another_user_ran_is_not_there() {
    let lab = Lab::new().await;
    let Ran { id, base: _base, .. } = ran(&lab).await;
    let other = lab.user("other", "member").await;
    let (cookie, owner) = (lab.session(other).await, lab.session(lab.owner).await);
    for (name, body) in [
        ("results/list", json!({ "id": id, "ask": { "rule": null, "file": null, "after": null, "tree": "." } })),
        ("results/preview", json!({ "id": id, "file": { "Under": "a.txt" }, "at": 0 })),
        ("results/preview", json!({ "id": id, "file": { "Named": "a.txt" }, "at": 0 })),
        ("logs/list", json!({ "id": id, "ask": { "rule": null, "file": null, "at": null } })),
        ("logs/window", json!({ "id": id, "file": "Log", "part": "End" })),
        ("logs/find", json!({ "id": id, "file": "Log", "words": "begin", "from": 0 })),
        ("logs/count", json!({ "id": id, "file": "Log", "before": 3 })),
        ("logs/line", json!({ "id": id, "file": "Log", "number": 1 })),
    ] {
        let (status, text) = call(&lab, &cookie, name, body.clone()).await;
        assert!(status == StatusCode::NOT_FOUND || text.contains("NotFound"), "{name}: {status} {text}");
        assert!(!text.contains("begin") && !text.contains("inside"), "{name}: {text}");
        let (status, text) = call(&lab, &owner, name, body).await;
        assert!(status == StatusCode::OK, "{name}, for its owner: {status} {text}");
    }
    for path in [format!("/runs/{id}/raw?file=./a.txt"), format!("/live?scope=run:{id}&file=run")] {
        let response = lab.request(Method::GET, &path).header("cookie", &cookie).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_of_bytes_ends_and_is_for_one_file_of_one_run() {
    let lab = Lab::new().await;
    let (one, other) = (ran(&lab).await, ran(&lab).await);
    let cookie = lab.session(lab.owner).await;
    let sealed = |until: i64, by: &str, run: &str, file: &str| {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let text = format!("{until}.{by}.{run}.{}", URL_SAFE_NO_PAD.encode(file));
        let seal = lab.seal(&text);
        (text, seal)
    };
    let status =
        async |text: &str, seal: &str| lab.request(Method::GET, &format!("/raw/{text}.{seal}/x")).send().await.expect("an answer").status();
    let given = lab.ticket(&cookie, &one.id, "./a.txt").await.expect("an address");
    let by = given.split('.').nth(1).expect("the number of the session").to_owned();
    let now = lab.database.store.clock().now();
    let soon = now + 60_000;
    let (text, seal) = sealed(soon, &by, &one.id, "./a.txt");
    assert_eq!(status(&text, &seal).await, StatusCode::OK, "what the server seals is good");
    let (late, late_seal) = sealed(now - 1, &by, &one.id, "./a.txt");
    assert_eq!(status(&late, &late_seal).await, StatusCode::NOT_FOUND, "the ticket has expired");
    let (nobody, nobody_seal) = sealed(soon, "s999999", &one.id, "./a.txt");
    assert_eq!(status(&nobody, &nobody_seal).await, StatusCode::NOT_FOUND, "there is no such session");
    let (later, _) = sealed(soon + 3_600_000, &by, &one.id, "./a.txt");
    let (elsewhere, _) = sealed(soon, &by, &other.id, "./a.txt");
    let (another, _) = sealed(soon, &by, &one.id, "./run.log");
    let (rights, _) = sealed(soon, "t1", &one.id, "./a.txt");
    for changed in [later, elsewhere, another, rights] {
        assert_eq!(status(&changed, &seal).await, StatusCode::NOT_FOUND, "{changed}");
    }
    fs::remove_file(one.directory.join("a.txt")).expect("removed");
    assert_eq!(status(&text, &seal).await, StatusCode::NOT_FOUND, "the file is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_pages_that_follow_a_log_cost_one_reader() {
    let lab = Lab::new().await;
    let Ran { id, directory, base: _base } = ran(&lab).await;
    let cookie = lab.session(lab.owner).await;
    let mut tabs = Vec::new();
    for _ in 0..100 {
        tabs.push(lab.open_as(&cookie, &format!("scope=run:{id}&file=run")).await);
    }
    for tab in &mut tabs {
        let first = tab.until("how the file is", |event| event.name == "file").await;
        assert_eq!((first.data["facts"]["Ok"]["size"].as_u64(), first.data["lines"].is_null()), (Some(6), true), "{first:?}");
    }
    let (before, mut log) = (lab.followers.reads(), fs::OpenOptions::new().append(true).open(directory.join("run.log")).expect("a log"));
    assert_eq!(lab.followers.followed(), 1, "one task reads for all");
    log.write_all(b"half").expect("room");
    log.write_all(b" a line\nnext\n").expect("room");
    for tab in &mut tabs {
        let news = tab.until("what was written", |event| event.name == "file" && event.data["facts"]["Ok"]["size"] == 23).await;
        let lines: Vec<&str> =
            news.data["lines"]["lines"].as_array().into_iter().flatten().filter_map(|line| line["text"][0][1].as_str()).collect();
        assert!(lines.ends_with(&["half a line", "next"]) || lines == ["half a line", "next"], "{news:?}");
    }
    let cost = lab.followers.reads() - before;
    assert!((1..=4).contains(&cost), "{cost} reads for a hundred pages");
    fs::remove_file(directory.join("run.log")).expect("removed");
    tabs[0].until("that it is gone", |event| event.name == "file" && event.data["facts"]["Err"] == "Missing").await;
    drop(tabs);
    testkit::until("nobody follows", async || (lab.followers.followed() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_report_that_is_opened_as_a_page_of_its_own_is_saved_and_runs_in_a_frame_only() {
    let lab = Lab::new().await;
    let Ran { id, directory, base: _base } = ran(&lab).await;
    let cookie = lab.session(lab.owner).await;
    let active = "<meta http-equiv=refresh content='0;url=http://127.0.0.1:1/'><script>location='http://127.0.0.1:1/'</script>";
    for name in ["r.html", "r.HTM", "r.svg", "r.xml", "r.xhtml", "r.mhtml", "r.js", "r.pdf.html"] {
        fs::write(directory.join(name), active).expect("a file");
        let address = lab.ticket(&cookie, &id, &format!("./{name}")).await.expect("an address");
        for goes_to in
            [Some("document"), Some("iframe"), Some("frame"), Some("embed"), Some("object"), Some("empty"), Some("nonsense"), None]
        {
            let request = lab.request(Method::GET, &address);
            let request = goes_to.into_iter().fold(request, |request, to| request.header("sec-fetch-dest", to));
            let response = request.send().await.expect("an answer");
            let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
            let (policy, shown) = (header("content-security-policy"), header("content-disposition") == "inline");

            let is_html = matches!(name.rsplit('.').next(), Some("html" | "HTM"));
            let runs = policy.contains("allow-scripts");
            assert!(policy.starts_with("sandbox") && !policy.contains("allow-top-navigation"), "{name} for {goes_to:?}: {policy}");
            assert_eq!(runs && shown, is_html && goes_to == Some("iframe"), "{name} for {goes_to:?}: {policy}");
            assert!(!(is_html && shown && goes_to == Some("document")), "{name} is a page of its own");
            assert_eq!(header("x-content-type-options"), "nosniff");
        }
    }
    // Over plain HTTP, browsers do not say what a request is for; then the report is in a frame of a page that does nothing.
    let address = lab.ticket(&cookie, &id, "./r.html").await.expect("an address");
    let page = lab.request(Method::GET, &address).header("accept", "text/html,*/*;q=0.8").send().await.expect("an answer");
    assert!(page.headers()["content-security-policy"].to_str().expect("text").contains("frame-src 'none'"));
    let text = page.text().await.expect("text");
    let (ours, report) = text.split_once("srcdoc=\"").expect("a frame");
    assert!(!ours.contains("http-equiv") && report.contains("http-equiv=refresh") && report.ends_with("\"></iframe></html>"), "{text}");
    assert!(!report.trim_end_matches("\"></iframe></html>").contains('"'), "{text}");
}
