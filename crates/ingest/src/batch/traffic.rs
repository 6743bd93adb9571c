//! Chooses the writer for a report: the one that already has reports of the same run, otherwise the least busy one.
//! Large reports have a writer of their own, so that small ones do not wait for them.
//!
//! So reports of one run never overtake each other, although the writers work in parallel.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::apply::Incoming;

/// The reports in progress. Cheap to clone.
#[derive(Clone)]
pub(super) struct Traffic {
    shared: Arc<Shared>,
}

struct Shared {
    hasher: RandomState,
    state: Mutex<State>,
}

struct State {
    /// The number of reports in progress in each lane; the last lane is for large reports.
    lanes: Vec<usize>,
    /// The lane of each run with reports in progress, and their number. Runs are identified by a hash: two runs with
    /// the same hash merely share a lane.
    runs: HashMap<u64, (usize, usize)>,
}

/// A report's place in a lane; released when dropped.
pub(super) struct Place {
    traffic: Traffic,
    lane: usize,
    runs: [Option<u64>; 2],
}

impl Traffic {
    pub fn new(lanes: usize) -> Self {
        let state = Mutex::new(State { lanes: vec![0; lanes], runs: HashMap::new() });
        Self { shared: Arc::new(Shared { hasher: RandomState::new(), state }) }
    }

    /// Finds the lane for a report and counts it there.
    pub fn enter(&self, incoming: &Incoming, is_large: bool) -> Place {
        let runs = incoming.run_names().map(|name| name.map(|name| self.shared.hasher.hash_one(name)));
        let mut state = self.lock();
        let held = runs.iter().flatten().find_map(|run| state.runs.get(run)).map(|(lane, _)| *lane);
        let last = state.lanes.len() - 1;
        let idlest = || (0..last).min_by_key(|lane| state.lanes[*lane]).unwrap_or(last);
        let lane = held.unwrap_or_else(|| if is_large { last } else { idlest() });
        state.lanes[lane] += 1;
        for run in runs.iter().flatten() {
            state.runs.entry(*run).or_insert((lane, 0)).1 += 1;
        }
        drop(state);
        Place { traffic: self.clone(), lane, runs }
    }

    /// How many reports are in progress.
    pub fn waiting(&self) -> usize {
        self.lock().lanes.iter().sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub const fn lane(&self) -> usize {
        self.lane
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.traffic.lock();
        state.lanes[self.lane] -= 1;
        for run in self.runs.iter().flatten() {
            let Some((_, count)) = state.runs.get_mut(run) else { continue };
            *count -= 1;
            if *count == 0 {
                state.runs.remove(run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        RunId,
        event::{Event, Report, RunKey, RunStart},
    };
    use store::apply::Sender;

    fn report(run: RunKey, logfile: Option<&str>) -> Incoming {
        let context = RunStart { logfile: logfile.map(str::to_owned), ..RunStart::default() };
        Incoming {
            sender: Sender { user: None, name: String::new(), admin: false },
            source: "flowo",
            client_version: None,
            received_at: 0,
            event: String::new(),
            body: String::new(),
            quarantine: None,
            report: Report { run, at: 0, context, event: Event::Other },
        }
    }

    fn id(n: u128) -> RunKey {
        RunKey::Id(RunId(uuid::Uuid::from_u128(n)))
    }

    #[test]
    fn reports_of_one_run_share_a_lane_while_any_is_on_its_way() {
        let traffic = Traffic::new(3);
        let start = traffic.enter(&report(id(1), Some("a.log")), false);
        let other = traffic.enter(&report(id(2), None), false);
        assert_ne!(start.lane(), other.lane(), "the less busy lane is chosen");

        let by_id = traffic.enter(&report(id(1), None), false);
        let by_logfile = traffic.enter(&report(RunKey::Logfile("a.log".into()), None), false);
        assert_eq!([by_id.lane(), by_logfile.lane()], [start.lane(); 2]);
        assert_eq!(traffic.waiting(), 4);

        drop((start, by_id, by_logfile));
        let busy = traffic.enter(&report(id(3), None), false);
        assert_ne!(busy.lane(), other.lane());
        let large = traffic.enter(&report(id(4), None), true);
        let follows = traffic.enter(&report(id(4), None), false);
        assert_eq!([large.lane(), follows.lane()], [2; 2], "small ones of other runs do not wait for it");
        drop((busy, other, large, follows));
        assert_eq!(traffic.waiting(), 0);
        assert!(traffic.lock().runs.is_empty(), "answered reports are forgotten");
    }
}
