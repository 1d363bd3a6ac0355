//! Refs: <https://docs.github.com/rest/git/refs>.

use serde_json::{Value, json};

use super::not_empty;
use crate::access::{read, write};
use crate::call::{Call, Target};
use crate::events::refs::{RefChange, RefRefusal};
use crate::git::{Kind, Oid};
use crate::http::message::{Answer, Refusal, Reply, malformed, not_found, refuse, required};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::render::node_id::NodeId;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/git/ref/{ref*}", get),
    route("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref*}", matching),
    route("GET", "/repos/{owner}/{repo}/git/refs", all),
    route("GET", "/repos/{owner}/{repo}/git/refs/{ref*}", get),
    route("POST", "/repos/{owner}/{repo}/git/refs", create),
    route("PATCH", "/repos/{owner}/{repo}/git/refs/{ref*}", update),
    route("DELETE", "/repos/{owner}/{repo}/git/refs/{ref*}", delete),
];

fn ref_json(target: &Target, name: &str, oid: Oid) -> Value {
    let kind = target.git.store.read(&oid).map_or(Kind::Commit, |it| it.kind);
    json!({
        "ref": name,
        "node_id": NodeId::Ref(target.id, name.to_owned()).text(),
        "url": format!("{}/git/{name}", target.url),
        "object": {
            "sha": oid.hex(),
            "type": kind.name(),
            "url": format!("{}/git/{}s/{oid}", target.url, kind.name()),
        },
    })
}

fn get(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    not_empty(&target)?;
    let name = format!("refs/{}", call.param("ref"));
    let oid = target.git.refs.get(&name).ok_or_else(not_found)?;
    Ok(Reply::json(200, &ref_json(&target, &name, oid)))
}

fn matching(call: &Call<'_>) -> Answer {
    list(call, &format!("refs/{}", call.param("ref")))
}

fn all(call: &Call<'_>) -> Answer {
    list(call, "refs/")
}

fn list(call: &Call<'_>, prefix: &str) -> Answer {
    let target = call.repo(read("contents"))?;
    not_empty(&target)?;
    let refs = target.git.refs.list(prefix);
    let all: Vec<Value> = refs.iter().map(|(name, oid)| ref_json(&target, name, *oid)).collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

fn create(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    not_empty(&target)?;
    let body = call.request.json()?;
    let name = required(&body, "ref")?.to_owned();
    if !name.starts_with("refs/") || name.matches('/').count() < 2 {
        return Err(malformed("Reference name must start with 'refs/' and contain at least two slashes."));
    }
    let to = Oid::parse(required(&body, "sha")?);
    let to =
        to.ok_or_else(|| refuse(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f]."))?;
    change(call, &target, name.clone(), Some(None), Some(to), false)?;
    let reply = Reply::json(201, &ref_json(&target, &name, to));
    Ok(reply.with("location", format!("{}/git/{name}", target.url)))
}

fn update(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    not_empty(&target)?;
    let body = call.request.json()?;
    let name = format!("refs/{}", call.param("ref"));
    let to = Oid::parse(required(&body, "sha")?);
    let to =
        to.ok_or_else(|| refuse(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f]."))?;
    let now = target.git.refs.get(&name);
    if now.is_none() {
        return Err(refuse(422, "Reference does not exist"));
    }
    let force = body["force"].as_bool().unwrap_or(false);
    change(call, &target, name.clone(), None, Some(to), force)?;
    Ok(Reply::json(200, &ref_json(&target, &name, to)))
}

fn delete(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    let name = format!("refs/{}", call.param("ref"));
    change(call, &target, name, None, None, true)?;
    Ok(Reply::empty(204))
}

fn change(
    call: &Call<'_>,
    target: &Target,
    name: String,
    expect: Option<Option<Oid>>,
    to: Option<Oid>,
    force: bool,
) -> Result<(), Refusal> {
    let mut world = call.world();
    let change = RefChange { repository: target.id, name, expect, to, force, actor: call.actor(&world), bypass: false };
    call.core.change_ref(&mut world, &change).map_err(|refusal| ref_refusal(&refusal))?;
    Ok(())
}

/// What REST says when a ref may not change.
pub(crate) fn ref_refusal(refusal: &RefRefusal) -> Refusal {
    match refusal {
        RefRefusal::Missing => refuse(422, "Reference does not exist"),
        RefRefusal::Exists => refuse(422, "Reference already exists"),
        RefRefusal::Stale(_) => refuse(409, "Reference cannot be updated"),
        RefRefusal::NotFastForward => refuse(422, "Update is not a fast forward"),
        RefRefusal::Protected(message) => refuse(422, message),
        RefRefusal::Rules(messages) => refuse(422, &rules_message(messages)),
        RefRefusal::InTheWay => refuse(422, "Reference update failed"),
        RefRefusal::BadName => refuse(422, "Reference name is not valid"),
        RefRefusal::NoSuchObject => refuse(422, "Object does not exist"),
        RefRefusal::Archived => refuse(403, "Repository was archived so is read-only."),
    }
}

/// What every API says of broken rulesets.
pub(crate) fn rules_message(messages: &[String]) -> String {
    format!("Repository rule violations found\n\n{}\n\n", messages.join("\n\n"))
}
