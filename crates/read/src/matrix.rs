//! The matrix of samples and rules, from the jobs in memory.

use crate::{
    ReadError, Reader,
    work::{self, Ended, Leash},
};
use model::{Invalid, JobStatus, RunId, live::LiveCursor};
use std::{cmp::Ordering, collections::HashMap, sync::Arc};
use store::jobs::{
    marks::{Mark, Marks},
    values::Values,
};
use view::matrix::{Cell, MatrixAsk, MatrixRow, MatrixView};

/// How many rows one answer contains.
pub const ROWS: usize = 40;
/// How many rows may be requested by name.
const NAMED: usize = 200;
/// How many columns are shown; of a run with more rules, the first ones.
const COLUMNS: usize = 300;

/// A part of a run's matrix. The caller has checked that the reader may see the run, and has read its wildcards, with
/// the number of those left out.
pub async fn view(
    reader: &Reader,
    run: RunId,
    ask: MatrixAsk,
    (wildcards, more_wildcards): (Vec<String>, u32),
    cursor: LiveCursor,
) -> Result<Option<MatrixView>, ReadError> {
    let by = match &ask.by {
        Some(by) if wildcards.contains(by) => by.clone(),
        Some(by) => return Err(Invalid::new("by", by, "a wildcard of this run").into()),
        None => match wildcards.first() {
            Some(by) => by.clone(),
            None => return Ok(None),
        },
    };
    if ask.values.len() > NAMED {
        return Err(Invalid::new("values", "many values", "at most 200 values").into());
    }
    let statuses = JobStatus::list(ask.status.as_deref().unwrap_or(""))?;
    let order = reader.rule_graphs.order(run).await?;
    let now = reader.jobs.at(run, ask.at).await?;
    let made = work::shared(reader.store.clock(), "a matrix", move |leash| {
        let Sorted { columns, more_columns, mut rows, longest } = rows(&now.marks, &now.values(&by), &order, &ask, &statuses, leash)?;
        let total = rows.len() as u32;
        if ask.values.is_empty() {
            let from = (ask.from as usize).min(rows.len());
            rows.drain(..from);
            rows.truncate(ROWS);
        } else {
            rows.retain(|row| ask.values.contains(&row.value));
        }
        Ok(MatrixView { wildcards, more_wildcards, by, columns, more_columns, total, rows, longest, cursor })
    });
    made.await.map(Some)
}

/// A whole matrix.
struct Sorted {
    columns: Vec<String>,
    /// Rules beyond the last column.
    more_columns: u32,
    /// All rows that pass the filter, in order.
    rows: Vec<MatrixRow>,
    /// The longest total time of any row.
    longest: i64,
}

