//! Every bounded read says that there is more, or how much.
#![forbid(unsafe_code)]

use model::{JobKey, RunId};
use store::jobs::{self, edges};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";
const A_RUN: &str = "insert into workflow_runs (id, workflow_name) values ('0193a4c2-0000-7000-8000-000000000001', 'one')";

fn run() -> RunId {
    RUN.parse().expect("an id")
}

/// A run with jobs made by SQL: `columns` are filled with what `jobs` selects.
async fn with_jobs(columns: &str, jobs: &str) -> TestDatabase {
    let database = TestDatabase::new().await;
    database.sql(A_RUN).await;
    database.sql(&format!("insert into job_executions (workflow_run_id, informed, {columns}) select '{RUN}', true, {jobs}")).await;
    database
}

#[tokio::test]
async fn failures_say_how_many_failed_jobs_were_not_looked_at() {
    let database =
        with_jobs("job_id, rule, status, started_at, ended_at", "n, 'a', 'failed', now(), now() from generate_series(1, 10000) n").await;
    let mut conn = database.store.conn().await.expect("a connection");
    let found = jobs::failures(&mut conn, run()).await.expect("no error");
    assert_eq!((found.unlooked, found.looked_at()), (0, None));
    drop(conn);
    database
        .sql(&format!(
            "insert into job_executions (workflow_run_id, informed, job_id, rule, status, started_at, ended_at)
             select '{RUN}', true, n, 'a', 'failed', now(), now() from generate_series(10001, 10005) n"
        ))
        .await;
    let mut conn = database.store.conn().await.expect("a connection");

    let found = jobs::failures(&mut conn, run()).await.expect("no error");

    assert_eq!((found.groups[0].count, found.unlooked), (10_000, 5));
    let says = found.looked_at().expect("some were not").replace('\u{202f}', " ");
    assert_eq!(says, "newest 10 000 of 10 005 failed jobs");
    let failed: Vec<JobKey> = (0..10_007).map(JobKey).collect();
    let then = jobs::failures_then(&mut conn, run(), &failed, i64::MAX).await.expect("no error");
    assert_eq!(then.unlooked, 7, "of a moment of the past");
}

#[tokio::test]
async fn a_chain_longer_than_is_followed_says_so() {
    let database = with_jobs(
        "job_id, rule, status, started_at, ended_at",
        "n, 'a', 'success', timestamptz '2026-11-20 00:00Z' + n * interval '1 minute', timestamptz '2026-11-20 00:01Z' + n * interval '1 minute'
           from generate_series(1, 2001) n order by n",
    )
    .await;
    database.sql(&format!("insert into paths (workflow_run_id, path) select '{RUN}', n || '.txt' from generate_series(1, 2001) n")).await;
    database
        .sql(
            "insert into job_files (job_execution_id, path_id, role, position)
             select j.id, p.id, f.role, 0 from job_executions j cross join (values ('output', 0), ('input', 1)) f(role, back)
               join paths p on p.path = (j.job_id - back) || '.txt'",
        )
        .await;
    let last = database.text("select max(id)::text from job_executions").await;
    let last: i64 = last.and_then(|id| id.parse().ok()).expect("an id");
    let mut conn = database.store.conn().await.expect("a connection");

    let (cut, more) = jobs::critical(&mut conn, run(), JobKey(last)).await.expect("no error");
    let (whole, no_more) = jobs::critical(&mut conn, run(), JobKey(last - 1)).await.expect("no error");

    assert_eq!((cut.len(), more, cut[0]), (2_000, true, JobKey(last)), "the last of them");
    assert_eq!((whole.len(), no_more), (2_000, false));
}

#[tokio::test]
async fn a_graph_of_too_many_links_is_none_and_not_a_part_of_one() {
    let database =
        with_jobs("job_id, rule, status", "n, case when n <= 250 then 'maker' else 'user' end, 'waiting' from generate_series(1, 500) n")
            .await;
    database.sql(&format!("insert into paths (workflow_run_id, path) select '{RUN}', n || '.txt' from generate_series(1, 250) n")).await;
    database
        .sql(
            "insert into job_files (job_execution_id, path_id, role, position)
             select j.id, p.id, case when j.rule = 'maker' then 'output' else 'input' end, p.id
               from job_executions j join paths p on j.rule = 'user' or p.path = j.job_id || '.txt'",
        )
        .await;
    let mut conn = database.store.conn().await.expect("a connection");
    assert_eq!(edges::graph(&mut conn, run(), None, 1_000).await.expect("no error"), None, "62 500 links");
    assert_eq!(edges::graph(&mut conn, run(), Some("maker"), 1_000).await.expect("no error"), None, "the same from the other side");
    drop(conn);
    database.sql("delete from job_files where role = 'input' and position % 2 = 0").await;
    let mut conn = database.store.conn().await.expect("a connection");

    let graph = edges::graph(&mut conn, run(), None, 1_000).await.expect("no error").expect("few links");

    assert_eq!((graph.nodes.len(), graph.edges.len()), (500, 31_250));
}

#[tokio::test]
async fn a_job_says_how_many_reports_came_before_those_that_are_shown() {
    let database = with_jobs(
        "job_id, rule, status, reports",
        "n, 'a', 'waiting', array(select generate_series(1, n * 16)) from generate_series(1, 4) n",
    )
    .await;
    let mut conn = database.store.conn().await.expect("a connection");
    let first: i64 = database.text("select min(id)::text from job_executions").await.and_then(|id| id.parse().ok()).expect("an id");
    let mut earlier = Vec::new();
    for key in first..first + 4 {
        let detail = jobs::detail(&mut conn, run(), JobKey(key)).await.expect("no error").expect("a job");
        earlier.push(detail.earlier_reports());
    }

    let says = |text: &str| Some(text.to_owned());
    assert_eq!(earlier, [None, says("12 earlier"), says("28 earlier"), says("44 or more earlier")]);
}
