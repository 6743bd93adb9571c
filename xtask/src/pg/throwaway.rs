//! A cluster for one step of the tests; it lives as long as the value.
//!
//! A small shell process owns the server and waits for the end of its own input. So it stops the server and removes the
//! files, whether the value is dropped or xtask is interrupted or killed.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio, id};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Account, Binaries, command, init, is_ready, url};
use crate::tools;

/// A cold disk needs a second or two; if it takes longer, the server will not start.
const START_LIMIT: Duration = Duration::from_secs(30);

const KEEPER: &str = r#"
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=200 \
    -c fsync=off -c full_page_writes=off >"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -INT $server
wait $server
cd / && rm -rf "$2"
"#;

pub struct Throwaway {
    keeper: Child,
    pub url: String,
}

impl Throwaway {
    /// Starts an empty cluster that does not sync: that is faster, and its data is worthless.
    pub fn start(pg: &Binaries) -> Result<Self> {
        let account = Account::needed();
        let dir = scratch();
        init(pg, account, &dir, false)?;
        let mut keeper = command("/bin/sh", account, &dir)
            .args(["-c", KEEPER, "keeper"])
            .args([&pg.dir, &dir])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start PostgreSQL's keeper")?;
        let started = Instant::now();
        while !is_ready(&dir) {
            let ended = keeper.try_wait()?.is_some();
            if ended || started.elapsed() > START_LIMIT {
                let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
                stop(&mut keeper);
                bail!("PostgreSQL did not start:\n{log}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { keeper, url: url(&dir) })
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        stop(&mut self.keeper);
    }
}

fn stop(keeper: &mut Child) {
    drop(keeper.stdin.take());
    keeper.wait().ok();
}

/// A new name each time, short enough for a socket path, in a directory that any user may enter.
fn scratch() -> PathBuf {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let base = if tools::is_root() { PathBuf::from("/tmp") } else { env::temp_dir() };
    base.join(format!("flowo-test-pg-{}-{count}", id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_cluster_that_is_dropped() {
        let pg = super::super::binaries::find().expect("PostgreSQL is installed");
        let cluster = Throwaway::start(&pg).unwrap();
        let (_, dir) = cluster.url.split_once("?host=").unwrap();
        let dir = PathBuf::from(dir);
        assert!(dir.join(".s.PGSQL.5432").exists());

        drop(cluster);

        assert!(!dir.exists());
    }
}
