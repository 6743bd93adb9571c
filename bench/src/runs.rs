//! The runs page over many stored runs, requested at a steady rate whatever the server does.
//!
//! A request that starts late because others are still waiting is measured from when it should have started, so a slow
//! server cannot hide its queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, SET_COOKIE};
use reqwest::{Client, StatusCode};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::histogram::Histogram;
use crate::results::{Results, Target, ms};
use crate::server::Server;
use crate::{Kept, RunsArgs, corpus, http};

/// A page that feels instant: p99, in milliseconds.
const WANTED_MS: f64 = 40.0;
/// Most requests in progress.
const CONNECTIONS: usize = 64;
/// Requests to each URL before the measured ones.
const WARM_UP: u32 = 300;
/// The URLs, and how they are shown.
const PAGES: [(&str, &str); 4] = [
    ("/runs", "/runs"),
    ("/runs?q=status%3Afailed", "/runs?q=status:failed"),
    ("/runs?q=user%3Aana", "/runs?q=user:ana"),
    ("/runs?q=salmon", "/runs?q=salmon"),
];

/// A signed-in browser with a persistent connection.
#[derive(Clone)]
struct Browser {
    http: Client,
    cookie: String,
}

#[derive(Default)]
struct Measured {
    latency: Histogram,
    failed: u64,
    bytes: u64,
}

pub async fn run(args: &RunsArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let mut results = Results::open("runs", &server).await?;
    eprintln!("runs: storing {} runs", args.stored);
    corpus::store(server.database().await?, args.stored).await?;
    let cookie = sign_in(&server).await?;
    let browsers = (0..CONNECTIONS).map(|_| Ok(Browser { http: http::client()?, cookie: cookie.clone() })).collect::<Result<Vec<_>>>()?;
    let mut rows = Vec::new();
    let mut targets = Vec::new();
    for (path, shown) in PAGES {
        eprintln!("runs: {shown} {} times a second for {} s", args.rate, args.seconds);
        let url = server.url(path);
        look(&cookie, &url).await?;
        let _ = paced(&browsers, &url, args.rate, WARM_UP).await?;
        let count = args.rate * u32::try_from(args.seconds).unwrap_or(u32::MAX);
        let Measured { latency, failed, bytes } = paced(&browsers, &url, args.rate, count).await?;
        rows.push(vec![
            shown.to_owned(),
            latency.count().to_string(),
            ms(latency.quantile_ms(0.5)),
            ms(latency.quantile_ms(0.95)),
            ms(latency.quantile_ms(0.99)),
            ms(latency.max_ms()),
            failed.to_string(),
            format!("{:.1}", bytes as f64 / latency.count().max(1) as f64 / 1024.0),
        ]);
        targets.push(Target::at_most(format!("p99 of {shown}, ms"), latency.quantile_ms(0.99), WANTED_MS));
    }
    results.text(&format!("{} stored runs, {} requests a second.", args.stored, args.rate));
    let head = ["page", "requests", "p50 ms", "p95 ms", "p99 ms", "max ms", "failed", "KiB each"];
    results.table(&head, rows.into_iter());
    results.targets(&targets);
    results.print();
    Ok(Kept::All)
}

/// Presses the button behind the start-up link and returns the session's cookie.
pub async fn sign_in(server: &Server) -> Result<String> {
    let (page, key) = server.sign_in().split_once("?key=").context("the sign-in link has no key")?;
    let form = http::client()?.post(page).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(format!("key={key}"));
    let answer = form.send().await?;
    let cookie = answer.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
    let cookie = cookie.with_context(|| format!("no session: {}", answer.status()))?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// Checks once that the page is the one we mean to measure.
async fn look(cookie: &str, url: &str) -> Result<()> {
    let answer = http::client()?.get(url).header(COOKIE, cookie).send().await?;
    let status = answer.status();
    let page = answer.text().await?;
    ensure!(status == StatusCode::OK, "{url} answers {status}");
    let rows = page.matches("href=\"/runs/").count();
    ensure!(rows >= 10, "{url} shows {rows} runs");
    Ok(())
}

/// Sends `count` requests, `rate` per second.
async fn paced(browsers: &[Browser], url: &str, rate: u32, count: u32) -> Result<Measured> {
    let begin = Instant::now();
    let next = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for browser in browsers {
        let (browser, url, next) = (browser.clone(), url.to_owned(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut measured = Measured::default();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return measured;
                }
                let due = begin + Duration::from_secs(1) * at / rate;
                sleep_until(due).await;
                match browser.get(&url).await {
                    Ok(bytes) => measured.bytes += bytes,
                    Err(_) => measured.failed += 1,
                }
                measured.latency.record(due.elapsed());
            }
        });
    }
    let mut all = Measured::default();
    while let Some(one) = tasks.join_next().await {
        let one = one.context("a browser broke")?;
        all.latency.add(&one.latency);
        all.failed += one.failed;
        all.bytes += one.bytes;
    }
    Ok(all)
}

impl Browser {
    /// Requests the page as a browser does, compressed; returns the number of bytes.
    async fn get(&self, url: &str) -> Result<u64> {
        let request = self.http.get(url).header(COOKIE, &self.cookie);
        let answer = request.header(ACCEPT_ENCODING, "gzip, deflate, br, zstd").send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        ensure!(status == StatusCode::OK, "the page answers {status}");
        Ok(bytes.len() as u64)
    }
}
