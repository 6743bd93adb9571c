//! Statistics of the columns of some rows: their kinds, how many values are missing, and the distribution of numbers. Reads nothing.

use crate::{CELL, COLUMNS, clipped};
use model::preview::{Column, Kind};
use std::{
    collections::HashSet,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
};

/// How many steps the histogram of a column of numbers has.
const STEPS: usize = 18;

/// A cell: the text that is shown, and what is counted, which is based on the whole cell.
pub struct Cell {
    shown: String,
    is: Is,
    /// A digest of the whole cell: equal cells have equal digests.
    digest: u64,
}

/// The kind of value in a cell.
#[derive(Clone, Copy, PartialEq)]
enum Is {
    Missing,
    YesNo,
    Whole(f64),
    Number(f64),
    Word,
}

impl Cell {
    /// A cell of which at most `most` letters are shown.
    pub fn new(text: &str, most: usize) -> Self {
        Self { shown: clipped(text, most), is: Is::of(text), digest: BuildHasherDefault::<DefaultHasher>::default().hash_one(text) }
    }
}

impl Is {
    fn of(text: &str) -> Self {
        let value = text.trim();
        if matches!(value, "" | "NA" | "N/A" | "NaN" | "nan" | "null" | "None" | ".") {
            return Self::Missing;
        }
        if ["true", "false", "yes", "no"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Self::YesNo;
        }
        let starts = value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
        match value.parse::<f64>() {
            Ok(number) if starts && number.is_finite() => {
                let whole = value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+'));
                if whole { Self::Whole(number) } else { Self::Number(number) }
            }
            _ => Self::Word,
        }
    }

    const fn number(self) -> Option<f64> {
        match self {
            Self::Whole(number) | Self::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// The first cells of a row.
pub fn row<'a>(cells: impl Iterator<Item = &'a [u8]>) -> Vec<Cell> {
    cells.take(COLUMNS).map(|cell| Cell::new(&String::from_utf8_lossy(cell), CELL)).collect()
}

/// The texts that are shown of rows.
pub fn shown(rows: Vec<Vec<Cell>>) -> Vec<Vec<String>> {
    rows.into_iter().map(|row| row.into_iter().map(|cell| cell.shown).collect()).collect()
}

/// The columns with these names, with statistics of these rows.
pub fn columns(names: Vec<String>, rows: &[Vec<Cell>]) -> Vec<Column> {
    names.into_iter().enumerate().map(|(at, name)| column(name, rows.iter().filter_map(|row| row.get(at)))).collect()
}

fn column<'a>(name: String, cells: impl Iterator<Item = &'a Cell>) -> Column {
    let mut column = Column { name, ..Column::default() };
    let (values, missing): (Vec<&Cell>, Vec<&Cell>) = cells.partition(|cell| cell.is != Is::Missing);
    column.missing = missing.len() as u32;
    column.distinct = values.iter().map(|cell| cell.digest).collect::<HashSet<_>>().len() as u32;
    if values.is_empty() {
        return column;
    }
    if values.iter().all(|cell| cell.is == Is::YesNo) {
        column.kind = Kind::YesNo;
        return column;
    }
    let numbers: Option<Vec<(f64, &str)>> = values.iter().map(|cell| Some((cell.is.number()?, cell.shown.trim()))).collect();
    let Some(numbers) = numbers else { return column };
    column.kind = if values.iter().all(|cell| matches!(cell.is, Is::Whole(_))) { Kind::Whole } else { Kind::Number };
    let least = numbers.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = numbers.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(least), Some(most)) = (least, most) {
        column.range = Some((least.1.to_owned(), most.1.to_owned()));
        column.shape = shape(&numbers, least.0, most.0);
    }
    column
}

/// The distribution of numbers between two, in steps.
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
