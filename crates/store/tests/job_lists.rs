//! Orders, words, files and marks of jobs: right rows, none twice, none left out.
#![forbid(unsafe_code)]

use model::{
    JobKey, JobStatus, RunId,
    job::FileRole,
    page::{Direction, JobColumn, JobSort},
};
use store::{
    Conn, changes, events,
    jobs::{self, files, marks},
};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// 600 jobs in 4 rules: job n of rule n % 4 makes `n.txt` and uses the file of job n - 4. Some have
/// no number, rule, start or end.
const JOBS: &str = "
    insert into workflow_runs (id, workflow_name) values ('0193a4c2-0000-7000-8000-000000000001', 'one'),
                                                         ('0193a4c2-0000-7000-8000-000000000002', 'two');
    insert into job_executions (workflow_run_id, job_id, rule, informed, status, wildcards, threads, started_at, ended_at)
    select r.id, case when n % 50 <> 0 then n end, case when n % 60 <> 0 then 'rule ' || n % 4 end, true,
           case when n % 7 = 0 then 'waiting' when n % 7 = 1 then 'running' when n % 7 = 2 then 'failed' else 'success' end,
           jsonb_build_object('sample', 'S' || n / 4, 'x', n % 3), n % 5,
           case when n % 7 > 0 then timestamptz '2026-11-20 00:00Z' + n / 3 * interval '1 second 1 microsecond' end,
           case when n % 7 > 1 then timestamptz '2026-11-20 00:00Z' + (n / 3 + n % 11) * interval '1 second 1 microsecond' end
      from workflow_runs r, generate_series(1, 600) n;
    insert into paths (workflow_run_id, path) select r.id, n || '.txt' from workflow_runs r, generate_series(-3, 600) n;
    insert into job_files (job_execution_id, path_id, role, position)
    select j.id, p.id, f.role, 0
      from (select *, row_number() over (partition by workflow_run_id order by id) as n from job_executions) j
     cross join (values ('output', 0), ('input', 4)) f(role, back)
      join paths p on p.workflow_run_id = j.workflow_run_id and p.path = (n - back) || '.txt';
    analyze";

fn run() -> RunId {
    RUN.parse().expect("an id")
}

async fn all(conn: &mut Conn, query: &jobs::Query<'_>) -> Vec<JobKey> {
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let query = jobs::Query { after: after.as_ref(), ..query.clone() };
        let page = jobs::list(conn, run(), &query).await.expect("a page");
        seen.extend(page.items.iter().map(|job| job.id));
        match page.next {
            Some(next) => after = Some(next),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn every_order_of_jobs_pages_through_all_of_them_once() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let columns = [
        JobColumn::Reported,
        JobColumn::Job,
        JobColumn::Status,
        JobColumn::Rule,
        JobColumn::Started,
        JobColumn::Duration,
        JobColumn::Threads,
        JobColumn::Attempt,
        JobColumn::Wildcard("sample".into()),
        JobColumn::Wildcard("no such".into()),
    ];
    for column in columns {
        let mut both = Vec::new();
        for direction in [Direction::Asc, Direction::Desc] {
            let sort = JobSort { column: column.clone(), direction };
            let query = jobs::Query { sort, limit: 37, ..jobs::Query::default() };
            let seen = all(&mut conn, &query).await;
            let mut once = seen.clone();
            once.sort();
            once.dedup();
            assert_eq!((seen.len(), once.len()), (600, 600), "{column:?} {direction:?}");
            both.push(seen);
        }
        assert_ne!(both[0], both[1], "{column:?}");
    }
}

#[tokio::test]
async fn an_order_puts_what_is_not_there_last_and_what_failed_first() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    for direction in [Direction::Asc, Direction::Desc] {
        for column in [JobColumn::Started, JobColumn::Duration] {
            let query = jobs::Query { sort: JobSort { column, direction }, limit: 500, ..jobs::Query::default() };
            let page = jobs::list(&mut conn, run(), &query).await.expect("a page");
            let first = &page.items[0];
            assert!(first.started_at.is_some() && (query.sort.column == JobColumn::Started || first.ended_at.is_some()));
        }
    }
    let query = jobs::Query { sort: JobSort::default().click(JobColumn::Status), limit: 500, ..jobs::Query::default() };
    let page = jobs::list(&mut conn, run(), &query).await.expect("a page");
    assert_eq!(page.items[0].status, JobStatus::Failed);

    // A cursor of another order is refused, as is one that no list gave.
    let cursor = page.next.expect("a second page");
    for sort in [JobSort::default(), JobSort::default().click(JobColumn::Started)] {
        let query = jobs::Query { sort, after: Some(&cursor), limit: 10, ..jobs::Query::default() };
        assert!(matches!(jobs::list(&mut conn, run(), &query).await, Err(store::StoreError::Unfit(_))), "{:?}", query.sort);
    }
}

