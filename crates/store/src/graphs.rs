//! Rule graphs as they were reported, and the layouts computed from them.

use crate::{Conn, Doing, StoreError};
use model::RunId;
use serde_json::Value;

/// A run's rule graph, by the digest of its text.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Reported {
    pub digest: Vec<u8>,
    /// A layout is cached. `layout` may still be absent: then the graph was too large for one.
    pub known: bool,
    pub layout: Option<Value>,
    /// The graph as it was reported.
    pub graph: Value,
}

/// The graph of a run and its cached layout; `None` if the run reported no graph.
pub async fn reported(conn: &mut Conn, run: RunId, form: i32, direction: &str) -> Result<Option<Reported>, StoreError> {
    sqlx::query_as(
        "select d.digest, g.digest is not null as known, g.layout, r.rule_graph as graph
           from workflow_runs r,
                lateral (select sha256(convert_to(r.rule_graph::text, 'UTF8')) as digest offset 0) d
           left join graph_layouts g on g.digest = d.digest and g.form = $2 and g.direction = $3
          where r.id = $1 and r.rule_graph is not null",
    )
    .bind(run.0)
    .bind(form)
    .bind(direction)
    .fetch_optional(conn)
    .await
    .doing("reading a rule graph")
}

/// A graph derived from a reported one, with its cached layout.
pub async fn made(conn: &mut Conn, graph: Value, form: i32, direction: &str) -> Result<Reported, StoreError> {
    sqlx::query_as(
        "select d.digest, g.digest is not null as known, g.layout, $1 as graph
           from (select sha256(convert_to(($1::jsonb)::text, 'UTF8')) as digest offset 0) d
           left join graph_layouts g on g.digest = d.digest and g.form = $2 and g.direction = $3",
    )
    .bind(graph)
    .bind(form)
    .bind(direction)
    .fetch_one(conn)
    .await
    .doing("looking for a layout")
}

/// Rules of a run that have jobs and are not among `names`; at most `most`.
pub async fn others(conn: &mut Conn, run: RunId, names: &[String], most: u32) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(
        "select rule from rule_counts
          where workflow_run_id = $1 and rule <> '' and not rule = any($2) and waiting + running + success + failed + lost + skipped > 0
          order by rule limit $3",
    )
    .bind(run.0)
    .bind(names)
    .bind(i64::from(most))
    .fetch_all(conn)
    .await
    .doing("reading rules that came later")
}

/// Caches a layout for all runs with the same graph; `None` records that there cannot be one.
pub async fn keep(conn: &mut Conn, digest: &[u8], form: i32, direction: &str, layout: Option<&Value>) -> Result<(), StoreError> {
    sqlx::query("insert into graph_layouts (digest, form, direction, layout) values ($1, $2, $3, $4) on conflict do nothing")
        .bind(digest)
        .bind(form)
        .bind(direction)
        .bind(layout)
        .execute(conn)
        .await
        .doing("keeping a layout")?;
    Ok(())
}
