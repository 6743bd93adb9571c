//! Orders, searches, files and marks of jobs: the right rows, none twice, none left out.
#![forbid(unsafe_code)]

use model::{
    JobKey, JobStatus, RunId,
    job::{FileRole, JobRow},
    page::{Cursor, Direction, JobColumn, JobSort, Total},
};
use std::{cmp::Ordering, fmt::Write as _};
use store::{
    Conn, changes, events,
    jobs::{
        self, files, marks, order,
        values::{Texts, Values},
    },
};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// 600 jobs in 4 rules: job n of rule n % 4 makes `n.txt` and uses the file of job n - 4. Some have no number, rule, start or end.
const JOBS: &str = "
    insert into workflow_runs (id, workflow_name) values ('0193a4c2-0000-7000-8000-000000000001', 'one'),
                                                         ('0193a4c2-0000-7000-8000-000000000002', 'two');
    insert into job_executions (workflow_run_id, job_id, rule, informed, status, wildcards, threads, started_at, ended_at)
    select r.id, case when n % 50 <> 0 then n end, case when n % 60 <> 0 then 'rule ' || n % 4 end, true,
           case when n % 7 = 0 then 'waiting' when n % 7 = 1 then 'running' when n % 7 = 2 then 'failed' else 'success' end,
           jsonb_build_object('sample', 'S' || n / 4, 'x', n % 3), n % 5,
           case when n % 7 > 0 then timestamptz '2026-11-20 00:00Z' + n / 3 * interval '1 second 1 microsecond' end,
           case when n % 7 > 1 then timestamptz '2026-11-20 00:00Z' + (n / 3 + n % 11) * interval '1 second 1 microsecond' end
      from workflow_runs r, generate_series(1, 600) n
     order by r.id, n;
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

/// All pages of a query, read the way a run's page reads them.
async fn all(conn: &mut Conn, query: &jobs::Query) -> Vec<JobRow> {
    let marks = marks::marks(conn, run()).await.expect("marks");
    let (mut values, mut texts) = (Values::default(), Texts::default());
    texts.grow(&marks.wildcards);
    if let JobColumn::Wildcard(name) = &query.sort.column {
        values.grow(name, &marks.wildcards);
    }
    let mut seen = Vec::new();
    let mut query = query.clone();
    loop {
        let (items, next) = if query.is_over_all() {
            let (ids, next) = order::window(&marks, Some(&values), Some(&texts), &query).expect("a window");
            (jobs::named(conn, run(), &ids).await.expect("rows"), next)
        } else {
            let page = jobs::list(conn, run(), &query).await.expect("a page");
            (page.items, page.next)
        };
        seen.extend(items);
        query.after = next;
        if query.after.is_none() {
            return seen;
        }
    }
}

const COLUMNS: [&str; 10] = ["reported", "job", "status", "rule", "started", "duration", "threads", "attempt", "w.sample", "w.no such"];

/// The sort value of a job, as sortable text; `None` if it has none.
fn said(job: &JobRow, column: &JobColumn) -> Option<String> {
    let number = |number: i64| format!("{number:020}");
    match column {
        JobColumn::Reported => Some(String::new()),
        JobColumn::Job => job.job_id.map(number),
        JobColumn::Status => {
            let order = ["failed", "lost", "suspended", "running", "waiting", "success", "cancelled", "skipped"];
            order.iter().position(|word| *word == job.status.as_str()).map(|at| number(at as i64))
        }
        JobColumn::Rule => job.rule.clone(),
        JobColumn::Started => job.started_at.map(number),
        JobColumn::Duration => job.started_at.zip(job.ended_at).map(|(from, to)| number(to - from)),
        JobColumn::Threads => job.threads.map(i64::from).map(number),
        JobColumn::Attempt => Some(number(job.attempt.into())),
        JobColumn::Wildcard(name) => job.wildcards.get(name).cloned(),
    }
}

