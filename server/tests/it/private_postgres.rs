//! The private PostgreSQL of the real program: it survives `kill -9`, and only one process may use it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A directory in which the private database may run as another user.
pub fn open_dir() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let site = dir.path().join("site");
    std::fs::create_dir_all(site.join("pkg-test")).expect("a directory");
    std::fs::write(site.join("site.json"), r#"{"pkg":"pkg-test"}"#).expect("a file");
    dir
}

fn flowod(dir: &Path, args: &[&str]) -> Command {
    with_settings(Command::new(env!("CARGO_BIN_EXE_flowod")), dir, args)
}

fn with_settings(mut command: Command, dir: &Path, args: &[&str]) -> Command {
    command
        .args(args)
        .arg("--data-dir")
        .arg(dir.join("data"))
        .env("HOME", dir)
        .env("FLOWO_SITE_DIR", dir.join("site"))
        // One of the tests opens a thousand streams.
        .env("FLOWO_STREAMS_PER_PERSON", "4000")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_DATA_HOME");
    for name in ["DATABASE_URL", "POSTGRES_HOST", "PORT", "FLOWO_LISTEN", "FLOWO_HOST"] {
        command.env_remove(name);
    }
    command
}

/// Starts a server and waits until it reports that it is ready.
fn start(dir: &Path) -> Child {
    start_with(dir, &[])
}

/// The same with further arguments.
pub fn start_with(dir: &Path, args: &[&str]) -> Child {
    start_as(dir, args, &[])
}

/// The same with further settings in its environment.
pub fn start_as(dir: &Path, args: &[&str], settings: &[(&str, &str)]) -> Child {
    let mut command = flowod(dir, &SERVE);
    command.args(args).envs(settings.iter().copied());
    started(command)
}

/// The same with limits on open files: the one that holds, and how far the process may raise it.
pub fn start_with_files(dir: &Path, args: &[&str], (soft, hard): (u32, u32)) -> Child {
    let mut shell = Command::new("sh");
    let limits = format!(r#"ulimit -Sn {soft}; ulimit -Hn {hard}; exec "$0" "$@""#);
    shell.args(["-c", &limits, env!("CARGO_BIN_EXE_flowod")]);
    let mut command = with_settings(shell, dir, &SERVE);
    command.args(args);
    started(command)
}

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

fn started(mut command: Command) -> Child {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowod starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let ready = lines.find_map(|line| line.ok().filter(|line| line.starts_with("Token for this user")));
    if ready.is_none() {
        let mut error = String::new();
        let _ = child.stderr.take().expect("a pipe").read_to_string(&mut error);
        panic!("flowod did not start: {error}");
    }
    // Keeps the pipe open and drained, so that the server's later output cannot fail.
    std::thread::spawn(move || lines.for_each(drop));
    let mut errors = child.stderr.take().expect("a pipe");
    std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    child
}

pub fn stop(child: &Child) {
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

/// A setting in the configuration file that the server wrote for this user's clients.
pub fn setting(dir: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(dir.join(".config/flowo/config.toml")).expect("a configuration");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('=').map(str::trim));
    line.expect("the setting").trim_matches('"').to_owned()
}

/// Raises the limit of open files as far as the system allows; each stream takes one here and one in the server.
pub fn many_files() {
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
            // One stream throughout; it is not reopened.
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
    let seen = tokio::time::timeout(testkit::TEST_TIMEOUT, streams.join_all()).await.expect("all of them see it");
    assert_eq!(seen.len(), STREAMS);
    let unaware: Vec<_> = seen.iter().filter(|states| !states.iter().any(|state| state != "\"live\"")).collect();
    assert!(unaware.is_empty(), "{} streams were not told that the server gets no notifications: {:?}", unaware.len(), unaware.first());
    stop(&server);
    assert!(server.wait().expect("its end").success());
}

/// Everything below a directory that others than its owner can access, with those permission bits.
fn open_to_others(dir: &Path, found: &mut Vec<(String, u32)>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let Ok(meta) = std::fs::symlink_metadata(entry.path()) else { continue }; // It is gone by now: a lock file of PostgreSQL.
        let others = meta.permissions().mode() & 0o077;
        if others != 0 && !meta.is_symlink() {
            found.push((entry.path().display().to_string(), others));
        }
        if meta.is_dir() {
            open_to_others(&entry.path(), found);
        }
    }
}

#[test]
fn what_flowo_keeps_is_for_its_owner_alone_and_the_log_of_the_database_holds_no_values() {
    let dir = open_dir();
    let mut child = start(dir.path());
    let data = dir.path().join("data");
    let mut found = vec![(data.display().to_string(), std::fs::metadata(&data).expect("a directory").permissions().mode() & 0o077)];
    found.retain(|(_, others)| *others != 0);
    open_to_others(&data, &mut found);
    // For root, PostgreSQL's account must pass through these two, but cannot list them.
    let passages = [data.clone(), data.join("pg")].map(|dir| dir.display().to_string());
    found.retain(|(path, others)| *others != 0o011 || !passages.contains(path));

    let cluster =
        std::fs::read_dir(data.join("pg")).expect("a directory").flatten().find(|entry| entry.path().is_dir()).expect("a cluster");
    let pid = std::fs::read_to_string(cluster.path().join("postmaster.pid")).expect("a process");
    let arguments = std::fs::read(format!("/proc/{}/cmdline", pid.lines().next().expect("a number"))).expect("its arguments");
    let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");

    stop(&child);
    child.wait().expect("an end");
    assert!(found.is_empty(), "open to others: {found:?}");
    for setting in ["log_parameter_max_length=0", "log_parameter_max_length_on_error=0", "log_error_verbosity=terse"] {
        assert!(arguments.contains(setting), "{setting} is not among {arguments}");
    }
    assert!(data.join("journal").is_dir(), "the journal was looked at, too");
}
