//! Words around the table of a preview, and the order of its values.

use model::text;
use std::cmp::Ordering;

/// A number of rows after "the first", where one needs no number.
pub fn rows_of(rows: usize) -> String {
    if rows == 1 { "row".to_owned() } else { format!("{} rows", text::count(rows as i64)) }
}

/// How many rows are read, of `total` if that is known, or of `more` than these; and how many columns are left out.
pub fn rows_read(read: usize, total: Option<u64>, more: bool, more_columns: u32) -> String {
    let read = read as i64;
    let rows = match total {
        Some(total) if total as i64 > read => format!("{} of {} rows read", text::count(read), text::count(total as i64)),
        _ if more => format!("{} rows read, there are more", text::count(read)),
        _ => format!("{} rows", text::count(read)),
    };
    match more_columns {
        0 => rows,
        1 => format!("{rows}; 1 more column is not shown"),
        more => format!("{rows}; {} more columns are not shown", text::count(i64::from(more))),
    }
}

/// How many lines precede the rows, and how many of them are shown.
pub fn lines_before(shown: u64, more: u64) -> String {
    let says = match shown + more {
        1 => "1 line before the rows".to_owned(),
        lines => format!("{} lines before the rows", text::count(lines as i64)),
    };
    match more {
        0 => says,
        _ => format!("{says}, the first {} here", text::count(shown as i64)),
    }
}

/// Compares numbers by size and words by letters; values that are not numbers come last.
pub fn compare(a: &str, b: &str, number: bool) -> Ordering {
    if !number {
        return a.cmp(b);
    }
    let value = |text: &str| text.trim().parse::<f64>().unwrap_or(f64::INFINITY);
    value(a).total_cmp(&value(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_before_the_rows_are_counted_also_where_not_all_are_shown() {
        let thin = "\u{202f}";
        assert_eq!(lines_before(1, 0), "1 line before the rows");
        assert_eq!(lines_before(1_200, 2_166), format!("3{thin}366 lines before the rows, the first 1{thin}200 here"));
    }

    #[test]
    fn numbers_are_sorted_by_size_and_what_is_missing_comes_last() {
        let mut cells = ["10", "NA", "9", "-1e3", ""];
        cells.sort_by(|a, b| compare(a, b, true));
        assert_eq!(cells[..3], ["-1e3", "9", "10"]);
        assert_eq!(compare("10", "9", false), Ordering::Less);
    }
}
