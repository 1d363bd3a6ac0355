//! What pull requests do when branches move, and what people hear of them.

use serde_json::{Value, json};

use super::emit::Event;
use super::refs::RefChange;
use crate::call::Target;
use crate::core::Core;
use crate::git::Oid;
use crate::world::World;
use crate::world::pull::{Merged, Pull};

impl Core {
    /// Open pull requests notice that a branch moved or went.
    pub(crate) fn pulls_follow(&self, world: &mut World, change: &RefChange) {
        let Some(branch) = change.name.strip_prefix("refs/heads/") else {
            return;
        };
        let open = world.pulls.get(&change.repository).into_iter().flatten();
        let touched: Vec<(u64, bool)> = open
            .filter(|(_, pull)| pull.is_open() && (pull.head == branch || pull.base == branch))
            .map(|(number, pull)| (*number, pull.head == branch))
            .collect();
        for (number, is_head) in touched {
            match (is_head, change.to) {
                (true, Some(to)) => self.head_moved(world, change, number, to),
                (false, Some(to)) => self.base_moved(world, change, number, to),
                (_, None) => {
                    self.close_pull(world, change.repository, number, change.actor);
                }
            }
        }
    }

    fn head_moved(&self, world: &mut World, change: &RefChange, number: u64, to: Oid) {
        let at = world.now();
        let Some(pull) = world.pull_mut(change.repository, number) else {
            return;
        };
        let before = pull.head_sha;
        pull.head_sha = to;
        pull.updated_at = at;
        let more = json!({ "before": before.hex(), "after": to.hex() });
        self.announce_pull(world, change.repository, number, "synchronize", change.actor, more);
    }

    /// A base that has all of the head by now: merged, whoever did it.
    fn base_moved(&self, world: &mut World, change: &RefChange, number: u64, to: Oid) {
        let Some(repo) = world.repositories.get(&change.repository) else {
            return;
        };
        let store = &repo.git.store;
        let Some(pull) = world.pull(change.repository, number) else {
            return;
        };
        if pull.head_sha != pull.base_sha && store.is_ancestor(&pull.head_sha, &to) {
            self.mark_merged(world, change.repository, number, change.actor, to);
        }
    }

    /// Notes a merge and says so.
    pub(crate) fn mark_merged(&self, world: &mut World, repository: u64, number: u64, by: u64, commit: Oid) {
        let at = world.now();
        if let Some(pull) = world.pull_mut(repository, number) {
            pull.merged = Some(Merged { at, by, commit });
            pull.closed_at = Some(at);
            pull.updated_at = at;
        }
        self.announce_pull(world, repository, number, "closed", by, json!({}));
    }

    /// Closes an open pull request without merging it.
    pub(crate) fn close_pull(&self, world: &mut World, repository: u64, number: u64, by: u64) {
        let at = world.now();
        let Some(pull) = world.pull_mut(repository, number).filter(|it| it.is_open()) else {
            return;
        };
        pull.closed_at = Some(at);
        pull.updated_at = at;
        self.announce_pull(world, repository, number, "closed", by, json!({}));
    }

    /// `pull_request`.
    pub(crate) fn announce_pull(
        &self,
        world: &mut World,
        repository: u64,
        number: u64,
        action: &str,
        sender: u64,
        more: Value,
    ) {
        let Some(mut payload) = pull_payload(world, repository, number, true) else {
            return;
        };
        payload["number"] = json!(number);
        crate::render::account::extend(&mut payload, more);
        let event = Event { name: "pull_request", action: Some(action), sender, payload };
        self.emit(world, repository, event);
    }

    /// `pull_request_review`.
    pub(crate) fn announce_review(
        &self,
        world: &mut World,
        repository: u64,
        number: u64,
        review: u64,
        (action, sender, more): (&str, u64, Value),
    ) {
        let Some(mut payload) = pull_payload(world, repository, number, false) else {
            return;
        };
        crate::render::account::extend(&mut payload, more);
        let target = Target::of(world, repository);
        let pull = world.pull(repository, number);
        if let (Some(target), Some(pull)) = (target, pull) {
            let found = pull.reviews.iter().find(|it| it.id == review);
            if let Some(found) = found {
                let mut json = world.review_json(&target, pull, found);
                json["state"] = json!(found.state.name().to_ascii_lowercase());
                payload["review"] = json;
            }
        }
        let event = Event { name: "pull_request_review", action: Some(action), sender, payload };
        self.emit(world, repository, event);
    }
}

fn pull_payload(world: &World, repository: u64, number: u64, full: bool) -> Option<Value> {
    let target = Target::of(world, repository)?;
    let pull: &Pull = world.pull(repository, number)?;
    let pull = match full {
        true => world.full_pull_json(&target, pull),
        false => world.pull_json(&target, pull),
    };
    Some(json!({ "pull_request": pull }))
}
