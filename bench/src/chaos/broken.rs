//! Promises broken on purpose after a story, each by an SQL statement: the story must then fail, or the checks are blind.

use anyhow::Result;
use clap::ValueEnum;

use crate::server::Server;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Broken {
    /// Acknowledged reports are missing.
    Lost,
    /// Reports are stored more often than they were sent.
    Twice,
    /// A counter differs from the rows.
    Counter,
    /// A change of which nobody is notified.
    Silent,
}

impl Broken {
    /// Breaks the promise. Bypassing the triggers needs a superuser, which the owner of the private database is.
    pub async fn apply(self, server: &Server) -> Result<()> {
        let statement = match self {
            Self::Lost => "delete from ingest_events",
            Self::Twice => {
                "insert into ingest_events (workflow_run_id, source, event, body, received_at, outcome)
                 select workflow_run_id, source, event, body, received_at, outcome from ingest_events, generate_series(1, 20)"
            }
            Self::Counter => "set session_replication_role = replica; update workflow_runs set jobs_success = jobs_success + 1",
            Self::Silent => "set session_replication_role = replica; update workflow_runs set workflow_name = 'nobody was told'",
        };
        sqlx::raw_sql(statement).execute(&mut server.database().await?).await?;
        Ok(())
    }
}
