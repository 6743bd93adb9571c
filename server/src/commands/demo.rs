//! `flowod demo`: plays the demo lab into the database, or removes it.

use crate::{config::DemoArgs, database, lab};
use anyhow::Result;
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

pub async fn run(args: DemoArgs) -> Result<()> {
    let open = database::join(&args.database.resolve(), "demo").await?;
    store::migrate::migrate(&open.store).await?;
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    if args.clear {
        let runs = lab::clear(&open.store).await?;
        println!("Removed the demo lab: {runs} runs.");
    } else {
        println!("Playing 30 days of a lab; pages fill while this runs.");
        let runs = lab::play_history(&open.store, &cancel).await?;
        println!("{runs} finished runs are there. Others go on for {} s; Ctrl-C ends them.", args.live_seconds);
        lab::play_live(&open.store, TimeDelta::seconds(args.live_seconds), &cancel).await?;
    }
    open.close().await;
    Ok(())
}
