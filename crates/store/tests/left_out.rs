//! Lists that end and values that are cut say how much is left out, and lead to the rest.
#![forbid(unsafe_code)]

use model::{RunId, UserId, access::Role, history::Subject};
use store::{
    events, history, jobs, panoptes, people,
    runs::{Audience, detail, find},
};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

fn run() -> RunId {
    RUN.parse().expect("an id")
}

async fn running_run(statements: &str) -> TestDatabase {
    let database = TestDatabase::new().await;
    database.sql(&format!("insert into workflow_runs (id, workflow_name, status) values ('{RUN}', 'one', 'running')")).await;
    database.sql(&statements.replace("RUN", &format!("'{RUN}'"))).await;
    database
}

#[tokio::test]
async fn a_long_report_says_how_many_letters_are_missing_and_is_read_whole() {
    let database = running_run(
        "insert into ingest_events (id, workflow_run_id, source, event, body, received_at, outcome)
         values (7, RUN, 'flowo', 'job_info', jsonb_build_object('text', repeat('ä', 30000)), now(), 'applied'),
                (8, RUN, 'flowo', 'job_info', '{\"text\": \"short\"}', now(), 'applied')",
    )
    .await;
    let mut conn = database.store.conn().await.expect("a connection");

    let (all, _) = events::of_run(&mut conn, run(), 0, 10).await.expect("reports");
    let named = events::named(&mut conn, &[7, 8]).await.expect("reports");
    let whole = events::body(&mut conn, run(), 7).await.expect("a look").expect("a report");

    let sizes = |events: &[model::event::RawEvent]| -> Vec<(i64, usize, u64)> {
        events.iter().map(|event| (event.id, event.body.chars().count(), event.missing)).collect()
    };
    assert_eq!(sizes(&all), [(7, 20_000, 10_012), (8, 17, 0)]);
    assert_eq!(sizes(&named), [(7, 4_000, 26_012), (8, 17, 0)]);
    assert_eq!(whole.chars().count(), 30_012);
    assert_eq!(events::body(&mut conn, run(), 9).await.expect("a look"), None);
    let elsewhere = RunId(uuid::Uuid::now_v7());
    assert_eq!(events::body(&mut conn, elsewhere, 7).await.expect("a look"), None, "asked of another run");
}

#[tokio::test]
async fn a_long_value_in_the_history_says_how_many_letters_are_missing_and_is_read_whole() {
    let database = running_run(
        "insert into log_entries (workflow_run_id, level, message) values (RUN, 'error', repeat('ü', 5000)), (RUN, 'info', 'short');
         insert into job_executions (workflow_run_id, job_id, rule) values (RUN, 1, 'map');
         update job_executions set status = 'failed', started_at = now(), ended_at = now(), error = repeat('e', 300)",
    )
    .await;
    let mut conn = database.store.conn().await.expect("a connection");

    let (said, _) = history::of_run(&mut conn, run(), Some(Subject::Entry), None, 10).await.expect("a history");
    let (done, _) = history::of_run(&mut conn, run(), Some(Subject::Job), None, 10).await.expect("a history");

    let value = |change: &model::history::Change, name: &str| {
        change.fields.iter().find(|field| field.name == name).and_then(|field| field.new.clone()).expect("a value")
    };
    assert_eq!((value(&said[0], "message"), said[0].cut), ("short".to_owned(), false));
    assert_eq!((value(&said[1], "message"), said[1].cut), (format!("{}… (4\u{202f}880 more letters)", "ü".repeat(120)), true));
    assert_eq!((value(&done[0], "error"), done[0].cut), (format!("{}… (180 more letters)", "e".repeat(120)), true));

    let all = history::line(&mut conn, run(), said[1].id).await.expect("a look").expect("a line");
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(all, serde_json::json!({ "old": null, "new": { "level": "error", "message": "ü".repeat(5_000) } }));
    let all = history::line(&mut conn, run(), done[0].id).await.expect("a look").expect("a line");
    assert!(all.contains(&"e".repeat(300)), "{all}");
    let elsewhere = RunId(uuid::Uuid::now_v7());
    assert_eq!(history::line(&mut conn, elsewhere, done[0].id).await.expect("a look"), None, "asked of another run");
}

