//! The change log as people and monitors read it, and how history is deleted: by policy, and with its run.
#![forbid(unsafe_code)]

use model::{
    JobKey, RunId,
    history::{Change, Operation, Subject},
};
use std::time::Duration;
use store::{
    changes::{self, Horizon},
    history,
    jobs::marks,
    monitor::{self, After, Kept, Wanted},
    prune::{self, Policy},
    runs::{Audience, edit},
    sweep,
};
use testkit::TestDatabase;
use {
    Operation::{Insert, Update},
    Subject::{Entry, Job, Run},
};

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

async fn failed_run() -> (TestDatabase, RunId) {
    let database = TestDatabase::new().await;
    for statement in [
        "insert into users (name, os_user, role) values ('ana', 'ana', 'admin')",
        "insert into workflow_runs (id, workflow_name, status) values ('0193a4c2-0000-7000-8000-000000000001', 'one', 'running')",
        "insert into job_executions (workflow_run_id, job_id, rule, wildcards)
         values ('0193a4c2-0000-7000-8000-000000000001', 1, 'map', '{\"sample\": \"A\"}'), ('0193a4c2-0000-7000-8000-000000000001', 2, 'call', null)",
        "update job_executions set status = 'running', started_at = now(), shell_command = 'bwa' where job_id = 1",
        "insert into log_entries (workflow_run_id, level, message) values ('0193a4c2-0000-7000-8000-000000000001', 'error', 'No space left')",
        "update workflow_runs set status = 'failed', ended_at = now()",
    ] {
        database.sql(statement).await;
    }
    (database, RUN.parse().expect("an id"))
}

async fn read(database: &TestDatabase, run: RunId, subject: Option<Subject>, before: Option<i64>, limit: u32) -> (Vec<Change>, bool) {
    let mut conn = database.store.conn().await.expect("a connection");
    history::of_run(&mut conn, run, subject, before, limit).await.expect("the history")
}

#[tokio::test]
async fn a_history_says_what_changed_from_what_to_what_and_by_whom() {
    let (database, run) = failed_run().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ana: i64 = database.text("select id::text from users").await.expect("ana").parse().expect("a number");
    assert!(
        edit::rename(&mut conn, Audience::All, run, "other", &["exome".into()], Some(model::UserId(ana))).await.expect("a new name"),
        "renamed"
    );
    database.sql("update workflow_runs set last_was_error = true").await; // Sends a notification, but says nothing.
    let (all, more) = read(&database, run, None, None, 50).await;
    assert!(!more);
    let kinds: Vec<_> = all.iter().map(|change| (change.subject, change.operation)).collect();
    assert_eq!(kinds, [(Run, Update), (Run, Update), (Entry, Insert), (Job, Update), (Job, Insert), (Job, Insert), (Run, Insert)]);

    let renamed = &all[0];
    assert_eq!(renamed.actor.as_deref(), Some("user ana"));
    let fields: Vec<_> = renamed.fields.iter().map(|field| (field.name.as_str(), field.old.clone(), field.new.clone())).collect();
    assert_eq!(fields, [("tags", Some("none".into()), Some("exome".into())), ("workflow_name", Some("one".into()), Some("other".into()))]);
    assert_ne!(all[1].actor.as_deref(), Some("user ana"), "the name was given for one transaction");
    let status = all[1].fields.iter().find(|field| field.name == "status").expect("its status");
    assert_eq!((status.old.clone(), status.new.clone()), (Some("running".into()), Some("failed".into())));
    assert_eq!(all[2].fields[1].new, Some("No space left".into()));
    let job = &all[3];
    assert_eq!((job.rule.as_deref(), job.label.as_str()), (Some("map"), "A"));
    let large = job.fields.iter().find(|field| field.name == "shell_command").expect("its command");
    assert_eq!((&large.old, &large.new), (&None, &None), "too large to be kept");
    assert!(job.fields.iter().any(|field| field.name == "status" && field.new.as_deref() == Some("running")));
}

