//! Sessions and tokens by their numbers: only valid ones are found.
#![forbid(unsafe_code)]

use model::{
    UserId,
    access::{Credential, Means, Role, TokenScope},
};
use store::{credentials, people};
use testkit::TestDatabase;

#[tokio::test]
async fn what_expired_was_revoked_or_signed_out_is_not_good() {
    let database = TestDatabase::new().await;
    let mut conn = database.store.conn().await.expect("a connection");
    let ana = people::os_user(&mut conn, "ana", "ana", Role::Member).await.expect("a user");
    let ana = UserId(ana.id);
    let mut asked = Vec::new();
    for secret in [b"kept", b"gone", b"late"] {
        people::add_session(&mut conn, ana, secret, 30).await.expect("a session");
        let session = people::session_user(&mut conn, secret, 30).await.expect("a look").expect("a session");
        asked.push(Credential::Session(session.session));
        let token = people::add_token(&mut conn, ana, "t", "flw_", secret, TokenScope::Read, None).await.expect("a token");
        let owner = people::token_owner(&mut conn, secret).await.expect("a look").expect("a token");
        assert_eq!(owner.token, token);
        asked.push(Credential::Token(token));
    }
    people::end_session(&mut conn, b"gone").await.expect("signed out");
    let Credential::Token(gone) = asked[3] else { panic!("a token was noted fourth") };
    assert!(people::revoke_token(&mut conn, ana, gone).await.expect("revoked"));
    database
        .sql("update sessions set expires_at = now() where hash = 'late'; update tokens set expires_at = now() where hash = 'late'")
        .await;

    let mut good = credentials::good(&mut conn, &asked).await.expect("an answer");

    good.sort_by_key(|good| good.credential);
    let found: Vec<_> = good.iter().map(|good| (good.credential, good.user, good.grant.role, good.grant.means)).collect();
    assert_eq!(found, [(asked[0], ana, Role::Member, Means::Session), (asked[1], ana, Role::Member, Means::Token(TokenScope::Read))]);
    database.sql("update users set role = 'viewer'").await;
    let now = credentials::good(&mut conn, &asked[..1]).await.expect("an answer");
    assert_eq!(now.iter().map(|good| good.grant.role).collect::<Vec<_>>(), [Role::Viewer]);
    assert!(credentials::good(&mut conn, &[]).await.expect("an answer").is_empty());
}
