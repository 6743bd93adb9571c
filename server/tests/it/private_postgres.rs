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
