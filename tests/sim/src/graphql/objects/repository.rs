//! Repositories and refs.

use serde_json::{Value, json};

use super::super::arguments::Arguments;
use super::super::connection::connection;
use super::super::query;
use super::super::value::{Failure, Field, Resolved};
use super::git::object_node;
use super::pull::pull_state;
use super::{Node, may};
use crate::access::read;
use crate::call::{Call, Target};
use crate::git::Oid;
use crate::render::node_id::NodeId;
use crate::world::role::Role;
use crate::world::stamp;

impl Node {
    pub(super) fn repository(&self, call: &Call<'_>, id: u64, name: &str, arguments: &Arguments) -> Field {
        let world = call.world();
        let (Some(repo), Some(target)) = (world.repositories.get(&id), Target::of(&world, id)) else {
            return Ok(Resolved::Null);
        };
        let git = &target.git;
        Ok(match name {
            "id" => Resolved::scalar(NodeId::Repository(id).text()),
            "databaseId" => Resolved::scalar(id),
            "name" => Resolved::scalar(repo.name.clone()),
            "nameWithOwner" => Resolved::scalar(target.full_name.clone()),
            "description" => Resolved::scalar(json!(repo.description)),
            "url" => Resolved::scalar(target.html.clone()),
            "isPrivate" => Resolved::scalar(repo.private),
            "isArchived" => Resolved::scalar(repo.archived),
            "isDisabled" | "isFork" | "isLocked" | "isMirror" | "isTemplate" => Resolved::scalar(false),
            "isEmpty" => Resolved::scalar(git.is_empty()),
            "visibility" => Resolved::scalar(if repo.private { "PRIVATE" } else { "PUBLIC" }),
            "createdAt" => Resolved::scalar(stamp(repo.created_at)),
            "updatedAt" => Resolved::scalar(stamp(repo.updated_at)),
            "pushedAt" => Resolved::scalar(stamp(repo.pushed_at)),
            "diskUsage" => Resolved::scalar(0),
            "viewerPermission" => viewer_permission(call, &world, id),
            "owner" => Resolved::maybe(query::account(&world, repo.owner)),
            "defaultBranchRef" => {
                let full = format!("refs/heads/{}", repo.default_branch);
                Resolved::maybe(git.refs.get(&full).map(|_| Node::Ref(id, full)))
            }
            "ref" => {
                may(call, &world, id, read("contents"))?;
                let asked = arguments.required("qualifiedName")?;
                let candidates = [asked.to_owned(), format!("refs/heads/{asked}"), format!("refs/tags/{asked}")];
                let found = candidates.into_iter().find(|it| git.refs.get(it).is_some());
                Resolved::maybe(found.map(|full| Node::Ref(id, full)))
            }
            "refs" => {
                may(call, &world, id, read("contents"))?;
                let all = git.refs.list(arguments.required("refPrefix")?);
                let nodes = all.into_iter().map(|(full, _)| Node::Ref(id, full));
                connection("RefConnection", nodes.collect(), arguments)?
            }
            "object" => {
                may(call, &world, id, read("contents"))?;
                let oid = match (arguments.text("oid"), arguments.text("expression")) {
                    (Some(oid), _) => Oid::parse(oid),
                    (None, Some(expression)) => git.resolve(expression, &repo.default_branch),
                    (None, None) => None,
                };
                Resolved::maybe(oid.and_then(|oid| object_node(&target, oid)))
            }
            "pullRequest" => {
                may(call, &world, id, read("pull_requests"))?;
                let number = arguments.value("number").as_u64().unwrap_or_default();
                let Some(pull) = world.pull(id, number) else {
                    let message = format!("Could not resolve to a PullRequest with the number of {number}.");
                    return Err(Failure::new("NOT_FOUND", message));
                };
                if pull.unreadable {
                    let message =
                        "Something went wrong while executing your query. This may be the result of a timeout.";
                    return Err(Failure::new("INTERNAL", message));
                }
                Resolved::Object(Node::Pull(id, number))
            }
            "pullRequests" => {
                may(call, &world, id, read("pull_requests"))?;
                let all = world.pulls.get(&id).into_iter().flatten();
                let head = arguments.text("headRefName");
                let base = arguments.text("baseRefName");
                let states = arguments.value("states");
                let fits = |pull: &crate::world::pull::Pull| {
                    let state = pull_state(pull);
                    let wanted = match states {
                        Value::Array(list) => list.iter().any(|it| it == state),
                        Value::String(one) => one == state,
                        _ => true,
                    };
                    wanted && head.is_none_or(|head| pull.head == head) && base.is_none_or(|base| pull.base == base)
                };
                let fitting = all.filter(|(_, pull)| fits(pull));
                let nodes = fitting.map(|(number, _)| Node::Pull(id, *number)).collect();
                connection("PullRequestConnection", nodes, arguments)?
            }
            _ => return Err(self.unknown(name)),
        })
    }

    pub(super) fn reference(&self, call: &Call<'_>, id: u64, full: &str, name: &str, arguments: &Arguments) -> Field {
        let world = call.world();
        let Some(target) = Target::of(&world, id) else {
            return Ok(Resolved::Null);
        };
        let prefixes = ["refs/heads/", "refs/tags/"];
        let prefix = prefixes.into_iter().find(|it| full.starts_with(it)).unwrap_or("refs/");
        let branch = full.trim_start_matches(prefix);
        Ok(match name {
            "id" => Resolved::scalar(NodeId::Ref(id, full.to_owned()).text()),
            "name" => Resolved::scalar(branch),
            "prefix" => Resolved::scalar(prefix),
            "repository" => Resolved::Object(Node::Repository(id)),
            "target" => {
                may(call, &world, id, read("contents"))?;
                let oid = target.git.refs.get(full);
                Resolved::maybe(oid.and_then(|oid| object_node(&target, oid)))
            }
            "associatedPullRequests" => {
                let all = world.pulls.get(&id).into_iter().flatten();
                let own = all.filter(|(_, pull)| pull.head == branch);
                let nodes = own.map(|(number, _)| Node::Pull(id, *number)).collect();
                connection("PullRequestConnection", nodes, arguments)?
            }
            _ => return Err(self.unknown(name)),
        })
    }
}

fn viewer_permission(call: &Call<'_>, world: &crate::world::World, id: u64) -> Resolved {
    let role = match &call.caller {
        crate::auth::Caller::User { user, .. } => world.role(*user, id),
        _ => Some(Role::Write),
    };
    Resolved::scalar(json!(role.map(|it| it.name().to_ascii_uppercase())))
}