#[tokio::test]
async fn a_run_of_very_many_rules_or_attempts_lists_some_and_says_of_how_many() {
    let database = running_run(
        "insert into rules (workflow_run_id, name, code, position) select RUN, 'rule ' || n, 'true ' || n, n from generate_series(1, 5200) n;
         insert into workflow_runs (lineage_id, attempt, status, ended_at) select RUN, n, 'success', now() from generate_series(2, 1010) n",
    )
    .await;
    let mut conn = database.store.conn().await.expect("a connection");

    let found = detail(&mut conn, Audience::All, run()).await.expect("a look").expect("a run");

    assert_eq!((found.rules.len(), found.attempts.len()), (5_000, 1_000));
    assert_eq!((found.attempts[0].attempt, found.attempts[999].attempt), (11, 1_010), "the newest, in their order");
    assert_eq!(
        found.notes(),
        [
            "This run has 5\u{202f}200 rules. The first 5\u{202f}000 are listed",
            "There are 1\u{202f}010 attempts of this run. The newest 1\u{202f}000 are listed",
        ]
    );
    let (rest, all) = find::rules_from(&mut conn, run(), 5_000, 5_000).await.expect("rules");
    assert_eq!((rest.len(), rest[0].name.as_str(), all), (200, "rule 5001", 5_200));
    let (names, more) = find::names_after(&mut conn, run(), 200).await.expect("names");
    assert_eq!((names.len(), names[0].as_str(), more), (5_000, "rule 201", 5_000));
    let (names, more) = find::names_after(&mut conn, run(), 100).await.expect("names");
    assert_eq!((names.len(), more), (5_000, 5_100));
    let codes = find::codes_of(&mut conn, run(), &["rule 5200".into(), "rule 7".into(), "none".into()]).await.expect("codes");
    let codes: Vec<_> = codes.iter().map(|rule| (rule.name.as_str(), rule.code.as_deref())).collect();
    assert_eq!(codes, [("rule 7", Some("true 7")), ("rule 5200", Some("true 5200"))]);
    assert_eq!(find::codes(&mut conn, run(), 200).await.expect("codes").len(), 200);
}

#[tokio::test]
async fn jobs_are_counted_for_a_picture_that_does_not_show_them() {
    let database = running_run(
        "insert into job_executions (workflow_run_id, job_id, rule) select RUN, n, case when n <= 3 then 'call' else 'map' end from generate_series(1, 10) n",
    )
    .await;
    let mut conn = database.store.conn().await.expect("a connection");
    for (rule, count) in [(None, 10), (Some("call"), 3), (Some("none"), 0)] {
        assert_eq!(jobs::count(&mut conn, run(), rule).await.expect("a count"), count, "{rule:?}");
    }
}

#[tokio::test]
async fn lists_of_panoptes_and_of_tokens_say_how_many_older_ones_there_are() {
    let database = running_run(
        "insert into users (name, os_user, role) values ('ana', 'ana', 'admin');
         insert into tokens (user_id, name, prefix, hash, scope) select id, 'token ' || n, 'flw_', sha256(n::text::bytea), 'read' from users, generate_series(1, 1007) n;
         set session_replication_role = replica;
         insert into workflow_runs (workflow_name, source, panoptes_id) select 'flow ' || n, 'panoptes', n from generate_series(1, 10004) n;
         insert into job_executions (workflow_run_id, job_id, rule) select RUN, n, 'map' from generate_series(1, 100002) n;
         set session_replication_role = origin",
    )
    .await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ana = UserId(people::os_user(&mut conn, "ana", "ana", Role::Admin).await.expect("a user").id);

    let (tokens, older) = people::tokens(&mut conn, ana).await.expect("tokens");
    let workflows = panoptes::list(&mut conn, Audience::All, None).await.expect("workflows");
    let jobs = panoptes::jobs(&mut conn, run(), None).await.expect("jobs");

    assert_eq!((tokens.len(), tokens[0].name.as_str(), older), (1_000, "token 1007", 7));
    assert_eq!(panoptes::unlisted(&mut conn, Audience::All, workflows.len()).await.expect("a count"), 4);
    assert_eq!(panoptes::unlisted_jobs(&mut conn, run(), jobs.len()).await.expect("a count"), 2);
    assert_eq!(panoptes::unlisted(&mut conn, Audience::User(ana), 0).await.expect("a count"), 0);
}
