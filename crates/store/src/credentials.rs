//! Which sessions and tokens are valid now, by their numbers. Knows no secrets: the caller has already authenticated them.

use crate::{Conn, Doing, StoreError};
use model::{
    UserId,
    access::{Credential, Grant, Means, Role, TokenScope},
};

/// A valid session or token, and the account that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    pub credential: Credential,
    pub user: UserId,
    pub name: String,
    pub grant: Grant,
}

/// Those of `asked` that are valid now, in no particular order; expired, revoked and signed-out ones are missing.
///
/// Costs one index lookup each.
///
/// # Errors
/// The database cannot be queried.
pub async fn good(conn: &mut Conn, asked: &[Credential]) -> Result<Vec<Good>, StoreError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        is_session: bool,
        id: i64,
        user_id: i64,
        name: String,
        #[sqlx(try_from = "String")]
        role: Role,
        #[sqlx(try_from = "String")]
        scope: TokenScope,
    }
    let sessions: Vec<i64> = asked.iter().filter_map(|one| if let Credential::Session(id) = one { Some(*id) } else { None }).collect();
    let tokens: Vec<i64> = asked.iter().filter_map(|one| if let Credential::Token(id) = one { Some(*id) } else { None }).collect();
    let rows: Vec<Row> = sqlx::query_as(
        "select true as is_session, s.id, u.id as user_id, u.name, u.role, 'admin' as scope
           from sessions s join users u on u.id = s.user_id
          where s.id = any($1) and s.expires_at > flowo_now()
         union all
         select false, t.id, u.id, u.name, u.role, t.scope
           from tokens t join users u on u.id = t.user_id
          where t.id = any($2) and t.revoked_at is null and (t.expires_at is null or t.expires_at > flowo_now())",
    )
    .bind(&sessions)
    .bind(&tokens)
    .fetch_all(conn)
    .await
    .doing("checking sessions and tokens")?;
    let good = rows.into_iter().map(|row| Good {
        credential: if row.is_session { Credential::Session(row.id) } else { Credential::Token(row.id) },
        user: UserId(row.user_id),
        name: row.name,
        grant: Grant { role: row.role, means: if row.is_session { Means::Session } else { Means::Token(row.scope) } },
    });
    Ok(good.collect())
}
