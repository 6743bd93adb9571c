//! One job with all its details, and the graph of its run: the right rows, by index.
#![forbid(unsafe_code)]

use model::{
    JobKey, JobStatus, RunId,
    job::{FileRole, JobFile},
};
use serde_json::json;
use store::{Conn, graphs, jobs};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";
const OTHER: &str = "0193a4c2-0000-7000-8000-000000000002";

/// Two runs of 3 000 jobs each: job n makes `n.txt` and uses the file of job n - 1.
const CHAINS: &str = "
    insert into workflow_runs (id, workflow_name) values ('0193a4c2-0000-7000-8000-000000000001', 'one'),
                                                         ('0193a4c2-0000-7000-8000-000000000002', 'two');
    insert into job_executions (workflow_run_id, job_id, rule, status, wildcards, shell_command, exit_code, resources)
    select r.id, n, 'rule ' || n % 7, 'success', jsonb_build_object('n', n), 'make ' || n, 0, '{\"mem_mb\": 100}'
      from workflow_runs r, generate_series(1, 3000) n;
    insert into paths (workflow_run_id, path) select r.id, n || '.txt' from workflow_runs r, generate_series(0, 3000) n;
    insert into job_files (job_execution_id, path_id, role, position)
    select j.id, p.id, case when p.path = j.job_id || '.txt' then 'output' else 'input' end, 0
      from job_executions j
      join paths p on p.workflow_run_id = j.workflow_run_id and p.path in (j.job_id || '.txt', (j.job_id - 1) || '.txt');
    analyze";

fn id(text: &str) -> RunId {
    text.parse().expect("an id")
}

async fn key(database: &TestDatabase, run: &str, job: i64) -> JobKey {
    let query = format!("select max(id)::text from job_executions where workflow_run_id = '{run}' and job_id = {job}");
    JobKey(database.text(&query).await.and_then(|id| id.parse().ok()).expect("the job is there"))
}

/// How many full scans there were so far of the tables that grow with runs.
async fn scans(database: &TestDatabase, conn: &mut Conn) -> String {
    sqlx::query("select pg_stat_force_next_flush()").execute(&mut *conn).await.expect("statistics");
    sqlx::query("select 1").execute(conn).await.expect("statistics are written with the next statement");
    let query = "select sum(seq_scan)::text from pg_stat_user_tables where relname in ('job_executions', 'job_files', 'paths')";
    database.text(query).await.expect("a number")
}

#[tokio::test]
async fn a_job_is_read_with_its_files_their_makers_and_users_and_its_attempts() {
    let database = TestDatabase::new().await;
    database.sql(CHAINS).await;
    let first = key(&database, RUN, 7).await;
    let again = "update job_executions set superseded = true, status = 'failed' where job_id = 7 and workflow_run_id = '0193a4c2-0000-7000-8000-000000000001';
        insert into job_executions (workflow_run_id, job_id, attempt, rule, status) values ('0193a4c2-0000-7000-8000-000000000001', 7, 2, 'rule 0', 'running')";
    let mut conn = database.store.conn().await.expect("a connection");
    let before = scans(&database, &mut conn).await;

    let job = jobs::detail(&mut conn, id(RUN), first).await.expect("no error").expect("the job");
    assert_eq!(scans(&database, &mut conn).await, before, "no table is read whole");
    assert_eq!((job.shell_command.as_deref(), job.exit_code, job.row.job_id), (Some("make 7"), Some(0), Some(7)));
    assert_eq!(job.resources["mem_mb"], "100");
    let maker = key(&database, RUN, 6).await;
    let file = |role, path: &str, made_by, used_by| JobFile { role, path: path.into(), made_by, used_by, rewritten_by: None };
    assert_eq!(
        job.files,
        [file(FileRole::Input, "6.txt", Some((maker, "rule 6".into())), 0), file(FileRole::Output, "7.txt", None, 1)],
        "of this run only, though another has the same names"
    );
    assert_eq!(job.attempts.len(), 1);

    database.sql(again).await;
    let job = jobs::detail(&mut conn, id(RUN), first).await.expect("no error").expect("the job");
    let attempts: Vec<_> = job.attempts.iter().map(|attempt| (attempt.attempt, attempt.status)).collect();
    assert_eq!(attempts, [(1, JobStatus::Failed), (2, JobStatus::Running)]);
    assert_eq!(jobs::detail(&mut conn, id(OTHER), first).await.expect("no error"), None, "not a job of that run");
}

