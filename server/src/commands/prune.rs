//! `flowod prune`: deletes what is older than its retention policy, as the server does every hour by itself.

use crate::{
    config::{PruneArgs, policy},
    database,
};
use anyhow::{Result, bail};
use model::text;
use store::prune;

pub async fn run(args: PruneArgs) -> Result<()> {
    let policy = policy()?;
    let open = database::join(&args.database.resolve()?, "prune").await?;
    store::migrate::migrate(&open.store).await?;
    let outcome = act(&open.store, policy, args.dry_run).await;
    open.close().await;
    outcome
}

async fn act(store: &store::Store, policy: prune::Policy, pretend: bool) -> Result<()> {
    let Some(pruned) = prune::prune(store, policy, pretend).await? else {
        bail!("another process prunes this database right now");
    };
    for one in pruned {
        let (days, rows) = (one.days.len(), one.rows);
        let size = text::bytes(one.bytes);
        let verb = if pretend { "would drop" } else { "dropped" };
        println!("{}: {verb} {days} days ({size}) and {rows} rows outside the daily partitions", one.table);
    }
    for size in prune::sizes(&mut *store.conn().await?).await? {
        println!("{}: {} in {} partitions", size.table, text::bytes(size.bytes), size.partitions);
    }
    Ok(())
}
