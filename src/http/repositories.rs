//! The repositories a person could connect, and making a new one.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{Caller, Project};
use super::body::{Json, Query};
use super::edge::RequestId;
use super::failure::answer;
use super::integration::{is_login, shown};
use super::paging;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::engine::repositories::{Listed, UserInstallation};
use crate::engine::repository::ToMake;
use crate::engine::views::IntegrationView;
use crate::model::{BranchName, RepoName, UserId};
use crate::store::linking::Asked;

const MAX_DESCRIPTION: usize = 350;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RepositoriesQuery {
    /// In a panel: its own person, whatever stands here.
    #[param(value_type = Option<String>)]
    user: Option<UserId>,
    /// 1 to 100; 50 when it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Where the browser goes after installing the App, as for `connect`.
    return_to: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RepositoriesAnswer {
    items: Vec<RepositoryItem>,
    next_cursor: Option<String>,
    installations: Vec<InstallationItem>,
    /// Where the person installs the App on another account, or lets it reach more repositories.
    install_url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RepositoryItem {
    installation_id: i64,
    id: i64,
    full_name: String,
    url: String,
    private: bool,
    default_branch: String,
    archived: bool,
    /// What this person may do: `read`, `write` or `admin`.
    permission: &'static str,
    connectable: bool,
    /// The code of the problem that connecting it would meet.
    reason: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InstallationItem {
    id: i64,
    account: AccountItem,
    /// `all` or `selected`.
    repository_selection: String,
    suspended: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AccountItem {
    login: String,
    /// `User` or `Organization`.
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    Private,
    Public,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepositoryRequest {
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    user: Option<UserId>,
    /// The person's own account, or an organization where they may make repositories.
    owner: String,
    #[schema(value_type = String)]
    name: RepoName,
    #[serde(default)]
    #[schema(max_length = 350)]
    description: Option<String>,
    visibility: Visibility,
    /// What GitHub names the first branch, if left out.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    branch: Option<BranchName>,
}

/// The repositories that GitHub shows to this user through the App.
#[utoipa::path(get, path = "/v1/projects/{project}/repositories", tag = "connection",
    params(("project" = String, Path, description = "The host's own id of the project"), RepositoriesQuery),
    responses((status = 200, body = RepositoriesAnswer)))]
pub async fn list(
    engine: web::Data<Engine>,
    caller: Caller,
    Project(project): Project,
    Query(query): Query<RepositoriesQuery>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.required_user(query.user)?;
    let limit = paging::limit(query.limit)?;
    let pid = engine.store.pid_of(&project).await?.ok_or_else(|| ApiError::not_found("project"))?;
    let page = engine
        .repositories(pid, &user, limit, query.cursor.as_deref(), query.return_to.as_deref())
        .await
        .map_err(answer)?;
    Ok(HttpResponse::Ok().json(RepositoriesAnswer {
        items: page.items.into_iter().map(item).collect(),
        next_cursor: page.next_cursor,
        installations: page.installations.into_iter().map(installation).collect(),
        install_url: page.install_url,
    }))
}

/// Makes a repository and connects the project to it.
#[utoipa::path(post, path = "/v1/projects/{project}/repository", tag = "connection",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = RepositoryRequest, responses((status = 201, body = IntegrationView)))]
pub async fn create(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    Json(body): Json<RepositoryRequest>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.required_user(body.user)?;
    if !is_login(&body.owner) {
        return Err(ApiError::field("owner", "is the name of a person or an organization at GitHub"));
    }
    let wanted = ToMake {
        owner: body.owner,
        name: body.name,
        description: body.description.map(checked_description).transpose()?,
        private: body.visibility == Visibility::Private,
        branch: body.branch,
    };
    let actor = caller.actor_for(Some(&user));
    let asked = Asked { actor: &actor, request_id: Some(&request_id.0) };
    engine.create_repository(&project, &user, &wanted, asked).await.map_err(answer)?;
    Ok(HttpResponse::Created().json(shown(&engine, &project).await?))
}

/// GitHub takes 350 characters and refuses control characters.
fn checked_description(text: String) -> Result<String, ApiError> {
    if text.chars().count() > MAX_DESCRIPTION {
        Err(ApiError::field("description", "has at most 350 characters"))
    } else if text.chars().any(char::is_control) {
        Err(ApiError::field("description", "has no control characters"))
    } else {
        Ok(text)
    }
}

fn item(listed: Listed) -> RepositoryItem {
    let Listed { installation_id, repository, reason } = listed;
    let (permission, repository) = (repository.permission.as_str(), repository.repository);
    RepositoryItem {
        installation_id,
        id: repository.id,
        full_name: repository.full_name,
        url: repository.url,
        private: repository.private,
        default_branch: repository.default_branch,
        archived: repository.archived,
        permission,
        connectable: reason.is_none(),
        reason: reason.map(|code| code.as_str()),
    }
}

fn installation(one: UserInstallation) -> InstallationItem {
    InstallationItem {
        id: one.id,
        account: AccountItem { login: one.account.login, kind: one.account.kind },
        repository_selection: one.repository_selection,
        suspended: one.suspended,
    }
}
