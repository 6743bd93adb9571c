//! Panoptes' API: the requests of its users and their scripts, and the objects and status codes of the answers.

use super::{
    reply,
    routes::{CREATE_TIMEOUT, Panoptes, tidy_name},
};
use crate::Sender;
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use store::{
    StoreError,
    error::chain,
    panoptes::{self, Workflow},
    runs::{self, Audience},
};
use tokio::time::timeout;
use tracing::{error, warn};

/// The parameters of a path: a number, and the token before it if there is one.
type Parts = Path<HashMap<String, String>>;

fn number(parts: &Parts, name: &str) -> Option<i64> {
    parts.get(name)?.parse().ok()
}

pub(super) fn broken(error: &StoreError) -> Response {
    if error.is_unavailable() {
        warn!(error = chain(error), "A question was refused: the database is not reachable");
        return reply::unavailable("the database is not reachable");
    }
    error!(error = chain(error), "Could not answer a request of Panoptes' API");
    reply::json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "msg": "Database error" }))
}

/// The answer, or the error response.
type Answer = Result<Response, Response>;

fn flat(answer: Answer) -> Response {
    answer.unwrap_or_else(|refusal| refusal)
}

impl Panoptes {
    pub(super) async fn conn(&self) -> Result<impl std::ops::DerefMut<Target = store::Conn> + use<>, Response> {
        self.store.conn().await.map_err(|error| broken(&error))
    }

    /// The workflow that a path names.
    async fn workflow(&self, audience: Audience, parts: &Parts) -> Result<Workflow, Response> {
        let id = number(parts, "id").ok_or_else(|| reply::empty(StatusCode::NOT_FOUND))?;
        let found = panoptes::find(&mut *self.conn().await?, audience, id, self.stale).await;
        found.map_err(|error| broken(&error))?.ok_or_else(|| reply::empty(StatusCode::NOT_FOUND))
    }
}

pub(super) async fn list(State(state): State<Panoptes>, Extension(audience): Extension<Audience>) -> Response {
    let answer: Answer = async {
        let mut conn = state.conn().await?;
        let all = panoptes::list(&mut conn, audience, state.stale).await.map_err(|error| broken(&error))?;
        let unlisted = panoptes::unlisted(&mut conn, audience, all.len()).await.map_err(|error| broken(&error))?;
        let all: Vec<Value> = all.iter().map(reply::workflow).collect();
        Ok(reply::list(unlisted, &json!({ "count": all.len(), "workflows": all })))
    }
    .await;
    flat(answer)
}

pub(super) async fn one(State(state): State<Panoptes>, Extension(audience): Extension<Audience>, parts: Parts) -> Response {
    let found = state.workflow(audience, &parts).await;
    flat(found.map(|workflow| reply::json(StatusCode::OK, &json!({ "workflow": reply::workflow(&workflow) }))))
}

pub(super) async fn jobs(State(state): State<Panoptes>, Extension(audience): Extension<Audience>, parts: Parts) -> Response {
    let answer: Answer = async {
        let workflow = state.workflow(audience, &parts).await?;
        let mut conn = state.conn().await?;
        let all = panoptes::jobs(&mut conn, workflow.run, None).await.map_err(|error| broken(&error))?;
        let unlisted = panoptes::unlisted_jobs(&mut conn, workflow.run, all.len()).await.map_err(|error| broken(&error))?;
        let all: Vec<Value> = all.iter().map(|job| reply::job(job, &workflow)).collect();
        Ok(reply::list(unlisted, &json!({ "count": all.len(), "jobs": all })))
    }
    .await;
    flat(answer)
}

