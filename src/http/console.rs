//! `/console`: an admin key once, then a cookie; and what only the console asks. The rest of what it
//! shows comes from the host API, where its cookie counts as that key.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;

use super::auth::CONSOLE_COOKIE;
use super::edge::RequestId;
use super::keys::KeyRing;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::store::events::Actor;
use crate::store::keys::hash;
use crate::ui::{pages, serve};

/// A working day.
const HOURS: i64 = 12;

#[derive(Deserialize)]
pub struct SignIn {
    key: String,
}

#[derive(Deserialize)]
pub struct Shown {
    refused: Option<String>,
}

/// The console, or the question for a key.
pub async fn page(
    ring: web::Data<KeyRing>,
    request: HttpRequest,
    shown: web::Query<Shown>,
) -> Result<HttpResponse, ApiError> {
    let known = match request.cookie(CONSOLE_COOKIE) {
        Some(cookie) => ring.operator(cookie.value()).await?.is_some(),
        None => false,
    };
    if known {
        return Ok(serve::page(pages::console()));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, pages::without_script("'self'")))
        .body(pages::sign_in(shown.refused.is_some())))
}

/// Exchanges an admin key for the cookie.
pub async fn sign_in(
    ring: web::Data<KeyRing>,
    request_id: RequestId,
    form: web::Form<SignIn>,
) -> Result<HttpResponse, ApiError> {
    let key_hash = hash(form.key.trim());
    let Some(id) = ring.admin_id(&key_hash).await? else {
        return Ok(see("/console?refused=1").finish());
    };
    let until = Utc::now() + TimeDelta::hours(HOURS);
    let token = ring.store().create_console_session(&key_hash, until, &Actor::Operator(id), &request_id.0).await?;
    Ok(see("/console").cookie(cookie(&token, Duration::hours(HOURS))).finish())
}

/// Ends the session.
pub async fn sign_out(ring: web::Data<KeyRing>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    if let Some(cookie) = request.cookie(CONSOLE_COOKIE) {
        ring.store().end_console_session(&hash(cookie.value())).await?;
    }
    Ok(HttpResponse::NoContent().cookie(cookie("", Duration::ZERO)).finish())
}

/// Everything the console's first page shows.
pub async fn overview(engine: web::Data<Engine>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(engine.console_overview(Utc::now()).await?))
}

fn see(address: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, address));
    response
}

fn cookie(token: &str, age: Duration) -> Cookie<'_> {
    Cookie::build(CONSOLE_COOKIE, token).path("/").http_only(true).same_site(SameSite::Strict).max_age(age).finish()
}
