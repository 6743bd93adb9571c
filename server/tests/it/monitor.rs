//! `flowod monitor` delivers every committed change once, at once or later, to everybody who asked for it.

use serde_json::Value;
use std::{process::Stdio, time::Duration};
use testkit::{TEST_TIMEOUT, TestDatabase};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// A running monitor.
struct Monitor {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Monitor {
    fn start(database: &TestDatabase, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowod"));
        command.arg("monitor").args(["--database-url", &database.url()]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("flowod starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, lines }
    }

    async fn next(&mut self) -> String {
        let line = timeout(TEST_TIMEOUT, self.lines.next_line()).await.expect("a line in time");
        line.expect("text").expect("it goes on")
    }

    /// The values of one field, up to the value `last`.
    async fn names(&mut self, last: &str) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let line: Value = serde_json::from_str(&self.next().await).expect("a line is JSON");
            let name = line["new_values"]["workflow_name"].as_str().expect("a name").to_owned();
            names.push(name.clone());
            if name == last {
                return names;
            }
        }
    }

    /// Ends it as a terminal would, and returns its exit status.
    async fn stop(mut self) -> std::process::ExitStatus {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id().expect("it runs")).expect("a number")).expect("a number");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
        timeout(TEST_TIMEOUT, self.child.wait()).await.expect("it ends in time").expect("it ended")
    }
}

async fn insert(database: &TestDatabase, name: &str) {
    database.sql(&format!("insert into workflow_runs (workflow_name, status) values ('{name}', 'running')")).await;
}

