//! Pull requests: proposing what is pending, and how it stands.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::{Caller, Project};
use super::body::{Json, Query};
use super::edge::RequestId;
use super::failure::answer;
use super::paging::{self, List, PageQuery};
use super::problem::ApiError;
use super::syncs::{asker, pid_of};
use crate::engine::Engine;
use crate::engine::pulls::Proposal;
use crate::engine::view::PullView;
use crate::model::{BranchName, UserId};
use crate::store::pulls::Pull;

const MAX_TITLE: usize = 256;
const MAX_BODY: usize = 65_536;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PullRequestRequest {
    /// 1 to 256 characters on one line.
    title: String,
    /// Markdown, at most 65,536 characters.
    #[serde(default)]
    body: Option<String>,
    /// Where it is to be merged; the sync branch when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    base: Option<BranchName>,
    /// A new branch; `lockstep/` and a slug of the title when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    branch: Option<BranchName>,
    #[serde(default)]
    draft: Option<bool>,
    /// The host's own id of the person who proposes.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    user: Option<UserId>,
}

/// Takes the pending changes to a new branch and opens a pull request.
#[utoipa::path(post, path = "/v1/projects/{project}/pull-requests", tag = "pull requests",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = PullRequestRequest, responses((status = 201, body = PullView)))]
pub async fn create(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    Json(body): Json<PullRequestRequest>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.user(body.user.clone());
    let asker = asker(&caller, user, &request_id);
    let pull = engine.propose(project.as_str(), proposal(body)?, &asker).await.map_err(answer)?;
    Ok(HttpResponse::Created().json(shown(&engine, pull).await?))
}

fn proposal(body: PullRequestRequest) -> Result<Proposal, ApiError> {
    let title = body.title.trim().to_owned();
    if !(1..=MAX_TITLE).contains(&title.chars().count()) || title.chars().any(char::is_control) {
        return Err(ApiError::field("title", "has 1 to 256 characters on one line"));
    }
    let text = body.body.unwrap_or_default();
    if text.chars().count() > MAX_BODY || text.contains('\0') {
        return Err(ApiError::field("body", "has at most 65,536 characters"));
    }
    let draft = body.draft.unwrap_or(false);
    Ok(Proposal { title, body: text, base: body.base, branch: body.branch, draft })
}

async fn shown(engine: &Engine, pull: Pull) -> Result<PullView, ApiError> {
    let paths = engine.store.carried_paths(&[pull.id]).await?.remove(&pull.id).unwrap_or_default();
    Ok(PullView::new(&pull, paths))
}

/// Pull requests that Lockstep opened, newest first.
#[utoipa::path(get, path = "/v1/projects/{project}/pull-requests", tag = "pull requests",
    params(("project" = String, Path, description = "The host's own id of the project"), PageQuery),
    responses((status = 200, body = List<PullView>)))]
pub async fn list(
    engine: web::Data<Engine>,
    Project(project): Project,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let limit = paging::limit(query.limit)?;
    let before: Option<i64> = paging::position(query.cursor.as_deref())?;
    let pid = pid_of(&engine, &project).await?;
    let rows = engine.store.pulls(pid, before, limit as i64 + 1).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let paths = engine.store.carried_paths(&ids).await?;
    let view = |row: Pull| PullView::new(&row, paths.get(&row.id).cloned().unwrap_or_default());
    Ok(HttpResponse::Ok().json(List::of(rows, limit, |row| row.id, view)?))
}

fn number_of(request: &HttpRequest) -> Result<i64, ApiError> {
    let text = request.match_info().get("number").unwrap_or("");
    text.parse().map_err(|_| ApiError::not_found("pull request"))
}

/// One pull request.
#[utoipa::path(get, path = "/v1/projects/{project}/pull-requests/{number}", tag = "pull requests",
    params(("project" = String, Path, description = "The host's own id of the project"), ("number" = i64, Path, description = "GitHub's number")),
    responses((status = 200, body = PullView)))]
pub async fn one(
    engine: web::Data<Engine>,
    Project(project): Project,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (pid, number) = (pid_of(&engine, &project).await?, number_of(&request)?);
    let pull = engine.store.pull_by_number(pid, number).await?.ok_or_else(|| ApiError::not_found("pull request"))?;
    Ok(HttpResponse::Ok().json(shown(&engine, pull).await?))
}

/// Reads how it stands from GitHub.
#[utoipa::path(post, path = "/v1/projects/{project}/pull-requests/{number}/refresh", tag = "pull requests",
    params(("project" = String, Path, description = "The host's own id of the project"), ("number" = i64, Path, description = "GitHub's number")),
    responses((status = 200, body = PullView)))]
pub async fn refresh(
    engine: web::Data<Engine>,
    Project(project): Project,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (pid, number) = (pid_of(&engine, &project).await?, number_of(&request)?);
    let pull = engine.refresh_pull(pid, number).await.map_err(answer)?;
    Ok(HttpResponse::Ok().json(shown(&engine, pull).await?))
}
