//! What installations and people's tokens reach: <https://docs.github.com/rest/apps/installations>.

use serde_json::{Value, json};

use crate::auth::Caller;
use crate::call::Call;
use crate::http::message::{Answer, Refusal, Reply, not_found, refuse};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::world::World;
use crate::world::role::Role;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/installation/repositories", of_token),
    route("DELETE", "/installation/token", revoke),
    route("GET", "/user/installations", of_user),
    route("GET", "/user/installations/{id}/repositories", repositories_of_user),
];

/// The person whose token this is, and the App it is for.
pub(super) fn user(call: &Call<'_>) -> Result<(u64, u64), Refusal> {
    match &call.caller {
        Caller::User { user, app, .. } => Ok((*user, *app)),
        Caller::Anonymous => Err(refuse(401, "Requires authentication")),
        _ => Err(crate::access::inaccessible()),
    }
}

fn of_token(call: &Call<'_>) -> Answer {
    let Caller::Installation { installation, repositories, .. } = &call.caller else {
        return Err(refuse(
            403,
            "You must authenticate with an installation access token in order to list repositories for an installation.",
        ));
    };
    let world = call.world();
    let reach: Vec<u64> = world
        .reach(*installation)
        .into_iter()
        .filter(|id| repositories.as_ref().is_none_or(|ids| ids.contains(id)))
        .collect();
    let page = Page::of(call.request);
    let shown: Vec<Value> =
        page.slice(&reach).into_iter().map(|id| world.repository_with_role_json(id, Some(Role::Write))).collect();
    let selection = world.installations.get(installation);
    let body = json!({
        "total_count": reach.len(),
        "repository_selection": selection.map(|it| it.selection.name()),
        "repositories": shown,
    });
    Ok(page.linked(Reply::json(200, &body), &call.core.url, call.request, reach.len()))
}

fn revoke(call: &Call<'_>) -> Answer {
    let Caller::Installation { token, .. } = &call.caller else {
        return Err(crate::access::inaccessible());
    };
    call.world().tokens.remove(token);
    Ok(Reply::empty(204))
}

/// The repositories of an installation that a person may see, by what they may do there.
fn seen(world: &World, installation: u64, user: u64) -> Vec<(u64, Role)> {
    world.reach(installation).into_iter().filter_map(|id| Some((id, world.explicit_role(user, id)?))).collect()
}

/// Also lists installations for people who may merely read.
fn of_user(call: &Call<'_>) -> Answer {
    let (user, app) = user(call)?;
    let world = call.world();
    let own = world
        .installations
        .values()
        .filter(|it| it.app == app && (world.administers(user, it.account) || !seen(&world, it.id, user).is_empty()));
    let all: Vec<Value> = own.map(|it| world.installation_json(it)).collect();
    let page = Page::of(call.request);
    let body = json!({ "total_count": all.len(), "installations": page.slice(&all) });
    Ok(page.linked(Reply::json(200, &body), &call.core.url, call.request, all.len()))
}

fn repositories_of_user(call: &Call<'_>) -> Answer {
    let (user, app) = user(call)?;
    let world = call.world();
    let id = call.number("id")?;
    let found = world.installations.get(&id).filter(|it| it.app == app);
    let installation = found.ok_or_else(not_found)?;
    let all = seen(&world, id, user);
    if all.is_empty() && !world.administers(user, installation.account) {
        return Err(not_found());
    }
    if installation.suspended.is_some() {
        return Err(refuse(403, "This installation has been suspended"));
    }
    let page = Page::of(call.request);
    let shown: Vec<Value> =
        page.slice(&all).into_iter().map(|(id, role)| world.repository_with_role_json(id, Some(role))).collect();
    let body = json!({
        "total_count": all.len(),
        "repository_selection": installation.selection.name(),
        "repositories": shown,
    });
    Ok(page.linked(Reply::json(200, &body), &call.core.url, call.request, all.len()))
}
