//! `flowod demo`: plays the demo lab or one very large run into the database, or removes both.

use crate::{
    config::DemoArgs,
    database,
    demo::{Size, play},
};
use anyhow::Result;
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

pub async fn run(args: DemoArgs) -> Result<()> {
    let open = database::join(&args.database.resolve()?, "demo").await?;
    store::migrate::migrate(&open.store).await?;
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    if args.clear {
        let runs = play::clear(&open.store).await?;
        println!("Removed the demo lab: {runs} runs.");
    } else if let Some(jobs) = args.big {
        let size = Size { jobs: jobs as usize, rules: args.rules as usize, samples: args.samples as usize };
        println!("Generating a run with {jobs} jobs, {} rules and {} samples.", size.rules, size.samples);
        let clock = open.store.clock();
        let began = clock.instant();
        let run = play::play_big(&open.store, size, &cancel, |reports| {
            if reports % 30_000 == 0 {
                println!("{reports} reports, {} a second", reports as u64 / clock.since(began).as_secs().max(1));
            }
        });
        let run = run.await?;
        println!("Done after {} s: /runs/{run}", clock.since(began).as_secs());
    } else {
        println!("Generating 30 days of the demo lab; open pages show the runs as they are added.");
        let runs = play::play_history(&open.store, &cancel).await?;
        println!("{runs} finished runs are in the database. Live runs continue for {} s; Ctrl-C stops them.", args.live_seconds);
        play::play_live(&open.store, TimeDelta::seconds(args.live_seconds), &cancel).await?;
    }
    open.close().await;
    Ok(())
}
