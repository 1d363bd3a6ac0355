//! `GET …/pending`: what waits to be synced, path by path.

use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::auth::Project;
use super::body::Query;
use super::paging::{self, List};
use super::problem::{ApiError, shown};
use crate::engine::{Engine, Pending};
use crate::model::ChangeKind;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PendingQuery {
    /// True: the excluded paths instead.
    #[serde(default)]
    excluded: bool,
    /// 1 to 100; 50 when it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PendingView {
    path: String,
    #[schema(value_type = String, example = "modified")]
    change: ChangeKind,
    /// Of a renamed file: the path it came from, which is listed as deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Lines; null for binary content.
    additions: Option<u64>,
    deletions: Option<u64>,
    /// Why it is kept back: a problem, or null.
    #[schema(value_type = Option<Object>)]
    held: Option<Value>,
    excluded: bool,
}

/// Lists what waits to be synced, by path.
#[utoipa::path(get, path = "/v1/projects/{project}/pending", tag = "syncs",
    params(("project" = String, Path, description = "The host's own id of the project"), PendingQuery),
    responses((status = 200, body = List<PendingView>)))]
pub async fn list(
    engine: web::Data<Engine>,
    Project(project): Project,
    Query(query): Query<PendingQuery>,
) -> Result<web::Json<List<PendingView>>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let after = paging::path(query.cursor.as_deref())?;
    let found = engine.pending(&project, query.excluded, after.as_deref(), limit + 1).await?;
    let found = found.ok_or_else(|| ApiError::not_found("project"))?;
    Ok(web::Json(List::of(found, limit, |item| item.path.clone(), view)?))
}

fn view(item: Pending) -> PendingView {
    PendingView {
        path: item.path,
        change: item.change,
        from: item.from,
        additions: item.lines.map(|(additions, _)| additions),
        deletions: item.lines.map(|(_, deletions)| deletions),
        held: item.held.as_ref().map(shown),
        excluded: item.excluded,
    }
}
