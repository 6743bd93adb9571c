//! The change log as people read it: the lines of a run, newest first, with their content.

use crate::{Conn, Doing, StoreError};
use model::{
    Invalid, JobKey, RunId, cut,
    history::{Change, Field, Operation, Subject, whole},
};
use serde_json::{Map, Value};
use sqlx::types::{Json, Uuid};
use std::collections::BTreeMap;

/// How many letters of a value are shown.
const VALUE: usize = 120;

/// The key, next to the start of a message, of the message's length in letters.
const LETTERS: &str = "letters";

/// A row of the change log as a page needs it.
type Row = (
    i64,
    model::Millis,
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<Json<BTreeMap<String, String>>>,
    Option<Vec<String>>,
    Option<Json<Map<String, Value>>>,
    Option<Json<Map<String, Value>>>,
    Option<String>,
);

/// Lines about a run, or about one kind of its rows, before a given line; and whether there are older ones.
///
/// Reads by index as many lines of each kind as are requested, however many are stored.
pub async fn of_run(
    conn: &mut Conn,
    run: RunId,
    subject: Option<Subject>,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<Change>, bool), StoreError> {
    let limit = i64::from(limit.clamp(1, 500));
    let tables: Vec<&str> =
        Subject::ALL.into_iter().filter(|one| subject.is_none_or(|wanted| wanted == *one)).map(Subject::table).collect();
    // `between` with the same value twice: given an equality, the planner would read backwards through the lines of all runs.
    let rows: Vec<Row> = sqlx::query_as(
        "select c.id, ms(c.\"timestamp\"), c.table_name, c.operation, j.id, j.rule, j.wildcards,
                c.changed_fields, c.old_values, c.new_values, c.actor
           from (select l.*
                   from unnest($2::text[]) as t(name),
                        lateral (select * from change_notifications
                                  where workflow_run_id between $1 and $1 and table_name between t.name and t.name and id < $3
                                    and changed_fields is distinct from '{}'   -- exclude lines that only triggered a notification
                                  order by workflow_run_id desc, table_name desc, id desc
                                  limit $4) l
                  order by l.id desc
                  limit $4) c
           left join job_executions j
             on j.id = case when c.table_name = 'job_executions' then c.record_id::bigint end
          order by c.id desc",
    )
    .bind(run.0)
    .bind(tables)
    .bind(before.unwrap_or(i64::MAX))
    .bind(limit + 1)
    .fetch_all(conn)
    .await
    .doing("reading the history of a run")?;
    let more = rows.len() as i64 > limit;
    Ok((rows.into_iter().take(limit as usize).map(change).collect::<Result<_, _>>()?, more))
}

/// A row as people read it.
///
/// # Errors
/// [`StoreError::Corrupt`] for a table or an operation that this build does not know.
fn change((id, at, table, operation, job, rule, wildcards, names, old, new, actor): Row) -> Result<Change, StoreError> {
    let corrupt = |column, source| StoreError::Corrupt { table: "change_notifications", column, id: id.to_string(), source };
    let subject = Subject::of_table(&table);
    let subject = subject.ok_or_else(|| corrupt("table_name", Invalid::new("table", table, "one whose rows a history is about")))?;
    let operation: Operation = operation.parse().map_err(|source| corrupt("operation", source))?;
    let (mut old, mut new) = (old.unwrap_or_default().0, new.unwrap_or_default().0);
    let names = names.unwrap_or_else(|| new.keys().chain(old.keys()).cloned().collect());
    let letters = |values: &Map<String, Value>| values.get(LETTERS).and_then(Value::as_u64);
    let (letters_before, letters_now, mut is_cut) = (letters(&old), letters(&new), false);
    let mut text = |value: Value, letters: Option<u64>| {
        let whole = whole(&value);
        let kept = whole.chars().count() as u64;
        is_cut |= kept > VALUE as u64 || letters.is_some();
        cut::letters_of(&whole, VALUE, letters.unwrap_or(kept))
    };
    let fields = names.into_iter().map(|name| Field {
        old: old.remove(&name).map(|value| text(value, letters_before.filter(|_| name == "message"))),
        new: new.remove(&name).map(|value| text(value, letters_now.filter(|_| name == "message"))),
        name,
    });
    let fields: Vec<Field> = fields.collect();
    let label: Vec<String> = wildcards.unwrap_or_default().0.into_values().collect();
    Ok(Change { id, at, subject, operation, job: job.map(JobKey), rule, label: label.join(" "), fields, cut: is_cut, actor })
}

/// All stored values of a line about a run, `{"old": …, "new": …}` as JSON text; `None` if there is no such line.
pub async fn line(conn: &mut Conn, run: RunId, id: i64) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(
        "select jsonb_pretty(jsonb_build_object('old', c.old_values, 'new',
                    case when said.whole is null then c.new_values else c.new_values - 'letters' || said.whole end))
           from change_notifications c
           left join lateral (select jsonb_build_object('message', e.message) as whole     -- the line has only the start
                                from log_entries e
                               where e.id = case when c.table_name = 'log_entries' then c.record_id::bigint end
                                 and c.new_values ? 'letters'
                               limit 1) said on true
          where c.workflow_run_id = $1 and c.id = $2 and c.changed_fields is distinct from '{}'",
    )
    .bind(run.0)
    .bind(id)
    .fetch_optional(conn)
    .await
    .doing("reading a line of the history of a run")
}

/// Deletes the history of runs that are gone for good: their reports, and all their lines except the last, which
/// records the deletion.
///
/// Deletes at most `limit` rows of each table per call, so that no transaction grows with a run. Returns whether anything is left.
pub async fn forget(conn: &mut Conn, limit: i64) -> Result<bool, StoreError> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar("select id from deleted_runs where swept_at is null order by deleted_at limit 50 for update skip locked")
            .fetch_all(&mut *conn)
            .await
            .doing("looking for deleted runs")?;
    if ids.is_empty() {
        return Ok(false);
    }
    let mut left = false;
    for statement in [
        "delete from ingest_events where (id, recorded_at) in
            (select id, recorded_at from ingest_events where workflow_run_id = any($1) limit $2)",
        "delete from change_notifications where (id, \"timestamp\") in
            (select id, \"timestamp\" from change_notifications
              where workflow_run_id = any($1) and not (table_name = 'workflow_runs' and operation = 'DELETE') limit $2)",
    ] {
        let done = sqlx::query(statement).bind(&ids).bind(limit).execute(&mut *conn).await.doing("forgetting a deleted run")?;
        left |= done.rows_affected() as i64 >= limit;
    }
    if !left {
        sqlx::query("update deleted_runs set swept_at = flowo_now() where id = any($1)")
            .bind(&ids)
            .execute(conn)
            .await
            .doing("forgetting deleted runs")?;
    }
    Ok(true)
}
