//! `POST …/panel-sessions`: the host lets one of its users into one project's panel.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Project};
use super::body::{Json, Object};
use super::edge::RequestId;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::model::UserId;
use crate::store::sessions::{NewPanelSession, Role};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PanelSessionRequest {
    #[schema(value_type = PanelUser)]
    user: Object<PanelUser>,
    role: Role,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PanelUser {
    #[schema(value_type = String)]
    id: UserId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PanelSessionAnswer {
    /// The panel's page; the token stands in its fragment.
    url: String,
    token: String,
    expires_at: DateTime<Utc>,
}

/// Begins a panel session, good for an hour.
#[utoipa::path(post, path = "/v1/projects/{project}/panel-sessions", tag = "panel",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = PanelSessionRequest, responses((status = 201, body = PanelSessionAnswer)))]
pub async fn create(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    Json(body): Json<PanelSessionRequest>,
) -> Result<HttpResponse, ApiError> {
    let Object(user) = body.user;
    check(&user)?;
    let session = NewPanelSession {
        project: &project,
        user: &user.id,
        name: user.name.as_deref(),
        email: user.email.as_deref(),
        role: body.role,
    };
    let (token, expires_at) = engine.store.create_panel_session(session, &caller.actor(), &request_id.0).await?;
    let url = format!("{}/panel/{project}#session={token}", engine.settings.public_url);
    Ok(HttpResponse::Created().json(PanelSessionAnswer { url, token, expires_at }))
}

/// As for authors: what a commit's trailer can carry.
fn check(user: &PanelUser) -> Result<(), ApiError> {
    let plain = |text: &str| !text.chars().any(|c| c.is_control() || matches!(c, '<' | '>'));
    let fits = |text: &str, most: usize| (1..=most).contains(&text.chars().count()) && plain(text);
    if user.name.as_deref().is_some_and(|name| !fits(name, 200)) {
        return Err(ApiError::field("user.name", "has 1 to 200 characters, no control characters, < or >"));
    }
    if user.email.as_deref().is_some_and(|email| !fits(email, 254)) {
        return Err(ApiError::field("user.email", "has 1 to 254 characters, no control characters, < or >"));
    }
    Ok(())
}
