//! Many stored runs with a realistic distribution: ninety days, forty workflows, a dozen people.

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};

/// The same pseudo-random runs every time. Columns that a trigger maintains are left to the trigger.
const RUNS: &str = "
    insert into workflow_runs (
        workflow_name, status, source, client_version, user_name, directory, snakefile, tags,
        created_at, started_at, ended_at, last_seen_at, closed_by_client, jobs_planned,
        jobs_success, jobs_failed, jobs_running)
    select names[1 + n % 40],
           status,
           'flowo',
           '2.2.0',
           users[1 + n * 7 % 12],
           '/data/' || users[1 + n * 7 % 12] || '/' || names[1 + n % 40] || '/batch-' || n % 997,
           'workflow/Snakefile',
           array['project-' || n % 60, case when n % 3 = 0 then 'production' else 'test' end],
           began, began,
           case when status in ('success', 'failed', 'lost', 'cancelled')
                then least(began + (60 + n * 37 % 9000) * interval '1 second', now()) end,
           began + interval '1 minute',
           status in ('success', 'failed'),
           total,
           case when status = 'success' then total else total / 2 end,
           case when status = 'failed' then 1 + n % 4 else 0 end,
           case when status = 'running' then 2 else 0 end
      from (select array_agg(kind || '-' || tool) as names
              from unnest(array['rnaseq', 'variants', 'methylation', 'assembly', 'metagenome',
                                'chipseq', 'atac', 'nanopore']) as kind,
                   unnest(array['star', 'salmon', 'gatk', 'flye', 'kraken']) as tool) w,
           (select array['ana', 'bo', 'chen', 'dara', 'emil', 'fatou', 'gita', 'hugo', 'ines',
                         'jun', 'kofi', 'lena'] as users) u,
           lateral (select n, 10 + n * 13 % 300 as total,
                           now() - (n * 7919 % 7776000) * interval '1 second' as began,
                           case when n % 500 = 0 then 'running'
                                when n % 97 = 0 then 'lost'
                                when n % 89 = 0 then 'cancelled'
                                when n % 11 = 0 then 'failed'
                                else 'success' end as status
                      from generate_series(1::bigint, $1) n) g";

/// Stores `stored` runs and leaves the tables as after a vacuum.
///
/// # Errors
/// The database refuses.
pub async fn store(mut conn: PgConnection, stored: i64) -> Result<()> {
    sqlx::query(RUNS).bind(stored).execute(&mut conn).await.context("cannot store runs")?;
    sqlx::query("vacuum (analyze)").execute(&mut conn).await.context("cannot vacuum")?;
    // Written now, so that it is not written during the measurement.
    sqlx::query("checkpoint").execute(&mut conn).await.context("cannot write back")?;
    conn.close().await?;
    Ok(())
}
