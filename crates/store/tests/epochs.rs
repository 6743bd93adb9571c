//! Suspended jobs, runs that are run again, and jobs that have names.
#![forbid(unsafe_code)]

use model::{
    Epoch, JobStatus, NameKey, RunId, UserId,
    event::{Event, JobInfo, Report, RunKey, RunStart},
    run::JobCounts,
};
use std::sync::Arc;
use store::{
    apply::{self, Incoming, Receipt, Sender},
    jobs::names,
};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

fn run() -> RunId {
    RUN.parse().expect("an id")
}

async fn one_run() -> TestDatabase {
    let database = TestDatabase::new().await;
    database.sql(&format!("insert into workflow_runs (id, workflow_name) values ('{RUN}', 'one')")).await;
    database
}

/// A job in each state is moved to each state, and back.
#[tokio::test]
async fn the_counters_follow_every_move_of_a_job_and_count_suspended_ones_as_waiting() {
    let database = one_run().await;
    let counted =
        "select concat_ws(' ', jobs_waiting, jobs_running, jobs_success, jobs_failed, jobs_lost, jobs_skipped) from workflow_runs";
    let per_rule = "select concat_ws(' ', waiting, running, success, failed, lost, skipped) from rule_counts";
    let mut jobs: Vec<JobStatus> = Vec::new();
    let counts_of = |jobs: &[JobStatus]| {
        let mut counts = JobCounts::default();
        for status in jobs {
            counts.add(*status);
        }
        let JobCounts { waiting, running, success, failed, lost, skipped, .. } = counts;
        format!("{waiting} {running} {success} {failed} {lost} {skipped}")
    };
    for from in JobStatus::ALL {
        for to in JobStatus::ALL {
            let number = jobs.len() + 1;
            database
                .sql(&format!(
                    "insert into job_executions (workflow_run_id, job_id, rule, status) values ('{RUN}', {number}, 'step', '{from}')"
                ))
                .await;
            jobs.push(*from);
            assert_eq!(database.text(counted).await, Some(counts_of(&jobs)), "{from}");
            database.sql(&format!("update job_executions set status = '{to}' where job_id = {number}")).await;
            jobs[number - 1] = *to;
            assert_eq!(database.text(counted).await, Some(counts_of(&jobs)), "{from} -> {to}");
            assert_eq!(database.text(per_rule).await, Some(counts_of(&jobs)), "{from} -> {to}");
            let has_end = database.text(&format!("select (ended_at is not null)::text from job_executions where job_id = {number}")).await;
            assert_eq!(has_end.as_deref() == Some("true"), to.is_end(), "{from} -> {to}");
        }
    }
    assert!(database.refusal("update job_executions set status = 'paused'").await.contains("job_executions_status_known"));
}

async fn rerun(database: &TestDatabase, jobs: &[i64]) -> Option<Epoch> {
    let mut tx = database.store.begin().await.expect("a transaction");
    let epoch = apply::rerun(&mut tx, run(), jobs, 1_795_248_001_000).await.expect("a rerun");
    store::commit(tx).await.expect("a commit");
    epoch
}

const RUNS: &str =
    "select concat_ws(' ', epoch, status, ended_at is null, closed_by_client, jobs_waiting, jobs_success, jobs_failed) from workflow_runs";
const JOBS: &str = "select concat_ws(' ', job_id, attempt, epoch, status, superseded) from job_executions order by job_id, attempt";

#[tokio::test]
async fn a_rerun_after_success_opens_an_epoch_and_keeps_what_was() {
    let database = one_run().await;
    database
        .sql(&format!(
            "insert into job_executions (workflow_run_id, job_id, rule, status) select '{RUN}', n, 'step', 'success' from generate_series(1, 2) n;
             update workflow_runs set status = 'success', closed_by_client = true, last_seen_at = timestamptz '2026-01-01 00:00Z'"
        ))
        .await;

    assert_eq!(rerun(&database, &[1]).await, Some(Epoch::FIRST.next()));

    assert_eq!(database.text(RUNS).await.as_deref(), Some("2 running t f 1 1 0"));
    let seen = database.text("select ms(last_seen_at)::text from workflow_runs").await;
    assert_eq!(seen.as_deref(), Some("1795248001000"), "the silence since its end does not make it lost");
    assert_eq!(database.texts(JOBS).await, ["1 1 1 success t", "1 2 2 waiting f", "2 1 1 success f"]);
    let rule = "select rule from job_executions where attempt = 2";
    assert_eq!(database.text(rule).await.as_deref(), Some("step"), "as for any other retry");
    let in_history =
        "select old_values ->> 'epoch' || ' -> ' || (new_values ->> 'epoch') from change_notifications where 'epoch' = any(changed_fields)";
    assert_eq!(database.texts(in_history).await, ["1 -> 2"], "the history says so");
    // A row written by hand joins the epoch that is open.
    database.sql(&format!("insert into job_executions (workflow_run_id, job_id) values ('{RUN}', 3)")).await;
    assert_eq!(database.texts(JOBS).await[3], "3 1 2 waiting f");
}

#[tokio::test]
async fn a_rerun_of_what_failed_stays_in_its_epoch() {
    let database = one_run().await;
    database
        .sql(&format!(
            "insert into job_executions (workflow_run_id, job_id, status) values ('{RUN}', 1, 'failed');
             update workflow_runs set status = 'failed', closed_by_client = true"
        ))
        .await;

    assert_eq!(rerun(&database, &[1, 7]).await, Some(Epoch::FIRST), "nobody knows job 7");

    assert_eq!(database.text(RUNS).await.as_deref(), Some("1 running t f 1 0 0"));
    assert_eq!(database.texts(JOBS).await, ["1 1 1 failed t", "1 2 1 waiting f"]);
    let other = "0193a4c2-0000-7000-8000-000000000009".parse().expect("an id");
    let nothing = apply::rerun(&mut database.store.conn().await.expect("a connection"), other, &[1], 0).await;
    assert_eq!(nothing.expect("no error"), None);
}

