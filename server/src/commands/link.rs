//! `flowod link`: a fresh sign-in link for the owner.

use crate::{
    commands::serve::key,
    config::ServeArgs,
    database, owner,
    secrets::{self, Secrets},
};
use anyhow::Result;
use model::UserId;
use store::{Store, people};

/// How long a link is good for, in minutes.
const MINUTES: i32 = 60;

pub async fn run(args: ServeArgs) -> Result<()> {
    let config = args.config()?;
    let open = database::join(&config.database, "link").await?;
    store::migrate::migrate(&open.store).await?;
    let secrets = key(&open.store).await?;
    let owner = owner::ensure(&open.store, &config).await?;
    let named = config.public_url.clone().or_else(|| config.named_listen.map(|listen| format!("http://{listen}")));
    let base_url = match named {
        Some(named) => named,
        None => store::admin::announced(&open.store).await?.unwrap_or_else(|| format!("http://{}", config.listen)),
    };
    println!("{}", make(&open.store, &secrets, &owner, &base_url).await?);
    open.close().await;
    Ok(())
}

/// A single-use link that signs in as `user`.
pub async fn make(store: &Store, secrets: &Secrets, user: &UserId, base_url: &str) -> Result<String> {
    let key = secrets::random()?;
    let mut conn = store.conn().await?;
    people::add_sign_in_key(&mut conn, *user, &secrets.hash(&key), MINUTES).await?;
    Ok(format!("{base_url}/sign-in?key={key}"))
}
