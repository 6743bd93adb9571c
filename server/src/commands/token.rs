//! `flowod token`: creates, lists and revokes the owner's tokens.

use crate::{
    commands::serve::key,
    config::{ServeArgs, TokenAction, TokenArgs},
    database, owner, secrets,
};
use anyhow::{Result, bail};
use model::terminal;
use store::people;

pub async fn run(args: TokenArgs) -> Result<()> {
    let config = ServeArgs { database: args.database, ..ServeArgs::default() }.config()?;
    let open = database::join(&config.database, "token").await?;
    store::migrate::migrate(&open.store).await?;
    let outcome = act(&open.store, &config, args.action).await;
    open.close().await;
    outcome
}

async fn act(store: &store::Store, config: &crate::config::Config, action: TokenAction) -> Result<()> {
    let owner = owner::ensure(store, config).await?;
    let mut conn = store.conn().await?;
    match action {
        TokenAction::Create { name, scope, days } => {
            let secrets = key(store).await?;
            let token = secrets::token()?;
            people::add_token(&mut conn, owner, &name, &secrets::shown(&token), &secrets.hash(&token), scope, days).await?;
            println!("{token}");
        }
        TokenAction::List => {
            let (tokens, older) = people::tokens(&mut conn, owner).await?;
            for token in tokens {
                let until = token.expires_at.map_or_else(|| "never expires".into(), |at| format!("expires {at}"));
                let used = token.last_used_at.map_or_else(|| "never used".into(), |at| format!("used {at}"));
                let (prefix, name) = (terminal::line(&token.prefix), terminal::line(&token.name));
                println!("{}\t{prefix}…\t{}\t{name}\t{until}\t{used}", token.id, token.scope);
            }
            if older > 0 {
                eprintln!("{older} older tokens are not listed; revoke some of these to see them.");
            }
        }
        TokenAction::Revoke { id } => {
            if !people::revoke_token(&mut conn, owner, id).await? {
                bail!("there is no token {id}; `flowod token list` shows them");
            }
            println!("Token {id} is revoked.");
        }
    }
    Ok(())
}