/// Waits until the monitor is listening; what was committed before is not for it.
async fn heard(database: &TestDatabase, monitor: &mut Monitor) {
    let mut first = None;
    for _ in 0..100 {
        insert(database, "warm").await;
        first = timeout(Duration::from_millis(200), monitor.lines.next_line()).await.ok();
        if first.is_some() {
            break;
        }
    }
    let first = first.expect("it never begins").expect("text").expect("it goes on");
    insert(database, "begin").await;
    let then = monitor.names("begin").await;
    assert!(first.contains("warm") && then.iter().all(|name| name == "warm" || name == "begin"), "{first} {then:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_are_printed_as_they_are_committed_and_those_of_an_outage_afterwards() {
    let database = TestDatabase::new().await;
    insert(&database, "before any monitor").await;
    let mut monitor = Monitor::start(&database, &["--json"]);
    heard(&database, &mut monitor).await;
    let mut late = database.raw().await;
    testkit::run(&mut late, "begin; insert into workflow_runs (workflow_name) values ('late')").await;
    insert(&database, "early").await;
    assert_eq!(monitor.names("early").await, ["early"], "at once, although an older transaction is open");
    testkit::run(&mut late, "commit").await;
    assert_eq!(monitor.names("late").await, ["late"]);
    for n in 0..3 {
        let cut = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
             insert into workflow_runs (workflow_name) values ('cut {n}')"
        );
        database.sql(&cut).await;
        assert_eq!(monitor.names(&format!("cut {n}")).await.len(), 1);
    }
    let mut late = database.raw().await;
    testkit::run(&mut late, "begin; insert into workflow_runs (workflow_name) values ('later')").await;
    insert(&database, "ahead").await;
    assert_eq!(monitor.names("ahead").await, ["ahead"]);
    assert!(monitor.stop().await.success());

    insert(&database, "missed").await;
    testkit::run(&mut late, "commit").await;
    insert(&database, "missed, too").await;
    let mut monitor = Monitor::start(&database, &["--json"]);
    assert_eq!(monitor.names("missed, too").await, ["later", "missed", "missed, too"], "each once, in order of its transaction");
    assert!(monitor.stop().await.success());
    let unprocessed = database.texts("select new_values ->> 'workflow_name' from change_notifications where not processed and new_values ->> 'workflow_name' <> 'warm'").await;
    assert_eq!(unprocessed, ["before any monitor"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_monitor_begins_now_whatever_is_open() {
    let database = TestDatabase::new().await;
    let mut late = database.raw().await;
    testkit::run(&mut late, "begin; insert into workflow_runs (workflow_name) values ('late')").await;
    insert(&database, "before").await;
    let mut monitor = Monitor::start(&database, &["--json"]);
    heard(&database, &mut monitor).await; // Fails at a line from another source.
    testkit::run(&mut late, "commit").await;
    insert(&database, "last").await;
    assert_eq!(monitor.names("last").await, ["late", "last"]);
    assert!(monitor.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_monitor_that_is_broken_off_in_what_is_old_keeps_no_place_there() {
    let database = TestDatabase::new().await;
    let mut monitor = Monitor::start(&database, &["--json"]);
    heard(&database, &mut monitor).await;
    assert!(monitor.stop().await.success());
    // More than fits into a pipe.
    database.sql("insert into workflow_runs (workflow_name) select 'run ' || n from generate_series(1, 2000) n").await;
    let mut old = Monitor::start(&database, &["--all", "--json"]);
    old.next().await;
    let Monitor { mut child, lines } = old;
    drop(lines); // As `| head` does.
    assert!(timeout(TEST_TIMEOUT, child.wait()).await.expect("it ends in time").expect("it ended").success());
    insert(&database, "last").await;
    let mut monitor = Monitor::start(&database, &["--json"]);
    let names = monitor.names("last").await;
    assert!(!names.contains(&"begin".to_owned()), "it goes on where the first one ended");
    assert_eq!(names.len(), 2001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_is_open_for_long_holds_back_what_cannot_be_remembered() {
    let database = TestDatabase::new().await;
    let mut monitor = Monitor::start(&database, &["--json"]);
    heard(&database, &mut monitor).await;
    let mut late = database.raw().await;
    testkit::run(&mut late, "begin; insert into workflow_runs (workflow_name) values ('late')").await;
    database.sql("insert into workflow_runs (workflow_name) select 'run ' || n from generate_series(1, 12000) n").await;
    let mut names = monitor.names("run 10000").await;
    testkit::run(&mut late, "commit").await;
    insert(&database, "last").await;
    names.extend(monitor.names("last").await);
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!((all, names.len()), (12_002, 12_002), "each once");
    assert!(monitor.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_monitor_tells_what_it_was_asked_for_and_ends() {
    let database = TestDatabase::new().await;
    insert(&database, "one").await;
    database.sql("update workflow_runs set status = 'success', ended_at = now(); delete from workflow_runs").await;
    let once = async |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowod"));
        let done = command.arg("monitor").args(["--database-url", &database.url(), "--once", "--all", "--peek"]).args(args).output();
        String::from_utf8(done.await.expect("it runs").stdout).expect("text")
    };
    assert_eq!(once(&[]).await.lines().count(), 3);
    let updates = once(&["--operation", "update", "--table", "workflow_runs"]).await;
    assert!(updates.lines().count() == 1 && updates.contains("status: running → success"), "{updates}");
    assert_eq!(once(&["--table", "log_entries"]).await, "");
    assert_eq!(once(&["--run", "0193a4c2-0000-7000-8000-000000000001"]).await, "");
    assert_eq!(database.text("select count(*)::text from change_notifications where processed").await.as_deref(), Some("0"), "--peek");
    // A monitor with a filter does not move the position of one without.
    let mut all = Monitor::start(&database, &["--json"]);
    heard(&database, &mut all).await;
    assert!(all.stop().await.success());
    insert(&database, "for all").await;
    let mut some = Monitor::start(&database, &["--json", "--operation", "INSERT"]);
    heard(&database, &mut some).await;
    assert!(some.stop().await.success());
    let mut all = Monitor::start(&database, &["--json"]);
    assert!(all.names("begin").await.contains(&"for all".to_owned()));
    assert!(all.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_gets_each_change_and_one_that_fails_leaves_it_unprocessed() {
    let database = TestDatabase::new().await;
    for n in 0..6 {
        insert(&database, &format!("run {n}")).await;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let seen = dir.path().join("seen");
    let script = format!(
        "cat >> '{0}'; echo >> '{0}'; test \"$FLOWO_OPERATION\" = INSERT; ! grep -q 'run 3' '{0}' || test -e '{0}.later'",
        seen.display()
    );
    let call = async || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowod"));
        command.arg("monitor").args(["--database-url", &database.url(), "--once", "--all", "--exec", &script]);
        assert!(command.output().await.expect("it runs").status.success());
        let text = std::fs::read_to_string(&seen).expect("what it saw");
        text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].as_i64().expect("a number")).collect::<Vec<_>>()
    };
    let ids = call().await;
    assert!(ids.len() == 6 && ids.is_sorted(), "{ids:?}");
    let left = "select count(*)::text from change_notifications where not processed";
    assert_eq!(database.text(left).await.as_deref(), Some("3"), "from the one on where the command failed");
    std::fs::write(dir.path().join("seen.later"), "").expect("a file");
    assert_eq!(call().await.len(), 9, "those that failed come again");
    assert_eq!(database.text(left).await.as_deref(), Some("0"));
}
