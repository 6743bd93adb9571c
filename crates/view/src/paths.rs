//! The URLs of pages: built here and nowhere else.

use crate::query;
use crate::{jobs::JobAsk, matrix::MatrixAsk, timeline::Arrangement};
use model::{
    AsOf, JobKey, Millis, RunId, RunStatus,
    file::FileRef,
    filter::RunFilter,
    job::FileRole,
    page::{Cursor, RunSort},
};

pub const RUNS: &str = "/runs";
pub const LOGS: &str = "/logs";

/// The runs page with a filter, an order and a position.
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

/// The runs page for a tag or user, which may contain any characters.
pub fn runs_with(key: &str, value: &str) -> String {
    let value = value.replace('"', "");
    if value.contains([' ', ',', ':']) { runs_where(&format!("{key}:\"{value}\"")) } else { runs_where(&format!("{key}:{value}")) }
}

/// The same filter with another status, or without a status if it already is this one.
pub fn runs_toggle(filter: &RunFilter, sort: RunSort, status: RunStatus) -> String {
    let next = (filter.only_status() != Some(status)).then_some(status);
    runs(&filter.with_status(next), sort, None)
}

pub fn run(id: RunId) -> String {
    format!("{RUNS}/{id}")
}

/// A downloadable file with the state of a run.
pub fn run_report(id: RunId) -> String {
    format!("{RUNS}/{id}/report")
}

/// The name under which a run's report is saved: `rna-seq--lung--3f2a9c1d.html`.
pub fn run_report_file(title: &str, run: RunId) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
    let title: String = title.chars().take(80).map(plain).collect();
    let id = run.to_string();
    let id = id.get(..8).unwrap_or(&id);
    format!("{}-{id}.html", title.trim_matches(|c| c == '-' || c == '.'))
}

/// A report of a run as it was received, complete.
pub fn kept_report(id: RunId, number: i64) -> String {
    format!("{RUNS}/{id}/reports/{number}")
}

/// The values of a line of a run's history, complete.
pub fn kept_values(id: RunId, number: i64) -> String {
    format!("{RUNS}/{id}/history/{number}")
}

/// Messages of all runs: those that contain a text, only errors, and those older than an entry.
pub fn logs(words: &str, errors: bool, after: Option<i64>) -> String {
    let mut path = LOGS.to_owned();
    let after = after.map(|after| after.to_string());
    let pairs = [("q", Some(words).filter(|words| !words.is_empty())), ("level", errors.then_some("error")), ("after", after.as_deref())];
    query::append(&mut path, pairs.into_iter().filter_map(|(key, value)| Some((key, value?))));
    path
}

/// The bytes of a file of a run.
pub fn raw(id: RunId, file: &FileRef) -> String {
    let mut path = format!("{RUNS}/{id}/raw");
    query::append(&mut path, [("file", file.to_string().as_str())].into_iter());
    path
}

/// Declares the parameters of a run's URL once: their keys, and how they are parsed and written.
macro_rules! place {
    ($($(#[$doc:meta])* $name:ident = $key:literal,)*) => {
        /// What a run's page shows, as its URL says. Everything is optional.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct RunPlace { $($(#[$doc])* pub $name: Option<String>,)* }

        impl RunPlace {
            /// Parses a query string.
            pub fn of(search: &str) -> Self {
                let read = |key| query::value(search, key).filter(|value| !value.is_empty());
                Self { $($name: read($key),)* }
            }

            fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
                [$(($key, &self.$name)),*].into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?)))
            }
        }
    };
}

