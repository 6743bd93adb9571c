//! Among very many workflows of Panoptes clients, each is found by its number or its name without reading the others.
#![forbid(unsafe_code)]

use model::{UserId, access::Role};
use sqlx::AssertSqlSafe;
use store::{
    Conn, journals,
    panoptes::{self, Creation},
    people,
    runs::Audience,
};
use testkit::TestDatabase;

/// A hundred thousand runs with twenty thousand names, and as many that were reported by other clients; without triggers.
const MANY: &str = "
    set session_replication_role = replica;
    insert into workflow_runs (workflow_name, search, status, source, user_id, panoptes_id, started_at, ended_at)
    select 'flow ' || n % 20000, '', 'success', 'panoptes', (select id from users limit 1), n % 20000 + 1, now(), now() from generate_series(1, 100000) n;
    insert into workflow_runs (workflow_name, search, status, source, user_id, started_at, ended_at)
    select 'flow ' || n % 20000, '', 'success', 'flowo', (select id from users limit 1), now(), now() from generate_series(1, 100000) n;
    set session_replication_role = origin;";

/// How many rows of runs were read so far, and how many full scans there were.
async fn reads(conn: &mut Conn) -> (i64, i64) {
    sqlx::query("select pg_stat_force_next_flush()").execute(&mut *conn).await.expect("statistics");
    sqlx::query("select 1").execute(&mut *conn).await.expect("statistics are written with the next statement");
    let query = "select coalesce(idx_tup_fetch, 0) + seq_tup_read, seq_scan from pg_stat_user_tables where relname = 'workflow_runs'";
    sqlx::query_as(AssertSqlSafe(query)).fetch_one(conn).await.expect("two numbers")
}

#[tokio::test]
async fn workflows_are_found_without_a_look_at_the_others() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let conn = &mut *conn;
    let user = UserId(people::os_user(conn, "owner", "owner", Role::Admin).await.expect("a user").id);
    sqlx::query("alter table workflow_runs set (autovacuum_enabled = off)").execute(&mut *conn).await.expect("a setting");
    database.sql(MANY).await;
    let creation = |name: Option<&str>, id| Creation {
        user: Some(user),
        user_name: "owner".into(),
        name: name.map(str::to_owned),
        id,
        body: "{}".into(),
        ..Creation::default()
    };
    // First PostgreSQL has no statistics of the table, then complete ones.
    for round in ["as they came", "known"] {
        macro_rules! reads_at_most {
            ($most:literal, $what:literal, $call:expr) => {{
                let before = reads(conn).await;
                let found = $call.await.expect($what);
                let after = reads(conn).await;
                assert_eq!(after.1, before.1, "{} reads all runs, {round}", $what);
                assert!(after.0 - before.0 <= $most, "{} reads {} rows, {round}", $what, after.0 - before.0);
                found
            }};
        }
        let (id, _) = reads_at_most!(40, "another attempt by name", panoptes::create(conn, &creation(Some("flow 7"), None), Some(60)));
        assert_eq!(id, 8);
        let (id, _) = reads_at_most!(40, "another attempt by number", panoptes::create(conn, &creation(None, Some(9)), Some(60)));
        assert_eq!(id, 9);
        reads_at_most!(20, "a new name", panoptes::create(conn, &creation(Some(&format!("new {round}")), None), Some(60)));
        reads_at_most!(20, "no name", panoptes::create(conn, &creation(None, None), Some(60)));
        let one = reads_at_most!(10, "one workflow", panoptes::find(conn, Audience::All, 8, Some(60))).expect("a workflow");
        assert_eq!(one.name, "flow 7");
        reads_at_most!(10, "whose report it is", panoptes::reported(conn, 8));
        let attempts = reads_at_most!(30, "all attempts", panoptes::attempts(conn, Audience::All, Some(8)));
        assert!(attempts.len() > 5);
        let all = reads_at_most!(60_000, "the list", panoptes::list(conn, Audience::All, Some(60)));
        assert_eq!(all.len(), 10_000);
        sqlx::query("analyze workflow_runs").execute(&mut *conn).await.expect("statistics");
    }
}

#[tokio::test]
async fn a_question_about_a_workflow_is_over_and_nobodys_attempt() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let conn = &mut *conn;
    let of = |asks| Creation { name: Some("flow".into()), body: "{}".into(), asks, ..Creation::default() };
    let (first, _) = panoptes::create(conn, &of(false), None).await.expect("a run");
    sqlx::query("update workflow_runs set status = 'failed', ended_at = now()").execute(&mut *conn).await.expect("its end");

    let (asked, _) = panoptes::create(conn, &of(true), None).await.expect("a question");
    sqlx::query("update workflow_runs set last_was_error = true where status = 'skipped'").execute(&mut *conn).await.expect("it broke");
    let (next, _) = panoptes::create(conn, &of(false), None).await.expect("the next attempt");

    assert!(asked != first && next == first);
    let runs = database.texts("select status || ' ' || attempt from workflow_runs order by number").await;
    assert_eq!(runs, ["failed 1", "skipped 1", "running 2"]);
}

#[tokio::test]
async fn a_line_of_a_journal_counts_once() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let (one, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    assert_eq!(journals::applied(&mut conn, one).await.expect("a number"), 0);
    let mut news = Vec::new();
    for (journal, line) in [(one, 5), (one, 5), (one, 4), (other, 1), (one, 6)] {
        news.push(journals::mark(&mut conn, journal, line).await.expect("a mark"));
    }
    assert_eq!(news, [true, false, false, true, true]);
    assert_eq!(journals::applied(&mut conn, one).await.expect("a number"), 6);
    journals::forget(&mut conn, one).await.expect("forgotten");
    assert_eq!(journals::applied(&mut conn, one).await.expect("a number"), 0);
}