#[tokio::test]
async fn every_order_pages_through_all_jobs_as_sorting_them_would() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let rows = all(&mut conn, &jobs::Query { limit: 500, ..jobs::Query::default() }).await;
    assert_eq!(rows.len(), 600);
    for column in COLUMNS {
        for direction in [Direction::Asc, Direction::Desc] {
            for (rule, statuses) in
                [(None, vec![]), (Some("rule 1".to_owned()), vec![]), (None, vec![JobStatus::Failed, JobStatus::Running])]
            {
                let sort = JobSort { direction, ..column.parse().expect("a column") };
                let query = jobs::Query { sort, limit: 37, rule: rule.clone(), statuses: statuses.clone(), ..jobs::Query::default() };
                let seen: Vec<JobKey> = all(&mut conn, &query).await.iter().map(|job| job.id).collect();

                let passes = |job: &&JobRow| {
                    rule.as_ref().is_none_or(|rule| job.rule.as_ref() == Some(rule))
                        && (statuses.is_empty() || statuses.contains(&job.status))
                };
                let mut expected: Vec<&JobRow> = rows.iter().filter(passes).collect();
                expected.sort_by(|one, other| {
                    let (a, b) = (said(one, &query.sort.column), said(other, &query.sort.column));
                    let order = a.cmp(&b).then(one.id.cmp(&other.id));
                    let order = if direction == Direction::Asc { order } else { order.reverse() };
                    (a.is_none(), order).cmp(&(b.is_none(), Ordering::Equal))
                });
                assert_eq!(seen, expected.iter().map(|job| job.id).collect::<Vec<_>>(), "{column} {direction:?} {rule:?} {statuses:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let marks = marks::marks(&mut conn, run()).await.expect("marks");
    let mut cursors = Vec::new();
    for column in ["reported", "status", "rule"] {
        let query = jobs::Query { sort: column.parse().expect("a column"), limit: 500, ..jobs::Query::default() };
        cursors.push((column, order::window(&marks, None, None, &query).expect("a window").1));
    }
    for (column, cursor) in &cursors {
        for (other, _) in &cursors {
            let query = jobs::Query { sort: other.parse().expect("a column"), after: cursor.clone(), limit: 10, ..jobs::Query::default() };
            let fits = order::window(&marks, None, None, &query).is_ok();
            assert_eq!(fits, column == other, "{column} {other}");
            if *other == "reported" {
                assert_eq!(jobs::list(&mut conn, run(), &query).await.is_ok(), fits);
            }
        }
    }
    let broken = Some(Cursor { value: None, id: "x".into() });
    let query = jobs::Query { after: broken, limit: 10, ..jobs::Query::default() };
    assert!(matches!(jobs::list(&mut conn, run(), &query).await, Err(store::StoreError::Unfit(_))));
    assert!(order::window(&marks, None, None, &query).is_err());
}

#[tokio::test]
async fn words_find_jobs_by_the_value_of_a_wildcard() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let count = async |conn: &mut Conn, rule: Option<&str>, find: Option<&str>| {
        let query = jobs::Query { rule: rule.map(str::to_owned), find: find.map(str::to_owned), limit: 100, ..jobs::Query::default() };
        all(conn, &query).await.len()
    };
    assert_eq!(count(&mut conn, None, Some("\"s77\"")).await, 4);
    assert_eq!(count(&mut conn, Some("rule 1"), Some("s77")).await, 1);
    assert_eq!(count(&mut conn, None, Some("100%")).await, 0);
    assert_eq!(count(&mut conn, Some(""), None).await, 10, "jobs whose rule was never reported");
    assert_eq!(count(&mut conn, Some("no such"), Some("s77")).await, 0);
}

#[tokio::test]
async fn logs_are_those_of_the_jobs_asked_for_and_belong_to_the_run() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    database.sql("update job_files set role = 'log' where role = 'output'; update workflow_runs set logfile = '/d/run.log'").await;
    let mut conn = database.store.conn().await.expect("a connection");
    let page = jobs::list(&mut conn, run(), &jobs::Query { limit: 3, ..jobs::Query::default() }).await.expect("no error");
    let ids: Vec<JobKey> = page.items.iter().rev().map(|job| job.id).collect();

    let logs = files::of_role(&mut conn, &ids, FileRole::Log).await.expect("no error");
    assert_eq!(logs.iter().map(|(job, _)| *job).collect::<Vec<_>>(), ids, "in the order asked for");
    assert_eq!(files::of_role(&mut conn, &ids, FileRole::Output).await.expect("no error"), []);
    let (_, first) = &logs[0];
    let named = format!("{}.txt", page.items[2].job_id.expect("a number"));
    assert_eq!(first.path, named);
    assert_eq!(files::known(&mut conn, run(), first.id).await.expect("no error"), Some(named));
    let other: RunId = "0193a4c2-0000-7000-8000-00000000ffff".parse().expect("an id");
    assert_eq!(files::known(&mut conn, other, first.id).await.expect("no error"), None, "of another run");
    assert_eq!(store::runs::find::logfile(&mut conn, run()).await.expect("no error").as_deref(), Some("/d/run.log"));
    assert_eq!(store::runs::find::logfile(&mut conn, other).await.expect("no error"), None);
}

#[tokio::test]
async fn files_are_listed_by_rule_by_job_by_name_and_by_who_uses_them() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    database.sql("insert into rule_counts (workflow_run_id, rule) select id, 'rule ' || n from workflow_runs, generate_series(0, 3) n on conflict do nothing").await;

    let rules = files::by_rule(&mut conn, run()).await.expect("no error");
    let named: Vec<_> = rules.iter().map(|files| (files.rule.as_str(), files.inputs.clone(), files.outputs.clone())).collect();
    let expected = |rule: &'static str, n: i32| (rule, vec![(format!("{}.txt", n - 4), Some(rule.to_owned()))], vec![format!("{n}.txt")]);
    assert_eq!(named, [expected("rule 0", 596), expected("rule 1", 597), expected("rule 2", 598), expected("rule 3", 599)]);

    let (first, later) = files::of_rule(&mut conn, run(), "rule 2", None).await.expect("no error");
    let (second, _) = files::of_rule(&mut conn, run(), "rule 2", Some(first[24].job.id)).await.expect("no error");
    let all = jobs::Query { rule: Some("rule 2".into()), limit: 500, ..jobs::Query::default() };
    let all = jobs::list(&mut conn, run(), &all).await.expect("no error").items.len() as i64;
    assert_eq!((first.len(), later), (25, Some(Total { count: all - 25, is_exact: true })));
    assert!(first.iter().chain(&second).map(|files| files.job.id).is_sorted_by(|one, other| one > other));
    let named = &first[0].files;
    assert_eq!(
        named.iter().map(|file| (file.role, file.path.as_str())).collect::<Vec<_>>(),
        [(FileRole::Input, "594.txt"), (FileRole::Output, "598.txt")]
    );
    assert_eq!(named[0].made_by.as_ref().map(|(_, rule)| rule.as_str()), Some("rule 2"));

    let (found, more) = files::find(&mut conn, run(), "59.TXT", None).await.expect("no error");
    assert_eq!(more, 0);
    assert_eq!(
        found.iter().map(|row| row.path.as_str()).collect::<Vec<_>>(),
        ["159.txt", "259.txt", "359.txt", "459.txt", "559.txt", "59.txt"]
    );
    assert!(files::find(&mut conn, run(), "%", None).await.expect("no error").0.is_empty(), "no patterns");

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
    let (chain, more) = jobs::critical(&mut conn, run(), last).await.expect("no error");
    assert_eq!((chain.len(), more), (150, false));
    assert!(chain.windows(2).all(|pair| pair[0].0 > pair[1].0));
    let other: RunId = "0193a4c2-0000-7000-8000-000000000002".parse().expect("an id");
    assert!(jobs::critical(&mut conn, other, last).await.expect("no error").0.is_empty(), "not a job of that run");
}

