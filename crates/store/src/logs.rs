//! What clients reported in words: messages and errors of runs and jobs, searchable across all runs. The batch writer writes them.

use crate::{Conn, Doing, StoreError, audience::asked_by, runs::Audience};
use model::{JobKey, Millis, RunId, log::LogEntry, run::title};
use sqlx::types::Uuid;

/// How many letters of a message are stored.
pub(crate) const KEPT: usize = 16_000;

/// A search.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Text that a message must contain, ignoring case; empty for all messages.
    pub words: String,
    /// Only errors.
    pub errors: bool,
    /// Only entries before this one.
    pub before: Option<i64>,
    pub limit: u32,
}

/// Entries that a reader may see, newest first, and whether there are more.
///
/// For a text of three letters or more: by index; the cost is proportional to the number of entries that contain it.
pub async fn search(conn: &mut Conn, audience: Audience, query: &Query) -> Result<(Vec<LogEntry>, bool), StoreError> {
    type Row = (i64, Uuid, String, Option<String>, Option<i64>, Option<String>, String, String, Millis);
    let (reader, reach) = asked_by(audience);
    let limit = i64::from(query.limit.clamp(1, 200));
    let like = query.words.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let rows: Vec<Row> = sqlx::query_as(
        "select e.id, r.id, r.workflow_name, r.directory, j.id, j.rule, e.level, e.message, ms(e.logged_at)
           from log_entries e
           join workflow_runs r on r.id = e.workflow_run_id and r.deleted_at is null and sees_run(r, $1, $6)
           left join job_executions j on j.id = e.job_execution_id
          where ($2 = '' or lower(e.message) like '%' || $2 || '%')
            and (not $3 or e.level = 'error')
            and ($4::bigint is null or e.id < $4)
          order by e.id desc
          limit $5",
    )
    .bind(reader)
    .bind(like)
    .bind(query.errors)
    .bind(query.before)
    .bind(limit + 1)
    .bind(reach)
    .fetch_all(conn)
    .await
    .doing("searching what clients said")?;
    let more = rows.len() as i64 > limit;
    let entries = rows.into_iter().take(limit as usize).map(|(id, run, name, directory, job, rule, level, message, at)| LogEntry {
        id,
        run: RunId(run),
        run_title: title(&name, directory.as_deref()).to_owned(),
        job: job.map(JobKey),
        rule,
        is_error: level == "error",
        message,
        at,
    });
    Ok((entries.collect(), more))
}