#[tokio::test]
async fn failed_jobs_are_gathered_by_rule_and_cause_those_with_most_first() {
    let database = TestDatabase::new().await;
    database.sql(CHAINS).await;
    database
        .sql(&format!(
            "update job_executions set status = 'failed', exit_code = 104, superseded = job_id = 20
              where workflow_run_id = '{RUN}' and job_id in (9, 16, 20, 30);
             update workflow_runs set errors = '[{{\"exception\": \"RuleException\", \"rule\": \"rule 2\", \"at\": 1}}]' where id = '{RUN}'"
        ))
        .await;
    let mut conn = database.store.conn().await.expect("a connection");
    let before = scans(&database, &mut conn).await;

    let found = jobs::failures(&mut conn, id(RUN)).await.expect("no error");

    assert_eq!(scans(&database, &mut conn).await, before, "no table is read whole");
    let groups: Vec<_> = found.groups.iter().map(|group| (group.rule.as_str(), group.count, group.job_id, group.exit_code)).collect();
    assert_eq!(groups, [("rule 2", 3, Some(9), Some(104))], "not the attempt that was superseded");
    assert_eq!(found.groups[0].wildcards["n"], "9");
    assert_eq!(found.errors[0].exception, "RuleException");
    assert!(jobs::failures(&mut conn, id(OTHER)).await.expect("no error").groups.is_empty());

    database
        .sql(&format!(
            "update job_executions set error = 'No space left on /a/' || job_id where workflow_run_id = '{RUN}' and job_id in (9, 16);
             update job_executions set error = 'Killed' where workflow_run_id = '{RUN}' and job_id = 30"
        ))
        .await;
    let found = jobs::failures(&mut conn, id(RUN)).await.expect("no error");
    let groups: Vec<_> = found.groups.iter().map(|group| (group.count, group.job_id, group.error.as_deref())).collect();
    assert_eq!(groups, [(2, Some(9), Some("No space left on /a/9")), (1, Some(30), Some("Killed"))]);
}

#[tokio::test]
async fn failures_of_which_nothing_is_known_come_last_however_many_they_are() {
    let database = TestDatabase::new().await;
    database.sql(CHAINS).await;
    database
        .sql(&format!(
            "update job_executions set status = 'failed', ended_at = now() - job_id * interval '1 second',
                    exit_code = case when job_id = 30 then 4 end, error = case when job_id in (44, 51) then 'Killed' end
              where workflow_run_id = '{RUN}' and job_id in (9, 16, 30, 44, 51, 52);
             insert into paths (workflow_run_id, path) select '{RUN}', n || '.log' from generate_series(1, 10) n;
             insert into job_files (job_execution_id, path_id, role, position)
             select j.id, p.id, 'log', substring(p.path from '[0-9]+')::integer from job_executions j
               join paths p on p.workflow_run_id = j.workflow_run_id and p.path like '%.log' where j.job_id = 30 and j.workflow_run_id = '{RUN}'"
        ))
        .await;
    let mut conn = database.store.conn().await.expect("a connection");

    let found = jobs::failures(&mut conn, id(RUN)).await.expect("no error");

    let groups: Vec<_> = found.groups.iter().map(|group| (group.rule.as_str(), group.count, group.is_explained())).collect();
    assert_eq!(groups, [("rule 2", 2, true), ("rule 2", 1, true), ("rule 2", 2, false), ("rule 3", 1, false)]);
    assert_eq!((found.groups[1].job_id, found.groups[1].logs.len(), found.groups[1].more_logs), (Some(30), 8, 2));
    assert_eq!((found.groups[1].logs[0].as_str(), found.more), ("1.log", 0));
}

#[tokio::test]
async fn a_graph_is_laid_out_once_for_all_runs_that_have_it() {
    let database = TestDatabase::new().await;
    database.sql(CHAINS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    assert_eq!(graphs::reported(&mut conn, id(RUN), 1, "tb").await.expect("no error"), None);

    // The same graph, formatted differently.
    database.sql(r#"update workflow_runs set rule_graph = '{"nodes": [{"rule": "a"}],  "links": []}' where workflow_name = 'one'"#).await;
    database.sql(r#"update workflow_runs set rule_graph = '{"links": [], "nodes": [{"rule": "a"}]}' where workflow_name = 'two'"#).await;
    let found = graphs::reported(&mut conn, id(RUN), 1, "tb").await.expect("no error").expect("a graph");
    assert_eq!((found.known, &found.layout, found.digest.len()), (false, &None, 32));
    let layout = json!({"width": 1});
    for _ in 0..2 {
        graphs::keep(&mut conn, &found.digest, 1, "tb", Some(&layout)).await.expect("kept, also twice");
    }

    let other = graphs::reported(&mut conn, id(OTHER), 1, "tb").await.expect("no error").expect("a graph");
    assert_eq!((other.known, other.layout.as_ref()), (true, Some(&layout)));
    for (form, direction) in [(1, "lr"), (2, "tb")] {
        let other = graphs::reported(&mut conn, id(OTHER), form, direction).await.expect("no error").expect("a graph");
        assert!(!other.known, "another picture");
    }
    graphs::keep(&mut conn, &found.digest, 1, "lr", None).await.expect("kept");
    let none = graphs::reported(&mut conn, id(RUN), 1, "lr").await.expect("no error").expect("a graph");
    assert_eq!((none.known, none.layout), (true, None), "known to be too large");
}