pub(super) async fn job(State(state): State<Panoptes>, Extension(audience): Extension<Audience>, parts: Parts) -> Response {
    let answer: Answer = async {
        let workflow = state.workflow(audience, &parts).await?;
        let wanted = number(&parts, "jobid").ok_or_else(|| reply::empty(StatusCode::NOT_FOUND))?;
        let found = panoptes::jobs(&mut *state.conn().await?, workflow.run, Some(wanted)).await.map_err(|error| broken(&error))?;
        let job = found.first().ok_or_else(|| reply::empty(StatusCode::NOT_FOUND))?;
        Ok(reply::json(StatusCode::OK, &json!({ "jobs": reply::job(job, &workflow) })))
    }
    .await;
    flat(answer)
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

pub(super) async fn rename(
    State(state): State<Panoptes>,
    Extension(audience): Extension<Audience>,
    Extension(sender): Extension<Sender>,
    parts: Parts,
    body: Bytes,
) -> Response {
    let new: Option<Named> = serde_json::from_slice(&body).ok();
    let name = new.map(|new| tidy_name(&new.name)).filter(|name| !name.is_empty());
    let name = name.map(|name| state.writer.masking().text(&name).into_owned());
    if number(&parts, "id") == Some(reply::NO_WORKFLOW) {
        return reply::unavailable("there is no workflow to be named"); // Clients end their run at 404.
    }
    let Some(name) = name else { return reply::empty(StatusCode::BAD_REQUEST) };
    let answer = async {
        let workflow = state.workflow(audience, &parts).await?;
        let renamed = panoptes::rename(&mut *state.conn().await?, audience, workflow.id, &name, sender.user).await;
        // Some clients end their user's run at 500.
        renamed.map_err(|_| reply::unavailable("the name could not be written"))?;
        let workflow = state.workflow(audience, &parts).await?;
        Ok(reply::json(StatusCode::OK, &json!({ "workflow": reply::workflow(&workflow) })))
    };
    match timeout(CREATE_TIMEOUT, answer).await {
        Ok(answer) => flat(answer),
        Err(_) => broken(&StoreError::too_slow("naming a workflow")),
    }
}

pub(super) async fn cancel(
    State(state): State<Panoptes>,
    Extension(audience): Extension<Audience>,
    Extension(sender): Extension<Sender>,
    parts: Parts,
) -> Response {
    let answer: Answer = async {
        let workflow = state.workflow(audience, &parts).await?;
        let cancelled = async {
            let mut tx = state.store.begin().await?;
            panoptes::cancel(&mut tx, workflow.run, sender.user).await?;
            store::commit(tx).await
        };
        cancelled.await.map_err(|error| broken(&error))?;
        let workflow = state.workflow(audience, &parts).await?;
        Ok(reply::json(StatusCode::OK, &json!({ "workflow": reply::workflow(&workflow) })))
    }
    .await;
    flat(answer)
}

pub(super) async fn delete(
    State(state): State<Panoptes>,
    Extension(audience): Extension<Audience>,
    Extension(sender): Extension<Sender>,
    parts: Parts,
) -> Response {
    let answer: Answer = async {
        let workflow = state.workflow(audience, &parts).await?;
        if reply::word(&workflow) == "Running" {
            let msg = "The workflow is running. Cancel it first.";
            return Ok(reply::json(StatusCode::FORBIDDEN, &json!({ "msg": msg })));
        }
        state.hide(audience, Some(workflow.id), &sender).await?;
        Ok(reply::empty(StatusCode::NO_CONTENT))
    }
    .await;
    flat(answer)
}

pub(super) async fn delete_all(
    State(state): State<Panoptes>,
    Extension(audience): Extension<Audience>,
    Extension(sender): Extension<Sender>,
) -> Response {
    let answer: Answer = async {
        if state.hide(audience, None, &sender).await? == 0 {
            return Ok(reply::empty(StatusCode::GONE));
        }
        Ok(reply::json(StatusCode::OK, &json!({ "msg": "Database clean up is complete" })))
    }
    .await;
    flat(answer)
}

impl Panoptes {
    /// Deletes all attempts behind a number, or behind every number. Only their owner and admins may do so.
    async fn hide(&self, audience: Audience, id: Option<i64>, sender: &Sender) -> Result<usize, Response> {
        // Also for an admin whose token may not oversee: it deletes what that account reported.
        let audience = if sender.admin { audience } else { sender.user.map_or(audience, Audience::User) };
        let mut conn = self.conn().await?;
        let attempts = panoptes::attempts(&mut conn, audience, id).await.map_err(|error| broken(&error))?;
        let hidden = runs::delete(&mut conn, audience, &attempts, sender.user).await.map_err(|error| broken(&error))?;
        Ok(hidden.len())
    }
}