#[tokio::test]
async fn marks_are_kept_in_step_by_what_changed() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    assert_eq!(marks::wildcards(&mut conn, run(), None).await.expect("no error"), (vec!["sample".into(), "x".into()], 0));
    let horizon = changes::horizon(&mut conn).await.expect("a horizon");
    let mut held = marks::marks(&mut conn, run()).await.expect("no error");
    assert_eq!((held.rows.len(), held.rules.list().len(), held.wildcards.list().len()), (600, 5, 451));
    assert_eq!(size_of::<marks::Mark>(), 48);

    database
        .sql(&format!(
            "update job_executions set status = 'failed', ended_at = now() where workflow_run_id = '{RUN}' and job_id in (1, 8);
             delete from job_executions where workflow_run_id = '{RUN}' and job_id = 3;
             insert into job_executions (workflow_run_id, job_id, rule, wildcards) values ('{RUN}', 9999, 'new', '{{\"sample\": \"new\"}}')"
        ))
        .await;
    // A transaction of another database may hold the horizon back, so that it covers the rows of the beginning, too.
    let (ids, _) = marks::touched(&mut conn, run(), &horizon, 10_000).await.expect("no error");
    held.again(&mut conn, run(), &ids.expect("few")).await.expect("no error");
    let whole = marks::marks(&mut conn, run()).await.expect("no error");
    // Words may be numbered differently; their meaning is the same.
    let said = |marks: &marks::Marks| -> Vec<_> {
        let word = |row: &marks::Mark| {
            (marks.rules.list()[row.rule as usize].clone(), marks.wildcards.list().get(row.wildcards as usize).cloned())
        };
        let bare = |row: &marks::Mark| marks::Mark { rule: 0, wildcards: 0, ..*row };
        marks.rows.iter().map(|row| (bare(row), word(row))).collect()
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
    assert_eq!((more, end, first[0].missing > 0, first[1].missing), (true, false, true, 0));
}

