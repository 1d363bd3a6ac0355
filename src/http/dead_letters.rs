//! `GET /v1/dead-letters`, `POST …/{id}/retry`, `DELETE …/{id}`: what was given up.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::body::Query;
use super::edge::RequestId;
use super::paging::{self, List, PageQuery};
use super::problem::{self, ApiError};
use crate::engine::Engine;
use crate::engine::dead_letters::RetryError;
use crate::model::{Code, Problem};
use crate::store::dead_letters::DeadLetter;

#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterView {
    id: Uuid,
    /// `sync`, `webhook` or `notification`.
    kind: String,
    project: Option<String>,
    attempts: i32,
    /// The problem that ended it.
    #[schema(value_type = Object)]
    error: Value,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What was given up, newest first.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "operations", params(PageQuery),
    responses((status = 200, body = List<DeadLetterView>)))]
pub async fn list(engine: web::Data<Engine>, query: Query<PageQuery>) -> Result<HttpResponse, ApiError> {
    let limit = paging::limit(query.limit)?;
    let before = paging::position::<Uuid>(query.cursor.as_deref())?;
    let rows = engine.store.dead_letters(before, i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1).await?;
    Ok(HttpResponse::Ok().json(List::of(rows, limit, |row| row.id, view)?))
}

/// Tries it again, as if for the first time.
#[utoipa::path(post, path = "/v1/dead-letters/{id}/retry", tag = "operations",
    params(("id" = Uuid, Path, description = "The dead letter")), responses((status = 202, description = "Queued again")))]
pub async fn retry(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = id_of(&path)?;
    match engine.retry_dead_letter(id, &caller.actor(), Some(&request_id.0)).await {
        Ok(true) => Ok(HttpResponse::Accepted().finish()),
        Ok(false) => Err(ApiError::not_found("dead letter")),
        Err(RetryError::Store(error)) => Err(error.into()),
        Err(RetryError::Queue(error)) => {
            let mut refused = ApiError::new(Code::Unavailable, "The queue cannot take it at the moment.");
            refused.cause = Some(error.to_string());
            Err(refused)
        }
    }
}

/// Gives it up for good.
#[utoipa::path(delete, path = "/v1/dead-letters/{id}", tag = "operations",
    params(("id" = Uuid, Path, description = "The dead letter")), responses((status = 204, description = "Gone")))]
pub async fn delete(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let deleted = engine.store.delete_dead_letter(id_of(&path)?, &caller.actor(), Some(&request_id.0)).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found("dead letter")) }
}

fn id_of(path: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(path).map_err(|_| ApiError::not_found("dead letter"))
}

fn view(row: DeadLetter) -> DeadLetterView {
    let error = serde_json::from_value::<Problem>(row.error.clone()).map_or(row.error, |known| problem::shown(&known));
    DeadLetterView {
        id: row.id,
        kind: row.kind,
        project: row.project,
        attempts: row.attempts,
        error,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
