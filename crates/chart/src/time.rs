//! A time axis: where idle spans are left out, and where ticks are placed.

use serde::{Deserialize, Serialize};

/// Spans that an axis leaves out except for a narrow rest. All in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaks(Vec<Gap>);

/// One span that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Gap {
    from: i64,
    to: i64,
    /// How much of the span the axis keeps.
    kept: i64,
}

impl Breaks {
    /// Leaves out spans except for `kept` of each. The spans must be in order, must not overlap and must be longer than `kept`.
    pub fn new(spans: &[(i64, i64)], kept: i64) -> Self {
        let gap = |&(from, to): &(i64, i64)| Gap { from, to, kept: kept.min(to.saturating_sub(from)).max(0) };
        Self(spans.iter().map(gap).collect())
    }

    /// The position of a time on the axis.
    pub fn squeeze(&self, time: i64) -> i64 {
        let mut out = 0_i64;
        for gap in &self.0 {
            if gap.from >= time {
                break;
            }
            let inside = time.min(gap.to).saturating_sub(gap.from);
            // The start of the span is what is kept.
            out = out.saturating_add(inside.saturating_sub(gap.kept).max(0));
        }
        time.saturating_sub(out)
    }

    /// The time at a position on the axis. The end of a gap and the end of its rest have the same position.
    pub fn stretch(&self, place: i64) -> i64 {
        let mut out = 0_i64;
        for gap in &self.0 {
            if place.saturating_add(out) <= gap.from.saturating_add(gap.kept) {
                break;
            }
            out = out.saturating_add(gap.to.saturating_sub(gap.from).saturating_sub(gap.kept).max(0));
        }
        place.saturating_add(out)
    }

    /// Where on the axis something is left out: the rests of the gaps.
    pub fn rests(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.0.iter().map(|gap| (self.squeeze(gap.from), self.squeeze(gap.to)))
    }

    /// The parts of the axis between two positions in which nothing is left out.
    pub fn segments(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let mut segments = Vec::new();
        let mut at = from;
        for (start, end) in self.rests().filter(|(start, end)| *end > from && *start < to) {
            if start > at {
                segments.push((at, start));
            }
            at = end;
        }
        if at < to {
            segments.push((at, to));
        }
        segments
    }

    /// The ticks of a part of an axis that begins at `origin`, each with its position: at most about `room`.
    pub fn ticks(&self, origin: i64, (from, to): (i64, i64), room: u32, offset: i64) -> Vec<(i64, String)> {
        let step = step(to.saturating_sub(from).max(1), room);
        let segments = self.segments(from, to).into_iter();
        // Just inside: the end of a gap and the end of its rest have the same position.
        let real = segments.map(|(start, end)| {
            let begin = self.stretch(start.saturating_add(1)).saturating_sub(1);
            (begin.saturating_add(origin), self.stretch(end).saturating_add(origin))
        });
        let ticks = real.flat_map(|(start, end)| ticks(start, end, step, offset));
        ticks.map(|tick| (self.squeeze(tick.time.saturating_sub(origin)), tick.label)).collect()
    }
}

/// A position or distance on an axis, in milliseconds, as a viewer may request it: limited so that sums and differences
/// cannot overflow and a browser's numbers are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Place(i64);

impl Place {
    /// The farthest position in either direction: 285 000 years.
    pub const FARTHEST: i64 = 1 << 53;

