//! A database of an earlier version, with rows in it, becomes one of this version; no table is rewritten on the way.
#![forbid(unsafe_code)]

use sqlx::migrate::Migrator;
use store::migrate::{MIGRATOR, migrate};
use testkit::TestDatabase;

/// The last migration of the earlier version.
const BEFORE: i64 = 17;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// Rows of every kind that the later migrations touch, in every state that the earlier version knows.
const ROWS: &str = "
    insert into users (name) values ('ana');
    insert into tokens (user_id, name, prefix, hash, scope)
    select id, scope, 'flw_', sha256(scope::bytea), scope from users, unnest(array['report', 'read', 'write', 'admin']) scope;
    insert into device_logins (hash, user_code, expires_at, scope) values ('one', 'ONE', now(), 'read'), ('two', 'TWO', now(), null);
    insert into workflow_runs (workflow_name, status, user_id, ended_at)
    select status, status, (select id from users), case when status in ('success', 'failed', 'lost', 'cancelled', 'skipped') then now() end
      from unnest(array['waiting', 'running', 'success', 'failed', 'lost', 'cancelled', 'suspended', 'skipped']) status;
    insert into workflow_runs (id, workflow_name) values ('0193a4c2-0000-7000-8000-000000000001', 'mine');
    insert into job_executions (workflow_run_id, job_id, rule, status, ended_at)
    select '0193a4c2-0000-7000-8000-000000000001', n, status, status, case when n > 2 then now() end
      from unnest(array['waiting', 'running', 'success', 'failed', 'lost', 'cancelled', 'skipped']) with ordinality s(status, n)";

async fn earlier() -> TestDatabase {
    let database = TestDatabase::empty().await;
    let migrations = MIGRATOR.iter().filter(|migration| migration.version <= BEFORE).cloned().collect();
    Migrator::with_migrations(migrations).run(&mut database.raw().await).await.expect("the schema of the earlier version");
    database.sql(ROWS).await;
    database
}

/// Where each row lies, who wrote it there, and in which file.
async fn places(database: &TestDatabase) -> Vec<String> {
    let of = |table: &str| {
        format!(
            "select string_agg(ctid::text || ' by ' || xmin::text, ', ' order by ctid) || ' in ' || pg_relation_filenode('{table}') from {table}"
        )
    };
    database.texts(&format!("{} union all {}", of("workflow_runs"), of("job_executions"))).await
}

#[tokio::test]
async fn rows_of_an_earlier_version_are_kept_where_they_are() {
    let database = earlier().await;
    let before = places(&database).await;

    migrate(&database.store).await.expect("the schema of this version");

    assert_eq!(places(&database).await, before, "no row was written again");
    assert_eq!(database.texts("select conname::text from pg_constraint where not convalidated").await, Vec::<String>::new());
    let runs =
        "select distinct concat_ws(' ', epoch, audience, coalesce(owner_id::text, '-'), coalesce(team_id::text, '-')) from workflow_runs";
    assert_eq!(database.texts(runs).await, ["1 everyone - -"]);
    let jobs = "select distinct concat_ws(' ', coalesce(epoch::text, '-'), coalesce(name, '-')) from job_executions";
    assert_eq!(database.texts(jobs).await, ["- -"]);
    assert_eq!(database.text("select count(*)::text from tokens").await.as_deref(), Some("4"));
}

#[tokio::test]
async fn plain_inserts_work_before_the_scripts_are_installed_and_after() {
    let database = earlier().await;
    let insert = |name: &str, job: i64| {
        format!(
            "INSERT INTO workflow_runs (workflow_name, status) VALUES ('{name}', 'running');
             INSERT INTO job_executions (workflow_run_id, job_id, rule, status) VALUES ('{RUN}', {job}, '{name}', 'running');
             UPDATE job_executions SET status = 'success', ended_at = now() WHERE job_id = {job};
             UPDATE workflow_runs SET status = 'success', ended_at = now() WHERE workflow_name = '{name}'"
        )
    };
    MIGRATOR.run(&mut database.raw().await).await.expect("the tables of this version");

    database.sql(&insert("between", 11)).await;
    migrate(&database.store).await.expect("the schema of this version");
    database.sql(&insert("after", 12)).await;

    let jobs = "select concat_ws(' ', rule, status, coalesce(epoch::text, '-')) from job_executions where job_id > 10 order by job_id";
    assert_eq!(database.texts(jobs).await, ["between success -", "after success 1"]);
    assert_eq!(database.text("select count(*)::text from workflow_runs where ended_at is not null").await.as_deref(), Some("7"));
}
