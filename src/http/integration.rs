//! `connect`, and a project's integration: connecting it, seeing it, disconnecting it.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Project};
use super::body::Json;
use super::edge::RequestId;
use super::failure::answer;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::engine::connect::{Connected, Wanted};
use crate::engine::views::IntegrationView;
use crate::model::{BranchName, ProjectId, RepoName, UserId};
use crate::store::linking::Asked;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectRequest {
    /// In a panel: its own person, whatever stands here.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    user: Option<UserId>,
    /// Where the browser goes in the end: a URL of a panel origin or the public URL's, or a path.
    #[serde(default)]
    return_to: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectAnswer {
    /// For the person's browser: good once, for ten minutes.
    authorize_url: String,
    expires_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationRequest {
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    user: Option<UserId>,
    installation_id: i64,
    /// `owner/name`.
    repository: String,
    /// The repository's default branch, if left out.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    branch: Option<BranchName>,
}

/// Begins an authorization at GitHub: a link for the person's browser.
#[utoipa::path(post, path = "/v1/projects/{project}/connect", tag = "connection",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = ConnectRequest, responses((status = 200, body = ConnectAnswer)))]
pub async fn connect(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    Json(body): Json<ConnectRequest>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.required_user(body.user)?;
    let actor = caller.actor_for(Some(&user));
    let asked = Asked { actor: &actor, request_id: Some(&request_id.0) };
    let begun = engine.begin_visit(&project, &user, body.return_to.as_deref(), asked).await.map_err(answer)?;
    Ok(HttpResponse::Ok().json(ConnectAnswer { authorize_url: begun.authorize_url, expires_at: begun.expires_at }))
}

/// Connects the project to a repository that this user may push to.
#[utoipa::path(put, path = "/v1/projects/{project}/integration", tag = "connection",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = IntegrationRequest,
    responses((status = 201, body = IntegrationView), (status = 200, body = IntegrationView, description = "It was so already")))]
pub async fn put(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    Json(body): Json<IntegrationRequest>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.required_user(body.user)?;
    let (owner, name) = owner_and_name(&body.repository)?;
    let wanted = Wanted { installation_id: body.installation_id, owner, name, branch: body.branch };
    let actor = caller.actor_for(Some(&user));
    let asked = Asked { actor: &actor, request_id: Some(&request_id.0) };
    let connected = engine.connect_repository(&project, &user, &wanted, asked).await.map_err(answer)?;
    let mut response = match connected {
        Connected::New => HttpResponse::Created(),
        Connected::Same => HttpResponse::Ok(),
    };
    Ok(response.json(shown(&engine, &project).await?))
}

/// The connection and how it is doing.
#[utoipa::path(get, path = "/v1/projects/{project}/integration", tag = "connection",
    params(("project" = String, Path, description = "The host's own id of the project")),
    responses((status = 200, body = IntegrationView)))]
pub async fn get(engine: web::Data<Engine>, Project(project): Project) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(shown(&engine, &project).await?))
}

/// Disconnects. The repository stays as it is, and so do the project's files.
#[utoipa::path(delete, path = "/v1/projects/{project}/integration", tag = "connection",
    params(("project" = String, Path, description = "The host's own id of the project")),
    responses((status = 204, description = "Disconnected, now or before")))]
pub async fn delete(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
) -> Result<HttpResponse, ApiError> {
    let pid = engine.store.pid_of(&project).await?.ok_or_else(|| ApiError::not_found("project"))?;
    let actor = caller.actor();
    let asked = Asked { actor: &actor, request_id: Some(&request_id.0) };
    engine.disconnect(pid, asked).await.map_err(answer)?;
    Ok(HttpResponse::NoContent().finish())
}

/// The integration as it is now.
pub(super) async fn shown(engine: &Engine, project: &ProjectId) -> Result<IntegrationView, ApiError> {
    let row = engine.store.project(project).await?.ok_or_else(|| ApiError::not_found("project"))?;
    Ok(IntegrationView::of(row))
}

/// `owner/name`, as GitHub could have it.
fn owner_and_name(text: &str) -> Result<(String, RepoName), ApiError> {
    let wrong = |why: &str| ApiError::field("repository", why);
    let (owner, name) = text.split_once('/').ok_or_else(|| wrong("is owner/name"))?;
    let name = RepoName::parse(name).map_err(|why| wrong(&why.0))?;
    if !is_login(owner) {
        return Err(wrong("the owner has 1 to 100 letters, digits, _ and -"));
    }
    Ok((owner.to_owned(), name))
}

/// Whether an account could have this name. Enterprise accounts have `_`, bots do not own.
pub(super) fn is_login(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