#[tokio::test]
async fn words_find_jobs_by_the_value_of_a_wildcard() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let count =
        async |conn: &mut Conn, rule, find| all(conn, &jobs::Query { rule, find, limit: 100, ..jobs::Query::default() }).await.len();
    assert_eq!(count(&mut conn, None, Some("\"s77\"")).await, 4);
    assert_eq!(count(&mut conn, Some("rule 1"), Some("s77")).await, 1);
    assert_eq!(count(&mut conn, None, Some("100%")).await, 0);
    assert_eq!(count(&mut conn, Some(""), None).await, 10, "jobs whose rule was never told");
}

#[tokio::test]
async fn files_are_told_by_rule_by_job_by_name_and_by_who_uses_them() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    database.sql("insert into rule_counts (workflow_run_id, rule) select id, 'rule ' || n from workflow_runs, generate_series(0, 3) n on conflict do nothing").await;

    let rules = files::by_rule(&mut conn, run()).await.expect("no error");
    let named: Vec<_> = rules.iter().map(|files| (files.rule.as_str(), files.inputs.clone(), files.outputs.clone())).collect();
    let expected = |rule: &'static str, n: i32| (rule, vec![(format!("{}.txt", n - 4), Some(rule.to_owned()))], vec![format!("{n}.txt")]);
    assert_eq!(named, [expected("rule 0", 596), expected("rule 1", 597), expected("rule 2", 598), expected("rule 3", 599)]);

    let (first, more) = files::of_rule(&mut conn, run(), "rule 2", None).await.expect("no error");
    let (second, _) = files::of_rule(&mut conn, run(), "rule 2", Some(first[24].0.id)).await.expect("no error");
    assert_eq!((first.len(), more), (25, true));
    assert!(first.iter().chain(&second).map(|(job, _)| job.id).is_sorted_by(|one, other| one > other));
    let (_, named) = &first[0];
    assert_eq!(
        named.iter().map(|file| (file.role, file.path.as_str())).collect::<Vec<_>>(),
        [(FileRole::Input, "594.txt"), (FileRole::Output, "598.txt")]
    );
    assert_eq!(named[0].made_by.as_ref().map(|(_, rule)| rule.as_str()), Some("rule 2"));

    let found = files::find(&mut conn, run(), "59.TXT").await.expect("no error");
    assert_eq!(
        found.iter().map(|row| row.path.as_str()).collect::<Vec<_>>(),
        ["159.txt", "259.txt", "359.txt", "459.txt", "559.txt", "59.txt"]
    );
    assert!(files::find(&mut conn, run(), "%").await.expect("no error").is_empty(), "no patterns");

    let path = files::path(&mut conn, run(), "10.txt").await.expect("no error").expect("the path");
    let uses: Vec<_> = path.jobs.iter().map(|job| (job.role, job.job_id)).collect();
    assert!(uses.contains(&(FileRole::Output, Some(10))) && uses.contains(&(FileRole::Input, Some(14))) && uses.len() == 2, "{uses:?}");
    let end = files::path(&mut conn, run(), "-3.txt").await.expect("no error").expect("a path nobody makes");
    assert!(end.jobs.iter().all(|job| job.role == FileRole::Input));
    assert_eq!(files::path(&mut conn, run(), "none.txt").await.expect("no error"), None);
}

