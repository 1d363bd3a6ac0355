//! The fields of `Query`.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::objects::{Node, may, object_node};
use super::value::{Failure, Field, Plain, Resolved};
use crate::access::read;
use crate::auth::Caller;
use crate::call::{Call, Target};
use crate::http::limits::Resource;
use crate::render::node_id::NodeId;
use crate::world::World;
use crate::world::account::AccountKind;
use crate::world::stamp;

pub(crate) fn field(call: &Call<'_>, name: &str, arguments: &Arguments) -> Field {
    match name {
        "viewer" => viewer(call),
        "rateLimit" => rate_limit(call),
        "repository" => repository(call, arguments),
        "node" => {
            let id = arguments.required("id")?;
            Ok(Resolved::Object(node(call, id)?))
        }
        "nodes" => nodes(call, arguments),
        "user" => user(call, arguments),
        "organization" => user(call, arguments),
        _ => Err(Node::Query.unknown(name)),
    }
}

/// Somebody as an object.
pub(crate) fn account(world: &World, id: u64) -> Option<Node> {
    let account = world.accounts.get(&id)?;
    Some(Node::Account(id, account.kind))
}

/// The schema says `User` for Apps' bots too.
fn viewer(call: &Call<'_>) -> Field {
    let world = call.world();
    let user = call.actor(&world);
    Ok(Resolved::Object(Node::Account(user, AccountKind::User)))
}

fn user(call: &Call<'_>, arguments: &Arguments) -> Field {
    let login = arguments.required("login")?;
    let world = call.world();
    let found = world.account_id(login).and_then(|id| account(&world, id));
    found.map(Resolved::Object).ok_or_else(|| {
        let message = format!("Could not resolve to a User with the login of '{login}'.");
        Failure::new("NOT_FOUND", message)
    })
}

fn rate_limit(call: &Call<'_>) -> Field {
    let (limits, now) = {
        let world = call.world();
        (world.limits.clone(), world.now())
    };
    let mut meters = call.core.meters();
    let meter = meters.meter(&call.caller.budget(), Resource::Graphql, &limits, now);
    Ok(Resolved::Object(
        Plain::new("RateLimit")
            .text("limit", meter.limit)
            .text("remaining", meter.remaining())
            .text("used", meter.used)
            .text("cost", 1)
            .text("nodeCount", 0)
            .text("resetAt", stamp(meter.reset))
            .node(),
    ))
}

fn repository(call: &Call<'_>, arguments: &Arguments) -> Field {
    let owner = arguments.required("owner")?;
    let name = arguments.required("name")?;
    let full = format!("{owner}/{name}");
    let world = call.world();
    let current = world.repository(&full).map(|it| it.id);
    let moved = world.moved.get(&full.to_ascii_lowercase()).copied();
    let id = current.or(moved).ok_or_else(|| Failure::no_repository(&full))?;
    may(call, &world, id, read("metadata")).map_err(|failure| match failure.kind {
        Some("NOT_FOUND") => Failure::no_repository(&full),
        _ => failure,
    })?;
    Ok(Resolved::Object(Node::Repository(id)))
}

/// The object behind a global id, if the caller may see it.
pub(crate) fn node(call: &Call<'_>, id: &str) -> Result<Node, Failure> {
    let missing = || Failure::no_node(id);
    let world = call.world();
    let parsed = NodeId::parse(id).ok_or_else(missing)?;
    let repository = match &parsed {
        NodeId::Repository(id) | NodeId::Ref(id, _) | NodeId::Object(id, _) | NodeId::Pull(id, _) => Some(*id),
        _ => None,
    };
    if let Some(repository) = repository {
        may(call, &world, repository, read("metadata")).map_err(|failure| match failure.kind {
            Some("NOT_FOUND") => missing(),
            _ => failure,
        })?;
    }
    let found = match parsed {
        NodeId::Account(id) => account(&world, id),
        NodeId::Repository(id) => Some(Node::Repository(id)),
        NodeId::Ref(id, name) => {
            Target::of(&world, id).filter(|target| target.git.refs.get(&name).is_some()).map(|_| Node::Ref(id, name))
        }
        NodeId::Object(id, oid) => Target::of(&world, id).and_then(|target| object_node(&target, oid)),
        NodeId::Pull(id, number) => world.pull(id, number).map(|_| Node::Pull(id, number)),
        NodeId::App(_) | NodeId::Other(..) => None,
    };
    found.ok_or_else(missing)
}

/// At most a hundred; what is not there is null, with an error of its own.
fn nodes(call: &Call<'_>, arguments: &Arguments) -> Field {
    let empty = Vec::new();
    let ids = arguments.value("ids").as_array().unwrap_or(&empty);
    if ids.len() > 100 {
        let message = format!("You may not provide more than 100 node ids; you provided {}.", ids.len());
        return Err(Failure { kind: Some("ARGUMENT_LIMIT"), message, extensions: Some(json!({})) });
    }
    let found = ids.iter().map(Value::as_str).map(|id| {
        let id = id.unwrap_or_default();
        Resolved::Object(node(call, id).unwrap_or_else(Node::Failed))
    });
    Ok(Resolved::List(found.collect()))
}

/// The repository an id names, for mutations.
pub(crate) fn repository_by_id(id: &str) -> Result<u64, Failure> {
    match NodeId::parse(id) {
        Some(NodeId::Repository(id)) => Ok(id),
        _ => Err(Failure::no_node(id)),
    }
}

/// Whether a caller is a person.
pub(crate) fn is_person(caller: &Caller) -> bool {
    matches!(caller, Caller::User { .. })
}
