//! Jobs and their dependencies, derived from their files.

use super::plain;
use crate::{Conn, Doing, StoreError, status};
use model::{JobKey, JobStatus, RunId};
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet};

/// A job in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub job: JobKey,
    /// Empty if its rule was never reported.
    pub rule: String,
    pub status: JobStatus,
    /// Its wildcards' values.
    pub label: String,
}

/// Jobs, and edges from the makers of files to their users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub edges: BTreeSet<(JobKey, JobKey)>,
}

type Found = (i64, Option<String>, String, Option<Json<BTreeMap<String, serde_json::Value>>>);

/// The jobs of a run; or those of one rule, with the jobs that they depend on and the jobs that depend on them.
///
/// `None` if there are more than `most` jobs, or more than 60 000 links from or to them: a partial graph would mislead.
/// If there are too many jobs, only that many ids are read.
pub async fn graph(conn: &mut Conn, run: RunId, rule: Option<&str>, most: usize) -> Result<Option<Graph>, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "select id from job_executions
          where workflow_run_id = $1 and not superseded and ($2::text is null or left(rule, 100) = left($2, 100) and rule = $2)
          order by id limit $3",
    )
    .bind(run.0)
    .bind(rule)
    .bind(most as i64 + 1)
    .persistent(false)
    .fetch_all(&mut *conn)
    .await
    .doing("reading the jobs of a graph")?;
    if ids.len() > most {
        return Ok(None);
    }
    let Some(mut edges) = links(conn, &ids, Side::Inputs).await? else { return Ok(None) };
    if rule.is_some() {
        let Some(more) = links(conn, &ids, Side::Outputs).await? else { return Ok(None) };
        edges.extend(more);
    }
    let mut all: BTreeSet<i64> = ids.into_iter().collect();
    all.extend(edges.iter().flat_map(|(from, to)| [*from, *to]));
    let wanted: Vec<i64> = all.into_iter().collect();
    let rows: Vec<Found> =
        sqlx::query_as("select id, rule, status, wildcards from job_executions where id = any($1) and not superseded order by id")
            .bind(wanted)
            .fetch_all(conn)
            .await
            .doing("reading the jobs of a graph")?;
    let nodes = rows.into_iter().map(|(id, rule, status, wildcards)| {
        let status = status::of_job(id, &status)?;
        let label: Vec<String> = wildcards.map(|held| held.0.into_values().map(plain).collect()).unwrap_or_default();
        Ok(Node { job: JobKey(id), rule: rule.unwrap_or_default(), status, label: label.join(" ") })
    });
    let nodes = nodes.collect::<Result<Vec<Node>, StoreError>>()?;
    let known: BTreeSet<JobKey> = nodes.iter().map(|node| node.job).collect();
    let edges = edges.into_iter().map(|(from, to)| (JobKey(from), JobKey(to)));
    let edges = edges.filter(|(from, to)| from != to && known.contains(from) && known.contains(to)).collect();
    Ok(Some(Graph { nodes, edges }))
}

#[derive(Clone, Copy)]
enum Side {
    Inputs,
    Outputs,
}

/// Edges from or to jobs, each once; `None` if there are too many.
async fn links(conn: &mut Conn, ids: &[i64], side: Side) -> Result<Option<BTreeSet<(i64, i64)>>, StoreError> {
    let sql = match side {
        Side::Inputs => {
            "select distinct o.job_execution_id, i.job_execution_id
               from unnest($1::bigint[]) as j(id)
               join job_files i on i.job_execution_id = j.id and i.role = 'input'
               join job_files o on o.path_id = i.path_id and o.role = 'output'
              limit $2"
        }
        Side::Outputs => {
            "select distinct o.job_execution_id, i.job_execution_id
               from unnest($1::bigint[]) as j(id)
               join job_files o on o.job_execution_id = j.id and o.role = 'output'
               join job_files i on i.path_id = o.path_id and i.role = 'input'
              limit $2"
        }
    };
    let rows: Vec<(i64, i64)> =
        sqlx::query_as(sql).bind(ids).bind(MOST_EDGES + 1).persistent(false).fetch_all(conn).await.doing("reading what waits for what")?;
    Ok((rows.len() as i64 <= MOST_EDGES).then(|| rows.into_iter().collect()))
}

/// How many edges are read in each direction.
const MOST_EDGES: i64 = 60_000;
