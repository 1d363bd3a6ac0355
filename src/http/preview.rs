//! What drafts of settings would do, and the patch of a pending path: for forms that show it first.

use actix_web::{HttpResponse, web};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{Caller, Project};
use super::body::{Json, Query};
use super::failure::answer;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::engine::preview::Draft;
use crate::model::{Author, FilePath};

/// As large as the settings themselves may be.
const MAX_BODY: usize = 4 << 20;

/// Settings that are tried and not saved; what is left out is as it is saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    commit_template: Option<String>,
    exclude: Option<Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewView {
    /// The message of a commit of what is pending, or of an example where nothing is.
    message: String,
    /// How many of the project's files are left out, and how many are not.
    excluded: usize,
    included: usize,
    /// Some of those that are left out.
    paths: Vec<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PatchQuery {
    /// A pending path.
    path: String,
    /// Where it was renamed from.
    from: Option<String>,
}

/// Tries a commit template and exclude patterns on the project as it is, and saves nothing.
#[utoipa::path(post, path = "/v1/projects/{project}/settings/preview", tag = "settings",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = PreviewRequest, responses((status = 200, body = PreviewView)))]
pub async fn settings(
    engine: web::Data<Engine>,
    caller: Caller,
    Project(project): Project,
    Json(body): Json<PreviewRequest, MAX_BODY>,
) -> Result<web::Json<PreviewView>, ApiError> {
    let author = match caller {
        Caller::Panel(who) => Some(Author { id: who.user.to_string(), name: who.name, email: who.email }),
        _ => None,
    };
    let draft = Draft { commit_template: body.commit_template, exclude: body.exclude };
    let seen = engine.preview(&project, draft, author, Utc::now()).await.map_err(answer)?;
    let seen = seen.ok_or_else(|| ApiError::not_found("project"))?;
    let (excluded, included) = (seen.excluded, seen.included);
    Ok(web::Json(PreviewView { message: seen.message, excluded, included, paths: seen.paths }))
}

/// The patch of one pending path, in git's unified format.
#[utoipa::path(get, path = "/v1/projects/{project}/pending/diff", tag = "syncs",
    params(("project" = String, Path, description = "The host's own id of the project"), PatchQuery),
    responses((status = 200, content_type = "text/x-diff", body = String)))]
pub async fn patch(
    engine: web::Data<Engine>,
    Project(project): Project,
    Query(query): Query<PatchQuery>,
) -> Result<HttpResponse, ApiError> {
    let path = parsed("path", query.path)?;
    let from = query.from.map(|from| parsed("from", from)).transpose()?;
    let patch = engine.pending_patch(&project, &path, from.as_ref()).await?;
    let patch = patch.ok_or_else(|| ApiError::not_found("path"))?;
    Ok(HttpResponse::Ok().content_type("text/x-diff; charset=utf-8").body(patch))
}

fn parsed(field: &str, text: String) -> Result<FilePath, ApiError> {
    FilePath::parse(text).map_err(|why| ApiError::field(field, why.to_string()))
}
