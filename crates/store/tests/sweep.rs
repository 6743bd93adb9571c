//! What the sweep counts as silence: only time in which reports could have been received.
#![forbid(unsafe_code)]

use store::sweep::{self, Silence};
use testkit::TestDatabase;

/// A run of each kind of client, silent for two minutes, with a running job.
const SILENT: &str = "
    insert into workflow_runs (workflow_name, status, source, heartbeats, last_seen_at)
    values ('beats', 'running', 'flowo', true, now() - interval '2 minutes'),
           ('quiet', 'running', 'flowo', false, now() - interval '2 minutes'),
           ('panoptes', 'running', 'panoptes', false, now() - interval '2 minutes');
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
    database.sql(SILENT).await;
    let mut conn = database.store.conn().await.expect("a connection");
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
