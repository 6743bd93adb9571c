//! Converts a run's row from the database into the model's form.

use crate::{StoreError, status};
use model::{
    RunId,
    run::{JobCounts, RunSummary},
};
use sqlx::types::Uuid;

/// The columns of [`Row`], for every statement that reads summaries from `workflow_runs r`.
pub(super) const COLUMNS: &str = "r.id, r.number, r.workflow_name, r.status, r.source, r.user_name, r.directory, r.tags, r.dry_run,
    r.attempt, ms(r.sort_at) as sort_at, ms(r.started_at) as started_at, ms(r.ended_at) as ended_at, r.jobs_planned, r.jobs_waiting, r.jobs_running,
    r.jobs_success, r.jobs_failed, r.jobs_lost, r.jobs_skipped, r.quarantined, r.revision";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub id: Uuid,
    number: i64,
    workflow_name: String,
    status: String,
    source: String,
    user_name: String,
    directory: Option<String>,
    tags: Vec<String>,
    dry_run: bool,
    attempt: i32,
    sort_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    jobs_planned: Option<i32>,
    jobs_waiting: i32,
    jobs_running: i32,
    jobs_success: i32,
    jobs_failed: i32,
    jobs_lost: i32,
    jobs_skipped: i32,
    quarantined: i32,
    revision: i64,
}

impl TryFrom<Row> for RunSummary {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let status = status::of_run(row.id, &row.status)?;
        Ok(Self {
            id: RunId(row.id),
            number: row.number,
            name: row.workflow_name,
            status,
            source: row.source,
            user: row.user_name,
            directory: row.directory,
            tags: row.tags,
            dry_run: row.dry_run,
            attempt: row.attempt,
            sort_at: row.sort_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            jobs: JobCounts {
                planned: row.jobs_planned,
                waiting: row.jobs_waiting,
                running: row.jobs_running,
                success: row.jobs_success,
                failed: row.jobs_failed,
                lost: row.jobs_lost,
                skipped: row.jobs_skipped,
            },
            quarantined: row.quarantined,
            revision: row.revision,
        })
    }
}
