//! What the sweep counts as silence: only time in which reports could have been received. And what it forgets with time.
#![forbid(unsafe_code)]

use std::time::Duration;
use store::sweep::{self, Silence};
use testkit::TestDatabase;

/// A run of each kind of client, with a running job.
const RUNS: &str = "
    insert into workflow_runs (workflow_name, status, source, heartbeats)
    values ('beats', 'running', 'flowo', true), ('quiet', 'running', 'flowo', false), ('panoptes', 'running', 'panoptes', false);
    insert into job_executions (workflow_run_id, job_id, status) select id, 1, 'running' from workflow_runs";

/// As protocols say it: one with heartbeats, one whose runs may be stale.
fn silences(heartbeat: i32, quiet: i32, stale: Option<i32>) -> [Silence; 2] {
    let flowo = Silence { source: "flowo", is_named: false, beating: Some(heartbeat), failing: Some(quiet), quiet: Some(quiet) };
    [flowo, Silence { source: "panoptes", failing: Some(heartbeat), quiet: stale, ..flowo }]
}

async fn lost(database: &TestDatabase) -> Vec<String> {
    database.texts("select workflow_name from workflow_runs where status = 'lost' order by 1").await
}

#[tokio::test]
async fn a_run_is_not_lost_by_silence_that_nobody_could_have_heard() {
    let database = TestDatabase::new().await;
    database.sql(RUNS).await;
    let mut conn = database.later(Duration::from_mins(2)).store.conn().await.expect("a connection");
    let now = sweep::clock(&mut conn).await.expect("the time");

    // A server that was down for longer than the timeout, and has been up for half of it.
    sweep::lose_silent(&mut conn, &silences(60, 60, Some(60)), now - 30_000).await.expect("the sweep runs");
    assert_eq!(lost(&database).await, [""; 0]);

    // One timeout after its return, the silence counts.
    sweep::lose_silent(&mut conn, &silences(60, 3600, None), now - 61_000).await.expect("the sweep runs");
    assert_eq!(lost(&database).await, ["beats"]);
    sweep::lose_silent(&mut conn, &silences(60, 60, Some(60)), now - 61_000).await.expect("the sweep runs");
    assert_eq!(lost(&database).await, ["beats", "panoptes", "quiet"]);
    assert_eq!(database.texts("select status from job_executions").await, ["lost"; 3]);
}

#[tokio::test]
async fn a_run_is_lost_once_its_client_has_been_silent_for_too_long() {
    let database = TestDatabase::new().await;
    database.sql(RUNS).await;
    let silences = silences(60, 3600, None);

    for (minutes, gone) in [(0, ""), (2, "beats"), (59, "beats"), (61, "beats quiet"), (100_000, "beats quiet")] {
        let mut conn = database.later(Duration::from_mins(minutes)).store.conn().await.expect("a connection");
        sweep::lose_silent(&mut conn, &silences, 0).await.expect("the sweep runs");
        assert_eq!(lost(&database).await.join(" "), gone, "after {minutes} minutes");
    }
    // It ended when it was last heard, not when that was noticed.
    let ends = "select (ended_at < now())::text from workflow_runs where status = 'lost'";
    assert_eq!(database.texts(ends).await, ["true"; 2]);
}

#[tokio::test]
async fn a_run_that_reports_again_is_not_silent() {
    let database = TestDatabase::new().await;
    database.sql(RUNS).await;
    let later = database.later(Duration::from_hours(1));
    later.sql("update workflow_runs set last_seen_at = flowo_now() where workflow_name = 'beats'").await;

    sweep::lose_silent(&mut later.store.conn().await.expect("a connection"), &silences(60, 60, None), 0).await.expect("the sweep runs");

    assert_eq!(lost(&database).await, ["quiet"]);
}

#[tokio::test]
async fn housekeeping_forgets_what_has_been_over_for_long_enough() {
    let database = TestDatabase::new().await;
    database
        .sql(
            "insert into users (name) values ('ana');
             insert into sessions (hash, user_id, expires_at) select 'hash', id, flowo_now() + interval '7 days' from users;
             insert into sign_in_keys (hash, user_id, expires_at) select 'hash', id, flowo_now() + interval '10 minutes' from users;
             insert into deleted_runs (id) values ('0193a4c2-0000-7000-8000-000000000001');
             insert into settings (name, value) values ('monitor.mine', '{}');
             insert into audit_log (action) values ('read.file'), ('sign.in')",
        )
        .await;
    let left = "select 'session' from sessions union all select 'key' from sign_in_keys union all select 'run' from deleted_runs
                union all select name from settings where name like 'monitor.%'
                union all select action from audit_log where action in ('read.file', 'sign.in') order by 1";

    for (days, kept) in [
        (0, &["key", "monitor.mine", "read.file", "run", "session", "sign.in"][..]),
        (2, &["monitor.mine", "read.file", "run", "session", "sign.in"]),
        (8, &["monitor.mine", "read.file", "run", "sign.in"]),
        (31, &["monitor.mine", "read.file", "sign.in"]),
        (91, &["sign.in"]),
    ] {
        let mut conn = database.later(Duration::from_hours(24 * days)).store.conn().await.expect("a connection");
        sweep::housekeep(&mut conn).await.expect("the housekeeping runs");
        assert_eq!(database.texts(left).await, kept, "after {days} days");
    }
}