#[tokio::test]
async fn an_epoch_never_goes_back() {
    let database = one_run().await;
    for (written, kept) in [(3, "3"), (2, "3"), (0, "3"), (4, "4")] {
        database.sql(&format!("update workflow_runs set epoch = {written}")).await;
        assert_eq!(database.text("select epoch::text from workflow_runs").await.as_deref(), Some(kept), "{written}");
    }
    assert!(database.refusal("insert into workflow_runs (epoch) values (0)").await.contains("workflow_runs_epoch_positive"));
    let job = format!("insert into job_executions (workflow_run_id, epoch) values ('{RUN}', 0)");
    assert!(database.refusal(&job).await.contains("job_executions_epoch_positive"));
}

fn key(name: &str, nth: usize) -> i64 {
    NameKey::of(name).expect("a name")[nth].number()
}

async fn keys(database: &TestDatabase, wanted: &[&str]) -> Vec<Option<i64>> {
    let mut conn = database.store.conn().await.expect("a connection");
    let keys = names::keys(&mut conn, run(), wanted).await.expect("keys");
    keys.into_iter().map(|key| key.ok().map(NameKey::number)).collect()
}

#[tokio::test]
async fn the_key_of_a_name_is_what_postgresql_computes() {
    let database = one_run().await;
    for name in ["total", "Größe/λ", "a"] {
        let query = format!("select (('x' || left(encode(sha256(convert_to('{name}', 'UTF8')), 'hex'), 14))::bit(56)::bigint >> 3)::text");
        assert_eq!(database.text(&query).await, Some(key(name, 0).to_string()), "{name}");
    }
}

/// Rows that a collision would leave: the first key of `load` belongs to `save`, that of `sort` to a job without a name.
#[tokio::test]
async fn a_name_whose_key_another_job_has_moves_on_and_keeps_its_key() {
    let database = one_run().await;
    let row = |job: i64, name: &str| format!("insert into job_executions (workflow_run_id, job_id, name) values ('{RUN}', {job}, {name});");
    database.sql(&(row(key("load", 0), "'save'") + &row(key("sort", 0), "null"))).await;
    let wanted = ["load", "sort", "", "plain", "load", "save"];
    let expected = [Some(key("load", 1)), Some(key("sort", 1)), None, Some(key("plain", 0)), Some(key("load", 1)), Some(key("save", 0))];

    assert_eq!(keys(&database, &wanted).await, expected);
    database.sql(&(row(key("load", 1), "'load'") + &row(key("sort", 1), "'sort'") + &row(key("plain", 0), "'plain'"))).await;
    assert_eq!(keys(&database, &wanted).await, expected, "a name keeps the key that it has");
    let others: String = (0..4).map(|nth| row(key("late", nth), &format!("'other {nth}'"))).collect();
    database.sql(&others).await;
    assert_eq!(keys(&database, &["late"]).await, [None], "others have all its keys");
}

#[tokio::test]
async fn a_name_fits_its_column_and_has_a_key_that_json_keeps() {
    let database = one_run().await;
    for (job, name, refused) in [
        ("1", "'x'", None),
        ("9007199254740991", "repeat('ü', 2000)", None),
        ("2", "''", Some("job_executions_name_length")),
        ("3", "repeat('x', 2001)", Some("job_executions_name_length")),
        ("0", "'x'", Some("job_executions_name_has_key")),
        ("9007199254740992", "'x'", Some("job_executions_name_has_key")),
        ("null", "'x'", Some("job_executions_name_has_key")),
    ] {
        let row = format!("insert into job_executions (workflow_run_id, job_id, name) values ('{RUN}', {job}, {name})");
        match refused {
            None => database.sql(&row).await,
            Some(constraint) => assert!(database.refusal(&row).await.contains(constraint), "{job} {name}"),
        }
    }
}

#[tokio::test]
async fn a_reported_name_stands_beside_its_key_in_every_attempt() {
    let database = TestDatabase::new().await;
    let job_id = key("total", 0);
    let report = |event: Event| Incoming {
        sender: Sender { user: None::<UserId>, name: "ana".into(), admin: false },
        source: "tracker",
        client_version: None,
        received_at: 1_795_248_000_000,
        event: "node".into(),
        body: "{}".into(),
        quarantine: None,
        report: Report { run: RunKey::Id(run()), at: 1_795_248_000_000, context: RunStart::default(), event },
    };
    let info = JobInfo { job_id, name: Some("total".into()), rule: Some("total".into()), ..JobInfo::default() };
    let reports = [
        Event::JobsStarted(vec![job_id]),
        Event::JobInfo(Arc::new(info)),
        Event::JobEnded { job_id, status: JobStatus::Failed },
        Event::JobsStarted(vec![job_id]),
    ];
    for event in reports {
        let mut tx = database.store.begin().await.expect("a transaction");
        let receipts = apply::apply(&mut tx, &[report(event)]).await.expect("applied");
        assert!(matches!(receipts[..], [Receipt::Applied { .. }]), "{receipts:?}");
        store::commit(tx).await.expect("a commit");
    }
    let rows = "select concat_ws(' ', name, job_id, attempt, status, epoch) from job_executions order by attempt";
    assert_eq!(database.texts(rows).await, [format!("total {job_id} 1 failed 1"), format!("total {job_id} 2 running 1")]);
}