#[tokio::test]
async fn a_history_is_read_page_by_page_and_by_kind() {
    let (database, run) = failed_run().await;
    let (all, _) = read(&database, run, None, None, 50).await;
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let (page, more) = read(&database, run, None, before, 2).await;
        before = page.last().map(|change| change.id);
        pages.extend(page);
        if !more {
            break;
        }
    }
    assert_eq!(pages, all);
    let (jobs, _) = read(&database, run, Some(Subject::Job), None, 50).await;
    assert_eq!(jobs, all.iter().filter(|change| change.subject == Subject::Job).cloned().collect::<Vec<_>>());
    assert!(read(&database, "0193a4c2-0000-7000-8000-000000000009".parse().expect("an id"), None, None, 50).await.0.is_empty());
}

#[tokio::test]
async fn the_snippets_of_the_postgresql_logger_work() {
    let database = TestDatabase::new().await;
    database.sql("INSERT INTO workflow_runs (workflow_name, status) VALUES ('test_workflow', 'running')").await;
    let newest = "SELECT table_name || ' ' || operation FROM change_notifications ORDER BY timestamp DESC LIMIT 5";
    assert_eq!(database.texts(newest).await, ["workflow_runs INSERT"]);
    assert_eq!(database.text("SELECT count(*)::text FROM get_recent_changes('2024-01-01'::timestamp)").await.as_deref(), Some("1"));
    assert_eq!(database.text("SELECT count(*)::text FROM get_recent_changes('2924-01-01'::timestamp)").await.as_deref(), Some("0"));
    assert_eq!(database.text("SELECT count(*)::text FROM change_notifications WHERE NOT processed").await.as_deref(), Some("1"));
    let triggers = database.texts("SELECT tgname::text FROM pg_trigger WHERE tgname LIKE '%notify%' ORDER BY 1").await;
    let tables = ["job_executions", "log_entries", "workflow_runs"];
    let expected: Vec<String> =
        tables.iter().flat_map(|table| ["delete", "insert", "update"].map(|what| format!("{table}_notify_{what}"))).collect();
    assert_eq!(triggers, expected);
}

#[tokio::test]
async fn a_monitor_reads_every_line_once_in_the_order_of_transactions() {
    let (database, run) = failed_run().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let all = Wanted::default();
    let mut lines = Vec::new();
    let mut after = After::horizon(&Horizon::beginning());
    loop {
        let page = monitor::lines(&mut conn, &all, &after).await.expect("lines");
        let Some(last) = page.last() else { break };
        after = After::line(last);
        lines.extend(page);
    }
    assert_eq!(lines.len(), 6);
    assert!(lines.is_sorted_by_key(|line| (line.xact, line.id)));
    let wanted = Wanted { tables: vec!["job_executions".into()], operations: vec!["UPDATE".into()], run: Some(run), unprocessed: true };
    let beginning = After::horizon(&Horizon::beginning());
    let found = monitor::lines(&mut conn, &wanted, &beginning).await.expect("lines");
    assert_eq!(found.len(), 1);
    monitor::processed(&mut conn, &[found[0].id]).await.expect("marked");
    assert!(monitor::lines(&mut conn, &wanted, &beginning).await.expect("lines").is_empty());
    assert_eq!(monitor::place(&mut conn, "test").await.expect("a place"), None);
    let here = changes::horizon(&mut conn).await.expect("a horizon");
    let here = Kept { horizon: here, ahead: vec![7, 9] };
    monitor::keep_place(&mut conn, "test", &here).await.expect("kept");
    assert_eq!(monitor::place(&mut conn, "test").await.expect("a place"), Some(here));
}

/// After a crash PostgreSQL reuses transaction numbers whose end was not on disk: a change committed under such a
/// number looks older than the horizon.
#[tokio::test]
async fn a_number_that_is_given_again_after_a_crash_hides_nothing() {
    let (database, run) = failed_run().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ring = database.text("select pg_current_xact_id()::text").await.expect("a number of which no row knows");
    let number = ring.parse().expect("a number");
    // Tests beside this one have transactions open, and the horizon waits for all of the server's.
    let here = testkit::until("the ring to be settled", async || {
        let here = changes::horizon(&mut *database.store.conn().await.ok()?).await.ok()?;
        here.settled(number).then_some(here)
    })
    .await;
    database.sql("update job_executions set status = 'failed' where job_id = 2").await;
    assert_eq!(changes::rewound(&mut conn, here.clone()).await.expect("a horizon"), here, "no crash yet");

    let newest = "(select max(id) from change_notifications)";
    database.sql(&format!("update change_notifications set xact = '{ring}' where id = {newest}")).await;
    let job = database.text("select id::text from job_executions where job_id = 2").await.and_then(|id| id.parse().ok()).map(JobKey);

    let (found, _) = changes::since(&mut conn, &here).await.expect("changes");
    assert_eq!(found.expect("few").jobs[&run].iter().copied().next(), job);
    let (found, _) = marks::touched(&mut conn, run, &here, 100).await.expect("changes");
    assert_eq!(found.expect("few").first().copied(), job);
    let back = changes::rewound(&mut conn, here.clone()).await.expect("a horizon");
    assert_ne!(back, here);
    let found = monitor::lines(&mut conn, &Wanted::default(), &After::horizon(&back)).await.expect("lines");
    assert_eq!(found.iter().map(|line| line.operation.as_str()).collect::<Vec<_>>(), ["UPDATE"], "and nothing that was read before");
}

