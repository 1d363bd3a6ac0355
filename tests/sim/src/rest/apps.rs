//! GitHub Apps: <https://docs.github.com/rest/apps/apps>.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::auth::Caller;
use crate::call::Call;
use crate::http::message::{Answer, Refusal, Reply, not_found, refuse};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::world::World;
use crate::world::installation::{Installation, Selection};
use crate::world::permissions::Permissions;
use crate::world::stamp;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/app", get_app),
    route("GET", "/apps/{slug}", get_by_slug),
    route("GET", "/app/installations", list_installations),
    route("GET", "/app/installations/{id}", get_installation),
    route("DELETE", "/app/installations/{id}", uninstall),
    route("PUT", "/app/installations/{id}/suspended", suspend),
    route("DELETE", "/app/installations/{id}/suspended", unsuspend),
    route("POST", "/app/installations/{id}/access_tokens", mint),
    route("GET", "/orgs/{login}/installation", installation_of_account),
    route("GET", "/users/{login}/installation", installation_of_account),
    route("GET", "/repos/{owner}/{repo}/installation", installation_of_repository),
    route("POST", "/app-manifests/{code}/conversions", convert_manifest),
];

/// The App whose JWT this is.
pub(super) fn app(call: &Call<'_>) -> Result<u64, Refusal> {
    match call.caller {
        Caller::App(id) => Ok(id),
        _ => Err(refuse(401, "A JSON web token could not be decoded")),
    }
}

fn get_app(call: &Call<'_>) -> Answer {
    let id = app(call)?;
    let world = call.world();
    let app = world.apps.get(&id).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.app_json(app)))
}

fn get_by_slug(call: &Call<'_>) -> Answer {
    let world = call.world();
    let app = world.app_by_slug(call.param("slug")).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.app_json(app)))
}

