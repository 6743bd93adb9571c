//! Promises that are broken on purpose after a story, each by a statement: the story must fail, or its judges see nothing.

use anyhow::Result;
use clap::ValueEnum;

use crate::server::Server;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Broken {
    /// Reports that were acknowledged are gone.
    Lost,
    /// Reports are there more often than they were sent.
    Twice,
    /// A counter is not that of the rows.
    Counter,
    /// A change that nobody is told of.
    Silent,
}

impl Broken {
    /// Breaks it. What is done behind the triggers' backs needs a superuser, as the private database's owner is.
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
