//! `GET /panel/{project}/api/session`: who the session's person is, so that a panel offers only what
//! they may do. Panels only: a key is nobody.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::auth::Caller;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::model::Code;

pub async fn show(engine: web::Data<Engine>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let Caller::Panel(session) = caller else {
        return Err(ApiError::new(Code::Forbidden, "Only a panel session has a person."));
    };
    let authorized = engine.store.has_authorized(&session.project, &session.user).await?;
    Ok(HttpResponse::Ok().json(json!({
        "user": { "id": session.user.as_str(), "name": session.name, "email": session.email },
        "role": session.role,
        "authorized": authorized,
        "expires_at": session.expires_at,
    })))
}