place! {
    /// Which view is shown beside the graph; none is the jobs.
    tab = "tab",
    /// Only what belongs to this rule.
    rule = "rule",
    /// Only jobs in these states, separated by commas.
    status = "status",
    /// The order of the job list.
    sort = "sort",
    /// The window of the job list after this position.
    after = "after",
    /// An alternative form: the matrix of jobs, the table of a timeline.
    form = "as",
    /// The wildcard that makes the rows of the matrix.
    by = "by",
    /// Only what contains this text.
    find = "find",
    /// Only lines of a log with at least this level: `warning` or `error`.
    level = "level",
    /// The name of the encoding in which the file is read; none leaves the choice to Flowo.
    encoding = "encoding",
    /// The path whose makers and users are shown.
    path = "path",
    /// The job whose files are all listed, window by window.
    files_of = "of",
    /// The file that is shown: `run`, the number of a path, or `./` and the relative path.
    file = "file",
    /// The open directory, relative to that of the run; `.` for that one.
    tree = "tree",
    /// The position in the file, in bytes from its start; none is its end.
    from = "from",
    /// The past moment that is shown, in milliseconds since 1970 or as a time in UTC; none is now.
    at = "at",
    /// The job whose details are shown beside the list.
    job = "job",
    /// The direction of the graph.
    dir = "dir",
    /// The graph: `closed` folds it away.
    graph = "graph",
    /// The visible part of the timeline, two numbers separated by a tilde.
    span = "span",
    /// Idle spans: `skip` leaves them out.
    idle = "idle",
    /// Any value: draw the critical path.
    critical = "critical",
    /// Groups of the timeline whose default folding is reversed, separated by commas.
    turned = "turned",
}

impl RunPlace {
    /// The jobs that the list shows at this place.
    pub fn job_ask(&self) -> JobAsk {
        let Self { rule, status, find, sort, after, .. } = self.clone();
        JobAsk { rule, status, find, sort, after, at: self.moment() }
    }

    /// The part of the matrix that is shown at this place.
    pub fn matrix_ask(&self) -> MatrixAsk {
        let Self { by, rule, find, status, sort, .. } = self.clone();
        MatrixAsk { by, rule, find, status, sort, from: self.first_row(), values: Vec::new(), at: self.moment() }
    }

    /// How the timeline lays out jobs at this place.
    pub fn arrangement(&self) -> Arrangement {
        Arrangement { rule: self.rule.clone(), skip_idle: self.idle.as_deref() == Some("skip"), at: self.moment() }
    }

    /// The visible part of the timeline: two positions on its axis, the smaller first; `None` for all of it.
    pub fn time_span(&self) -> Option<(i64, i64)> {
        let (from, to) = self.span.as_deref()?.split_once('~')?;
        let (from, to) = (from.parse().ok()?, to.parse().ok()?);
        (from < to).then_some((from, to))
    }

    /// The first row of the matrix at this place.
    pub fn first_row(&self) -> u32 {
        self.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(0)
    }

    /// Only jobs of one rule, from the start of their list.
    pub fn of_rule(&self, rule: Option<&str>) -> Self {
        // The list may be sorted by a wildcard that only the previous rule has.
        let rule = rule.map(str::to_owned);
        Self { rule, after: None, job: None, files_of: None, sort: None, file: None, from: None, encoding: None, ..self.clone() }
    }

    /// Only jobs in one state, from the start of their list.
    pub fn of_status(&self, status: Option<&str>) -> Self {
        Self { status: status.map(str::to_owned), after: None, job: None, ..self.clone() }
    }

    /// The same place with the details of a job, or without details.
    pub fn of_job(&self, job: Option<JobKey>) -> Self {
        Self { job: job.map(|job| job.to_string()), ..self.clone() }
    }

    /// Another view of the same rule.
    pub fn of_tab(&self, tab: Option<&str>) -> Self {
        let Self { rule, dir, graph, at, .. } = self.clone();
        Self { tab: tab.map(str::to_owned), rule, dir, graph, at, ..Self::default() }
    }

    /// All files of a job in this view, in one role or in the view's default, after `skip` of them.
    pub fn of_files(&self, job: JobKey, role: Option<FileRole>, skip: usize) -> Self {
        let after = (skip > 0).then(|| skip.to_string());
        let form = role.map(|role| role.as_str().to_owned());
        Self { files_of: Some(job.to_string()), form, after, find: None, path: None, ..self.clone() }
    }