/// Creates the partition of a day long ago, as it would have been created then, with one row in it.
async fn old_day(database: &TestDatabase, table: &str, column: &str, columns: &str, values: &str) {
    database
        .sql(&format!(
            "create table {table}_20200102 partition of {table} for values from ('2020-01-02') to ('2020-01-03');
             insert into {table} ({columns}, {column}) values ({values}, '2020-01-02 12:00'), ({values}, '2019-05-01 12:00'), ({values}, now())"
        ))
        .await;
}

#[tokio::test]
async fn what_is_older_than_its_policy_goes_and_nothing_else() {
    let database = TestDatabase::new().await;
    let columns = "source, event, body, received_at, outcome";
    old_day(&database, "ingest_events", "recorded_at", columns, "'flowo', 'x', '{}', now(), 'applied'").await;
    old_day(&database, "change_notifications", "\"timestamp\"", "table_name, operation, record_id", "'workflow_runs', 'INSERT', '1'").await;
    old_day(&database, "log_entries", "logged_at", "message", "'words'").await;
    let count = async |table: &str| database.text(&format!("select count(*)::text from {table}")).await.expect("a number");
    let before = count("change_notifications").await; // The log entries were recorded there, too.
    let policy = Policy { entries: None, ..Policy::default() };

    let pretended = prune::prune(&database.store, policy, true).await.expect("a look").expect("a turn");
    assert_eq!(pretended.iter().map(|one| (one.days.len(), one.rows)).collect::<Vec<_>>(), [(1, 1), (1, 1)]);
    assert_eq!((count("ingest_events").await.as_str(), count("change_notifications").await), ("3", before.clone()));

    let pruned = prune::prune(&database.store, policy, false).await.expect("a pruning").expect("a turn");
    assert_eq!(
        pruned.iter().map(|one| (one.days.clone(), one.rows)).collect::<Vec<_>>(),
        [(vec!["ingest_events_20200102".to_owned()], 1), (vec!["change_notifications_20200102".to_owned()], 1)]
    );
    assert_eq!(count("ingest_events").await, "1");
    assert_eq!(count("change_notifications").await.parse::<i32>().ok(), before.parse::<i32>().ok().map(|n| n - 2));
    assert_eq!(count("log_entries").await, "3", "kept for ever");
    let again = prune::prune(&database.store, policy, false).await.expect("a pruning").expect("a turn");
    assert!(again.iter().all(|one| one.days.is_empty() && one.rows == 0), "{again:?}");
    let sizes = prune::sizes(&mut database.store.conn().await.expect("a connection")).await.expect("sizes");
    assert!(sizes.len() == 3 && sizes.iter().all(|size| size.bytes > 0 && size.partitions > 7), "{sizes:?}");
}

