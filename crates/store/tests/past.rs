//! A run at every moment of its life: Flowo shows a past moment as it showed it at the time.

use model::{
    JobKey, JobStatus, Millis, RunId,
    job::JobRow,
    run::{RuleRow, RunSummary},
};
use store::{
    Store, jobs,
    jobs::marks::{Mark, Marks, marks},
    past::{Past, find, span},
    runs::{self, Audience, find::rules},
};
use testkit::{TestDatabase, until};

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// What is compared of a job. Its name and its dependencies are excluded: they may be reported late and then hold for
/// the job's whole life.
fn compared(marks: &Marks) -> Vec<(JobKey, JobStatus, bool, Millis, Millis)> {
    marks.rows.iter().map(|mark: &Mark| (mark.id, mark.status, mark.superseded, mark.started_at, mark.ended_at)).collect()
}

type Seen = (Millis, Vec<(JobKey, JobStatus, bool, Millis, Millis)>, RunSummary, Vec<RuleRow>, Vec<JobRow>);

/// The database's time.
async fn now(database: &TestDatabase) -> Millis {
    database.text("select ms(clock_timestamp())::text").await.expect("a time").parse().expect("a number")
}

async fn look(database: &TestDatabase, run: RunId) -> Seen {
    let mut conn = database.store.conn().await.expect("a connection");
    let marks = marks(&mut conn, run).await.expect("marks");
    let summary = runs::find::summary(&mut conn, Audience::All, run).await.expect("a run").expect("it is there");
    let ids: Vec<JobKey> = marks.rows.iter().map(|mark| mark.id).collect();
    let rows = jobs::named(&mut conn, run, &ids).await.expect("rows");
    (now(database).await, compared(&marks), summary, rules(&mut conn, run).await.expect("rules"), rows)
}

async fn then(store: &Store, run: RunId, at: Millis) -> (Marks, Past) {
    let mut conn = store.conn().await.expect("a connection");
    let mut marks = marks(&mut conn, run).await.expect("marks");
    let past = Past::read(&mut conn, run, at).await.expect("the past");
    past.of_marks(&mut marks);
    (marks, past)
}

/// Numbers that look random and are the same in every test run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// One random change of the run.
fn happening(dice: &mut Dice, jobs: &mut u64) -> String {
    let one = |dice: &mut Dice, which: &str| {
        format!("(select id from job_executions where not superseded and {which} order by md5(id::text || '{}') limit 1)", dice.below(1000))
    };
    let bump = "revision = revision + 1";
    match dice.below(9) {
        0..3 => {
            *jobs += 1;
            let (rule, status) = (["map", "sort", "call"][dice.below(3) as usize], ["waiting", "running"][dice.below(2) as usize]);
            let begun = if status == "running" { "now()" } else { "null" };
            format!(
                "insert into job_executions (workflow_run_id, job_id, rule, status, started_at, host) values ('{RUN}', {jobs}, '{rule}', '{status}', {begun}, 'here')"
            )
        }
        3 => format!(
            "update job_executions set status = 'running', started_at = now(), host = 'n{}', {bump} where id = {}",
            dice.below(9),
            one(dice, "status = 'waiting'")
        ),
        4 => format!(
            "update job_executions set status = 'success', ended_at = clock_timestamp(), {bump} where id = {}",
            one(dice, "status = 'running'")
        ),
        5 => format!(
            "update job_executions set status = 'failed', ended_at = clock_timestamp(), exit_code = {}, error = 'it broke', {bump} where id = {}",
            dice.below(200),
            one(dice, "status = 'running'")
        ),
        6 => format!(
            "with old as (update job_executions set superseded = true, {bump} where id = {} returning job_id, attempt, rule)
             insert into job_executions (workflow_run_id, job_id, attempt, rule) select '{RUN}', job_id, attempt + 1, rule from old",
            one(dice, "status = 'failed'")
        ),
        7 => format!(
            "update workflow_runs set workflow_name = 'name {}', tags = '{{t{}}}', jobs_planned = {}, {bump}",
            dice.below(100),
            dice.below(9),
            dice.below(50)
        ),
        // A run may become lost, and come back.
        _ => format!(
            "update workflow_runs set status = case status when 'running' then 'lost' else 'running' end,
                    ended_at = case status when 'running' then now() end, {bump}"
        ),
    }
}