fn list_installations(call: &Call<'_>) -> Answer {
    let app = app(call)?;
    let world = call.world();
    let own = world.installations.values().filter(|it| it.app == app);
    let all: Vec<Value> = own.map(|it| world.installation_json(it)).collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

/// The installation named by the path, of the App that asks.
fn own_installation<'w>(call: &Call<'_>, world: &'w World) -> Result<&'w Installation, Refusal> {
    let app = app(call)?;
    let found = world.installations.get(&call.number("id")?);
    found.filter(|it| it.app == app).ok_or_else(not_found)
}

fn get_installation(call: &Call<'_>) -> Answer {
    let world = call.world();
    let installation = own_installation(call, &world)?;
    Ok(Reply::json(200, &world.installation_json(installation)))
}

fn uninstall(call: &Call<'_>) -> Answer {
    let mut world = call.world();
    let id = own_installation(call, &world)?.id;
    let by = call.actor(&world);
    call.core.uninstall(&mut world, id, by);
    Ok(Reply::empty(204))
}

fn suspend(call: &Call<'_>) -> Answer {
    set_suspended(call, true)
}

fn unsuspend(call: &Call<'_>) -> Answer {
    set_suspended(call, false)
}

fn set_suspended(call: &Call<'_>, suspended: bool) -> Answer {
    let mut world = call.world();
    let id = own_installation(call, &world)?.id;
    let by = call.actor(&world);
    call.core.set_suspended(&mut world, id, suspended, by);
    Ok(Reply::empty(204))
}

/// <https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>
fn mint(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let mut world = call.world();
    let installation = own_installation(call, &world)?.clone();
    if installation.suspended.is_some() {
        return Err(refuse(403, "This installation has been suspended"));
    }
    let permissions = asked_permissions(&installation, &body)?;
    let repositories = asked_repositories(&world, &installation, &body)?;
    let token = world.mint_installation_token(installation.id, permissions.clone(), repositories.clone());
    let expires_at = world.now() + chrono::Duration::hours(1);
    let narrowed = repositories.is_some();
    let selection = if narrowed { "selected" } else { installation.selection.name() };
    let mut answer = json!({
        "token": token,
        "expires_at": stamp(expires_at),
        "permissions": permissions.json(),
        "repository_selection": selection,
    });
    if let Some(ids) = repositories {
        answer["repositories"] = ids.iter().map(|id| world.repository_json(*id)).collect();
    }
    Ok(Reply::json(201, &answer))
}

fn asked_permissions(installation: &Installation, body: &Value) -> Result<Permissions, Refusal> {
    let given = body["permissions"].as_object();
    if given.is_none_or(|it| it.is_empty()) && !body["permissions"].is_string() {
        return Ok(installation.permissions.clone());
    }
    let asked = Permissions::parse(&body["permissions"])
        .ok_or_else(|| refuse(422, "Invalid request.\n\nInvalid permissions."))?;
    if !installation.permissions.cover(&asked) {
        let message = "The permissions requested are not granted to this installation.";
        return Err(refuse(422, message));
    }
    Ok(asked)
}

fn asked_repositories(
    world: &World,
    installation: &Installation,
    body: &Value,
) -> Result<Option<BTreeSet<u64>>, Refusal> {
    let names = body["repositories"].as_array();
    let ids = body["repository_ids"].as_array();
    if names.is_none() && ids.is_none() {
        return Ok(None);
    }
    let refusal = || {
        let message = "There is at least one repository that does not exist or is not \
                       accessible to the parent installation.";
        refuse(422, message)
    };
    let owner = world.accounts.get(&installation.account);
    let owner = owner.map(|it| it.login.clone()).unwrap_or_default();
    let by_name = names.into_iter().flatten().map(|name| {
        let full = format!("{owner}/{}", name.as_str()?);
        world.repository(&full).map(|it| it.id)
    });
    let by_id = ids.into_iter().flatten().map(Value::as_u64);
    let asked: Option<BTreeSet<u64>> = by_name.chain(by_id).collect();
    let asked = asked.ok_or_else(refusal)?;
    if asked.len() > 500 || asked.iter().any(|id| !world.reaches(installation.id, *id)) {
        return Err(refusal());
    }
    Ok(Some(asked))
}

fn installation_of_account(call: &Call<'_>) -> Answer {
    let app = app(call)?;
    let world = call.world();
    let account = world.account_id(call.param("login")).ok_or_else(not_found)?;
    let found = world.installation_at(app, account).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.installation_json(found)))
}

fn installation_of_repository(call: &Call<'_>) -> Answer {
    let app = app(call)?;
    let world = call.world();
    let name = format!("{}/{}", call.param("owner"), call.param("repo"));
    let Some(repo) = world.repository(&name) else {
        let moved = world.moved.get(&name.to_ascii_lowercase()).copied();
        let reached = moved.filter(|id| world.installation_on(app, *id).is_some());
        return Err(reached.map_or_else(not_found, |id| call.redirect(id)));
    };
    let found = world.installation_on(app, repo.id).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.installation_json(found)))
}

/// Hands out a new App's credentials, once, within an hour.
fn convert_manifest(call: &Call<'_>) -> Answer {
    let mut world = call.world();
    let (id, made) = world.oauth.manifests.remove(call.param("code")).ok_or_else(not_found)?;
    if world.now() - made > chrono::Duration::hours(1) {
        return Err(not_found());
    }
    let app = world.apps.get(&id).ok_or_else(not_found)?;
    let mut answer = world.app_json(app);
    answer["client_id"] = json!(app.client_id);
    answer["client_secret"] = json!(app.client_secret);
    answer["webhook_secret"] = json!(app.webhook_secret);
    answer["pem"] = json!(app.private_key);
    Ok(Reply::json(201, &answer))
}

/// Selection after taking in a repository the App made itself.
pub(super) fn select(world: &mut World, installation: u64, repository: u64) -> bool {
    let found = world.installations.get_mut(&installation);
    match found.map(|it| &mut it.selection) {
        Some(Selection::Selected(ids)) => ids.insert(repository),
        _ => false,
    }
}
