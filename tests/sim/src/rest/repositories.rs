//! Repositories: <https://docs.github.com/rest/repos/repos>.

use serde_json::{Value, json};

use super::apps::select;
use super::installations::user;
use crate::access::{inaccessible, read, write};
use crate::auth::Caller;
use crate::call::Call;
use crate::http::message::{Answer, Refusal, Reply, invalid, not_found, refuse};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::world::World;
use crate::world::account::Membership;
use crate::world::names;
use crate::world::permissions::Level;
use crate::world::repository::NewRepository;
use crate::world::role::Role;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}", get),
    route("PATCH", "/repos/{owner}/{repo}", update),
    route("DELETE", "/repos/{owner}/{repo}", delete),
    route("GET", "/repositories/{id}", gone),
    route("GET", "/repositories/{id}/{rest*}", gone),
    route("POST", "/orgs/{org}/repos", create_in_organization),
    route("POST", "/user/repos", create_for_user),
    route("GET", "/user/repos", list_for_user),
    route("GET", "/orgs/{org}/repos", list_of_organization),
    route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", permission),
];

fn role_of(call: &Call<'_>, world: &World, id: u64) -> Option<Role> {
    match &call.caller {
        Caller::User { user, .. } => world.role(*user, id),
        Caller::Installation { permissions, .. } => Some(match permissions.allow("contents", Level::Write) {
            true => Role::Write,
            false => Role::Read,
        }),
        _ => None,
    }
}

fn get(call: &Call<'_>) -> Answer {
    let target = call.repo(read("metadata"))?;
    let world = call.world();
    let role = role_of(call, &world, target.id);
    Ok(Reply::json(200, &world.full_repository_json(target.id, role)))
}

/// What `/repositories/{id}` leads to when there is no such repository.
fn gone(_: &Call<'_>) -> Answer {
    Err(not_found())
}

fn update(call: &Call<'_>) -> Answer {
    let target = call.repo(write("administration"))?;
    let body = call.request.json()?;
    let mut world = call.world();
    let by = call.actor(&world);
    if let Some(branch) = body["default_branch"].as_str() {
        if target.git.branch(branch).is_none() {
            return Err(invalid("Repository", "default_branch", "invalid", None));
        }
        if let Some(repo) = world.repositories.get_mut(&target.id) {
            repo.default_branch = branch.to_owned();
        }
        target.git.refs.set_head(branch);
    }
    if let (Some(text), Some(repo)) = (body["description"].as_str(), world.repositories.get_mut(&target.id)) {
        repo.description = Some(text.to_owned());
    }
    if let Some(name) = body["name"].as_str().map(names::rewrite) {
        call.core.rename_repository(&mut world, target.id, &name, by);
    }
    if let Some(private) = body["private"].as_bool() {
        call.core.set_visibility(&mut world, target.id, private, by);
    }
    if let Some(archived) = body["archived"].as_bool() {
        call.core.archive_repository(&mut world, target.id, archived, by);
    }
    let role = role_of(call, &world, target.id);
    Ok(Reply::json(200, &world.full_repository_json(target.id, role)))
}

fn delete(call: &Call<'_>) -> Answer {
    let target = call.repo(write("administration"))?;
    let mut world = call.world();
    let by = call.actor(&world);
    call.core.delete_repository(&mut world, target.id, by);
    Ok(Reply::empty(204))
}

fn create_in_organization(call: &Call<'_>) -> Answer {
    let organization = {
        let world = call.world();
        let found = world.account(call.param("org")).filter(|it| it.is_organization());
        let found = found.ok_or_else(not_found)?;
        may_create(call, &world, found.id)?;
        found.id
    };
    create(call, organization)
}

/// An installation with `administration: write`, or a person who may create there through an
/// App that is installed there.
fn may_create(call: &Call<'_>, world: &World, organization: u64) -> Result<(), Refusal> {
    let administration =
        |permissions: &crate::world::permissions::Permissions| permissions.allow("administration", Level::Write);
    match &call.caller {
        Caller::Installation { installation, permissions, .. } => {
            let at = world.installations.get(installation).map(|it| it.account);
            match at == Some(organization) && administration(permissions) {
                true => Ok(()),
                false => Err(inaccessible()),
            }
        }
        Caller::User { user, app, .. } => {
            let installed = world.installation_at(*app, organization);
            if !installed.is_some_and(|it| administration(&it.permissions)) {
                return Err(inaccessible());
            }
            let account = world.accounts.get(&organization).ok_or_else(not_found)?;
            match account.members.get(user) {
                Some(Membership::Admin) => Ok(()),
                Some(Membership::Member) if account.members_can_create => Ok(()),
                Some(Membership::Member) => {
                    Err(refuse(403, "You need admin access to the organization before adding a repository to it."))
                }
                None => Err(not_found()),
            }
        }
        Caller::Anonymous => Err(refuse(401, "Requires authentication")),
        _ => Err(inaccessible()),
    }
}

