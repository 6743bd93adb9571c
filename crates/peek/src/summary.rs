//! What can be said of the columns of some rows: their kinds, how much is missing, and how numbers lie. Reads nothing.

use crate::{CELL, COLUMNS, short};
use model::preview::{Column, Kind};
use std::collections::HashSet;

/// Steps of the shape of a column of numbers.
const STEPS: usize = 18;

/// Cells cut to what is shown.
pub fn row<'a>(cells: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    cells.take(COLUMNS).map(|cell| short(&String::from_utf8_lossy(cell), CELL)).collect()
}

/// Whether a cell stands for no value.
fn is_missing(cell: &str) -> bool {
    matches!(cell.trim(), "" | "NA" | "N/A" | "NaN" | "nan" | "null" | "None" | ".")
}

/// The columns of these names over these rows.
pub fn columns(names: Vec<String>, rows: &[Vec<String>]) -> Vec<Column> {
    names.into_iter().enumerate().map(|(at, name)| column(name, rows.iter().filter_map(|row| row.get(at)).map(String::as_str))).collect()
}

fn column<'a>(name: String, cells: impl Iterator<Item = &'a str>) -> Column {
    let mut column = Column { name, ..Column::default() };
    let (values, missing): (Vec<&str>, Vec<&str>) = cells.partition(|cell| !is_missing(cell));
    column.missing = missing.len() as u32;
    column.distinct = values.iter().collect::<HashSet<_>>().len() as u32;
    if values.is_empty() {
        return column;
    }
    if values.iter().all(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no")) {
        column.kind = Kind::YesNo;
        return column;
    }
    let numbers: Option<Vec<(f64, &str)>> = values
        .iter()
        .map(|value| {
            let value = value.trim();
            let starts = value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
            Some((value.parse::<f64>().ok().filter(|number| starts && number.is_finite())?, value))
        })
        .collect();
    let Some(numbers) = numbers else { return column };
    let whole = values.iter().all(|value| value.trim().bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+')));
    column.kind = if whole { Kind::Whole } else { Kind::Number };
    let least = numbers.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = numbers.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(least), Some(most)) = (least, most) {
        column.range = Some((least.1.to_owned(), most.1.to_owned()));
        column.shape = shape(&numbers, least.0, most.0);
    }
    column
}

/// How numbers between two lie, in steps.
fn shape(numbers: &[(f64, &str)], least: f64, most: f64) -> Vec<u8> {
    let wide = most - least;
    if !wide.is_finite() || wide <= 0.0 {
        return Vec::new();
    }
    let mut counts = [0_u32; STEPS];
    for (number, _) in numbers {
        let step = ((number - least) / wide * STEPS as f64) as usize;
        counts[step.min(STEPS - 1)] += 1;
    }
    let fullest = counts.iter().copied().max().unwrap_or(1).max(1);
    counts.iter().map(|count| (f64::from(*count) / f64::from(fullest) * 100.0).ceil() as u8).collect()
}
