//! Sorts and searches all jobs of a run, using [`super::marks`] in memory: no index could cover every order that people
//! choose. Reads nothing; the rows are then read by id, see [`super::named`].

use super::{
    Query,
    marks::{Mark, Marks},
    values::{Texts, Values},
};
use crate::StoreError;
use model::{
    Invalid, JobKey, JobStatus,
    page::{Cursor, Direction, JobColumn},
};

/// The key of a missing value. It sorts last in either direction.
const MISSING: i64 = i64::MAX;

/// Words by which jobs are ordered.
enum Named<'a> {
    No,
    /// The rank of each rule.
    Rules(Vec<u32>, Vec<&'a str>),
    Values(&'a Values),
}

impl<'a> Named<'a> {
    fn new(column: &JobColumn, marks: &'a Marks, values: Option<&'a Values>) -> Self {
        match (column, values) {
            (JobColumn::Rule, _) => {
                let names = marks.rules.list();
                let mut sorted: Vec<usize> = (0..names.len()).collect();
                sorted.sort_unstable_by_key(|at| &names[*at]);
                let mut rank = vec![0; names.len()];
                for (place, at) in sorted.iter().enumerate() {
                    rank[*at] = place as u32;
                }
                Self::Rules(rank, sorted.iter().map(|at| &*names[*at]).collect())
            }
            (JobColumn::Wildcard(_), Some(values)) => Self::Values(values),
            _ => Self::No,
        }
    }

    /// The word at a rank.
    fn ranked(&self, rank: usize) -> &str {
        match self {
            Self::No => "",
            Self::Rules(_, sorted) => sorted.get(rank).copied().unwrap_or(""),
            Self::Values(values) => values.ranked(rank as u32),
        }
    }

    /// Twice the number of words before a text, plus one if the text is one of the words.
    fn between(&self, text: &str) -> i64 {
        let (before, exact) = match self {
            Self::No => (0, false),
            Self::Rules(_, sorted) => match sorted.binary_search(&text) {
                Ok(at) => (at as u32, true),
                Err(at) => (at as u32, false),
            },
            Self::Values(values) => values.place_of(text),
        };
        i64::from(before) * 2 + i64::from(exact)
    }
}

struct Order<'a> {
    column: &'a JobColumn,
    down: bool,
    named: Named<'a>,
}

impl Order<'_> {
    /// The sort key of a job, ascending in either direction; [`MISSING`] without a value.
    fn key(&self, mark: &Mark) -> i64 {
        let reported = |value: i64| (value != Marks::NEVER).then_some(value);
        let value = match self.column {
            JobColumn::Reported => Some(0),
            JobColumn::Job => reported(mark.job_id),
            JobColumn::Status => Some(i64::from(JobStatus::Failed.urgency() - mark.status.urgency())),
            JobColumn::Rule | JobColumn::Wildcard(_) => {
                let rank = match &self.named {
                    Named::No => None,
                    // The empty name stands for jobs whose rule was never reported.
                    Named::Rules(rank, sorted) => Some(rank[mark.rule as usize]).filter(|rank| !sorted[*rank as usize].is_empty()),
                    Named::Values(values) => Some(values.of(mark.wildcards)).filter(|at| *at != Marks::NONE).map(|at| values.rank(at)),
                };
                rank.map(|rank| i64::from(rank) * 2 + 1)
            }
            JobColumn::Started => reported(mark.started_at),
            JobColumn::Duration => mark.took(),
            JobColumn::Threads => (mark.threads != Mark::UNREPORTED).then(|| i64::from(mark.threads)),
            JobColumn::Attempt => Some(i64::from(mark.attempt)),
        };
        value.map_or(MISSING, |value| self.turn(value))
    }

    const fn turn(&self, value: i64) -> i64 {
        if self.down { !value } else { value }
    }

    fn of_id(&self, id: JobKey) -> i64 {
        self.turn(id.0)
    }

    /// A key as text: a number, `=word`, or `-` for none.
    fn write(&self, key: i64) -> Option<String> {
        let value = self.turn(key);
        Some(match self.column {
            JobColumn::Reported => return None,
            _ if key == MISSING => "-".to_owned(),
            JobColumn::Rule | JobColumn::Wildcard(_) => format!("={}", self.named.ranked(value as usize / 2)),
            _ => value.to_string(),
        })
    }

    /// The key in a text that was written for this column.
    fn read(&self, text: Option<&str>) -> Option<i64> {
        match (self.column, text) {
            (JobColumn::Reported, None) => Some(self.turn(0)),
            (JobColumn::Reported, Some(_)) | (_, None) => None,
            (_, Some("-")) => Some(MISSING),
            (JobColumn::Rule | JobColumn::Wildcard(_), Some(text)) => {
                text.strip_prefix('=').map(|word| self.turn(self.named.between(word)))
            }
            (_, Some(text)) => text.parse().ok().map(|value| self.turn(value)),
        }
    }
}

/// The ids of one page of jobs in order, and where the next page begins.
///
/// `values` are those of the wildcard that determines the order, `texts` those to be searched. Without them
/// no job has a value, and no search finds anything. Examines every job of the run: a million in some 10 ms.
///
/// # Errors
/// [`StoreError::Unfit`] for a cursor that is not one of this order.
pub fn window(
    marks: &Marks,
    values: Option<&Values>,
    texts: Option<&Texts>,
    query: &Query,
) -> Result<(Vec<JobKey>, Option<Cursor>), StoreError> {
    let limit = query.limit.clamp(1, 500) as usize;
    let column = &query.sort.column;
    let order = Order { column, down: query.sort.direction == Direction::Desc, named: Named::new(column, marks, values) };
    let after = match &query.after {
        None => None,
        Some(cursor) => {
            let wrong = || StoreError::Unfit(Invalid::new("after", cursor.to_string(), "a cursor of this list").to_string());
            let id: i64 = cursor.id.parse().map_err(|_| wrong())?;
            Some((order.read(cursor.value.as_deref()).ok_or_else(wrong)?, order.of_id(JobKey(id))))
        }
    };
    let rule = match &query.rule {
        None => None,
        Some(rule) => match marks.rules.find(rule) {
            Some(rule) => Some(rule),
            None => return Ok((Vec::new(), None)),
        },
    };
    let with_words = query.find.as_deref().map(|words| texts.map(|texts| texts.with(words)).unwrap_or_default());
    let passes = |mark: &&Mark| {
        (query.all_attempts || !mark.superseded)
            && rule.is_none_or(|rule| mark.rule == rule)
            && (query.statuses.is_empty() || query.statuses.contains(&mark.status))
            && with_words.as_ref().is_none_or(|found| found.get(mark.wildcards as usize) == Some(&true))
    };
    // The best ones so far. Once there are enough, only keys up to the last of them matter.
    let mut best: Vec<(i64, i64)> = Vec::with_capacity(limit * 8);
    let mut bound = None;
    for mark in marks.rows.iter().filter(passes) {
        let key = (order.key(mark), order.of_id(mark.id));
        if after.is_some_and(|after| key <= after) || bound.is_some_and(|bound| key >= bound) {
            continue;
        }
        best.push(key);
        if best.len() == limit * 8 {
            let (_, last, _) = best.select_nth_unstable(limit);
            bound = Some(*last);
            best.truncate(limit + 1);
        }
    }
    best.sort_unstable();
    let next = (best.len() > limit).then(|| {
        let (key, id) = best[limit - 1];
        Cursor { value: order.write(key), id: order.turn(id).to_string() }
    });
    best.truncate(limit);
    Ok((best.into_iter().map(|(_, id)| JobKey(order.turn(id))).collect(), next))
}