    /// The position, limited to the farthest one.
    pub fn new(at: i64) -> Self {
        Self(at.clamp(-Self::FARTHEST, Self::FARTHEST))
    }

    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl From<i64> for Place {
    fn from(at: i64) -> Self {
        Self::new(at)
    }
}

impl From<Place> for i64 {
    fn from(place: Place) -> Self {
        place.0
    }
}

/// A tick: its time and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    pub time: i64,
    pub label: String,
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Distances between ticks that people are used to.
#[rustfmt::skip]
const STEPS: [i64; 29] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE,
    5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The distance between ticks on an axis of `span` milliseconds with room for `room` ticks.
pub fn step(span: i64, room: u32) -> i64 {
    let least = span / i64::from(room.max(1));
    let weeks = |span: i64| (span / (7 * DAY)).saturating_add(1).saturating_mul(7 * DAY);
    STEPS.into_iter().find(|step| *step >= least).unwrap_or_else(|| weeks(least))
}

/// Ticks every `step` milliseconds (at least 1), from `from` to `to`, at round times of a zone that is `offset`
/// milliseconds ahead of UTC; at most 1 000.
pub fn ticks(from: i64, to: i64, step: i64, offset: i64) -> Vec<Tick> {
    let step = step.max(1);
    let (from, to) = (from.saturating_add(offset), to.saturating_add(offset));
    // Weeks begin on Mondays; day 4 was a Monday.
    let base = if step % (7 * DAY) == 0 { 4 * DAY } else { 0 };
    let first = from.saturating_sub(base).div_euclid(step).saturating_mul(step).saturating_add(base);
    // Stop where the numbers overflow.
    let local = (0..).map_while(|n: i64| first.checked_add(n.checked_mul(step)?));
    let local = local.skip_while(|time| *time < from).take_while(|time| *time <= to);
    local.take(1_000).map(|time| Tick { time: time.saturating_sub(offset), label: label(time, step) }).collect()
}

/// The label of a tick at a local time; ticks of days show their date.
fn label(time: i64, step: i64) -> String {
    let (hour, minute, second) = (time.rem_euclid(DAY) / HOUR, time.rem_euclid(HOUR) / MINUTE, time.rem_euclid(MINUTE) / SECOND);
    if step >= DAY || time.rem_euclid(DAY) == 0 {
        let (month, day) = month_and_day(time.div_euclid(DAY));
        return format!("{day} {}", MONTHS[month]);
    }
    if step >= MINUTE {
        format!("{hour:02}:{minute:02}")
    } else if step >= SECOND {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{second:02}.{:03}", time.rem_euclid(SECOND))
    }
}

/// Month from 0 and day from 1 of a day since 1970, by the proleptic Gregorian calendar.
/// (Days counted from March in cycles of 400 years.)
fn month_and_day(day: i64) -> (usize, i64) {
    let of_cycle = (day + 719_468).rem_euclid(146_097);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (((month + 2) % 12) as usize, of_year - (153 * month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_axis_with_breaks_keeps_the_order_and_leads_back(lengths in proptest::collection::vec((1..50_i64, 21..90_i64), 0..6), time in -50..900_i64) {
            let mut at = 0;
            let mut spans = Vec::new();
            for (work, idle) in lengths {
                spans.push((at + work, at + work + idle));
                at += work + idle;
            }
            let breaks = Breaks::new(&spans, 10);
            let idle = spans.iter().any(|(from, to)| (from + 10..*to).contains(&time));
            prop_assert!(breaks.squeeze(time + 1) - breaks.squeeze(time) <= 1);
            prop_assert!(breaks.squeeze(time + 1) >= breaks.squeeze(time));
            if !idle && !spans.iter().any(|(_, to)| *to == time) {
                prop_assert_eq!(breaks.stretch(breaks.squeeze(time)), time);
            }
        }
    }

    #[test]
    fn ticks_leave_out_what_the_axis_leaves_out() {
        let breaks = Breaks::new(&[(10 * MINUTE, 600 * MINUTE)], MINUTE);
        let ticks = breaks.ticks(0, (0, 21 * MINUTE), 4, 0);
        let labels: Vec<_> = ticks.iter().map(|(at, label)| (at / MINUTE, label.as_str())).collect();
        assert_eq!(labels, [(0, "1 Jan"), (10, "00:10"), (11, "10:00"), (21, "10:10")]);
    }

    #[test]
    fn ticks_stand_at_round_local_times() {
        let noon = 20_778 * DAY + 12 * HOUR; // 21 November 2026, UTC.
        let labels =
            |from, to, room, offset| ticks(from, to, step(to - from, room), offset).into_iter().map(|tick| tick.label).collect::<Vec<_>>();
        assert_eq!(labels(noon, noon + HOUR, 4, 0), ["12:00", "12:15", "12:30", "12:45", "13:00"]);
        assert_eq!(labels(noon, noon + 3 * SECOND, 3, 0), ["12:00:00", "12:00:01", "12:00:02", "12:00:03"]);
        assert_eq!(labels(noon + 1, noon + 31, 3, 0), ["00.010", "00.020", "00.030"]);
        assert_eq!(labels(noon, noon + 20 * HOUR, 5, 5 * HOUR + 30 * MINUTE), ["18:00", "22 Nov", "06:00", "12:00"]);
        assert_eq!(labels(noon, noon + 40 * DAY, 3, 0), ["23 Nov", "7 Dec", "21 Dec"]);
        assert_eq!(month_and_day(11_016), (1, 29), "29 February 2000");
        assert_eq!(month_and_day(-1), (11, 31));
    }
}
