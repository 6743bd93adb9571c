//! Sessions and tokens: only valid ones are found, by their secrets and by their numbers.
#![forbid(unsafe_code)]

use model::{
    UserId,
    access::{Credential, Means, Role, TokenScope},
};
use std::time::Duration;
use store::{credentials, people};
use testkit::TestDatabase;

const fn days(n: u64) -> Duration {
    Duration::from_hours(24 * n)
}

#[tokio::test]
async fn what_expired_was_revoked_or_signed_out_is_not_good() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ana = people::os_user(&mut conn, "ana", "ana", Role::Member).await.expect("a user");
    let ana = UserId(ana.id);
    let mut asked = Vec::new();
    for (secret, valid) in [(b"kept", 30), (b"gone", 30), (b"late", 1)] {
        people::add_session(&mut conn, ana, secret, valid).await.expect("a session");
        let session = people::session_user(&mut conn, secret, 30).await.expect("a look").expect("a session");
        asked.push(Credential::Session(session.session));
        let token = people::add_token(&mut conn, ana, "t", "flw_", secret, TokenScope::Read, Some(valid)).await.expect("a token");
        let owner = people::token_owner(&mut conn, secret).await.expect("a look").expect("a token");
        assert_eq!(owner.token, token);
        asked.push(Credential::Token(token));
    }
    people::end_session(&mut conn, b"gone").await.expect("signed out");
    let Credential::Token(gone) = asked[3] else { panic!("a token was noted fourth") };
    assert!(people::revoke_token(&mut conn, ana, gone).await.expect("revoked"));
    let mut conn = database.later(days(2)).store.conn().await.expect("a connection");

    let mut good = credentials::good(&mut conn, &asked).await.expect("an answer");

    good.sort_by_key(|good| good.credential);
    let found: Vec<_> = good.iter().map(|good| (good.credential, good.user, good.grant.role, good.grant.means)).collect();
    assert_eq!(found, [(asked[0], ana, Role::Member, Means::Session), (asked[1], ana, Role::Member, Means::Token(TokenScope::Read))]);
    database.sql("update users set role = 'viewer'").await;
    let now = credentials::good(&mut conn, &asked[..1]).await.expect("an answer");
    assert_eq!(now.iter().map(|good| good.grant.role).collect::<Vec<_>>(), [Role::Viewer]);
    assert!(credentials::good(&mut conn, &[]).await.expect("an answer").is_empty());
}

#[tokio::test]
async fn a_session_that_is_used_lives_on_and_one_that_is_not_expires() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ana = UserId(people::os_user(&mut conn, "ana", "ana", Role::Member).await.expect("a user").id);
    for secret in [b"used", b"left"] {
        people::add_session(&mut conn, ana, secret, 7).await.expect("a session");
    }

    let mut is_valid = Vec::new();
    for (day, secret) in [(6, b"used"), (8, b"used"), (8, b"left"), (14, b"used"), (22, b"used")] {
        let mut conn = database.later(days(day)).store.conn().await.expect("a connection");
        let session = people::session_user(&mut conn, secret, 7).await.expect("a look");
        is_valid.push((day, session.is_some()));
    }

    assert_eq!(is_valid, [(6, true), (8, true), (8, false), (14, true), (22, false)]);
}

#[tokio::test]
async fn tokens_and_sign_in_links_expire() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ana = UserId(people::os_user(&mut conn, "ana", "ana", Role::Member).await.expect("a user").id);
    people::add_token(&mut conn, ana, "t", "flw_", b"month", TokenScope::Read, Some(30)).await.expect("a token");
    people::add_token(&mut conn, ana, "t", "flw_", b"ever", TokenScope::Read, None).await.expect("a token");
    for secret in [b"first", b"later"] {
        people::add_sign_in_key(&mut conn, ana, secret, 10).await.expect("a key");
    }

    let mut after = database.later(days(31)).store.conn().await.expect("a connection");
    assert!(people::token_owner(&mut conn, b"month").await.expect("a look").is_some());
    assert!(people::token_owner(&mut after, b"month").await.expect("a look").is_none());
    assert!(people::token_owner(&mut after, b"ever").await.expect("a look").is_some());

    let mut after = database.later(Duration::from_mins(11)).store.conn().await.expect("a connection");
    assert_eq!(people::use_sign_in_key(&mut after, b"later").await.expect("a look"), None);
    assert_eq!(people::use_sign_in_key(&mut conn, b"first").await.expect("a look"), Some(ana));
}
