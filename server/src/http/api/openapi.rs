//! The API's description, generated from the handlers.

use super::{dto, jobs, runs};
use crate::http::problem::Problem;
use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Flowo", description = "Workflow runs, their rules and jobs. Times are RFC 3339 in UTC."),
    paths(runs::list, runs::read, runs::rules, runs::delete, runs::restore, jobs::list),
    components(schemas(dto::Run, dto::RunWithDetail, dto::RunPage, dto::Rule, dto::RulePage, dto::Job, dto::JobPage, Problem)),
    security(("token" = []), ("session" = [])),
    modifiers(&Credentials)
)]
struct Document;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(crate::http::access::COOKIE))));
    }
}

/// OpenAPI 3.1.
pub async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
