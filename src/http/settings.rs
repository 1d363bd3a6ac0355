//! `GET` and `PATCH …/settings`.

use actix_web::web;
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::{Caller, Project};
use super::body::Json;
use super::edge::RequestId;
use super::failure::answer;
use super::problem::ApiError;
use super::syncs::asker;
use crate::engine::views::SettingsView;
use crate::engine::{Engine, check_settings};
use crate::model::{BranchName, Code, ConflictPolicy};
use crate::store::projects::ProjectRow;
use crate::store::settings::Patch;

/// 500 patterns of 500 characters, and a template.
const MAX_BODY: usize = 4 << 20;

/// Any subset; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsRequest {
    auto_sync: Option<bool>,
    /// Another branch of the repository: compared anew, nothing agreed on yet.
    branch: Option<String>,
    /// 0 to 3600.
    batch_seconds: Option<u32>,
    /// A Jinja template of at most 4 KiB; empty for the default headline.
    commit_template: Option<String>,
    /// gitignore patterns: at most 500 of at most 500 characters.
    exclude: Option<Vec<String>>,
    #[schema(value_type = Option<String>, example = "ask")]
    conflict_policy: Option<ConflictPolicy>,
    pull: Option<bool>,
    /// 0 to 100.
    max_delete_percent: Option<u32>,
}

/// Answers a project's sync settings.
#[utoipa::path(get, path = "/v1/projects/{project}/settings", tag = "settings",
    params(("project" = String, Path, description = "The host's own id of the project")),
    responses((status = 200, body = SettingsView)))]
pub async fn show(engine: web::Data<Engine>, Project(project): Project) -> Result<web::Json<SettingsView>, ApiError> {
    let row = engine.store.project(&project).await?.ok_or_else(|| ApiError::not_found("project"))?;
    Ok(web::Json(view(row)))
}

/// Changes any of a project's sync settings, all or none.
#[utoipa::path(patch, path = "/v1/projects/{project}/settings", tag = "settings",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = SettingsRequest, responses((status = 200, body = SettingsView)))]
pub async fn patch(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    Json(body): Json<SettingsRequest, MAX_BODY>,
) -> Result<web::Json<SettingsView>, ApiError> {
    let branch = body.branch.map(BranchName::parse).transpose();
    let branch = branch.map_err(|why| ApiError::field("branch", why.0))?;
    let patch = Patch {
        auto_sync: body.auto_sync,
        batch_seconds: body.batch_seconds,
        commit_template: body.commit_template,
        exclude: body.exclude,
        conflict_policy: body.conflict_policy,
        pull: body.pull,
        max_delete_percent: body.max_delete_percent,
    };
    check_settings(&patch).await.map_err(answer)?;
    if let Some(branch) = branch {
        if engine.store.pid_of(&project).await?.is_none() {
            return Err(ApiError::new(Code::NotConnected, "The project is not connected to a repository."));
        }
        let asker = asker(&caller, None, &request_id);
        engine.switch_branch(project.as_str(), &branch, &asker).await.map_err(answer)?;
    }
    let updated = engine.patch_settings(&project, &patch, &caller.actor(), Some(&request_id.0)).await?;
    Ok(web::Json(view(updated.project)))
}

fn view(row: ProjectRow) -> SettingsView {
    SettingsView::of(row.settings, row.link.map(|link| link.branch))
}
