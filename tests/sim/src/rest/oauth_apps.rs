//! What an App may do with people's tokens: <https://docs.github.com/rest/apps/oauth-applications>.

use serde_json::{Value, json};

use crate::auth::{Caller, bad_credentials};
use crate::call::Call;
use crate::http::message::{Answer, Refusal, Reply, not_found, refuse, required};
use crate::http::router::{Route, route};
use crate::world::World;
use crate::world::stamp;
use crate::world::token::Grant;

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/applications/{client_id}/token", check),
    route("DELETE", "/applications/{client_id}/token", revoke_token),
    route("DELETE", "/applications/{client_id}/grant", revoke_grant),
];

/// The App that authenticated itself with its secret, which is the one the path names.
fn app(call: &Call<'_>, world: &World) -> Result<u64, Refusal> {
    let Caller::Client(id) = call.caller else {
        return Err(bad_credentials());
    };
    let app = world.apps.get(&id).ok_or_else(not_found)?;
    match app.client_id == call.param("client_id") {
        true => Ok(id),
        false => Err(not_found()),
    }
}

/// The token the body names, its user, and the App.
fn token(call: &Call<'_>, world: &World) -> Result<(String, u64, u64), Refusal> {
    let app = app(call, world)?;
    let body = call.request.json()?;
    let text = required(&body, "access_token")?.to_owned();
    match world.token(&text).map(|it| &it.grant) {
        Some(Grant::User { user, app: own }) if *own == app => Ok((text, *user, app)),
        _ => Err(refuse(404, "Not Found")),
    }
}

fn check(call: &Call<'_>) -> Answer {
    let world = call.world();
    let (text, user, app) = token(call, &world)?;
    Ok(Reply::json(200, &authorization(&world, &text, user, app)))
}

fn authorization(world: &World, text: &str, user: u64, app: u64) -> Value {
    let found = world.tokens.get(text);
    let app = world.apps.get(&app);
    json!({
        "id": user,
        "url": format!("{}/authorizations/{user}", world.url),
        "scopes": [],
        "token": text,
        "token_last_eight": text.get(text.len().saturating_sub(8)..),
        "hashed_token": null,
        "app": {
            "client_id": app.map(|it| &it.client_id),
            "name": app.map(|it| &it.name),
            "url": app.map(|it| &it.external_url),
        },
        "note": null,
        "note_url": null,
        "updated_at": found.map(|it| stamp(it.created_at)),
        "created_at": found.map(|it| stamp(it.created_at)),
        "fingerprint": null,
        "user": world.user_json(user),
        "expires_at": found.map(|it| stamp(it.expires_at)),
    })
}

/// Ends one token and its refresh token, nothing else.
fn revoke_token(call: &Call<'_>) -> Answer {
    let mut world = call.world();
    let (text, _, _) = token(call, &world)?;
    world.revoke_pair(&text);
    Ok(Reply::empty(204))
}

/// Ends everything the person ever allowed this App.
fn revoke_grant(call: &Call<'_>) -> Answer {
    let mut world = call.world();
    let (_, user, app) = token(call, &world)?;
    world.revoke_grant(user, app);
    call.core.announce_revocation(&mut world, app, user);
    Ok(Reply::empty(204))
}
