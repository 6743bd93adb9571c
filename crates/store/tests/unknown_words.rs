//! Rows with a word that this build does not know, as a newer build or a hand may write them: no reader leaves one out,
//! each says which row has which word. The CHECKs that keep such words out are dropped first.
#![forbid(unsafe_code)]

use model::{JobKey, RunId, filter::RunFilter, job::FileRole, page::RunSort};
use store::{
    StoreError,
    apply::fill,
    error::chain,
    history,
    jobs::{self, edges, files, marks},
    past::Past,
    runs::{self, Audience, find},
};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";
/// The second attempt of that run.
const AGAIN: &str = "0193a4c2-0000-7000-8000-000000000002";

fn id(text: &str) -> RunId {
    text.parse().expect("an id")
}

/// A run whose job 2 reads what job 1 makes. Job 1 was retried, so it has two rows. The run has a second attempt without jobs.
async fn lab() -> TestDatabase {
    let database = TestDatabase::new().await;
    database
        .sql(&format!(
            "insert into workflow_runs (id, workflow_name, snakefile) values ('{RUN}', 'one', 'Snakefile');
             insert into workflow_runs (id, workflow_name, lineage_id, attempt) values ('{AGAIN}', 'one', '{RUN}', 2);
             insert into job_executions (workflow_run_id, job_id, attempt, superseded, rule, informed)
             values ('{RUN}', 1, 1, true, 'make', true), ('{RUN}', 1, 2, false, 'make', true), ('{RUN}', 2, 1, false, 'use', true);
             insert into paths (workflow_run_id, path) values ('{RUN}', 'a.txt');
             insert into job_files (job_execution_id, path_id, role, position)
             select j.id, p.id, case j.job_id when 1 then 'output' else 'input' end, 0 from job_executions j, paths p where not j.superseded;
             alter table workflow_runs drop constraint workflow_runs_status_known;
             alter table job_executions drop constraint job_executions_status_known;
             alter table job_files drop constraint job_files_role_known"
        ))
        .await;
    database
}

async fn job(database: &TestDatabase, number: i32, attempt: i32) -> JobKey {
    let found = database.text(&format!("select id::text from job_executions where job_id = {number} and attempt = {attempt}")).await;
    found.expect("a job").parse().expect("a key")
}

/// That a reader says which row of which table has which word.
fn names<T>(what: &str, found: Result<T, StoreError>, row: &str, word: &str) {
    let Err(error) = found else { panic!("{what}: the row was left out, or its word was made up") };
    let words = chain(&error);
    assert!(matches!(error, StoreError::Corrupt { .. }), "{what}: {words}");
    assert!(words.contains(row) && words.contains(&format!("{word:?}")), "{what}: {words}");
}

#[tokio::test]
async fn every_reader_of_jobs_names_the_job_whose_status_it_does_not_know() {
    let database = lab().await;
    let (first, second, user) = (job(&database, 1, 1).await, job(&database, 1, 2).await, job(&database, 2, 1).await);
    let mut conn = database.store.conn().await.expect("a connection");
    let conn = &mut *conn;
    let graph = edges::graph(conn, id(RUN), None, 100).await.expect("no error").expect("few jobs");
    assert_eq!((graph.nodes.len(), graph.edges.len()), (2, 1), "before");

    database.sql(&format!("update job_executions set status = 'paused' where id = {second}")).await;

    let row = format!("row {second} of job_executions");
    names("a list", jobs::list(conn, id(RUN), &jobs::Query { limit: 10, ..jobs::Query::default() }).await, &row, "paused");
    names("all jobs", marks::marks(conn, id(RUN)).await, &row, "paused");
    names("the graph", edges::graph(conn, id(RUN), None, 100).await, &row, "paused");
    names("the graph around a rule", edges::graph(conn, id(RUN), Some("use"), 100).await, &row, "paused");
    names("the attempts of a job", jobs::detail(conn, id(RUN), first).await, &row, "paused");
    names("who makes a path", files::path(conn, id(RUN), "a.txt").await, &row, "paused");
    names("the comparison with a log", fill::known(conn, id(RUN), true).await, &row, "paused");
    // What does not show the job can still be read.
    assert!(jobs::detail(conn, id(RUN), user).await.expect("no error").is_some());
    assert!(edges::graph(conn, id(AGAIN), None, 100).await.expect("no error").is_some());
}

#[tokio::test]
async fn every_reader_of_runs_names_the_run_whose_status_it_does_not_know() {
    let database = lab().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let conn = &mut *conn;
    let detail = find::detail(conn, Audience::All, id(RUN)).await.expect("no error").expect("a run");
    assert_eq!(detail.attempts.len(), 2, "before");

    database.sql(&format!("update workflow_runs set status = 'paused' where id = '{AGAIN}'")).await;

    let row = format!("row {AGAIN} of workflow_runs");
    let filter = RunFilter::parse("");
    let query = runs::list::Query { audience: Audience::All, filter: &filter, sort: RunSort::default(), limit: 10, after: None, now: 0 };
    names("a list", runs::list(conn, &query).await, &row, "paused");
    names("the run", find::summary(conn, Audience::All, id(AGAIN)).await, &row, "paused");
    names("the attempts of a run", find::detail(conn, Audience::All, id(RUN)).await, &row, "paused");
    names("the comparison with a log", fill::run(conn, id(AGAIN)).await, &row, "paused");
    assert!(fill::run(conn, id(RUN)).await.expect("no error").is_some());
}

#[tokio::test]
async fn the_past_names_the_row_whose_earlier_status_it_does_not_know() {
    for table in ["job_executions", "workflow_runs"] {
        let database = lab().await;
        let row = if table == "workflow_runs" { RUN.to_owned() } else { job(&database, 2, 1).await.to_string() };
        let mut conn = database.store.conn().await.expect("a connection");
        for status in ["paused", "running"] {
            database.sql(&format!("update {table} set status = '{status}' where id::text = '{row}'")).await;
        }

        names(table, Past::read(&mut conn, id(RUN), 0).await, &format!("row {row} of {table}"), "paused");
        let (lines, _) = history::of_run(&mut conn, id(RUN), None, None, 100).await.expect("a history");
        let is_paused = |value: Option<&String>| value.is_some_and(|value| value == "paused");
        let fields = || lines.iter().flat_map(|line| &line.fields);
        assert!(fields().any(|field| is_paused(field.new.as_ref())), "the history shows words as they are: {lines:?}");
        assert!(fields().any(|field| is_paused(field.old.as_ref())), "the history shows words as they are: {lines:?}");
    }
}

#[tokio::test]
async fn every_reader_of_files_names_the_job_whose_file_has_a_role_that_it_does_not_know() {
    let database = lab().await;
    let maker = job(&database, 1, 2).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let conn = &mut *conn;

    database.sql(&format!("update job_files set role = 'cache' where job_execution_id = {maker}")).await;

    let row = format!("row {maker} of job_files");
    names("a job", jobs::detail(conn, id(RUN), maker).await, &row, "cache");
    names("files by rule", files::by_rule(conn, id(RUN)).await, &row, "cache");
    names("who makes a path", files::path(conn, id(RUN), "a.txt").await, &row, "cache");
    let (files, _) = jobs::files_of(conn, maker, FileRole::Output, 0).await.expect("no error");
    assert!(files.is_empty(), "files of a role that it does know: {files:?}");
}
