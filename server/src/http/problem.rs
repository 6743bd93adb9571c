//! Errors of the API in RFC 9457's form, `application/problem+json`, with an incident id for errors of our own.

use app::error::AppError;
use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use read::ReadError;
use serde::Serialize;
use store::{StoreError, error::chain};
use tracing::error;
use utoipa::ToSchema;

/// What went wrong, for a program and for the person behind it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// Look for it in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<String>,
    #[serde(skip)]
    retry_after: Option<u16>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            incident: None,
            retry_after: None,
        }
    }

    /// Asks the caller to try again after this many seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u16) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// This person or token has as many streams and downloads open as allowed.
    pub fn too_many_open() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "You have too many streams and downloads open. Close some of them.").retry_after(5)
    }

    /// There is no such run, or the caller may not see it: the two look alike.
    pub fn no_run() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such run.")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => {
                error!(error = chain(&error), "The database is not reachable");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The database is not reachable.").retry_after(2)
            }
            StoreError::Unfit(text) => Self::new(StatusCode::BAD_REQUEST, text),
            other => {
                let incident = app::error::incident();
                error!(error = chain(&other), incident, "A request failed");
                Self { incident: Some(incident), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Flowo hit an internal error.") }
            }
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let status = error.status();
        let incident = error.incident().map(str::to_owned);
        let problem = Self { incident, ..Self::new(status, error.to_string()) };
        if status == StatusCode::SERVICE_UNAVAILABLE { problem.retry_after(2) } else { problem }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        AppError::from(error).into()
    }
}

impl From<model::Invalid> for Problem {
    fn from(invalid: model::Invalid) -> Self {
        Self::new(StatusCode::BAD_REQUEST, invalid.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
