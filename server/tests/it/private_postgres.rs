//! The private PostgreSQL of the real program: kept through `kill -9`, held by one process.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A directory whose private database may run as another user.
fn open_dir() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let site = dir.path().join("site");
    std::fs::create_dir_all(site.join("pkg-test")).expect("a directory");
    std::fs::write(site.join("site.json"), r#"{"pkg":"pkg-test"}"#).expect("a file");
    dir
}

fn flowod(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowod"));
    command
        .args(args)
        .arg("--data-dir")
        .arg(dir.join("data"))
        .env("HOME", dir)
        .env("FLOWO_SITE_DIR", dir.join("site"))
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_DATA_HOME");
    for name in ["DATABASE_URL", "POSTGRES_HOST", "PORT", "FLOWO_LISTEN", "FLOWO_HOST"] {
        command.env_remove(name);
    }
    command
}

/// Starts a server and waits until it says that it is ready.
fn start(dir: &Path) -> Child {
    let mut child =
        flowod(dir, &["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowod starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let ready = lines.find_map(|line| line.ok().filter(|line| line.starts_with("Token for this user")));
    if ready.is_none() {
        let mut error = String::new();
        let _ = child.stderr.take().expect("a pipe").read_to_string(&mut error);
        panic!("flowod did not start: {error}");
    }
    // Keeps the pipe open, so that a later line of the server's cannot fail.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn stop(child: &Child) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
}

fn tokens(dir: &Path) -> String {
    let done = flowod(dir, &["token"]).arg("list").output().expect("flowod runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[test]
fn the_private_database_outlives_a_killed_server_and_is_stopped_with_an_orderly_one() {
    let dir = open_dir();
    let mut first = start(dir.path());
    let before = tokens(dir.path());
    assert!(before.contains("this user's clients"), "{before}");

    first.kill().expect("kill -9");
    first.wait().expect("its end");
    let mut second = start(dir.path());
    let after = tokens(dir.path());
    stop(&second);
    let status = second.wait().expect("its end");

    assert_eq!(before.split('\t').next(), after.split('\t').next());
    assert!(status.success(), "{status}");
    let cluster = std::fs::read_dir(dir.path().join("data/pg"))
        .expect("the cluster")
        .flatten()
        .find(|entry| entry.path().is_dir())
        .expect("a version");
    assert!(!cluster.path().join("postmaster.pid").exists(), "PostgreSQL still runs");
}

#[test]
fn a_second_server_on_the_same_directory_says_who_holds_it() {
    let dir = open_dir();
    let mut first = start(dir.path());

    let second = flowod(dir.path(), &["serve", "--listen", "127.0.0.1:0"]).output().expect("flowod runs");

    let error = String::from_utf8_lossy(&second.stderr).into_owned();
    stop(&first);
    first.wait().expect("its end");
    assert!(!second.status.success());
    assert!(error.contains("is in use by flowod serve, process"), "{error}");
}

#[test]
fn a_database_address_that_is_none_is_an_error_with_a_reason() {
    let dir = open_dir();
    let done = flowod(dir.path(), &["migrate"]).arg("--database-url").arg("mysql://nowhere").output().expect("flowod runs");
    assert!(!done.status.success());
    let error = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(error.contains("database address is not usable"), "{error}");
}

/// A setting of the file that the server wrote for this user's clients.
fn setting(dir: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(dir.join(".config/flowo/config.toml")).expect("a configuration");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('=').map(str::trim));
    line.expect("the setting").trim_matches('"').to_owned()
}

/// As many files as the system lets us have; each stream is one here and one in the server.
fn many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).expect("more files");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_streams_outlive_a_killed_database() {
    const STREAMS: usize = 1000;
    many_files();
    let dir = open_dir();
    let mut server = start(dir.path());
    let (base, token) = (setting(dir.path(), "FLOWO_HOST"), setting(dir.path(), "FLOWO_USER_TOKEN"));
    let http = testkit::client();
    let healthy = async || {
        testkit::until("a healthy server", || async {
            let health: serde_json::Value = http.get(format!("{base}/healthz")).send().await.ok()?.json().await.ok()?;
            (health["status"] == "ok").then_some(())
        })
        .await;
    };
    healthy().await;
    let mut streams = tokio::task::JoinSet::new();
    for _ in 0..STREAMS {
        let answer = http.get(format!("{base}/live?scope=runs")).bearer_auth(&token).timeout(std::time::Duration::from_mins(3)).send();
        let mut tab = testkit::Tab::new(answer.await.expect("a stream"));
        streams.spawn(async move {
            // One stream through all of it: nobody opens another.
            while let Some(event) = tab.next().await {
                if event.data["runs"].as_array().into_iter().flatten().any(|change| change["now"]["name"] == "afterwards") {
                    return tab
                        .seen
                        .iter()
                        .filter(|event| event.name == "status")
                        .map(|event| event.data["listening"].to_string())
                        .collect::<Vec<_>>();
                }
            }
            panic!("a stream ended: {:?}", tab.seen);
        });
    }
    let clusters = dir.path().join("data/pg");
    let postmaster = || {
        let files = std::fs::read_dir(&clusters).expect("clusters").flatten().map(|entry| entry.path().join("postmaster.pid"));
        let text = { files }.find_map(|path| std::fs::read_to_string(path).ok())?;
        text.lines().next()?.trim().parse().ok().and_then(rustix::process::Pid::from_raw)
    };
    let pid = postmaster().expect("a database");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    let socket = dir.path().join("data/run");
    let mut conn = testkit::until("another database", || async {
        let another = postmaster().is_some_and(|now| now != pid);
        if another { testkit::private(&socket).await } else { None }
    })
    .await;
    healthy().await;
    testkit::run(&mut conn, "insert into workflow_runs (workflow_name) values ('afterwards')").await;
    let told = tokio::time::timeout(testkit::PATIENCE, streams.join_all()).await.expect("all of them see it");
    assert_eq!(told.len(), STREAMS);
    let unaware: Vec<_> = told.iter().filter(|states| !states.iter().any(|state| state != "\"live\"")).collect();
    assert!(unaware.is_empty(), "{} were not told that the server did not hear: {:?}", unaware.len(), unaware.first());
    stop(&server);
    assert!(server.wait().expect("its end").success());
}
