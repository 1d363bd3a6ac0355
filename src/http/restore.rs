//! `POST …/restore`: back to the tree as a sync left it, as a new revision.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Caller, Project};
use super::body::Json;
use super::changes::{Accepted, accepted};
use super::edge::RequestId;
use super::problem::ApiError;
use super::syncs::asker;
use crate::engine::Engine;
use crate::model::UserId;
use crate::store::changes::{Asking, Restore};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// The id of the sync.
    sync: String,
    #[schema(value_type = Option<String>)]
    user: Option<UserId>,
    /// The idempotency key, as for changes.
    event_id: Option<String>,
}

/// Makes the project's tree what it was when the sync ended. Excluded paths stay.
#[utoipa::path(post, path = "/v1/projects/{project}/restore", tag = "files",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = RestoreRequest,
    responses((status = 202, body = Accepted), (status = 200, description = "The event id was known", body = Accepted)))]
pub async fn restore(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    Json(body): Json<RestoreRequest>,
) -> Result<HttpResponse, ApiError> {
    let sync = Uuid::parse_str(&body.sync).map_err(|_| ApiError::field("sync", "is the id of a sync"))?;
    let event_id = body.event_id.unwrap_or_else(|| format!("restore-{}", Uuid::now_v7().simple()));
    if !(1..=128).contains(&event_id.chars().count()) || event_id.contains('\0') {
        return Err(ApiError::field("event_id", "has 1 to 128 characters, no NUL"));
    }
    let asker = asker(&caller, body.user, &request_id);
    let asking = Asking {
        project: project.clone(),
        event_id: event_id.clone(),
        expected_revision: None,
        author: asker.author,
        actor: asker.actor,
        request_id: asker.request_id,
        excludes: crate::engine::excluded,
    };
    let answer = engine.store.restore(&Restore { asking, sync }).await;
    accepted(&engine, &project, &event_id, answer).await
}
