//! `push`, `create` and `delete`.

use serde_json::{Value, json};

use super::emit::Event;
use super::refs::RefChange;
use crate::call::Target;
use crate::core::Core;
use crate::git::{Commit, Oid};
use crate::world::World;

/// How many commits one `push` lists.
const COMMITS: usize = 2_048;

impl Core {
    /// Says that a ref moved from `before`.
    pub(crate) fn announce_push(&self, world: &mut World, change: &RefChange, before: Option<Oid>) {
        let Some(target) = Target::of(world, change.repository) else {
            return;
        };
        let lifecycle = match (before, change.to) {
            (None, Some(_)) => Some("create"),
            (Some(_), None) => Some("delete"),
            _ => None,
        };
        if let Some(name) = lifecycle {
            let payload = self.lifecycle_json(world, &target, change, name);
            let event = Event { name, action: None, sender: change.actor, payload };
            self.emit(world, change.repository, event);
        }
        let payload = push_json(world, &target, change, before);
        let event = Event { name: "push", action: None, sender: change.actor, payload };
        self.emit(world, change.repository, event);
    }

    fn lifecycle_json(&self, world: &World, target: &Target, change: &RefChange, name: &str) -> Value {
        let (kind, short) = match change.name.strip_prefix("refs/heads/") {
            Some(branch) => ("branch", branch),
            None => ("tag", change.name.trim_start_matches("refs/tags/")),
        };
        let mut payload = json!({ "ref": short, "ref_type": kind, "pusher_type": "user" });
        if name == "create" {
            let repo = world.repositories.get(&target.id);
            payload["master_branch"] = json!(target.default_branch);
            payload["description"] = json!(repo.and_then(|it| it.description.clone()));
        }
        payload
    }
}

fn push_json(world: &World, target: &Target, change: &RefChange, before: Option<Oid>) -> Value {
    let store = &target.git.store;
    let after = change.to;
    let head = after.and_then(|oid| Some((oid, store.commit(&oid)?)));
    let forced = match (before, after) {
        (Some(before), Some(after)) => !store.is_ancestor(&before, &after),
        _ => false,
    };
    let mut new = new_commits(target, change, before);
    new.truncate(COMMITS);
    new.reverse();
    let list = new.iter().map(|(oid, commit)| target.pushed_commit_json(world, *oid, commit));
    let list: Vec<Value> = list.collect();
    let pusher = world.accounts.get(&change.actor);
    let text = |oid: Option<Oid>| oid.unwrap_or(Oid::ZERO).hex();
    let short = |oid: Option<Oid>| oid.unwrap_or(Oid::ZERO).hex()[..12].to_owned();
    json!({
        "ref": change.name,
        "before": text(before),
        "after": text(after),
        "created": before.is_none(),
        "deleted": after.is_none(),
        "forced": forced,
        "base_ref": null,
        "compare": format!("{}/compare/{}...{}", target.html, short(before), short(after)),
        "commits": list,
        "head_commit": head.map(|(oid, it)| target.pushed_commit_json(world, oid, &it)),
        "pusher": {
            "name": pusher.map(|it| &it.login),
            "email": pusher.map(|it| it.email()),
        },
        "repository": world.pushed_repository_json(target.id),
    })
}

/// Newest first: what the ref did not have before, and for a new branch what no other has.
fn new_commits(target: &Target, change: &RefChange, before: Option<Oid>) -> Vec<(Oid, Commit)> {
    let Some(after) = change.to else {
        return Vec::new();
    };
    let store = &target.git.store;
    if before.is_some() {
        return store.between(before.as_ref(), after);
    }
    let others = target.git.refs.list("refs/heads/");
    let others: Vec<Oid> = others.into_iter().filter(|(name, _)| *name != change.name).map(|(_, oid)| oid).collect();
    if others.contains(&after) {
        return Vec::new();
    }
    let base = target.git.branch(&target.default_branch);
    store.between(base.filter(|it| others.contains(it)).as_ref(), after)
}
