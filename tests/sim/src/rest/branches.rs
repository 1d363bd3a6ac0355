//! Branches and tags: <https://docs.github.com/rest/branches/branches>.

use serde_json::{Value, json};

use crate::access::read;
use crate::call::{Call, Target};
use crate::git::Oid;
use crate::http::message::{Answer, Reply, not_found, refuse};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::render::commit::url_path;
use crate::render::node_id::NodeId;
use crate::world::World;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/branches", list),
    route("GET", "/repos/{owner}/{repo}/branches/{branch*}", get),
    route("GET", "/repos/{owner}/{repo}/tags", tags),
    route("GET", "/repos/{owner}/{repo}/rules/branches/{branch*}", rules),
];

/// Empty for an empty repository: this is how one is told.
fn list(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    let refs = target.git.refs.list("refs/heads/");
    let page = Page::of(call.request);
    let world = call.world();
    let shown: Vec<Value> = page
        .slice(&refs)
        .iter()
        .map(|(name, oid)| short(&world, &target, name.trim_start_matches("refs/heads/"), *oid))
        .collect();
    let reply = Reply::json(200, &shown);
    Ok(page.linked(reply, &call.core.url, call.request, refs.len()))
}

fn is_protected(world: &World, target: &Target, branch: &str) -> bool {
    let repo = world.repositories.get(&target.id);
    repo.is_some_and(|it| it.protection(branch).is_some())
}

fn short(world: &World, target: &Target, branch: &str, oid: Oid) -> Value {
    json!({
        "name": branch,
        "commit": { "sha": oid.hex(), "url": format!("{}/commits/{oid}", target.url) },
        "protected": is_protected(world, target, branch),
    })
}

fn get(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    let branch = call.param("branch");
    let missing = || refuse(404, "Branch not found");
    let oid = target.git.branch(branch).ok_or_else(missing)?;
    let commit = target.git.store.commit(&oid).ok_or_else(missing)?;
    let world = call.world();
    let api = format!("{}/branches/{}", target.url, url_path(branch));
    let protected = is_protected(&world, &target, branch);
    let body = json!({
        "name": branch,
        "commit": target.commit_json(&world, oid, &commit),
        "_links": { "self": api, "html": format!("{}/tree/{branch}", target.html) },
        "protected": protected,
        "protection": {
            "enabled": protected,
            "required_status_checks": { "enforcement_level": "off", "contexts": [], "checks": [] },
        },
        "protection_url": format!("{api}/protection"),
    });
    Ok(Reply::json(200, &body))
}

fn tags(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    let refs = target.git.refs.list("refs/tags/");
    let all: Vec<Value> = refs
        .iter()
        .map(|(name, oid)| {
            let tag = name.trim_start_matches("refs/tags/");
            json!({
                "name": tag,
                "commit": { "sha": oid.hex(), "url": format!("{}/commits/{oid}", target.url) },
                "zipball_url": format!("{}/zipball/{name}", target.url),
                "tarball_url": format!("{}/tarball/{name}", target.url),
                "node_id": NodeId::Ref(target.id, name.clone()).text(),
            })
        })
        .collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

/// The rules of active rulesets for a branch.
fn rules(call: &Call<'_>) -> Answer {
    let target = call.repo(read("metadata"))?;
    let branch = call.param("branch");
    let world = call.world();
    let repo = world.repositories.get(&target.id).ok_or_else(not_found)?;
    let fitting = repo.rulesets.iter().filter(|it| crate::world::rules::fits(&it.pattern, branch));
    let all: Vec<Value> = fitting
        .map(|it| {
            json!({
                "type": it.rule.kind(),
                "ruleset_source_type": "Repository",
                "ruleset_source": target.full_name,
                "ruleset_id": it.id,
            })
        })
        .collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}
