//! The time from a commit to its frame in every open page, and the memory that the pages cost the server.
//!
//! The time in a frame is that of its oldest change, taken shortly before the commit and truncated to whole
//! milliseconds, so true latencies are slightly shorter than those shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use crate::histogram::Histogram;
use crate::player::Player;
use crate::results::{Results, Target, ms};
use crate::server::Server;
use crate::slow::Slow;
use crate::stream::{Seen, Stream, wall_clock};
use crate::{Kept, LiveArgs, verify};

/// Milliseconds from commit to frame that feel immediate: median and p99.
const WANTED_MS: [f64; 2] = [25.0, 100.0];
/// How much memory all open pages together may cost the server, in MiB.
const WANTED_GROWTH: f64 = 64.0;
/// How much slow readers may raise the p99 of the others (as a ratio), and how much memory each may cost, in MiB.
const WANTED_RATIO: f64 = 1.2;
const WANTED_SLOW: f64 = 1.0;
/// Streams opened at a time.
const OPENING: usize = 50;
/// How long the writers run before the streams open, so that their own memory is not counted.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long to wait for the last frames.
const TAIL: Duration = Duration::from_secs(1);

/// Resident memory of the server in MiB.
#[derive(Clone, Copy, Default)]
struct Memory {
    before: f64,
    opened: f64,
    end: f64,
    most: f64,
}

pub async fn run(args: &LiveArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let mut results = Results::open("live", &server).await?;
    let (stop, stopped) = watch::channel(false);
    let written = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    let pause = Duration::from_secs(u64::from(args.clients)) / args.rate;
    for number in 0..args.clients {
        let client = Player::new(&server, usize::from(number));
        let first = pause * u32::from(number) / u32::from(args.clients);
        writers.spawn(write(client, first, pause, Arc::clone(&written), stopped.clone()));
    }
    sleep(WARM_UP).await;
    let first = phase(&server, args, &written).await?;
    let beside = if args.slow > 0 {
        let readers = Slow::open(&server, args.slow).await?;
        let second = phase(&server, args, &written).await?;
        Some((second, readers.resets().await))
    } else {
        None
    };
    stop.send(true).context("nobody is left to stop")?;
    let (mut refused, mut played) = (0, Vec::new());
    while let Some(done) = writers.join_next().await {
        let client = done.context("a client broke")??;
        refused += client.refused();
        played.extend(client.into_played());
    }
    let Phase { all, memory, rate } = &first;
    tables(&mut results, all, *memory, &format!("{rate:.0} reports/s, {refused} refused"));
    let mut targets = vec![
        Target::at_most("p50 commit to frame, ms", all.latency.quantile_ms(0.5), WANTED_MS[0]),
        Target::at_most("p99 commit to frame, ms", all.latency.quantile_ms(0.99), WANTED_MS[1]),
        // Latencies at a lower rate than requested mean little.
        Target::at_least("reports/s meanwhile", rate.ceil(), f64::from(args.rate) * 0.98),
        Target::at_most("memory growth, MiB", memory.end - memory.before, WANTED_GROWTH),
    ];
    if let Some((Phase { all: others, memory: held, rate }, resets)) = &beside {
        results.text(&format!("Once more beside {} readers of one byte a second:", args.slow));
        tables(&mut results, others, *held, &format!("{rate:.0} reports/s"));
        let each = (held.end - memory.end) / f64::from(args.slow);
        let ratio = others.latency.quantile_ms(0.99) / all.latency.quantile_ms(0.99);
        targets.push(Target::at_most("p99 beside slow readers, to that without", ratio, WANTED_RATIO));
        targets.push(Target::at_most("memory a slow reader costs, MiB", each, WANTED_SLOW));
        targets.push(Target::at_least("slow readers told to begin again", f64::from(*resets), f64::from(args.slow)));
    }
    let found = verify::all(&server, &played).await?;
    results.text(&found.to_string());
    results.targets(&targets);
    results.print();
    ensure!(all.latency.count() > 0, "no frame arrived");
    Ok(if found.is_complete() { Kept::All } else { Kept::NotAll })
}

/// The result of one measurement.
struct Phase {
    all: All,
    memory: Memory,
    /// Reports per second.
    rate: f64,
}

