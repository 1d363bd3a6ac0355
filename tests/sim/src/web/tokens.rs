//! `/login/oauth/access_token`: codes and refresh tokens against tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::auth::same;
use crate::call::Call;
use crate::http::message::{Answer, Reply};
use crate::http::router::{Route, route};
use crate::world::World;
use crate::world::token::Grant;

pub(super) const ROUTES: &[Route] = &[route("POST", "/login/oauth/access_token", exchange)];

/// Why nothing is handed out; GitHub says it with status 200.
struct Denied(&'static str, &'static str);

const BAD_CLIENT: Denied =
    Denied("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.");
const BAD_CODE: Denied = Denied("bad_verification_code", "The code passed is incorrect or expired.");
const BAD_REFRESH: Denied = Denied("bad_refresh_token", "The refresh token passed is incorrect or expired.");
const BAD_REDIRECT: Denied =
    Denied("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.");
const BAD_GRANT: Denied = Denied("unsupported_grant_type", "The grant_type is not supported.");

fn exchange(call: &Call<'_>) -> Answer {
    let mut fields = call.request.fields();
    fields.extend(call.request.query.iter().cloned());
    let body = match tokens(&mut call.world(), &fields) {
        Ok(body) => body,
        Err(Denied(error, description)) => json!({
            "error": error,
            "error_description": description,
            "error_uri": "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/",
        }),
    };
    if call.request.accepts("json") {
        return Ok(Reply::json(200, &body));
    }
    Ok(Reply::raw(200, "application/x-www-form-urlencoded; charset=utf-8", form(&body)))
}

fn form(body: &Value) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in body.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(name, &text);
    }
    form.finish()
}

fn tokens(world: &mut World, fields: &[(String, String)]) -> Result<Value, Denied> {
    let get = |name: &str| {
        let found = fields.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let app = world.app_by_client(get("client_id")).ok_or(BAD_CLIENT)?;
    if !same(&app.client_secret, get("client_secret")) {
        return Err(BAD_CLIENT);
    }
    let app = app.id;
    let user = match get("grant_type") {
        "refresh_token" => by_refresh(world, app, get("refresh_token"))?,
        "" | "authorization_code" => by_code(world, app, get("code"), get("redirect_uri"), get("code_verifier"))?,
        _ => return Err(BAD_GRANT),
    };
    let (access, refresh) = world.mint_user_tokens(user, app);
    Ok(json!({
        "access_token": access,
        "expires_in": 28_800,
        "refresh_token": refresh,
        "refresh_token_expires_in": 15_811_200,
        "token_type": "bearer",
        "scope": "",
    }))
}

/// A refresh token works once, and ends the access token it came with.
fn by_refresh(world: &mut World, app: u64, text: &str) -> Result<u64, Denied> {
    let (user, access) = match world.token(text).map(|it| &it.grant) {
        Some(Grant::Refresh { user, app: own, access }) if *own == app => (*user, access.clone()),
        _ => return Err(BAD_REFRESH),
    };
    world.revoke_pair(&access);
    world.tokens.remove(text);
    Ok(user)
}

/// A code works once, for ten minutes, with the verifier its challenge was made from.
fn by_code(world: &mut World, app: u64, text: &str, redirect_uri: &str, verifier: &str) -> Result<u64, Denied> {
    let code = world.oauth.codes.remove(text).ok_or(BAD_CODE)?;
    if code.app != app || code.expires_at <= world.now() {
        return Err(BAD_CODE);
    }
    let differs = code.redirect_uri.as_deref().is_some_and(|it| it != redirect_uri);
    if !redirect_uri.is_empty() && differs {
        return Err(BAD_REDIRECT);
    }
    if let Some(challenge) = &code.challenge {
        let own = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if !same(challenge, &own) {
            return Err(BAD_CODE);
        }
    }
    Ok(code.user)
}
