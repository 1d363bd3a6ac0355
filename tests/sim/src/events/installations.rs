//! `installation`, `installation_repositories`, `github_app_authorization` and `ping`: they come
//! to an App without a subscription.

use serde_json::{Value, json};

use super::emit::Address;
use crate::core::Core;
use crate::world::World;
use crate::world::installation::Selection;

impl Core {
    /// Installs an App on an account and answers the installation's id.
    pub(crate) fn install_app(
        &self,
        world: &mut World,
        app: u64,
        account: u64,
        selection: Selection,
        by: u64,
    ) -> Option<u64> {
        let id = world.install(app, account, selection)?;
        self.announce_installation(world, id, "created", by);
        Some(id)
    }

    /// Changes which repositories an installation reaches.
    pub(crate) fn reselect(&self, world: &mut World, id: u64, selection: Selection, by: u64) {
        let before = world.reach(id);
        let now = world.now();
        if let Some(installation) = world.installations.get_mut(&id) {
            installation.selection = selection;
            installation.updated_at = now;
        }
        let after = world.reach(id);
        let without =
            |all: &[u64], other: &[u64]| -> Vec<u64> { all.iter().copied().filter(|it| !other.contains(it)).collect() };
        let (added, removed) = (without(&after, &before), without(&before, &after));
        if !added.is_empty() {
            self.announce_selection(world, id, &added, json!([]), by);
        }
        if !removed.is_empty() {
            let removed = short_list(world, &removed);
            self.announce_selection(world, id, &[], removed, by);
        }
    }

    /// Removes an App from an account; its tokens end.
    pub(crate) fn uninstall(&self, world: &mut World, id: u64, by: u64) {
        self.announce_installation(world, id, "deleted", by);
        world.revoke_installation_tokens(id);
        world.installations.remove(&id);
    }

    /// Suspends an installation, or ends that.
    pub(crate) fn set_suspended(&self, world: &mut World, id: u64, suspended: bool, by: u64) {
        let now = world.now();
        if let Some(installation) = world.installations.get_mut(&id) {
            installation.suspended = suspended.then_some((by, now));
            installation.updated_at = now;
        }
        let action = if suspended { "suspend" } else { "unsuspend" };
        self.announce_installation(world, id, action, by);
    }

    /// `installation`, with its repositories as they are now.
    pub(crate) fn announce_installation(&self, world: &mut World, id: u64, action: &str, sender: u64) {
        let Some(installation) = world.installations.get(&id) else {
            return;
        };
        let app = installation.app;
        let repositories = short_list(world, &world.reach(id));
        let payload = json!({
            "installation": world.installation_json(installation),
            "repositories": repositories,
            "requester": null,
            "sender": world.user_json(sender),
        });
        let address = Address { app, installation: Some(id), repository: None };
        self.deliver(world, &address, "installation", Some(action), &payload);
    }

    /// `installation_repositories`. Short forms of what was removed are given, because it may be
    /// gone by now.
    pub(crate) fn announce_selection(&self, world: &mut World, id: u64, added: &[u64], removed: Value, sender: u64) {
        let Some(installation) = world.installations.get(&id) else {
            return;
        };
        let app = installation.app;
        let action = if added.is_empty() { "removed" } else { "added" };
        let payload = json!({
            "installation": world.installation_json(installation),
            "repository_selection": installation.selection.name(),
            "repositories_added": short_list(world, added),
            "repositories_removed": removed,
            "requester": null,
            "sender": world.user_json(sender),
        });
        let address = Address { app, installation: Some(id), repository: None };
        self.deliver(world, &address, "installation_repositories", Some(action), &payload);
    }

    /// `github_app_authorization`, the only action of which is `revoked`.
    pub(crate) fn announce_revocation(&self, world: &mut World, app: u64, user: u64) {
        let payload = json!({ "sender": world.user_json(user) });
        let address = Address { app, installation: None, repository: None };
        let name = "github_app_authorization";
        self.deliver(world, &address, name, Some("revoked"), &payload);
    }

    /// `ping`, sent when a hook is set up.
    pub(crate) fn announce_ping(&self, world: &mut World, app: u64) {
        let Some(found) = world.apps.get(&app) else {
            return;
        };
        let hook = json!({
            "type": "App", "id": found.hook_id, "name": "web", "active": found.hook_active,
            "events": found.events,
            "config": {
                "content_type": found.content_type.name(), "insecure_ssl": "0",
                "secret": "********", "url": found.hook_url,
            },
            "app_id": app,
        });
        let payload = json!({
            "zen": "Keep it logically awesome.", "hook_id": found.hook_id, "hook": hook,
        });
        let address = Address { app, installation: None, repository: None };
        self.deliver(world, &address, "ping", None, &payload);
    }
}

/// The short forms of these repositories.
pub(crate) fn short_list(world: &World, ids: &[u64]) -> Value {
    ids.iter().map(|id| world.short_repository_json(*id)).collect()
}
