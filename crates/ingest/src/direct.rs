//! Clients that write rows themselves: Flowo plugins before 0.1.11, and anything that speaks SQL.
//!
//! They write directly to PostgreSQL, where `init-db/04-direct-writers.sql` translates their rows, so there are no routes here.

use crate::protocol::{Connect, Protocol, Step};
use store::sweep::Silence;

/// What this protocol exports.
pub static PROTOCOL: Protocol = Protocol {
    source: "sql",
    routes: &[],
    // Only runs that name a client can become lost. Rows that people write by hand name none.
    silence: |timeouts| Silence {
        source: "sql",
        is_named: true,
        beating: Some(timeouts.heartbeat),
        failing: Some(timeouts.quiet),
        quiet: Some(timeouts.quiet),
    },
    unsent: None,
    connect: Some(Connect {
        key: Some("other"),
        label: "Other",
        steps: &[Step {
            title: "Write a row from anything that speaks SQL",
            line: "psql … -c \"INSERT INTO workflow_runs (workflow_name, status) VALUES ('test_workflow', 'running')\"",
            copy: "Copy the statement",
            hint: &["With DATABASE_URL, Flowo uses your own PostgreSQL; a row that is committed there appears here at once."],
        }],
    }),
};
