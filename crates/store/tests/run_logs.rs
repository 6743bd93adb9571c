//! What is written from a run's log: by attempt, at most once, and never against a report.
#![forbid(unsafe_code)]

use model::{RunId, run::PrintedError};
use store::run_logs::{JobFacts, RunFacts, write};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// A run whose job 1 failed once and is running again, whose job 2 is lost, whose job 3 is running and whose job 4 succeeded.
async fn run_with_jobs() -> (TestDatabase, RunId) {
    let database = TestDatabase::new().await;
    database
        .sql(&format!(
            "insert into workflow_runs (id, workflow_name, errors) values ('{RUN}', 'one', '[{{\"exception\": \"RuleException\", \"at\": 1}}]');
             insert into job_executions (workflow_run_id, job_id, attempt, superseded, rule, status, informed) values
                    ('{RUN}', 1, 1, true, 'a', 'failed', true), ('{RUN}', 1, 2, false, 'a', 'running', true),
                    ('{RUN}', 2, 1, false, 'b', 'lost', true), ('{RUN}', 3, 1, false, 'c', 'running', true),
                    ('{RUN}', 4, 1, false, 'd', 'success', true)"
        ))
        .await;
    (database, RUN.parse().expect("an id"))
}

fn failed(job: i64, attempt: i32, error: &str) -> JobFacts {
    JobFacts { job: Some(job), attempt, failed: true, error: Some(error.into()), ..JobFacts::default() }
}

async fn jobs_as_text(database: &TestDatabase) -> String {
    let query =
        "select string_agg(concat_ws(' ', coalesce(rule, '?'), job_id || '#' || attempt, status, exit_code, error, external_id), ', '
                                   order by job_id, attempt) from job_executions";
    database.text(query).await.expect("jobs")
}

async fn written(database: &TestDatabase, run: RunId, jobs: &[JobFacts]) -> bool {
    let mut tx = database.store.begin().await.expect("a transaction");
    let waits = write(&mut tx, run, &RunFacts::default(), jobs).await.expect("written");
    store::commit(tx).await.expect("kept");
    waits
}

#[tokio::test]
async fn an_attempt_fails_by_its_log_at_once_if_no_report_will_say_so_else_when_it_is_lost() {
    let (database, run) = run_with_jobs().await;
    let facts = [
        JobFacts { exit: Some(3), ..failed(1, 1, "first") },
        failed(1, 2, "second"),
        failed(2, 1, "lost"),
        JobFacts { silent: true, ..failed(3, 1, "silent") },
        JobFacts { silent: true, ..failed(4, 1, "not so") },
    ];

    let waits = written(&database, run, &facts).await;

    let wanted = "a 1#1 failed 3 first, a 1#2 running, b 2#1 failed lost, c 3#1 failed silent, d 4#1 success";
    assert_eq!(jobs_as_text(&database).await, wanted);
    assert!(waits, "the second attempt is not reported yet");
    assert_eq!(database.text("select jobs_failed::text from workflow_runs").await.as_deref(), Some("2"));

    let before = database.text("select sum(revision)::text from job_executions").await;
    written(&database, run, &facts).await;
    assert_eq!(database.text("select sum(revision)::text from job_executions").await, before, "nothing is written twice");
    database.sql("update job_executions set status = 'failed' where job_id = 1 and attempt = 2").await;
    assert!(!written(&database, run, &facts[..4]).await, "nothing waits any more");
    assert_eq!(jobs_as_text(&database).await, wanted.replace("1#2 running", "1#2 failed second"));
}

#[tokio::test]
async fn a_job_that_was_never_described_fails_if_it_is_the_only_one_and_the_run_is_over() {
    let (database, run) = run_with_jobs().await;
    database.sql(&format!("insert into job_executions (workflow_run_id, job_id, status) values ('{RUN}', 5, 'running')")).await;
    let facts =
        [JobFacts { job: None, rule: "e".into(), failed: true, silent: true, error: Some("unformatted".into()), ..JobFacts::default() }];
    let running = jobs_as_text(&database).await;

    written(&database, run, &facts).await;
    assert_eq!(jobs_as_text(&database).await, running, "it may be described yet");

    database.sql("update workflow_runs set status = 'failed'; update job_executions set status = 'lost' where job_id in (3, 5)").await;
    written(&database, run, &facts).await;
    assert!(jobs_as_text(&database).await.ends_with("c 3#1 lost, d 4#1 success, e 5#1 failed unformatted"));

    database
        .sql(&format!("insert into job_executions (workflow_run_id, job_id, status) values ('{RUN}', 6, 'lost'), ('{RUN}', 7, 'lost')"))
        .await;
    written(&database, run, &facts).await;
    assert!(jobs_as_text(&database).await.ends_with("? 6#1 lost, ? 7#1 lost"), "it may be one or the other");
}

#[tokio::test]
async fn a_number_on_a_cluster_belongs_to_its_attempt_and_a_group_to_the_job() {
    let (database, run) = run_with_jobs().await;
    let at = |attempt, external: &str| JobFacts { job: Some(1), attempt, external: Some(external.into()), ..JobFacts::default() };
    let facts = [JobFacts { group: Some("pair".into()), ..at(1, "71") }, at(2, "72"), at(3, "73")];

    assert!(written(&database, run, &facts).await, "the third attempt is not reported yet");

    assert!(jobs_as_text(&database).await.starts_with("a 1#1 failed 71, a 1#2 running 72, "));
    assert_eq!(database.text("select count(*)::text from job_executions where group_name = 'pair'").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn an_error_is_completed_once_and_a_repeated_report_is_still_known() {
    let (database, run) = run_with_jobs().await;
    let printed = PrintedError { exception: "RuleException".into(), rule: Some("e".into()), text: "why".into(), ..PrintedError::default() };
    let facts = RunFacts { errors: vec![printed], ..RunFacts::default() };
    let mut conn = database.store.conn().await.expect("a connection");

    let mut written = Vec::new();
    for _ in 0..2 {
        write(&mut conn, run, &facts, &[]).await.expect("written");
        let query = "select concat_ws(' ', errors -> 0 ->> 'rule', errors -> 0 ->> 'text', errors -> 0 ->> 'traceback', revision) from workflow_runs";
        written.extend(database.text(query).await);
    }

    assert!(written[0].starts_with("e why "), "{written:?}");
    assert_eq!(written[0], written[1], "nothing is written twice");
}
