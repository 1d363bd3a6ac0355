//! `GET /v1/projects`, `GET` and `DELETE /v1/projects/{project}`.

use actix_web::{HttpResponse, web};

use super::auth::{Caller, Project};
use super::body::Query;
use super::edge::RequestId;
use super::paging::{self, List, PageQuery};
use super::problem::ApiError;
use crate::engine::Engine;
use crate::engine::views::ProjectView;

/// Lists the projects, newest first.
#[utoipa::path(get, path = "/v1/projects", tag = "projects", params(PageQuery),
    responses((status = 200, body = List<ProjectView>)))]
pub async fn list(
    engine: web::Data<Engine>,
    Query(query): Query<PageQuery>,
) -> Result<web::Json<List<ProjectView>>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let before = paging::position(query.cursor.as_deref())?;
    let rows = engine.store.projects(before, i64::try_from(limit + 1).unwrap_or(i64::MAX)).await?;
    Ok(web::Json(List::of(rows, limit, |row| row.pid, ProjectView::of)?))
}

/// Answers one project with its integration.
#[utoipa::path(get, path = "/v1/projects/{project}", tag = "projects",
    params(("project" = String, Path, description = "The host's own id of the project")),
    responses((status = 200, body = ProjectView)))]
pub async fn show(engine: web::Data<Engine>, Project(project): Project) -> Result<web::Json<ProjectView>, ApiError> {
    let row = engine.store.project(&project).await?.ok_or_else(|| ApiError::not_found("project"))?;
    Ok(web::Json(ProjectView::of(row)))
}

/// Forgets a project: everything goes but its audit rows, and its tokens are revoked.
#[utoipa::path(delete, path = "/v1/projects/{project}", tag = "projects",
    params(("project" = String, Path, description = "The host's own id of the project")),
    responses((status = 204, description = "Forgotten")))]
pub async fn delete(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
) -> Result<HttpResponse, ApiError> {
    match engine.forget_project(&project, &caller.actor(), Some(&request_id.0)).await? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(ApiError::not_found("project")),
    }
}
