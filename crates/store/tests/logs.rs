//! Messages of clients are searchable; facts read from logs are stored once, however often they are written.
#![forbid(unsafe_code)]

use model::RunId;
use store::{
    logs::{self, Query},
    run_logs::{self, JobFacts, RunFacts},
    runs::Audience,
};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

async fn two_runs() -> (TestDatabase, RunId) {
    let database = TestDatabase::new().await;
    database
        .sql(
            "insert into users (name, os_user, role) values ('ana', 'ana', 'admin'), ('ben', 'ben', 'member');
             insert into workflow_runs (id, workflow_name, user_id, logfile, status, ended_at, errors)
             select '0193a4c2-0000-7000-8000-000000000001', 'one', id, '/lab/run.log', 'failed', now(), '[{\"exception\": \"WorkflowError\", \"at\": 1, \"traceback\": null}]'
               from users where name = 'ana';
             insert into workflow_runs (id, workflow_name, user_id) select '0193a4c2-0000-7000-8000-000000000002', 'two', id from users where name = 'ben';
             insert into job_executions (workflow_run_id, job_id, attempt, superseded, rule, status, ended_at)
             values ('0193a4c2-0000-7000-8000-000000000001', 4, 1, true, 'map', 'failed', now()),
                    ('0193a4c2-0000-7000-8000-000000000001', 4, 2, false, 'map', 'success', now()),
                    ('0193a4c2-0000-7000-8000-000000000001', 5, 1, false, 'call', 'failed', now());
             insert into log_entries (workflow_run_id, level, message)
             values ('0193a4c2-0000-7000-8000-000000000001', 'info', 'aligning alpha to 100%_genome'),
                    ('0193a4c2-0000-7000-8000-000000000002', 'error', 'No SPACE left on device')",
        )
        .await;
    (database, RUN.parse().expect("an id"))
}

async fn found(database: &TestDatabase, audience: Audience, words: &str) -> Vec<String> {
    let mut conn = database.store.conn().await.expect("a connection");
    let query = Query { words: words.into(), limit: 50, ..Query::default() };
    logs::search(&mut conn, audience, &query).await.expect("entries").0.into_iter().map(|entry| entry.message).collect()
}

#[tokio::test]
async fn words_are_found_as_they_are_written_by_those_who_may_see_the_run() {
    let (database, _) = two_runs().await;
    assert_eq!(found(&database, Audience::All, "space LEFT").await, ["No SPACE left on device"]);
    assert_eq!(found(&database, Audience::All, "100%_g").await, ["aligning alpha to 100%_genome"]);
    assert!(found(&database, Audience::All, "100_%").await.is_empty(), "signs are letters");
    assert_eq!(found(&database, Audience::All, "").await.len(), 2);
    let ben: i64 = database.text("select id::text from users where name = 'ben'").await.expect("ben").parse().expect("a number");
    assert_eq!(found(&database, Audience::User(model::UserId(ben)), "").await, ["No SPACE left on device"]);
    database.sql("update workflow_runs set deleted_at = now() where workflow_name = 'two'").await;
    assert!(found(&database, Audience::All, "space").await.is_empty(), "of a deleted run");
}

#[tokio::test]
async fn an_entry_calls_its_run_as_every_page_does() {
    let (database, _) = two_runs().await;
    database.sql("update workflow_runs set workflow_name = '', directory = '/data/exome/' where workflow_name = 'two'").await;
    let mut conn = database.store.conn().await.expect("a connection");

    let (entries, _) = logs::search(&mut conn, Audience::All, &Query { limit: 50, ..Query::default() }).await.expect("entries");

    assert_eq!(entries.iter().map(|entry| entry.run_title.as_str()).collect::<Vec<_>>(), ["exome", "one"]);
}

#[tokio::test]
async fn what_a_log_tells_is_written_once_and_to_the_attempt_that_failed() {
    let (database, run) = two_runs().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let due = run_logs::due(&mut conn, 10).await.expect("logs");
    assert_eq!(
        due.iter().map(|due| (due.logfile.as_str(), due.account.as_deref(), due.ended)).collect::<Vec<_>>(),
        [("/lab/run.log", Some("ana"), true)]
    );
    let facts = RunFacts {
        host: Some("node7".into()),
        command_line: Some("snakemake --cores 4".into()),
        environment: [("Snakemake", "9.27.1".to_owned())].into(),
        errors: vec![model::run::PrintedError { exception: "WorkflowError".into(), text: "no such rule".into(), ..Default::default() }],
    };
    let fact = |job: i64, exit| JobFacts {
        job: Some(job),
        attempt: 1,
        failed: true,
        exit,
        error: exit.map(|exit| format!("exit {exit}")),
        ..JobFacts::default()
    };
    let jobs =
        [fact(4, Some(3)), JobFacts { group: Some("pair".into()), external: Some("1003".into()), ..fact(5, Some(-9)) }, fact(99, Some(1))];
    for _ in 0..2 {
        run_logs::write(&mut conn, run, &facts, &jobs).await.expect("written");
    }
    let one = async |query: &'static str| database.text(query).await.unwrap_or_default();
    assert_eq!(one("select host || ' ' || command_line || ' ' || environment::text || ' ' || (errors -> 0 ->> 'text') from workflow_runs where workflow_name = 'one'").await, "node7 snakemake --cores 4 {\"Snakemake\": \"9.27.1\"} no such rule");
    let attempts = "select string_agg(concat_ws(' ', job_id, attempt, exit_code, error, group_name, external_id), ', ' order by job_id, attempt) from job_executions";
    assert_eq!(one(attempts).await, "4 1 3 exit 3, 4 2, 5 1 -9 exit -9 pair 1003");
    assert_eq!(found(&database, Audience::All, "exit").await.len(), 2, "written once each");
    let revisions = one("select string_agg(revision::text, ' ' order by workflow_name) from workflow_runs").await;
    run_logs::write(&mut conn, run, &facts, &jobs).await.expect("written");
    assert_eq!(
        one("select string_agg(revision::text, ' ' order by workflow_name) from workflow_runs").await,
        revisions,
        "no change, no news"
    );
    run_logs::done(&mut conn, run).await.expect("marked");
    run_logs::done(&mut conn, run).await.expect("marked twice");
    assert!(run_logs::due(&mut conn, 10).await.expect("logs").is_empty());
}
