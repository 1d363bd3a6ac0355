//! People and organizations: <https://docs.github.com/rest/orgs>.

use serde_json::Value;

use super::installations::user;
use crate::access::inaccessible;
use crate::auth::Caller;
use crate::call::Call;
use crate::http::message::{Answer, Reply, not_found, refuse};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::world::permissions::Level;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/user", myself),
    route("GET", "/user/orgs", my_organizations),
    route("GET", "/user/memberships/orgs", my_memberships),
    route("GET", "/user/memberships/orgs/{org}", my_membership),
    route("GET", "/users/{login}", one),
    route("GET", "/users/{login}/orgs", organizations_of),
    route("GET", "/user/{id}", by_id),
    route("GET", "/orgs/{org}", organization),
    route("GET", "/orgs/{org}/memberships/{login}", membership),
];

fn myself(call: &Call<'_>) -> Answer {
    let (user, _) = user(call)?;
    let world = call.world();
    let account = world.accounts.get(&user).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.full_user_json(account, true)))
}

fn one(call: &Call<'_>) -> Answer {
    let world = call.world();
    let account = world.account(call.param("login")).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.full_user_json(account, false)))
}

fn by_id(call: &Call<'_>) -> Answer {
    let world = call.world();
    let account = world.accounts.get(&call.number("id")?).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.full_user_json(account, false)))
}

fn my_organizations(call: &Call<'_>) -> Answer {
    let (user, _) = user(call)?;
    list_organizations(call, user)
}

fn organizations_of(call: &Call<'_>) -> Answer {
    let user = call.world().account_id(call.param("login")).ok_or_else(not_found)?;
    list_organizations(call, user)
}

fn list_organizations(call: &Call<'_>, user: u64) -> Answer {
    let world = call.world();
    let own = world.organizations_of(user);
    let all: Vec<Value> = own.into_iter().map(|it| world.organization_json(it)).collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

fn organization(call: &Call<'_>) -> Answer {
    let world = call.world();
    let found = world.account(call.param("org")).filter(|it| it.is_organization());
    let found = found.ok_or_else(not_found)?;
    let mut shown = world.full_organization_json(found);
    let owner = matches!(&call.caller, Caller::User { user, .. } if world.administers(*user, found.id));
    if let (false, Some(shown)) = (owner, shown.as_object_mut()) {
        // Only its owners see everything.
        let told = |name: &str| {
            name == "members_url" || !(name.starts_with("members_") || name.starts_with("default_repository_"))
        };
        shown.retain(|name, _| told(name));
    }
    Ok(Reply::json(200, &shown))
}

fn my_memberships(call: &Call<'_>) -> Answer {
    let (user, app) = user(call)?;
    let world = call.world();
    let all: Vec<Value> = world
        .organizations_of(user)
        .into_iter()
        .filter(|it| world.installation_at(app, it.id).is_some())
        .filter_map(|it| Some(world.membership_json(it, user, *it.members.get(&user)?)))
        .collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

/// A person's own standing; only where the App is installed, with `members: read`.
fn my_membership(call: &Call<'_>) -> Answer {
    let (user, app) = user(call)?;
    let world = call.world();
    let found = world.account(call.param("org")).ok_or_else(not_found)?;
    let installed = world.installation_at(app, found.id);
    if !installed.is_some_and(|it| it.permissions.allow("members", Level::Read)) {
        return Err(inaccessible());
    }
    let role = *found.members.get(&user).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.membership_json(found, user, role)))
}

/// Anybody's standing: takes `members: read`, or to be a member.
fn membership(call: &Call<'_>) -> Answer {
    let world = call.world();
    let found = world.account(call.param("org")).ok_or_else(not_found)?;
    let user = world.account_id(call.param("login")).ok_or_else(not_found)?;
    let allowed = match &call.caller {
        Caller::User { user, .. } => found.members.contains_key(user),
        Caller::Installation { permissions, .. } => permissions.allow("members", Level::Read),
        Caller::Anonymous => return Err(refuse(401, "Requires authentication")),
        _ => false,
    };
    if !allowed {
        return Err(inaccessible());
    }
    let role = *found.members.get(&user).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.membership_json(found, user, role)))
}