#[tokio::test]
async fn a_report_is_kept_for_the_days_of_the_policy_and_no_longer() {
    let report =
        "insert into ingest_events (source, event, body, received_at, outcome) values ('flowo', 'x', '{}', flowo_now(), 'applied')";
    let database = TestDatabase::new().await;
    database.sql(report).await;
    let policy = Policy { reports: Some(30), ..Policy::default() };
    // A margin of a day: days are those of the server's time zone, and one may begin during the test.
    let (before, after) = (database.later(Duration::from_hours(24 * 29)), database.later(Duration::from_hours(24 * 32)));
    sweep::housekeep(&mut after.store.conn().await.expect("a connection")).await.expect("partitions of those days");
    after.sql(report).await;

    let kept = prune::prune(&before.store, policy, false).await.expect("a pruning").expect("a turn");
    assert_eq!((kept[0].days.len(), kept[0].rows), (0, 0), "{kept:?}");
    assert_eq!(database.text("select count(*)::text from ingest_events").await.as_deref(), Some("2"));

    let gone = prune::prune(&after.store, policy, false).await.expect("a pruning").expect("a turn");
    assert!(!gone[0].days.is_empty() && gone[1].days.is_empty() && gone[2].days.is_empty(), "{gone:?}");
    let left = "select concat_ws(' ', recorded_at > now() + interval '31 days', tableoid::regclass = to_regclass('ingest_events_' || to_char(recorded_at, 'YYYYMMDD')))
                  from ingest_events";
    assert_eq!(database.texts(left).await, ["t t"], "the later one, in the partition of its day");
}

#[tokio::test]
async fn what_changed_is_logged_at_the_time_that_retention_goes_by() {
    let (database, _) = failed_run().await;
    let later = database.later(Duration::from_hours(24 * 100));
    later.sql("update workflow_runs set workflow_name = 'two'").await;
    let days = "select round(extract(epoch from \"timestamp\" - now()) / 86400)::text from change_notifications order by id desc limit 1";
    assert_eq!(database.text(days).await.as_deref(), Some("100"));

    let pruned = prune::prune(&later.store, Policy::default(), false).await.expect("a pruning").expect("a turn");

    assert_eq!((pruned[1].table, pruned[1].days.is_empty()), ("change_notifications", false));
    assert_eq!(database.text("select count(*)::text from change_notifications").await.as_deref(), Some("1"), "the one of that day");
}

#[tokio::test]
async fn one_prunes_at_a_time_and_nobody_waits_for_a_reader() {
    let database = TestDatabase::new().await;
    old_day(&database, "log_entries", "logged_at", "message", "'words'").await;
    let mut other = database.raw().await;
    testkit::run(&mut other, &format!("select pg_advisory_lock({})", prune::TURN)).await;
    assert_eq!(prune::prune(&database.store, Policy::default(), false).await.expect("a look"), None);
    testkit::run(&mut other, "select pg_advisory_unlock_all(); begin; select count(*) from log_entries").await;
    assert!(prune::prune(&database.store, Policy::default(), false).await.is_err(), "a statement is reading the partition");
    testkit::run(&mut other, "commit").await;
    let pruned = prune::prune(&database.store, Policy::default(), false).await.expect("a pruning").expect("a turn");
    assert_eq!(pruned[2].days, ["log_entries_20200102"]);
}

#[tokio::test]
async fn a_run_that_is_deleted_takes_everything_along_but_the_word_that_it_is() {
    let (database, run) = failed_run().await;
    database.sql("insert into workflow_runs (workflow_name) values ('stays')").await;
    database
        .sql(&format!(
            "insert into ingest_events (workflow_run_id, source, event, body, received_at, outcome)
             select '{RUN}', 'flowo', 'x', '{{}}', now(), 'applied' from generate_series(1, 5)"
        ))
        .await;
    let mut conn = database.store.conn().await.expect("a connection");
    assert_eq!(edit::delete(&mut conn, Audience::All, &[run], None).await.expect("hidden"), [run]);
    assert_eq!(edit::purge(&mut conn, 0, 10).await.expect("purged"), 1);
    let mut calls = 0;
    while history::forget(&mut conn, 2).await.expect("forgotten") {
        calls += 1;
        assert!(calls < 20, "it ends");
    }
    assert!(calls > 2, "in portions");
    let tables = "workflow_runs job_executions rules rule_counts paths log_entries ingest_events run_logs";
    for table in tables.split(' ') {
        let column = if table == "workflow_runs" { "id" } else { "workflow_run_id" };
        let left = database.text(&format!("select count(*)::text from {table} where {column} = '{RUN}'")).await;
        assert_eq!(left.as_deref(), Some("0"), "{table}");
    }
    let lines = format!("select table_name || ' ' || operation from change_notifications where workflow_run_id = '{RUN}'");
    assert_eq!(database.texts(&lines).await, ["workflow_runs DELETE"]);
    assert_eq!(database.text("select count(*)::text from workflow_runs").await.as_deref(), Some("1"));
}
