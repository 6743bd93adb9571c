//! Lists page without gaps and read indexes, and the schema enforces its own rules.
#![forbid(unsafe_code)]

use model::{
    JobStatus, RunId, RunStatus,
    filter::RunFilter,
    page::{Direction, RunColumn, RunSort},
};
use store::runs::{Audience, list};
use testkit::TestDatabase;

const MANY: &str = "
    insert into workflow_runs (workflow_name, status, user_name, directory, started_at, created_at, ended_at, jobs_success, jobs_planned)
    select 'run ' || n % 50, case when n % 9 = 0 then 'failed' else 'success' end, 'user ' || n % 7, '/d/' || n % 11,
           timestamptz '2026-11-20 00:00Z' - (n / 3) * interval '1 minute', now(), now(), n % 13, 13
      from generate_series(1, 1500) n;
    analyze workflow_runs";

#[tokio::test]
async fn every_order_pages_through_all_rows_once() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let filter = RunFilter::default();
    for column in RunColumn::ALL {
        for direction in [Direction::Asc, Direction::Desc] {
            let mut seen: Vec<RunId> = Vec::new();
            let mut after = None;
            loop {
                let sort = RunSort { column, direction };
                let query = list::Query {
                    audience: Audience::All,
                    filter: &filter,
                    sort,
                    limit: 97,
                    after: after.as_ref(),
                    now: 1_795_300_000_000,
                };
                let page = list::list(&mut conn, &query).await.expect("a page");
                seen.extend(page.items.iter().map(|run| run.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let count = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!((count, seen.len()), (1500, 1500), "{column:?} {direction:?}");
        }
    }
}

#[tokio::test]
async fn the_default_list_reads_an_index_and_no_more_than_a_page() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    for (filter, index) in [("", "workflow_runs_started"), ("and r.status = any('{failed}')", "workflow_runs_st")] {
        let plan = database
            .texts(&format!(
                "explain select r.id from workflow_runs r where r.deleted_at is null {filter} order by r.sort_at desc, r.id desc limit 51"
            ))
            .await
            .join("\n");
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{plan}");
    }
}

#[tokio::test]
async fn one_persons_runs_are_listed_and_counted_by_index() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    database.sql("insert into workflow_runs (workflow_name, user_name) select 'w', 'other' from generate_series(1, 8000)").await;
    database.sql("vacuum analyze workflow_runs").await;
    let mine = "from workflow_runs r where r.deleted_at is null and (fold(r.user_name) = 'user 3')";

    let list = database.texts(&format!("explain select r.id {mine} order by r.sort_at desc, r.id desc limit 51")).await.join("\n");
    let total = database.texts(&format!("explain select count(*) from (select {mine} limit 10001) c")).await.join("\n");

    assert!(list.contains("using workflow_runs_user") && !list.contains("Sort"), "{list}");
    assert!(total.contains("Index Only Scan using workflow_runs_user"), "{total}");
}

#[tokio::test]
async fn a_report_finds_its_job_and_the_sweep_its_runs_by_index() {
    let database = TestDatabase::new().await;
    database.sql("insert into workflow_runs (workflow_name) select 'w' from generate_series(1, 2000)").await;
    database
        .sql("insert into job_executions (workflow_run_id, job_id) select id, n from (select id from workflow_runs limit 20) r, generate_series(1, 500) n; analyze")
        .await;
    let plan = database
        .texts(
            "explain select j.id from unnest(array['0193a4c2-0000-7000-8000-000000000001']::uuid[], array[1]::bigint[]) as k(run, job)
               join job_executions j on j.workflow_run_id = k.run and j.job_id = k.job and not j.superseded",
        )
        .await
        .join("\n");
    assert!(plan.contains("job_executions_newest") && !plan.contains("Seq Scan"), "{plan}");
}

/// A fresh row in each status, and an attempt to move it to each other status.
#[tokio::test]
async fn an_ended_row_has_an_end_and_an_open_one_has_none() {
    let database = TestDatabase::new().await;
    for status in RunStatus::ALL {
        database.sql(&format!("insert into workflow_runs (workflow_name, status) values ('{status}', '{status}')")).await;
        let ended =
            database.text(&format!("select (ended_at is not null)::text from workflow_runs where workflow_name = '{status}'")).await;
        assert_eq!(ended.as_deref() == Some("true"), status.is_end(), "{status}");
        for next in RunStatus::ALL {
            database.sql(&format!("update workflow_runs set status = '{next}' where workflow_name = '{status}'")).await;
            let ended =
                database.text(&format!("select (ended_at is not null)::text from workflow_runs where workflow_name = '{status}'")).await;
            assert_eq!(ended.as_deref() == Some("true"), next.is_end(), "{status} -> {next}");
        }
    }
    let run = database.text("select id::text from workflow_runs limit 1").await.expect("an id");
    for status in JobStatus::ALL {
        database.sql(&format!("insert into job_executions (workflow_run_id, rule, status) values ('{run}', '{status}', '{status}')")).await;
        let ended = database.text(&format!("select (ended_at is not null)::text from job_executions where rule = '{status}'")).await;
        assert_eq!(ended.as_deref() == Some("true"), status.is_end(), "{status}");
    }
}

#[tokio::test]
async fn the_words_of_the_first_readme_work_literally() {
    let database = TestDatabase::new().await;
    database.sql("INSERT INTO workflow_runs (workflow_name, status) VALUES ('test_workflow', 'running')").await;
    database.sql("UPDATE workflow_runs SET status = 'completed' WHERE workflow_name = 'test_workflow'").await;
    let log = database.texts("SELECT operation FROM change_notifications ORDER BY timestamp DESC LIMIT 5").await;
    assert_eq!(log, ["UPDATE", "INSERT"]);
    let fields = database.text("select changed_fields::text from change_notifications where operation = 'UPDATE'").await;
    assert_eq!(fields.as_deref(), Some("{ended_at,status}"));
    let recent = database.texts("SELECT operation FROM get_recent_changes('2024-01-01'::timestamp)").await;
    assert_eq!(recent.len(), 2);
    let triggers = database.texts("select tgname::text from pg_trigger where tgname like '%notify%'").await;
    assert!(triggers.len() >= 6, "{triggers:?}");
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let database = TestDatabase::new().await;
    store::migrate::migrate(&database.store).await.expect("a second time");
    store::migrate::migrate(&database.store).await.expect("a third time");
    let partitions = database.text("select count(*)::text from pg_inherits join pg_class on oid = inhrelid where relkind = 'r'").await;
    assert_eq!(partitions.as_deref(), Some("27"));
}
