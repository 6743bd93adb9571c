//! A run of a million jobs and a newer one of a hundred thousand: the cost of reading a window does not grow with the
//! run, and the right indexes are used.
#![forbid(unsafe_code)]

use model::{JobKey, JobStatus, RunId, history::Subject};
use std::fmt::Write as _;
use store::{
    Conn,
    apply::fill,
    changes, events, graphs, history,
    jobs::{self, files, marks},
    past::{self, Past},
};
use testkit::{Plans, TestDatabase};

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// A million jobs in 60 rules. Without triggers, which would log and count each of them. All changes are of today, even
/// just after midnight, because earlier days have no partition here.
const MILLION: &str = "
    set session_replication_role = replica;
    insert into workflow_runs (id, workflow_name, search, lineage_id)
    values ('0193a4c2-0000-7000-8000-000000000001', 'large', 'large', '0193a4c2-0000-7000-8000-000000000009'),
           ('0193a4c2-0000-7000-8000-000000000002', 'large', 'large', '0193a4c2-0000-7000-8000-000000000009');
    insert into job_executions (workflow_run_id, job_id, rule, informed, status, wildcards, started_at, ended_at)
    select '0193a4c2-0000-7000-8000-000000000001', n, case when n between 50001 and 50100 then 'few' else 'rule ' || n % 60 end, true, case when n % 500 = 7 then 'failed' else 'success' end,
           jsonb_build_object('sample', 'S' || n / 60), timestamptz '2026-11-20 00:00Z' + n * interval '1 ms',
           timestamptz '2026-11-20 00:00Z' + (n + n % 1000) * interval '1 ms'
      from generate_series(1, 1000000) n;
    insert into job_executions (workflow_run_id, job_id, rule, informed, status, wildcards)
    select '0193a4c2-0000-7000-8000-000000000002', n, 'rule ' || n % 60, true, 'running', jsonb_build_object('sample', 'S' || n / 60)
      from generate_series(1, 100000) n;
    insert into rule_counts (workflow_run_id, rule, success) select '0193a4c2-0000-7000-8000-000000000001', 'rule ' || n, 16666 from generate_series(0, 59) n;
    insert into paths (workflow_run_id, path) select '0193a4c2-0000-7000-8000-000000000001', n || '.txt' from generate_series(1, 100000) n;
    insert into job_files (job_execution_id, path_id, role, position)
    select j.id, p.id, f.role, 0
      from job_executions j
     cross join (values ('output', 0), ('input', 60)) f(role, back)
      join paths p on p.path = (j.job_id - back) || '.txt' and p.workflow_run_id = j.workflow_run_id;
    insert into ingest_events (workflow_run_id, source, event, body, received_at, outcome)
    select '0193a4c2-0000-7000-8000-000000000001', 'flowo', 'e', '{}', now(), 'applied' from generate_series(1, 100000) n;
    insert into change_notifications (table_name, operation, record_id, workflow_run_id, \"timestamp\")
    select 'job_executions', 'UPDATE', n, '0193a4c2-0000-7000-8000-000000000001', greatest(date_trunc('day', now()), now() - (100000 - n) * interval '20 ms') from generate_series(1, 100000) n;
    set session_replication_role = origin;
    analyze";

/// The tables that grow with a run. PostgreSQL may scan small tables.
const LARGE: [&str; 5] = ["job_executions", "job_files", "paths", "change_notifications", "ingest_events"];

const TABLES: &str = "relname ~ '^(job_executions|job_files|paths|change_notifications|ingest_events)'";

/// How many full scans of tables that are not almost empty there were so far, and how many rows were read.
async fn reads(conn: &mut Conn) -> (i64, i64) {
    sqlx::query("select pg_stat_force_next_flush()").execute(&mut *conn).await.expect("statistics");
    let query = format!(
        "select (sum(seq_scan) filter (where n_live_tup > 1000))::bigint, sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)::bigint from pg_stat_user_tables where {TABLES}"
    );
    sqlx::query("select 1").execute(&mut *conn).await.expect("statistics are written with the next statement");
    sqlx::query_as(sqlx::AssertSqlSafe(query)).fetch_one(conn).await.expect("two numbers")
}

#[tokio::test]
async fn windows_of_a_million_jobs_read_indexes_and_about_what_they_show() {
    let database = TestDatabase::new().await;
    database.sql(MILLION).await;
    let run: RunId = RUN.parse().expect("an id");
    let mut conn = database.store.conn().await.expect("a connection");
    let conn = &mut *conn;
    let key = |n: &str| format!("select id::text from job_executions where workflow_run_id = '{RUN}' and job_id = {n}");
    let job = JobKey(database.text(&key("99000")).await.and_then(|id| id.parse().ok()).expect("a job"));
    let horizon = changes::horizon(conn).await.expect("a horizon");
    database
        .sql(&format!("update job_executions set status = 'failed' where workflow_run_id = '{RUN}' and job_id between 10 and 14"))
        .await;
    let plain = jobs::Query { limit: 100, ..jobs::Query::default() };

    let plans = Plans::of(conn).await;
    let mut read_rows = Vec::new();
    let mut ways = String::new();
    macro_rules! reads_at_most {
        ($most:literal, $what:literal, $call:expr) => {{
            let before = reads(conn).await;
            let _ = plans.taken();
            let found = $call.await.expect($what);
            let _ = writeln!(ways, "{}", $what);
            for way in plans.taken().iter().filter(|way| LARGE.iter().any(|table| way.starts_with(table))) {
                let _ = writeln!(ways, "    {way}");
            }
            let after = reads(conn).await;
            read_rows.push(format!("{}: {} rows", $what, after.1 - before.1));
            assert_eq!(after.0, before.0, "{} reads a table whole", $what);
            assert!(after.1 - before.1 <= $most, "{} reads {} rows", $what, after.1 - before.1);
            found
        }};
    }
    let page = reads_at_most!(110, "the newest jobs", jobs::list(conn, run, &plain));
    let query = jobs::Query { after: page.next, ..plain.clone() };
    reads_at_most!(110, "the next window", jobs::list(conn, run, &query));
    let query = jobs::Query { statuses: vec![JobStatus::Failed], ..plain.clone() };
    reads_at_most!(110, "jobs of one state", jobs::list(conn, run, &query));
    let query = jobs::Query { rule: Some("rule 7".into()), ..plain.clone() };
    reads_at_most!(110, "jobs of one rule", jobs::list(conn, run, &query));
    let ids: Vec<JobKey> = (0..100).map(|n| JobKey(job.0 - n * 977)).collect();
    reads_at_most!(110, "jobs by name", jobs::named(conn, run, &ids));
    reads_at_most!(110, "changed jobs", jobs::changed(conn, run, &ids));
    reads_at_most!(600, "what programs ask of jobs", jobs::extras(conn, &ids));
    reads_at_most!(40, "one job", jobs::detail(conn, run, job));
    reads_at_most!(10_080, "what failed", jobs::failures(conn, run));
    reads_at_most!(60, "wildcards", marks::wildcards(conn, run, None));
    let (ids, _) = reads_at_most!(12, "what changed", marks::touched(conn, run, &horizon, 1000));
    assert_eq!(ids.map(|ids| ids.len()), Some(5));
    let mut few = marks::Marks::default();
    reads_at_most!(1, "one mark", few.again(conn, run, &[job]));
    let chain = reads_at_most!(12_000, "the critical path", jobs::critical(conn, run, job));
    assert_eq!((chain.0.len(), chain.1), (1_650, false));
    reads_at_most!(900, "files by rule", files::by_rule(conn, run));
    reads_at_most!(2_100, "files of a rule's jobs", files::of_rule(conn, run, "rule 7", Some(job)));
    reads_at_most!(900, "which rules are linked by files", files::links(conn, run));
    reads_at_most!(40, "files of a job in one role", jobs::files_of(conn, job, model::job::FileRole::Input, 0));
    reads_at_most!(1, "jobs of a rule", store::jobs::count(conn, run, Some("rule 7")));
    let earlier = reads_at_most!(10_010, "earlier jobs of a rule", jobs::earlier(conn, run, "rule 7", JobKey(i64::MAX)));
    assert_eq!((earlier.count, earlier.is_exact), (10_000, false));
    reads_at_most!(10, "who uses a path", files::path(conn, run, "5000.txt"));
    reads_at_most!(
        300,
        "files of some role",
        files::of_role(conn, &[job, JobKey(job.0 - 1), JobKey(job.0 - 2)], model::job::FileRole::Output)
    );
    reads_at_most!(10, "a path by its number", files::known(conn, run, 5000));
    let large = reads_at_most!(220, "a graph of too many jobs", jobs::edges::graph(conn, run, Some("rule 7"), 100));
    assert_eq!(large, None);
    reads_at_most!(110, "the run as a graph", jobs::edges::graph(conn, run, None, 100));
    let small = reads_at_most!(2_000, "a graph around a rule", jobs::edges::graph(conn, run, Some("few"), 10_000));
    assert_eq!(small.map(|small| small.nodes.len()), Some(220));
    let again: RunId = "0193a4c2-0000-7000-8000-000000000002".parse().expect("an id");
    reads_at_most!(20_100, "how long rules took before", marks::past(conn, again));
    let mut of_rules = vec!["few".to_owned()];
    of_rules.extend((1..60).map(|n| format!("rule {n}")));
    let later = reads_at_most!(0, "rules that came later", graphs::others(conn, run, &of_rules, 2_001));
    assert_eq!(later, ["rule 0"]);
    let some: Vec<i64> = (5..25).collect();
    reads_at_most!(20, "reports of a job", events::named(conn, &some));
    reads_at_most!(64, "raw reports", events::of_run(conn, run, 500, 30));
    reads_at_most!(320, "the history of a run", history::of_run(conn, run, None, None, 100));
    let of_jobs = Some(Subject::Job);
    let (old, _) = reads_at_most!(320, "its jobs' history, long ago", history::of_run(conn, run, of_jobs, Some(50_000), 100));
    assert_eq!(old.len(), 100);
    let known = reads_at_most!(8, "how far its history goes", past::span(conn, run)).expect("a life");
    reads_at_most!(2_400, "what it was just before its end", Past::read(conn, run, known.last));
    // The search examines every path of the run, here all that exist.
    let before = reads(conn).await;
    let (found, _) = files::find(conn, run, "5000.TXT", None).await.expect("paths");
    let after = reads(conn).await;
    assert_eq!(found.len(), 10);
    assert!(after.1 - before.1 <= 100_000, "paths by words reads {} rows", after.1 - before.1);
    // A log is compared with every job, however many there are.
    assert_eq!(fill::known(conn, run, true).await.expect("jobs").len(), 1_000_000);
    println!("{}", read_rows.join("\n"));
    insta::assert_snapshot!(ways);
}

/// PostgreSQL has no statistics of a new run, and assumes that it is small.
#[tokio::test]
async fn windows_of_a_run_that_has_just_come_read_what_they_show() {
    let database = TestDatabase::new().await;
    database
        .sql(
            "alter table job_executions set (autovacuum_enabled = off);
             set session_replication_role = replica;
             insert into workflow_runs (id, workflow_name, search) values ('0193a4c2-0000-7000-8000-000000000001', 'new', 'new');
             insert into job_executions (workflow_run_id, job_id, rule, informed, status, wildcards)
             select '0193a4c2-0000-7000-8000-000000000001', n, 'rule ' || n % 60, true, case when n % 9 = 7 then 'running' else 'waiting' end, '{}'
               from generate_series(1, 50000) n",
        )
        .await;
    let run: RunId = RUN.parse().expect("an id");
    let mut conn = database.store.conn().await.expect("a connection");
    let plain = jobs::Query { limit: 100, ..jobs::Query::default() };
    let after = jobs::list(&mut conn, run, &plain).await.expect("a page").next;
    let up = jobs::Query { sort: "reported:asc".parse().expect("an order"), ..plain.clone() };
    for query in [
        plain.clone(),
        jobs::Query { after, ..plain.clone() },
        up,
        jobs::Query { statuses: vec![JobStatus::Running], ..plain.clone() },
        jobs::Query { rule: Some("rule 7".into()), ..plain.clone() },
    ] {
        let before = reads(&mut conn).await;
        let page = jobs::list(&mut conn, run, &query).await.expect("a page");
        let after = reads(&mut conn).await;
        assert_eq!(page.items.len(), 100);
        assert!(after.0 == before.0 && after.1 - before.1 <= 110, "{query:?} reads {} rows", after.1 - before.1);
    }
}
