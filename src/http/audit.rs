//! `GET /v1/audit`: who did what.

use actix_web::web;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::Query;
use super::paging::{self, List};
use super::problem::ApiError;
use crate::engine::Engine;
use crate::store::audit::{AuditFilter, AuditRow};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// The host's own id of a project, also of one that is gone.
    project: Option<String>,
    /// An actor's id, or its type.
    actor: Option<String>,
    /// Such as `project.changed`.
    action: Option<String>,
    /// 1 to 100; 50 when it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AuditView {
    id: String,
    at: DateTime<Utc>,
    actor: ActorView,
    action: String,
    project: Option<String>,
    target: Option<String>,
    request_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ActorView {
    /// `host`, `user`, `github`, `operator` or `system`.
    r#type: String,
    id: Option<String>,
}

/// Lists the audit trail, newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = List<AuditView>)))]
pub async fn list(
    engine: web::Data<Engine>,
    Query(query): Query<AuditQuery>,
) -> Result<web::Json<List<AuditView>>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let before = paging::position(query.cursor.as_deref())?;
    for (name, text) in [("project", &query.project), ("actor", &query.actor), ("action", &query.action)] {
        if text.as_deref().is_some_and(|text| text.contains('\0')) {
            return Err(ApiError::field(name, "has no NUL"));
        }
    }
    let filter = AuditFilter { project: query.project, actor: query.actor, action: query.action };
    let rows = engine.store.audit(&filter, before, i64::try_from(limit + 1).unwrap_or(i64::MAX)).await?;
    Ok(web::Json(List::of(rows, limit, |row| row.id, view)?))
}

fn view(row: AuditRow) -> AuditView {
    AuditView {
        id: row.id.to_string(),
        at: row.at,
        actor: ActorView { r#type: row.actor_type, id: row.actor_id },
        action: row.action,
        project: row.project,
        target: row.target,
        request_id: row.request_id,
    }
}