#[tokio::test]
async fn the_chain_that_decided_the_end_leads_from_job_to_maker() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    database
        .sql("update job_executions set status = 'success', started_at = coalesce(started_at, now()), ended_at = coalesce(ended_at, now())")
        .await;
    database.sql("update job_executions set started_at = timestamptz '2026-11-20 00:00Z' + id * interval '1 minute', ended_at = timestamptz '2026-11-20 00:00Z' + (id + 1) * interval '1 minute'").await;
    let mut conn = database.store.conn().await.expect("a connection");
    let last = database.text(&format!("select max(id)::text from job_executions where workflow_run_id = '{RUN}'")).await;
    let last = JobKey(last.and_then(|id| id.parse().ok()).expect("an id"));
    let chain = jobs::critical(&mut conn, run(), last).await.expect("no error");
    assert_eq!(chain.len(), 150);
    assert!(chain.windows(2).all(|pair| pair[0].0 > pair[1].0));
    let other: RunId = "0193a4c2-0000-7000-8000-000000000002".parse().expect("an id");
    assert!(jobs::critical(&mut conn, other, last).await.expect("no error").is_empty(), "not a job of that run");
}

#[tokio::test]
async fn marks_are_kept_in_step_by_what_changed() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    assert_eq!(marks::wildcards(&mut conn, run()).await.expect("no error"), ["sample", "x"]);
    let horizon = changes::horizon(&mut conn).await.expect("a horizon");
    let mut held = marks::marks(&mut conn, run(), "sample").await.expect("no error");
    assert_eq!((held.rows.len(), held.rules.list().len(), held.values.list().len()), (600, 5, 151));
    assert_eq!(size_of::<marks::Mark>(), 40);

    database
        .sql(&format!(
            "update job_executions set status = 'failed', ended_at = now() where workflow_run_id = '{RUN}' and job_id in (1, 8);
             delete from job_executions where workflow_run_id = '{RUN}' and job_id = 3;
             insert into job_executions (workflow_run_id, job_id, rule, wildcards) values ('{RUN}', 9999, 'new', '{{\"sample\": \"new\"}}')"
        ))
        .await;
    let (ids, _) = marks::touched(&mut conn, run(), &horizon, 100).await.expect("no error");
    held.again(&mut conn, run(), "sample", &ids.expect("few")).await.expect("no error");
    let whole = marks::marks(&mut conn, run(), "sample").await.expect("no error");
    // Words may be numbered otherwise; what they say is the same.
    let said = |marks: &marks::Marks| -> Vec<_> {
        let word =
            |row: &marks::Mark| (marks.rules.list()[row.rule as usize].clone(), marks.values.list().get(row.value as usize).cloned());
        marks.rows.iter().map(|row| (row.id, row.status, row.started_at, row.ended_at, row.superseded, word(row))).collect()
    };
    assert_eq!(said(&held), said(&whole));

    let (none, _) = marks::touched(&mut conn, run(), &horizon, 2).await.expect("no error");
    assert_eq!(none, None, "too many to name");
    database.sql(&format!("delete from workflow_runs where id = '{RUN}'")).await;
    let (none, _) = marks::touched(&mut conn, run(), &horizon, 100).await.expect("no error");
    assert_eq!(none, None, "gone, and its jobs with it");
}

#[tokio::test]
async fn reports_of_a_run_are_paged_in_the_order_they_came() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    database
        .sql(&format!(
            "insert into ingest_events (workflow_run_id, source, event, body, received_at, outcome)
             select '{RUN}', 'flowo', 'event ' || n, jsonb_build_object('text', repeat('x', 30000 * (n % 2))), now(), 'applied' from generate_series(1, 7) n"
        ))
        .await;
    let mut conn = database.store.conn().await.expect("a connection");
    let (first, more) = events::of_run(&mut conn, run(), 0, 4).await.expect("no error");
    let (second, end) = events::of_run(&mut conn, run(), first[3].id, 4).await.expect("no error");
    let names: Vec<_> = first.iter().chain(&second).map(|event| event.event.clone()).collect();
    assert_eq!(names, (1..=7).map(|n| format!("event {n}")).collect::<Vec<_>>());
    assert_eq!((more, end, first[0].cut, first[1].cut), (true, false, true, false));
}