#[tokio::test]
async fn a_run_is_seen_as_it_was_at_every_moment() {
    for seed in 1..4 {
        let database = TestDatabase::new().await;
        let run: RunId = RUN.parse().expect("an id");
        database
            .sql(&format!("insert into workflow_runs (id, workflow_name, status, started_at) values ('{RUN}', 'one', 'running', now())"))
            .await;
        let (mut dice, mut jobs) = (Dice(seed), 0);
        let mut seen = vec![look(&database, run).await];
        for _ in 0..40 {
            // The resolution is a millisecond: nothing more may happen within the one that was examined.
            let last = seen.last().map_or(0, |(at, ..)| *at);
            until("the next millisecond", || async { (now(&database).await > last).then_some(()) }).await;
            database.sql(&happening(&mut dice, &mut jobs)).await;
            seen.push(look(&database, run).await);
        }
        let present = seen.last().cloned().expect("the last");
        for (at, jobs_then, summary, rules_then, rows_then) in &seen {
            let (marks, past) = then(&database.store, run, *at).await;
            assert_eq!(compared(&marks), *jobs_then, "seed {seed} at {at}");
            let mut row = present.2.clone();
            past.of_run(&mut row, &marks);
            assert_eq!(RunSummary { revision: 0, ..row }, RunSummary { revision: 0, ..summary.clone() }, "seed {seed} at {at}");
            let mut counts = present.3.clone();
            Past::of_rules(&mut counts, &marks);
            // A rule that was not reported yet has no jobs.
            let jobs = |rules: &[RuleRow]| {
                rules.iter().filter(|rule| rule.jobs.seen() > 0).map(|rule| (rule.name.clone(), rule.jobs)).collect::<Vec<_>>()
            };
            assert_eq!(jobs(&counts), jobs(rules_then), "seed {seed} at {at}");
            for row in rows_then {
                let mut now = present.4.iter().find(|now| now.id == row.id).expect("it is still there").clone();
                past.of_row(&mut now, find(&marks, row.id).expect("it was there"));
                assert_eq!(JobRow { revision: 0, ..now }, JobRow { revision: 0, ..row.clone() }, "seed {seed} at {at}");
            }
        }
    }
}

#[tokio::test]
async fn one_goes_from_change_to_change_and_knows_how_far() {
    let database = TestDatabase::new().await;
    let run: RunId = RUN.parse().expect("an id");
    let mut conn = database.store.conn().await.expect("a connection");
    assert_eq!(span(&mut conn, run).await.expect("a span"), None);
    let day = "2026-11-21 08:00:00+00";
    database.sql(&format!("insert into workflow_runs (id, workflow_name, status) values ('{RUN}', 'one', 'running')")).await;
    for statement in [
        "insert into job_executions (workflow_run_id, job_id, status) select id, 1, 'waiting' from workflow_runs",
        "update workflow_runs set last_was_error = true", // Says nothing: not a change to navigate to.
        "update job_executions set status = 'running', started_at = now(), revision = revision + 1",
        "update job_executions set status = 'success', ended_at = clock_timestamp(), revision = revision + 1",
    ] {
        database.sql(statement).await;
    }
    let lines = database
        .texts("select table_name || ' ' || operation || ' ' || coalesce(changed_fields::text, '-') from change_notifications order by id")
        .await;
    assert_eq!(lines.len(), 5, "{lines:?}");
    // One line per second.
    database
        .sql(&format!(
            "update change_notifications c set \"timestamp\" = '{day}'::timestamptz + make_interval(secs => n.n)
               from (select id, row_number() over (order by id) as n from change_notifications) n where n.id = c.id"
        ))
        .await;
    let first = 1_795_248_001_000;
    let known = span(&mut conn, run).await.expect("a span").expect("a life");
    assert_eq!((known.first, known.last), (first, first + 4_000));
    for (at, before, after) in [
        (first - 1, None, Some(first)),
        (first, None, Some(first + 1_000)),
        (first + 500, Some(first), Some(first + 1_000)),
        (first + 1_000, Some(first), Some(first + 3_000)),
        (first + 4_000, Some(first + 3_000), None),
        (first + 90_000, Some(first + 4_000), None),
    ] {
        let past = Past::read(&mut conn, run, at).await.expect("the past");
        assert_eq!((past.before, past.after), (before, after), "at {at}");
    }
    let other = Past::read(&mut conn, "0193a4c2-0000-7000-8000-000000000009".parse().expect("an id"), first).await.expect("the past");
    assert_eq!((other.before, other.after), (None, None));
}
