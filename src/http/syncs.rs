//! Syncs: asking for one, letting one through, and the history.

use std::collections::HashMap;
use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Caller, Project};
use super::body::{OptionalJson, Query};
use super::edge::RequestId;
use super::failure::answer;
use super::paging::{self, List};
use super::problem::ApiError;
use crate::engine::Engine;
use crate::engine::diff;
use crate::engine::requests::Asker;
use crate::engine::view::SyncView;
use crate::model::{Author, ProjectId, SyncStatus, UserId};
use crate::store::syncs::{Sync, SyncFile};

/// How many files an item of the history names; the sync alone names all.
const FILES_IN_LIST: i64 = 100;

/// The body of requests that only say who asks.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ByUser {
    /// The host's own id of the person who asks.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub user: Option<UserId>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Only those with this status.
    status: Option<String>,
    /// 1 to 100; 50 when it is left out.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Who asks, for history and audit.
pub fn asker(caller: &Caller, user: Option<UserId>, request_id: &RequestId) -> Asker {
    let author = match caller {
        Caller::Panel(session) => {
            Some(Author { id: session.user.to_string(), name: session.name.clone(), email: session.email.clone() })
        }
        _ => user.clone().map(|user| Author { id: user.to_string(), name: None, email: None }),
    };
    Asker { actor: caller.actor_for(user.as_ref()), author, request_id: Some(request_id.0.clone()) }
}

/// The project's row id.
pub async fn pid_of(engine: &Engine, project: &ProjectId) -> Result<i64, ApiError> {
    engine.store.pid_of(project).await?.ok_or_else(|| ApiError::not_found("project"))
}

fn id_of(request: &HttpRequest) -> Result<Uuid, ApiError> {
    let text = request.match_info().get("id").unwrap_or("");
    Uuid::from_str(text).map_err(|_| ApiError::not_found("sync"))
}

/// Syncs now, or answers with the sync that is queued or running.
#[utoipa::path(post, path = "/v1/projects/{project}/syncs", tag = "syncs",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = Option<ByUser>, responses((status = 202, body = SyncView)))]
pub async fn create(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    OptionalJson(body): OptionalJson<ByUser>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.user(body.user);
    let sync = engine.sync_now(project.as_str(), &asker(&caller, user, &request_id)).await.map_err(answer)?;
    accepted(&engine, sync).await
}

/// Lets through the sync that waits because it would delete much.
#[utoipa::path(post, path = "/v1/projects/{project}/confirm", tag = "syncs",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = Option<ByUser>, responses((status = 202, body = SyncView)))]
pub async fn confirm(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    OptionalJson(body): OptionalJson<ByUser>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.user(body.user);
    let sync = engine.confirm(project.as_str(), &asker(&caller, user, &request_id)).await.map_err(answer)?;
    accepted(&engine, sync).await
}

/// A sync that was taken on.
pub async fn accepted(engine: &Engine, sync: Sync) -> Result<HttpResponse, ApiError> {
    let files = engine.store.sync_files(sync.id, FILES_IN_LIST).await?;
    Ok(HttpResponse::Accepted().json(SyncView::new(&sync, &files)))
}

/// The history, newest first. An item names at most 100 files.
#[utoipa::path(get, path = "/v1/projects/{project}/syncs", tag = "syncs",
    params(("project" = String, Path, description = "The host's own id of the project"), HistoryQuery),
    responses((status = 200, body = List<SyncView>)))]
pub async fn list(
    engine: web::Data<Engine>,
    Project(project): Project,
    Query(query): Query<HistoryQuery>,
) -> Result<HttpResponse, ApiError> {
    let limit = paging::limit(query.limit)?;
    let before: Option<Uuid> = paging::position(query.cursor.as_deref())?;
    let status = query.status.as_deref().map(SyncStatus::from_str).transpose();
    let status = status.map_err(|_| {
        ApiError::field("status", "is queued, running, succeeded, no_changes, conflict, failed or canceled")
    })?;
    let pid = pid_of(&engine, &project).await?;
    let rows = engine.store.syncs(pid, status, before, limit as i64 + 1).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut files: HashMap<Uuid, Vec<SyncFile>> = HashMap::new();
    for (id, file) in engine.store.sync_files_of(&ids, FILES_IN_LIST).await? {
        files.entry(id).or_default().push(file);
    }
    let view = |row: Sync| SyncView::new(&row, files.get(&row.id).map_or(&[], Vec::as_slice));
    Ok(HttpResponse::Ok().json(List::of(rows, limit, |row| row.id, view)?))
}

/// One sync, with all its files.
#[utoipa::path(get, path = "/v1/projects/{project}/syncs/{id}", tag = "syncs",
    params(("project" = String, Path, description = "The host's own id of the project"), ("id" = Uuid, Path, description = "The sync")),
    responses((status = 200, body = SyncView)))]
pub async fn one(
    engine: web::Data<Engine>,
    Project(project): Project,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (pid, id) = (pid_of(&engine, &project).await?, id_of(&request)?);
    let sync = engine.store.sync(pid, id).await?.ok_or_else(|| ApiError::not_found("sync"))?;
    let files = engine.store.sync_files(id, i64::MAX).await?;
    Ok(HttpResponse::Ok().json(SyncView::new(&sync, &files)))
}

/// What the sync changed, in git's unified format.
#[utoipa::path(get, path = "/v1/projects/{project}/syncs/{id}/diff", tag = "syncs",
    params(("project" = String, Path, description = "The host's own id of the project"), ("id" = Uuid, Path, description = "The sync")),
    responses((status = 200, body = String, content_type = "text/x-diff")))]
pub async fn patch(
    engine: web::Data<Engine>,
    Project(project): Project,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (pid, id) = (pid_of(&engine, &project).await?, id_of(&request)?);
    engine.store.sync(pid, id).await?.ok_or_else(|| ApiError::not_found("sync"))?;
    let patch = diff::stream(engine.as_ref().clone(), pid, id).await?;
    Ok(HttpResponse::Ok().content_type("text/x-diff; charset=utf-8").streaming(patch))
}