    /// The same place at a past moment, or now.
    pub fn of_moment(&self, at: Option<Millis>) -> Self {
        Self { at: at.map(|at| at.to_string()), after: None, span: None, ..self.clone() }
    }

    /// The past moment that is shown; an invalid one means now.
    pub fn moment(&self) -> Option<AsOf> {
        let text = self.at.as_deref()?;
        text.parse().ok().or_else(|| model::text::of_iso(text)).map(AsOf::new)
    }
}

/// A run's page at a place.
pub fn run_at(id: RunId, place: &RunPlace) -> String {
    let mut path = run(id);
    query::append(&mut path, place.pairs());
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_stable() {
        let id: RunId = "0193a4c2-0000-7000-8000-000000000001".parse().unwrap();
        let sort: RunSort = "name".parse().unwrap();
        let place = RunPlace { rule: Some("bwa".into()), after: Some("x".into()), dir: Some("lr".into()), ..RunPlace::default() };
        for (built, expected) in [
            (runs("", RunSort::default(), None), "/runs"),
            (runs("status:failed a&b", sort, None), "/runs?q=status%3Afailed%20a%26b&sort=name"),
            (runs_with("tag", "two words"), "/runs?q=tag%3A%22two%20words%22"),
            (run(id), "/runs/0193a4c2-0000-7000-8000-000000000001"),
            (run_at(id, &RunPlace::default()), "/runs/0193a4c2-0000-7000-8000-000000000001"),
            (run_at(id, &place.of_job(Some(JobKey(7)))), "/runs/0193a4c2-0000-7000-8000-000000000001?rule=bwa&after=x&job=7&dir=lr"),
            (run_at(id, &place.of_rule(None).of_status(Some("failed"))), "/runs/0193a4c2-0000-7000-8000-000000000001?status=failed&dir=lr"),
            (run_at(id, &place.of_tab(Some("timeline"))), "/runs/0193a4c2-0000-7000-8000-000000000001?tab=timeline&rule=bwa&dir=lr"),
        ] {
            assert_eq!(built, expected);
        }
        let files = place.of_tab(Some("files")).of_files(JobKey(7), Some(FileRole::Input), 500);
        assert_eq!(run_at(id, &files), "/runs/0193a4c2-0000-7000-8000-000000000001?tab=files&rule=bwa&after=500&as=input&of=7&dir=lr");
        assert_eq!(files.of_rule(None).files_of, None);
        let then = place.of_tab(Some("logs")).of_moment(Some(1_766_304_000_000));
        assert_eq!(run_at(id, &then), "/runs/0193a4c2-0000-7000-8000-000000000001?tab=logs&rule=bwa&at=1766304000000&dir=lr");
        assert_eq!(then.moment(), Some(AsOf::new(1_766_304_000_000)));
        assert_eq!(RunPlace::of("?at=2025-12-21T08:00:00Z").moment(), Some(AsOf::new(1_766_304_000_000)));
        assert_eq!(RunPlace::of("?at=-9223372036854775808").moment(), Some(AsOf::new(0)));
        assert_eq!(RunPlace::of("?at=yesterday").moment(), None);
        assert_eq!(RunPlace::of("?rule=bwa&after=x&dir=lr&job="), place);
        assert_eq!(
            ["?span=5~70", "?span=70~5", "?span=5", ""].map(|query| RunPlace::of(query).time_span()),
            [Some((5, 70)), None, None, None]
        );
    }

    #[test]
    fn a_report_has_a_name_that_every_disk_takes() {
        let id: RunId = "3f2a9c1d-0000-4000-8000-000000000000".parse().unwrap();
        assert_eq!(run_report_file("rna seq / lung \u{1fac1}", id), "rna-seq---lung-3f2a9c1d.html");
        assert_eq!(run_report_file("../../etc/passwd", id), "etc-passwd-3f2a9c1d.html");
        assert_eq!(run_report_file("\"; filename=x\r\n", id), "filename-x-3f2a9c1d.html");
        assert_eq!(run_report_file("", id), "-3f2a9c1d.html");
    }
}
