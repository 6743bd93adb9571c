//! The tabs of a run's page: their names, what each asks for, and the data that it shows.

use crate::{
    code::CodeView,
    files::{FilesAsk, FilesView},
    history::HistoryView,
    info::InfoView,
    job_graph::JobGraph,
    jobs::{JobAsk, JobList},
    logs::{LogsAsk, LogsView},
    matrix::{MatrixAsk, MatrixView},
    paths::RunPlace,
    results::{ResultsAsk, ResultsView},
    timeline::{Arrangement, TimelineView},
};
use model::AsOf;
use serde::{Deserialize, Serialize};

/// The view beside the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Jobs,
    Timeline,
    Results,
    Logs,
    Code,
    Files,
    History,
    Info,
}

impl Tab {
    pub const ALL: [Self; 8] = [Self::Jobs, Self::Timeline, Self::Results, Self::Logs, Self::Code, Self::Files, Self::History, Self::Info];

    /// The tab in a URL; unknown words mean the jobs tab.
    pub fn of(place: &RunPlace) -> Self {
        Self::ALL.into_iter().find(|tab| tab.word() == place.tab.as_deref()).unwrap_or_default()
    }

    /// The word in the URL; the first tab needs none.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Jobs => None,
            Self::Timeline => Some("timeline"),
            Self::Results => Some("results"),
            Self::Logs => Some("logs"),
            Self::Code => Some("code"),
            Self::Files => Some("files"),
            Self::History => Some("history"),
            Self::Info => Some("info"),
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Jobs => "Jobs",
            Self::Timeline => "Timeline",
            Self::Results => "Results",
            Self::Logs => "Logs",
            Self::Code => "Code",
            Self::Files => "Files",
            Self::History => "History",
            Self::Info => "Info",
        }
    }
}

/// The view beside the graph, as the URL requests it.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    Jobs(JobAsk),
    Matrix(MatrixAsk),
    /// The rule, and the moment.
    JobGraph(Option<String>, Option<AsOf>),
    /// The second field requests the table instead of the canvas.
    Timeline(Arrangement, bool),
    Results(ResultsAsk),
    Logs(LogsAsk),
    Code(Option<String>),
    Files(FilesAsk),
    /// The kind of lines, and the line before which the page begins.
    History(Option<String>, Option<String>),
    Info(Option<String>),
}

impl Ask {
    /// What a place asks for.
    pub fn of(place: &RunPlace) -> Self {
        match (Tab::of(place), place.form.as_deref()) {
            (Tab::Jobs, Some("matrix")) => Self::Matrix(place.matrix_ask()),
            (Tab::Jobs, Some("graph")) => Self::JobGraph(place.rule.clone(), place.moment()),
            (Tab::Jobs, _) => Self::Jobs(place.job_ask()),
            (Tab::Timeline, form) => Self::Timeline(place.arrangement(), form == Some("table")),
            (Tab::Results, _) => {
                let RunPlace { rule, after, files_of, file, tree, encoding, .. } = place.clone();
                let encoding = encoding.and_then(|encoding| encoding.parse().ok());
                let job = files_of.and_then(|job| job.parse().ok());
                Self::Results(ResultsAsk { rule, job, after, file: file.and_then(|file| file.parse().ok()), tree, encoding })
            }
            (Tab::Logs, _) => {
                let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
                let file = place.file.as_ref().and_then(|file| file.parse().ok());
                let encoding = place.encoding.as_ref().and_then(|encoding| encoding.parse().ok());
                Self::Logs(LogsAsk { rule: place.rule.clone(), after: place.after.clone(), file, at: number(&place.from), encoding })
            }
            (Tab::Code, _) => Self::Code(place.rule.clone()),
            (Tab::Files, _) => {
                let RunPlace { path, find, rule, files_of, form, after, .. } = place.clone();
                let job = files_of.and_then(|job| job.parse().ok());
                Self::Files(FilesAsk { path, find, rule, job, role: form, after })
            }
            (Tab::History, _) => Self::History(place.form.clone(), place.after.clone()),
            (Tab::Info, _) => Self::Info(place.after.clone()),
        }
    }
}

/// The view beside the graph. All views share one resource: a view stays untouched until the next one has arrived, and
/// is then replaced.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum View {
    Jobs(JobList),
    Matrix(Option<MatrixView>),
    JobGraph(JobGraph),
    Timeline(Option<TimelineView>),
    Results(ResultsView),
    Logs(LogsView),
    Code(CodeView),
    Files(FilesView),
    History(HistoryView),
    Info(Box<InfoView>),
}
