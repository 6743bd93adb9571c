//! What is recorded about people: accounts and tokens by triggers, frequent events once a minute.
#![forbid(unsafe_code)]

use model::{
    RunId, UserId,
    access::{Role, TokenScope},
};
use serde_json::json;
use store::{
    audit::{self, Deed},
    people,
};
use testkit::TestDatabase;

#[tokio::test]
async fn what_happens_often_is_one_row_a_minute_that_counts() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ana = UserId(people::os_user(&mut conn, "ana", "ana", Role::Admin).await.expect("a user").id);
    let run: RunId = "0193a4c2-0000-7000-8000-000000000001".parse().expect("an id");
    for n in 0..7 {
        audit::file_read(&mut conn, ana, run, &format!("/lab/{n}.txt")).await.expect("noted");
    }
    let noted = "select detail::text from audit_log where action = 'read.file' order by id";
    assert_eq!(database.texts(noted).await, [r#"{"path": "/lab/0.txt", "times": 7}"#]);

    database.sql("update audit_log set at = at - interval '2 minutes' where action = 'read.file'").await;
    audit::file_read(&mut conn, ana, run, "/lab/later.txt").await.expect("noted");
    assert_eq!(database.texts(noted).await.len(), 2, "the next minute has a row of its own");
}

#[tokio::test]
async fn any_number_of_strangers_makes_a_bounded_number_of_rows() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    for n in 0..150 {
        audit::count(&mut conn, None, Deed::SignInRefused, &format!("192.0.2.{n}"), json!({ "n": n })).await.expect("noted");
    }
    let rows = "select count(*)::text from audit_log where action = 'refuse.sign_in'";
    assert_eq!(database.text(rows).await.as_deref(), Some("101"));
    let others = "select detail ->> 'times' from audit_log where action = 'refuse.sign_in' and target = 'others'";
    assert_eq!(database.text(others).await.as_deref(), Some("50"), "those without a row of their own are counted");
}

#[tokio::test]
async fn accounts_roles_and_tokens_are_noted_however_they_change() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ana = people::os_user(&mut conn, "ana", "ana", Role::Member).await.expect("a user");
    let token =
        people::add_token(&mut conn, UserId(ana.id), "laptop", "flw_abc", b"hash", TokenScope::Report, Some(7)).await.expect("a token");
    assert!(people::revoke_token(&mut conn, UserId(ana.id), token).await.expect("an answer"));
    database.sql("update users set role = 'admin' where name = 'ana'; update users set role = 'admin' where name = 'ana'").await;
    let noted = database
        .texts("select action || ' ' || coalesce(detail ->> 'scope', detail ->> 'to', detail ->> 'role', '') from audit_log order by id")
        .await;
    assert_eq!(noted, ["add.user member", "make.token report", "revoke.token ", "change.role admin"]);
}
