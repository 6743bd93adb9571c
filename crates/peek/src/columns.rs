//! Parquet: rows of the first columns, from any row on. Of a large file only its end and the needed pages are read.

use crate::source::Source;
use model::preview::Preview;

#[cfg(not(feature = "parquet"))]
pub fn parquet(_source: &Source<'_>, _at: u64) -> Option<Preview> {
    None
}

#[cfg(feature = "parquet")]
pub fn parquet(source: &Source<'_>, at: u64) -> Option<Preview> {
    rows::parquet(source, at)
}

#[cfg(feature = "parquet")]
mod rows {
    use crate::{
        CELL, COLUMNS, ROWS, clipped,
        source::Source,
        summary::{self, Cell},
    };
    use model::preview::{Kind, Preview, Table};
    use parquet::{
        basic::Type as Physical,
        file::reader::{FileReader as _, SerializedFileReader},
        record::Field,
        schema::types::Type,
    };
    use std::sync::Arc;

    pub fn parquet(source: &Source<'_>, at: u64) -> Option<Preview> {
        let reader = SerializedFileReader::new(source.raw().ok()?.try_clone().ok()?).ok()?;
        let meta = reader.metadata();
        let file = meta.file_metadata();
        let schema = file.schema();
        let total = u64::try_from(file.num_rows()).ok()?;
        let wide = schema.get_fields().len();
        let fields: Vec<_> = schema.get_fields().iter().take(COLUMNS).cloned().collect();
        let shown = Type::group_type_builder(schema.name()).with_fields(fields.clone()).build().ok()?;
        let names: Vec<String> = fields.iter().map(|field| clipped(field.name(), CELL)).collect();
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        let mut begin = 0_u64;
        for group in 0..meta.num_row_groups() {
            let length = u64::try_from(meta.row_group(group).num_rows()).ok()?;
            if at < begin.saturating_add(length) {
                let part = reader.get_row_group(group).ok()?;
                let skip = at.saturating_sub(begin) as usize;
                let wanted = part.get_row_iter(Some(shown.clone())).ok()?.skip(skip).take(ROWS - rows.len());
                for row in wanted {
                    let row = row.ok()?;
                    rows.push(row.get_column_iter().map(|(_, field)| cell(field)).collect());
                }
            }
            begin = begin.saturating_add(length);
            if rows.len() == ROWS {
                break;
            }
        }
        let mut columns = summary::columns(names, &rows);
        for (column, field) in columns.iter_mut().zip(&fields) {
            column.kind = kind(field).unwrap_or(column.kind);
        }
        let next = Some(at + rows.len() as u64).filter(|next| *next < total && !rows.is_empty());
        let mut about = format!("{} row groups", meta.num_row_groups());
        if let Some(by) = file.created_by() {
            about = format!("{about}, written by {}", clipped(by, CELL));
        }
        let more_columns = wide.saturating_sub(COLUMNS) as u32;
        Some(Preview::Table(Table {
            about: Some(about),
            columns,
            rows: summary::shown(rows),
            more_columns,
            next,
            total: Some(total),
            ..Table::default()
        }))
    }

    fn cell(field: &Field) -> Cell {
        match field {
            Field::Null => Cell::new("", CELL),
            Field::Str(text) => Cell::new(text, CELL),
            Field::Bytes(bytes) => Cell::new(&format!("{} bytes", bytes.len()), CELL),
            other => Cell::new(&other.to_string(), CELL),
        }
    }

    /// The type that the file declares for a column.
    fn kind(field: &Arc<Type>) -> Option<Kind> {
        if !field.is_primitive() || field.get_basic_info().logical_type_ref().is_some() {
            return None;
        }
        Some(match field.get_physical_type() {
            Physical::BOOLEAN => Kind::YesNo,
            Physical::INT32 | Physical::INT64 => Kind::Whole,
            Physical::FLOAT | Physical::DOUBLE => Kind::Number,
            _ => return None,
        })
    }
}
