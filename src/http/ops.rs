//! What operators and their machines ask: is it alive, is it ready, what does it count.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::openapi;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::model::Code;
use crate::telemetry::Metrics;

/// The process runs. Nothing else is looked at.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, description = "Alive")))]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "alive": true }))
}

/// PostgreSQL and Redis answer and take writes. `github` and its last error are told, and change nothing.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "Ready"), (status = 503, description = "PostgreSQL or Redis does not answer, or takes no writes")))]
pub async fn readyz(engine: web::Data<Engine>) -> Result<HttpResponse, ApiError> {
    let now = engine.readiness().await;
    if now.ready() {
        return Ok(HttpResponse::Ok().json(json!({
            "ready": true, "postgres": now.postgres, "redis": now.redis, "github": now.github,
            "github_error": now.github_error,
        })));
    }
    let missing = if now.postgres == "ok" { "Redis" } else { "PostgreSQL" };
    let problem = ApiError::new(Code::Unavailable, format!("{missing} does not answer, or takes no writes."));
    let problem = problem.with("ready", false).with("postgres", now.postgres);
    Err(problem.with("redis", now.redis).with("github", now.github).with("github_error", now.github_error))
}

/// Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "Metrics", content_type = "text/plain")))]
pub async fn metrics(engine: web::Data<Engine>, metrics: web::Data<Metrics>) -> HttpResponse {
    engine.measure().await;
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4")).body(metrics.render())
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "OpenAPI 3.1")))]
pub async fn openapi_json() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(openapi::text())
}

/// This document, to read.
#[utoipa::path(get, path = "/docs", tag = "operations",
    responses((status = 200, description = "The API, to read", content_type = "text/html")))]
pub async fn docs() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, super::page::policy("'none'")))
        .body(super::docs::page(&openapi::document()))
}