/// The result of each function for the same jobs, as a snapshot file to be reviewed when it changes.
#[tokio::test]
async fn rows_are_as_they_were() {
    let database = TestDatabase::new().await;
    database.sql(JOBS).await;
    database
        .sql(&format!(
            "insert into rule_counts (workflow_run_id, rule) select id, 'rule ' || n from workflow_runs, generate_series(0, 3) n on conflict do nothing;
             update job_executions set shell_command = 'make ' || job_id, error = 'No such file: ' || job_id || '.txt', exit_code = 2,
                    resources = '{{\"mem_mb\": 100}}', queued_at = started_at - interval '3 s', revision = 1
              where workflow_run_id = '{RUN}' and status = 'failed';
             insert into ingest_events (workflow_run_id, source, event, body, received_at, outcome)
             values ('{RUN}', 'flowo', 'job_error', '{{\"job_id\": 2}}', '2026-11-20 00:00Z', 'applied')"
        ))
        .await;
    let mut conn = database.store.conn().await.expect("a connection");
    let conn = &mut *conn;
    let few = jobs::Query { limit: 2, statuses: vec![JobStatus::Failed], ..jobs::Query::default() };
    let page = jobs::list(conn, run(), &few).await.expect("no error");
    let ids: Vec<JobKey> = page.items.iter().map(|job| job.id).collect();
    let all = marks::marks(conn, run()).await.expect("no error");
    let mut failures = jobs::failures(conn, run()).await.expect("no error");
    failures.groups.truncate(2);
    let graph = jobs::edges::graph(conn, run(), Some("rule 1"), 1000).await.expect("no error").expect("few jobs");
    let rule: Vec<_> = files::of_rule(conn, run(), "rule 2", None).await.expect("no error").0.into_iter().take(1).collect();
    let mut shown = String::new();
    macro_rules! row {
        ($what:literal, $found:expr) => {
            let _ = writeln!(shown, "# {}\n{:#?}", $what, $found);
        };
    }
    row!("list", &page);
    row!(
        "named",
        jobs::named(conn, run(), &[ids[1], JobKey(-1), ids[0]]).await.expect("no error").iter().map(|job| job.id).collect::<Vec<_>>()
    );
    row!("changed", jobs::changed(conn, run(), &[JobKey(-1), ids[0]]).await.expect("no error").1);
    row!("extras", jobs::extras(conn, &ids[..1]).await.expect("no error"));
    row!("detail", jobs::detail(conn, run(), ids[0]).await.expect("no error"));
    row!("failures", failures);
    row!("marks", &all.rows[..2]);
    row!("wildcards", marks::wildcards(conn, run(), None).await.expect("no error").0);
    row!("critical", jobs::critical(conn, run(), ids[0]).await.expect("no error").0.len());
    row!("graph", (graph.nodes.len(), &graph.nodes[..2], graph.edges.len(), graph.edges.first()));
    row!("files by rule", files::by_rule(conn, run()).await.expect("no error").first());
    row!("files of a rule", rule);
    row!("paths", files::find(conn, run(), "17.txt", None).await.expect("no error").0);
    row!("path", files::path(conn, run(), "17.txt").await.expect("no error"));
    row!("reports", events::of_run(conn, run(), 0, 4).await.expect("no error"));
    insta::assert_snapshot!(shown);
}
