//! Timelines of runs: laid out once for each state of a run, off the request threads, and read in windows.

use crate::{
    ReadError,
    error::shared,
    jobs::{JobsInMemory, Snapshot},
    work::{self, Ended, Leash},
};
use chart::{
    curve::Curve,
    lanes::{Bar, Kind, Lanes, OPEN, UNITS, pack},
    stack::Stack,
    time::{Breaks, Place},
};
use model::{AsOf, JobKey, JobStatus, Millis, RunId};
use moka::future::Cache;
use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
    time::Duration,
};
use store::jobs::marks::Marks;
use tokio::sync::Semaphore;
use view::timeline::{Arrangement, Ask, Drawn, Group, Link, SpanSums, TimelineView};

/// How many bytes all layouts together may take.
const KEPT: u64 = 256 << 20;
const IDLE: Duration = Duration::from_mins(2);
/// How many layouts are made at the same time. Each keeps one processor busy.
const AT_ONCE: usize = 1;
/// The greatest width and height of a drawn part, in pixels.
const WIDEST: u32 = 12_000;
const HIGHEST: u32 = 12_000;
/// How many numbers one answer contains at most, about seven bytes each; a part with more is drawn with larger pixels.
const MOST: usize = 24_000;
/// An idle span is left out if it is at least this fraction (1/20) of the busy time and at least this long (ms); ...
const IDLE_SHARE: i64 = 20;
const IDLE_LEAST: Millis = 30_000;
/// ... the axis keeps this fraction (1/100) of the busy time in its place.
const IDLE_KEPT: i64 = 100;

/// The jobs of one rule.
struct Lot {
    name: String,
    lanes: Lanes,
    curve: Curve,
    /// When attempts failed, in order.
    failed: Vec<i64>,
    running: u32,
    counts: Counts,
}

/// Counts of newest attempts.
#[derive(Clone, Copy, Default)]
struct Counts {
    jobs: u32,
    failed: u32,
}

/// The layout of one run.
struct Layout {
    origin: Millis,
    /// The end of everything that has ended, on the axis.
    end: i64,
    running: bool,
    breaks: Breaks,
    lots: Vec<Lot>,
    curve: Curve,
}

type Key = (RunId, u64, Arrangement);

/// The timelines for all readers.
pub struct Timelines {
    marks: Arc<JobsInMemory>,
    kept: Cache<Key, Option<Arc<Layout>>>,
    turns: Arc<Semaphore>,
}

