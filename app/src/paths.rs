//! The addresses of pages: built here and nowhere else.

use crate::query;
use model::{
    RunId, RunStatus,
    filter::RunFilter,
    page::{Cursor, RunSort},
};

pub const RUNS: &str = "/runs";

/// The runs page with a filter, an order and a place in it.
pub fn runs(q: &str, sort: RunSort, after: Option<&Cursor>) -> String {
    let sort = (sort != RunSort::default()).then(|| sort.to_string());
    let after = after.map(ToString::to_string);
    let mut path = RUNS.to_owned();
    let pairs = [("q", Some(q).filter(|q| !q.is_empty())), ("sort", sort.as_deref()), ("after", after.as_deref())];
    query::append(&mut path, pairs.into_iter().filter_map(|(key, value)| Some((key, value?))));
    path
}

/// The runs page for one word of the filter language.
pub fn runs_where(word: &str) -> String {
    runs(word, RunSort::default(), None)
}

/// The runs page for a tag or user that may contain anything.
pub fn runs_with(key: &str, value: &str) -> String {
    let value = value.replace('"', "");
    if value.contains([' ', ',', ':']) { runs_where(&format!("{key}:\"{value}\"")) } else { runs_where(&format!("{key}:{value}")) }
}

/// The same filter with another status, or without one if it is that already.
pub fn runs_toggle(filter: &RunFilter, sort: RunSort, status: RunStatus) -> String {
    let next = (filter.only_status() != Some(status)).then_some(status);
    runs(&filter.with_status(next), sort, None)
}

pub fn run(id: RunId) -> String {
    format!("{RUNS}/{id}")
}

/// A run's jobs, filtered.
pub fn run_jobs(id: RunId, rule: Option<&str>, status: Option<&str>, after: Option<&str>) -> String {
    let mut path = run(id);
    let pairs = [("rule", rule), ("status", status), ("after", after)];
    query::append(&mut path, pairs.into_iter().filter_map(|(key, value)| Some((key, value?))));
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_stable() {
        let id: RunId = "0193a4c2-0000-7000-8000-000000000001".parse().unwrap();
        let sort: RunSort = "name".parse().unwrap();
        for (built, expected) in [
            (runs("", RunSort::default(), None), "/runs"),
            (runs("status:failed a&b", sort, None), "/runs?q=status%3Afailed%20a%26b&sort=name"),
            (runs_with("tag", "two words"), "/runs?q=tag%3A%22two%20words%22"),
            (run(id), "/runs/0193a4c2-0000-7000-8000-000000000001"),
            (run_jobs(id, Some("bwa"), None, None), "/runs/0193a4c2-0000-7000-8000-000000000001?rule=bwa"),
        ] {
            assert_eq!(built, expected);
        }
    }
}