/// Only with a person's token, through an App with `administration: write`.
fn create_for_user(call: &Call<'_>) -> Answer {
    let (user, app) = user(call)?;
    let allowed = {
        let world = call.world();
        let app = world.apps.get(&app);
        app.is_some_and(|it| it.permissions.allow("administration", Level::Write))
    };
    match allowed {
        true => create(call, user),
        false => Err(inaccessible()),
    }
}

fn create(call: &Call<'_>, owner: u64) -> Answer {
    let body = call.request.json()?;
    let asked = body["name"].as_str().unwrap_or_default();
    let name = names::rewrite(asked);
    let mut world = call.world();
    if let Some(reason) = names::refusal(&name) {
        return Err(creation_failed(reason));
    }
    if world.is_taken(owner, &name) {
        return Err(creation_failed("name already exists on this account"));
    }
    let private = body["private"].as_bool().unwrap_or(false) || body["visibility"].as_str() == Some("private");
    let new = NewRepository {
        owner,
        name,
        description: body["description"].as_str().map(str::to_owned),
        private,
        default_branch: "main".to_owned(),
    };
    let by = call.actor(&world);
    let id = call.core.create_repository(&mut world, new, by);
    // Who makes one in an organization administers it.
    if let (Caller::User { user, .. }, Some(repo)) = (&call.caller, world.repositories.get_mut(&id))
        && *user != owner
    {
        repo.collaborators.insert(*user, Role::Admin);
    }
    join_installation(call, &mut world, owner, id, by);
    if body["auto_init"].as_bool() == Some(true) {
        let name = world.full_name(id).unwrap_or_default();
        let title = name.rsplit('/').next().unwrap_or_default();
        let readme = crate::Change::file("README.md", format!("# {title}\n"));
        let mut push = crate::push::Push::to(id, "main", vec![readme]);
        push.message = "Initial commit".to_owned();
        push.by = Some(by);
        call.core.push(&mut world, &push).map_err(|it| refuse(500, &it))?;
    }
    let body = world.full_repository_json(id, Some(Role::Admin));
    let location = body["url"].as_str().unwrap_or_default().to_owned();
    Ok(Reply::json(201, &body).with("location", location))
}

/// What an App creates joins its «selected» installation by itself.
fn join_installation(call: &Call<'_>, world: &mut World, owner: u64, id: u64, by: u64) {
    let app = match &call.caller {
        Caller::Installation { installation, .. } => world.installations.get(installation).map(|it| it.app),
        Caller::User { app, .. } => Some(*app),
        _ => None,
    };
    let installation = app.and_then(|app| world.installation_at(app, owner)).map(|it| it.id);
    if let Some(installation) = installation
        && select(world, installation, id)
    {
        call.core.announce_selection(world, installation, &[id], json!([]), by);
    }
}

fn creation_failed(message: &str) -> Refusal {
    let Refusal(reply) = invalid("Repository", "name", "custom", Some(message));
    let mut body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    body["message"] = json!("Repository creation failed.");
    Refusal(Box::new(Reply::json(422, &body)))
}

fn list_for_user(call: &Call<'_>) -> Answer {
    let (user, _) = user(call)?;
    let world = call.world();
    let all: Vec<Value> = world
        .repositories
        .keys()
        .filter_map(|id| Some((*id, world.explicit_role(user, *id)?)))
        .map(|(id, role)| world.repository_with_role_json(id, Some(role)))
        .collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

fn list_of_organization(call: &Call<'_>) -> Answer {
    let world = call.world();
    let owner = world.account_id(call.param("org")).ok_or_else(not_found)?;
    let own = world.repositories.values().filter(|it| it.owner == owner);
    let seen = own.filter(|it| crate::access::admit(&world, &call.caller, it.id, read("metadata")).is_ok());
    let all: Vec<Value> = seen.map(|it| world.repository_with_role_json(it.id, role_of(call, &world, it.id))).collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

fn permission(call: &Call<'_>) -> Answer {
    let target = call.repo(read("metadata"))?;
    let world = call.world();
    let user = world.account_id(call.param("username")).ok_or_else(not_found)?;
    let role = world.role(user, target.id);
    let name = role.map_or("none", Role::name);
    let body = json!({
        "permission": name, "role_name": name, "user": world.user_json(user),
    });
    Ok(Reply::json(200, &body))
}