impl Timelines {
    pub fn new(marks: Arc<JobsInMemory>) -> Self {
        let weigher = |_: &Key, layout: &Option<Arc<Layout>>| layout.as_ref().map_or(100, |layout| layout.weight());
        let kept = Cache::builder().max_capacity(KEPT).weigher(weigher).time_to_idle(IDLE).build();
        Self { marks, kept, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    async fn layout(&self, run: RunId, arrangement: &Arrangement) -> Result<Option<Arc<Layout>>, ReadError> {
        let Snapshot { marks, version, .. } = self.marks.at(run, arrangement.at).await?;
        // Layouts are cached by rule name: it must be a rule that the run has, not any text of any length.
        if arrangement.rule.as_deref().is_some_and(|rule| marks.rules.find(rule).is_none()) {
            return Ok(None);
        }
        let key = (run, version, arrangement.clone());
        let made = self.kept.try_get_with(key, async {
            let arrangement = arrangement.clone();
            work::in_turn(&self.turns, self.marks.clock(), "a timeline", move |leash| {
                Ok(lay_out(&marks, &arrangement, leash)?.map(Arc::new))
            })
            .await
        });
        made.await.map_err(shared)
    }

    /// The moment up to which running jobs are drawn.
    fn now(&self, arrangement: &Arrangement) -> Millis {
        arrangement.at.map_or_else(|| self.marks.clock().now(), AsOf::millis)
    }

    /// A part of a run's timeline. The caller has checked that the reader may see the run.
    pub async fn window(&self, run: RunId, ask: &Ask) -> Result<Option<TimelineView>, ReadError> {
        let Some(layout) = self.layout(run, &ask.arrangement).await? else { return Ok(None) };
        let (ask, now) = (ask.clone(), self.now(&ask.arrangement));
        work::shared(self.marks.clock(), "a window of a timeline", move |leash| layout.window(&ask, now, leash)).await.map(Some)
    }

    pub async fn sums(&self, run: RunId, arrangement: &Arrangement, from: Place, to: Place) -> Result<SpanSums, ReadError> {
        let Some(layout) = self.layout(run, arrangement).await? else { return Ok(SpanSums::default()) };
        let sums = layout.curve.sums(from.millis(), to.millis().min(layout.now(self.now(arrangement))));
        let chart::curve::Sums { bars, core_ms, busiest, busiest_at, cores } = sums;
        Ok(SpanSums { jobs: bars, core_ms, busiest, cores, busiest_at })
    }

    pub async fn at(
        &self,
        run: RunId,
        arrangement: &Arrangement,
        group: &str,
        lane: u32,
        at: Place,
        reach: Place,
    ) -> Result<Option<JobKey>, ReadError> {
        let layout = self.layout(run, arrangement).await?;
        let lot = layout.as_ref().and_then(|layout| layout.lots.iter().find(|lot| lot.name == group));
        Ok(lot.and_then(|lot| lot.lanes.at(lane, at.millis(), reach.millis().max(0))).map(|bar| JobKey(bar.key)))
    }

    /// The attempt that the run waits or waited for longest: the oldest running one, otherwise the one that ended last.
    pub async fn last(&self, run: RunId, at: Option<AsOf>) -> Result<Option<JobKey>, ReadError> {
        let Snapshot { marks, .. } = self.marks.at(run, at).await?;
        let begun = || marks.rows.iter().filter(|mark| mark.started_at != Marks::NEVER);
        let running = begun().filter(|mark| mark.ended_at == Marks::NEVER).min_by_key(|mark| mark.started_at);
        // Nobody knows when a lost attempt ended.
        let ended = begun().filter(|mark| mark.status != JobStatus::Lost).max_by_key(|mark| mark.ended_at);
        Ok(running.or(ended).map(|mark| mark.id))
    }

    /// The positions of the jobs of a chain; jobs that are not in this arrangement are left out.
    pub async fn links(&self, run: RunId, arrangement: &Arrangement, chain: &[JobKey]) -> Result<Vec<Link>, ReadError> {
        let Some(layout) = self.layout(run, arrangement).await? else { return Ok(Vec::new()) };
        let wanted: HashMap<i64, usize> = chain.iter().enumerate().map(|(at, job)| (job.0, at)).collect();
        work::shared(self.marks.clock(), "a chain of jobs", move |leash| layout.links(&wanted, leash)).await
    }
}

fn kind(status: JobStatus) -> Kind {
    match status {
        JobStatus::Success => Kind::Done,
        JobStatus::Failed => Kind::Failed,
        JobStatus::Lost => Kind::Lost,
        JobStatus::Running => Kind::Running,
        JobStatus::Waiting | JobStatus::Suspended | JobStatus::Cancelled | JobStatus::Skipped => Kind::Quiet,
    }
}

/// Lays out everything that has begun; `None` if nothing has.
fn lay_out(marks: &Marks, arrangement: &Arrangement, leash: &Leash) -> Result<Option<Layout>, Ended> {
    let only = match &arrangement.rule {
        Some(rule) => match marks.rules.find(rule) {
            Some(rule) => Some(rule),
            None => return Ok(None),
        },
        None => None,
    };
    let begun = marks.rows.iter().filter(|mark| mark.started_at != Marks::NEVER && only.is_none_or(|rule| mark.rule == rule));
    let begun = begun.map(|mark| {
        let to = if mark.ended_at == Marks::NEVER { OPEN } else { mark.ended_at.max(mark.started_at) };
        let bar = Bar { key: mark.id.0, from: mark.started_at, to, threads: mark.cores(), kind: kind(mark.status) };
        (mark.rule, bar)
    });
    let mut bars: Vec<(u32, Bar)> = begun.collect();
    let Some(origin) = bars.iter().map(|(_, bar)| bar.from).min() else { return Ok(None) };
    leash.check()?;
    for (_, bar) in &mut bars {
        bar.from -= origin;
        bar.to = if bar.to == OPEN { OPEN } else { bar.to - origin };
    }
    let mut breaks = Breaks::default();
    if arrangement.skip_idle {
        breaks = leave_out(&bars);
        for (at, (_, bar)) in bars.iter_mut().enumerate() {
            if at % 1_024 == 0 {
                leash.check()?;
            }
            bar.from = breaks.squeeze(bar.from);
            bar.to = if bar.to == OPEN { OPEN } else { breaks.squeeze(bar.to) };
        }
    }
    leash.check()?;
    let curve = Curve::new(bars.iter().map(|(_, bar)| bar));
    let end = bars.iter().filter(|(_, bar)| bar.to != OPEN).map(|(_, bar)| bar.to).max().unwrap_or(0);
    let running = bars.iter().any(|(_, bar)| bar.to == OPEN);
    let mut by_rule: HashMap<u32, Vec<Bar>> = HashMap::new();
    for (rule, bar) in bars {
        by_rule.entry(rule).or_default().push(bar);
    }
    let mut counts: HashMap<u32, Counts> = HashMap::new();
    for mark in marks.rows.iter().filter(|mark| !mark.superseded && mark.started_at != Marks::NEVER) {
        let counts = counts.entry(mark.rule).or_default();
        counts.jobs += 1;
        counts.failed += u32::from(mark.status == JobStatus::Failed);
    }
    let mut lots = Vec::with_capacity(by_rule.len());
    for (rule, bars) in by_rule {
        leash.check()?;
        lots.push(Lot::new(marks.rules.list()[rule as usize].to_string(), bars, counts.remove(&rule).unwrap_or_default()));
    }
    lots.sort_by(|one, other| (one.from(), &one.name).cmp(&(other.from(), &other.name)));
    Ok(Some(Layout { origin, end, running, breaks, lots, curve }))
}

/// The idle spans that are worth leaving out.
fn leave_out(bars: &[(u32, Bar)]) -> Breaks {
    let curve = Curve::new(bars.iter().map(|(_, bar)| bar));
    let whole = bars.iter().map(|(_, bar)| if bar.to == OPEN { bar.from } else { bar.to }).max().unwrap_or(0);
    let idle: i64 = curve.gaps(1).iter().map(|(from, to)| to - from).sum();
    let busy = (whole - idle).max(1);
    let gaps = curve.gaps((busy / IDLE_SHARE).max(IDLE_LEAST));
    Breaks::new(&gaps, (busy / IDLE_KEPT).max(1_000))
}

impl Lot {
    fn new(name: String, bars: Vec<Bar>, counts: Counts) -> Self {
        let curve = Curve::new(bars.iter());
        let running = bars.iter().filter(|bar| bar.to == OPEN).count() as u32;
        let mut failed: Vec<i64> = bars.iter().filter(|bar| bar.kind == Kind::Failed).map(|bar| bar.to).collect();
        failed.sort_unstable();
        Self { name, lanes: Lanes::pack(bars), curve, failed, running, counts }
    }

    fn from(&self) -> i64 {
        self.lanes.lane(0).first().map_or(0, |bar| bar.from)
    }

    fn head(&self, now: i64) -> Group {
        let bars = self.lanes.bars();
        let to = bars.iter().map(|bar| bar.to).max().filter(|to| *to != OPEN);
        Group {
            name: self.name.clone(),
            jobs: self.counts.jobs,
            attempts: bars.len() as u32,
            running: self.running,
            failed: self.counts.failed,
            lanes: self.lanes.len(),
            peak: self.curve.peak(i64::MIN / 4, i64::MAX / 4).0,
            from: self.from(),
            to,
            core_s: self.curve.sums(i64::MIN / 4, to.unwrap_or(now)).core_ms / 1000,
        }
    }
}

impl Layout {
    /// The approximate size in bytes.
    fn weight(&self) -> u32 {
        let bars: usize = self.lots.iter().map(|lot| lot.lanes.bars().len()).sum();
        u32::try_from(bars * 300 + 1_000).unwrap_or(u32::MAX)
    }

    /// The present, on the axis.
    fn now(&self, now: Millis) -> i64 {
        if self.running { self.breaks.squeeze(now - self.origin).max(self.end) } else { self.end }
    }

    fn window(&self, ask: &Ask, now: Millis, leash: &Leash) -> Result<TimelineView, Ended> {
        let end = self.now(now).max(1);
        let (from, to) = ask.span.map_or((0, end), |(from, to)| (from.millis().clamp(-end, 2 * end), to.millis().clamp(-end, 3 * end)));
        let to = to.max(from + 1);
        let pixels = ask.pixels.clamp(10, WIDEST);
        let turned: HashSet<&str> = ask.turned.iter().map(String::as_str).collect();
        let stack = Stack::new(self.lots.iter().map(|lot| lot.lanes.len()).collect(), |group| turned.contains(&*self.lots[group].name));
        let (top, bottom) = (ask.top, ask.bottom.min(ask.top.saturating_add(HIGHEST)));
        let mut coarse = pixels;
        let drawn = loop {
            let drawn = self.draw(&stack, (top, bottom), from..to, coarse, leash)?;
            if coarse <= 10 || drawn.iter().map(|(_, drawn)| drawn.size()).sum::<usize>() <= MOST {
                break drawn;
            }
            coarse = (coarse * 2 / 3).max(10);
        };
        Ok(TimelineView {
            origin: self.origin,
            end,
            running: self.running,
            breaks: self.breaks.clone(),
            peak: self.curve.peak(i64::MIN / 4, i64::MAX / 4),
            groups: self.lots.iter().map(|lot| lot.head(end)).collect(),
            from,
            to,
            quarters: coarse * UNITS as u32,
            drawn,
            curve: self.curve.columns(from, to.min(end.max(from + 1)), (pixels / 2).min(2_000)),
        })
    }

    fn draw(
        &self,
        stack: &Stack,
        (top, bottom): (u32, u32),
        span: Range<i64>,
        pixels: u32,
        leash: &Leash,
    ) -> Result<Vec<(u32, Drawn)>, Ended> {
        let unit = (span.end - span.start) as f64 / f64::from(pixels * UNITS as u32);
        let groups = stack.groups(top, bottom);
        let drawn = groups.map(|group| {
            leash.check()?;
            let lot = &self.lots[group];
            let drawn = if stack.is_folded(group) {
                lot.area(&span, (pixels / 2).max(1))
            } else {
                let lanes = stack.lanes(group, top, bottom);
                let first = lanes.start;
                let packed = lanes.map(|lane| {
                    leash.check()?;
                    Ok(pack(&lot.lanes.marks(lane, span.start, span.end, unit)))
                });
                Drawn::Lanes { first, lanes: packed.collect::<Result<_, Ended>>()? }
            };
            Ok((group as u32, drawn))
        });
        drawn.collect()
    }

    /// The positions of some jobs, in the order of their numbers.
    fn links(&self, wanted: &HashMap<i64, usize>, leash: &Leash) -> Result<Vec<Link>, Ended> {
        let mut links: Vec<(usize, Link)> = Vec::new();
        for (group, lot) in self.lots.iter().enumerate() {
            leash.check()?;
            for lane in 0..lot.lanes.len() {
                for bar in lot.lanes.lane(lane) {
                    if let Some(at) = wanted.get(&bar.key) {
                        let to = (bar.to != OPEN).then_some(bar.to);
                        links.push((*at, Link { job: JobKey(bar.key), group: group as u32, lane, from: bar.from, to }));
                    }
                }
            }
        }
        links.sort_unstable_by_key(|(at, _)| *at);
        Ok(links.into_iter().map(|(_, link)| link).collect())
    }
}

impl Lot {
    fn area(&self, span: &Range<i64>, columns: u32) -> Drawn {
        let counts = self.curve.columns(span.start, span.end, columns).into_iter().map(|(running, _)| running).collect();
        let width = (span.end - span.start) as f64 / f64::from(columns);
        let first = self.failed.partition_point(|at| *at < span.start);
        let mut failed: Vec<u32> =
            self.failed[first..].iter().take_while(|at| **at < span.end).map(|at| ((at - span.start) as f64 / width) as u32).collect();
        failed.dedup();
        Drawn::Area { counts, failed }
    }
}

#[cfg(test)]
mod tests {
    use super::kind;
    use model::JobStatus;

    #[test]
    fn where_bars_share_a_pixel_the_most_urgent_state_is_seen() {
        // Attempts that have not begun have no bar.
        let mut begun: Vec<JobStatus> = JobStatus::ALL.iter().copied().filter(|status| !status.is_unstarted()).collect();
        begun.sort_by_key(|status| status.urgency());

        assert!(begun.is_sorted_by_key(|status| kind(*status)), "{begun:?}");
    }
}