/// Opens the streams, reads them for a while, and closes them.
async fn phase(server: &Server, args: &LiveArgs, written: &AtomicU64) -> Result<Phase> {
    let mut memory = Memory { before: memory_of(server), ..Memory::default() };
    let (stop, stopped) = watch::channel(false);
    eprintln!("live: opening {} streams", args.streams);
    let since = Arc::new(AtomicI64::new(i64::MAX));
    let mut readers = JoinSet::new();
    let mut opening =
        futures::stream::iter(0..args.streams).map(|_| Stream::open(server.address(), server.token())).buffer_unordered(OPENING);
    while let Some(stream) = opening.next().await {
        readers.spawn(read(stream?, Arc::clone(&since), stopped.clone()));
    }
    drop(opening);
    memory.opened = memory_of(server);

    eprintln!("live: {} reports/s for {} s", args.rate, args.seconds);
    let (began, at_first) = (Instant::now(), written.load(Ordering::Relaxed));
    let now = i64::try_from(wall_clock().as_millis()).context("the clock is off")?;
    since.store(now, Ordering::Relaxed);
    watch_memory(server, &mut memory, Duration::from_secs(args.seconds)).await;
    let in_time = written.load(Ordering::Relaxed) - at_first;
    let rate = in_time as f64 / began.elapsed().as_secs_f64();
    stop.send(true).context("nobody is left to stop")?;
    let mut all = All::default();
    while let Some(done) = readers.join_next().await {
        all.add(&done.context("a reader broke")?);
    }
    Ok(Phase { all, memory, rate })
}

/// Sends reports at a steady rate until stopped. Late reports are sent at once; none is left out.
async fn write(
    mut client: Player,
    first: Duration,
    pause: Duration,
    written: Arc<AtomicU64>,
    stopped: watch::Receiver<bool>,
) -> Result<Player> {
    let mut pace = interval_at(Instant::now() + first, pause);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !*stopped.borrow() {
        pace.tick().await;
        if client.step().await?.is_some() {
            written.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(client)
}

/// Reads until stopped and a little longer; `false` if the stream ended earlier.
///
/// Frames of changes before `since`, in milliseconds since 1970, are not counted.
async fn read(mut stream: Stream, since: Arc<AtomicI64>, mut stopped: watch::Receiver<bool>) -> (Seen, bool) {
    let stop = async {
        // An error means that the sender is gone, which also means stop.
        let _ = stopped.wait_for(|stopped| *stopped).await;
        sleep(TAIL).await;
    };
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return (stream.into_seen(), true),
            outcome = stream.read(&since) => if outcome.is_err() {
                return (stream.into_seen(), false);
            },
        }
    }
}

/// Samples the server's memory every second for `time`.
async fn watch_memory(server: &Server, memory: &mut Memory, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        sleep_until(end.min(Instant::now() + Duration::from_secs(1))).await;
        memory.end = memory_of(server);
        memory.most = memory.most.max(memory.end);
    }
}

/// NaN where the system does not report it.
fn memory_of(server: &Server) -> f64 {
    server.memory().unwrap_or(f64::NAN)
}

/// All streams together.
#[derive(Default)]
struct All {
    streams: u64,
    ended: u64,
    frames: u64,
    fewest: Option<u64>,
    most: u64,
    gaps: u64,
    resets: u64,
    bytes: u64,
    latency: Histogram,
}

impl All {
    fn add(&mut self, (seen, whole): &(Seen, bool)) {
        self.streams += 1;
        self.ended += u64::from(!whole);
        self.frames += seen.frames;
        self.fewest = Some(self.fewest.map_or(seen.frames, |fewest| fewest.min(seen.frames)));
        self.most = self.most.max(seen.frames);
        self.gaps += seen.gaps;
        self.resets += seen.resets;
        self.bytes += seen.bytes;
        self.latency.add(&seen.latency);
    }
}

fn tables(results: &mut Results, all: &All, memory: Memory, written: &str) {
    let latency = &all.latency;
    let row = vec![
        all.streams.to_string(),
        all.frames.to_string(),
        format!("{} to {}", all.fewest.unwrap_or(0), all.most),
        ms(latency.quantile_ms(0.5)),
        ms(latency.quantile_ms(0.95)),
        ms(latency.quantile_ms(0.99)),
        ms(latency.max_ms()),
    ];
    let head = ["streams", "frames", "per stream", "p50 ms", "p95 ms", "p99 ms", "max ms"];
    results.table(&head, std::iter::once(row));
    let Memory { before, opened, end, most } = memory;
    let row = [before, opened, end, most, end - before].map(|mib| format!("{mib:.1}"));
    let head = ["MiB before the streams", "all open", "at the end", "most", "growth"];
    results.table(&head, std::iter::once(Vec::from(row)));
    let All { ended, gaps, resets, bytes, .. } = all;
    results.text(&format!(
        "{written}; {} MiB to the streams, {ended} streams ended early, {resets} resets, \
         {gaps} frames missed without one.",
        bytes >> 20
    ));
}
