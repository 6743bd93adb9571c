//! Who sees and who changes which runs: SQL and `Audience::sees` agree, and every query of runs calls `sees_run`.
#![forbid(unsafe_code)]

use model::{RunId, UserId, access::Audience, filter::RunFilter, page::RunSort};
use store::{
    logs,
    runs::{self, edit, list},
    stats,
};
use testkit::TestDatabase;

/// Each run is named after who reported it, who owns it and whom it is for. `user 1` is the first account.
const ROWS: &str = "
    insert into users (name) select 'user ' || n from generate_series(1, 2) n;
    insert into workflow_runs (workflow_name, user_id, owner_id, audience, lineage_id)
    select concat_ws(' ', coalesce(r.user_id::text, '-'), coalesce(o.owner_id::text, '-'), a.audience), r.user_id, o.owner_id, a.audience,
           '0193a4c2-0000-7000-8000-00000000000a'
      from (values (1), (2), (null)) r(user_id), (values (1), (2), (null)) o(owner_id), (values ('everyone'), ('owner and team')) a(audience);
    insert into log_entries (workflow_run_id, message) select id, 'said by ' || workflow_name from workflow_runs";

const READERS: [Audience; 5] =
    [Audience::All, Audience::Shared(UserId(1)), Audience::Shared(UserId(2)), Audience::User(UserId(1)), Audience::User(UserId(2))];

async fn runs_of_two_people() -> TestDatabase {
    let database = TestDatabase::new().await;
    database.sql(ROWS).await;
    assert_eq!(database.text("select string_agg(id::text, ' ' order by id) from users").await.as_deref(), Some("1 2"));
    database
}

#[tokio::test]
async fn sql_and_memory_agree_on_who_sees_a_run() {
    let database = runs_of_two_people().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ids: Vec<RunId> = database.texts("select id::text from workflow_runs").await.iter().map(|id| id.parse().expect("an id")).collect();
    let (rows, gone) = runs::changed(&mut conn, &ids).await.expect("rows");
    assert_eq!((rows.len(), gone.len()), (18, 0));
    let filter = RunFilter::default();
    for audience in READERS {
        let sees = |ids: &[RunId], id: RunId| ids.contains(&id);
        let mut expected: Vec<RunId> = rows.iter().filter(|(_, belonging)| audience.sees(belonging)).map(|(run, _)| run.id).collect();
        expected.sort();

        let query = list::Query { audience, filter: &filter, sort: RunSort::default(), limit: 200, after: None, now: 0 };
        let mut listed: Vec<RunId> = list::list(&mut conn, &query).await.expect("a page").items.iter().map(|run| run.id).collect();
        listed.sort();
        let total = list::total(&mut conn, audience, &filter, 0).await.expect("a total").count;
        let tiles: i64 = stats::by_status(&mut conn, audience).await.expect("tiles").iter().map(|(_, total)| total.count).sum();
        let words = logs::Query { words: "said".into(), limit: 200, ..logs::Query::default() };
        let (said, _) = logs::search(&mut conn, audience, &words).await.expect("entries");
        let mut said: Vec<RunId> = said.iter().map(|entry| entry.run).collect();
        said.sort();

        assert_eq!(listed, expected, "{audience:?}");
        assert_eq!(said, expected, "{audience:?}");
        assert_eq!((total, tiles), (expected.len() as i64, expected.len() as i64), "{audience:?}");
        for (run, _) in &rows {
            let detail = runs::detail(&mut conn, audience, run.id).await.expect("a look");
            assert_eq!(detail.is_some(), sees(&expected, run.id), "{audience:?} {}", run.name);
            // All of them are attempts of one thing; only those that the reader sees are listed.
            if let Some(detail) = detail {
                assert!(detail.attempts.iter().all(|attempt| sees(&expected, attempt.id)), "{audience:?} {}", run.name);
                assert_eq!(detail.attempts.len(), expected.len(), "{audience:?} {}", run.name);
            }
        }
    }
}

#[tokio::test]
async fn a_reader_of_shared_runs_changes_only_their_own() {
    let database = runs_of_two_people().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ids: Vec<RunId> = database.texts("select id::text from workflow_runs").await.iter().map(|id| id.parse().expect("an id")).collect();
    let shared = Audience::Shared(UserId(1));

    let hidden = edit::delete(&mut conn, shared, &ids, Some(UserId(1))).await.expect("deleted");

    let owned = "select count(*)::text from workflow_runs where deleted_at is not null and coalesce(owner_id, user_id) = 1";
    assert_eq!(hidden.len(), 8, "reported by or given to user 1, and given to nobody else");
    assert_eq!(database.text(owned).await.as_deref(), Some("8"));
    for id in &ids {
        let renamed = edit::rename(&mut conn, shared, *id, "mine", &[], Some(UserId(1))).await.expect("an answer");
        assert!(!renamed, "the rest is not theirs");
    }
    assert_eq!(edit::restore(&mut conn, shared, &ids, Some(UserId(1))).await.expect("restored").len(), 8);
    assert_eq!(edit::delete(&mut conn, Audience::All, &ids, None).await.expect("deleted").len(), 18);
}

#[tokio::test]
async fn a_members_runs_are_listed_by_index() {
    let database = TestDatabase::new().await;
    database
        .sql(
            "insert into users (name) select 'user ' || n from generate_series(1, 4) n;
             insert into workflow_runs (workflow_name, user_id, started_at)
             select 'w', 1 + n % 4, now() - n * interval '1 minute' from generate_series(1, 40000) n",
        )
        .await;
    database.sql("vacuum analyze workflow_runs").await;
    for (reach, index) in [("own", "workflow_runs_owned"), ("shared", "workflow_runs_started"), ("all", "workflow_runs_started")] {
        let list = format!(
            "explain select r.id from workflow_runs r where r.deleted_at is null and sees_run(r, 3, '{reach}')
              order by r.sort_at desc, r.id desc limit 51"
        );
        let plan = database.texts(&list).await.join("\n");
        assert!(plan.contains(index) && !plan.contains("Sort") && !plan.contains("sees_run"), "{reach}: {plan}");
    }
}

#[tokio::test]
async fn an_audience_is_one_that_flowo_knows() {
    let database = runs_of_two_people().await;
    let refusal = database.refusal("update workflow_runs set audience = 'nobody'").await;
    assert!(refusal.contains("workflow_runs_audience_known"), "{refusal}");
    // The account that reported a run is its owner again once the account it was given to is gone.
    database.sql("delete from users where id = 2").await;
    let owned = "select count(*)::text from workflow_runs where coalesce(owner_id, user_id) = 1 and workflow_name like '1 2 %'";
    assert_eq!(database.text(owned).await.as_deref(), Some("2"));
}