fn rows(
    marks: &Marks,
    values: &Values,
    order: &HashMap<String, usize>,
    ask: &MatrixAsk,
    statuses: &[JobStatus],
    leash: &Leash,
) -> Result<Sorted, Ended> {
    let value_of = |mark: &Mark| values.of(mark.wildcards);
    let shown = |mark: &&Mark| !mark.superseded && value_of(mark) != Marks::NONE;
    let mut has = vec![false; marks.rules.list().len()];
    for mark in marks.rows.iter().filter(shown) {
        has[mark.rule as usize] = true;
    }
    let wanted = |rule: &(usize, &Arc<str>)| has[rule.0] && ask.rule.as_deref().is_none_or(|only| *only == **rule.1);
    let mut rules: Vec<(usize, &Arc<str>)> = marks.rules.list().iter().enumerate().filter(wanted).collect();
    rules.sort_by_key(|(at, name)| (order.get(&***name).copied().unwrap_or(usize::MAX), *at));
    let more_columns = rules.len().saturating_sub(COLUMNS) as u32;
    rules.truncate(COLUMNS);
    let mut column_of = vec![usize::MAX; has.len()];
    for (column, (rule, _)) in rules.iter().enumerate() {
        column_of[*rule] = column;
    }
    let names = values.list();
    let words = ask.find.as_deref().unwrap_or("").trim().to_lowercase();
    let passes: Vec<bool> = names.iter().map(|value| words.is_empty() || value.to_lowercase().contains(&words)).collect();
    let mut rows: Vec<Option<MatrixRow>> = vec![None; names.len()];
    for (at, mark) in marks.rows.iter().filter(shown).enumerate() {
        if at % 4_096 == 0 {
            leash.check()?;
        }
        let (value, column) = (value_of(mark) as usize, column_of[mark.rule as usize]);
        if column == usize::MAX || !passes[value] {
            continue;
        }
        let row = rows[value].get_or_insert_with(|| MatrixRow { value: names[value].to_string(), cells: vec![None; rules.len()], ms: 0 });
        let ms = mark.took().unwrap_or(0);
        row.ms += ms;
        let cell = row.cells[column].get_or_insert(Cell { job: mark.id, status: mark.status, jobs: 0, ms: 0 });
        cell.jobs += 1;
        cell.ms += ms;
        if mark.status.urgency() > cell.status.urgency() {
            (cell.job, cell.status) = (mark.id, mark.status);
        }
    }
    let has_status = |row: &MatrixRow| statuses.is_empty() || row.cells.iter().flatten().any(|cell| statuses.contains(&cell.status));
    let mut rows: Vec<MatrixRow> = rows.into_iter().flatten().filter(has_status).collect();
    let longest = rows.iter().map(|row| row.ms).max().unwrap_or(0);
    leash.check()?;
    let by_name = |one: &MatrixRow, other: &MatrixRow| natural(&one.value, &other.value);
    match ask.sort.as_deref() {
        Some("name") => rows.sort_by(by_name),
        Some("time") => rows.sort_by(|one, other| other.ms.cmp(&one.ms).then_with(|| by_name(one, other))),
        _ => {
            let troubled = |row: &MatrixRow| {
                let count = |status| row.cells.iter().flatten().filter(|cell| cell.status == status).count();
                (count(JobStatus::Failed), count(JobStatus::Lost))
            };
            rows.sort_by_cached_key(|row| std::cmp::Reverse(troubled(row)));
            // Rows with equal keys are sorted by name; sorting is stable.
            let mut at = 0;
            while at < rows.len() {
                let trouble = troubled(&rows[at]);
                let end = at + rows[at..].iter().take_while(|row| troubled(row) == trouble).count();
                rows[at..end].sort_by(by_name);
                at = end;
            }
        }
    }
    Ok(Sorted { columns: rules.into_iter().map(|(_, name)| name.to_string()).collect(), more_columns, rows, longest })
}

/// `S2` before `S10`: digits inside names are compared as numbers.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let (Some(a), Some(b)) = (one.chars().next(), other.chars().next()) else { return one.len().cmp(&other.len()) };
        if a.is_ascii_digit() && b.is_ascii_digit() {
            let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            let (x, y) = (&one[..digits(one)], &other[..digits(other)]);
            let (bare_x, bare_y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            let order = bare_x.len().cmp(&bare_y.len()).then_with(|| bare_x.cmp(bare_y)).then_with(|| x.len().cmp(&y.len()));
            if order != Ordering::Equal {
                return order;
            }
            (one, other) = (&one[x.len()..], &other[y.len()..]);
        } else {
            if a != b {
                return a.cmp(&b);
            }
            (one, other) = (&one[a.len_utf8()..], &other[b.len_utf8()..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_with_numbers_are_ordered_as_people_count() {
        let mut names = ["S10", "S2", "s1", "S02", "S2b", "S", "10", "9"];
        names.sort_by(|one, other| natural(one, other));
        assert_eq!(names, ["9", "10", "S", "S2", "S2b", "S02", "S10", "s1"]);
    }

    proptest! {
        #[test]
        fn natural_order_is_an_order(mut names in proptest::collection::vec("[ab012]{0,5}", 0..12)) {
            names.sort_by(|one, other| natural(one, other));
            for one in 0..names.len() {
                for other in one..names.len() {
                    prop_assert_ne!(natural(&names[one], &names[other]), Ordering::Greater);
                    prop_assert_eq!(natural(&names[one], &names[other]).reverse(), natural(&names[other], &names[one]));
                }
            }
        }
    }
}
