//! What happens to whole repositories: made, renamed, moved, archived, hidden, deleted.

use serde_json::{Value, json};

use super::emit::Event;
use super::installations::short_list;
use crate::core::Core;
use crate::world::World;
use crate::world::installation::Selection;
use crate::world::repository::NewRepository;

impl Core {
    /// Makes an empty repository.
    pub(crate) fn create_repository(&self, world: &mut World, new: NewRepository, by: u64) -> u64 {
        let id = world.add_repository(new);
        self.announce_repository(world, id, "created", by, None);
        id
    }

    /// `repository`.
    pub(crate) fn announce_repository(
        &self,
        world: &mut World,
        id: u64,
        action: &str,
        sender: u64,
        changes: Option<Value>,
    ) {
        let mut payload = json!({});
        if let Some(changes) = changes {
            payload["changes"] = changes;
        }
        let event = Event { name: "repository", action: Some(action), sender, payload };
        self.emit(world, id, event);
    }

    /// Gives a repository another name.
    pub(crate) fn rename_repository(&self, world: &mut World, id: u64, name: &str, by: u64) {
        let Some(repo) = world.repositories.get(&id) else {
            return;
        };
        let (owner, old) = (repo.owner, repo.name.clone());
        world.move_repository(id, owner, name);
        let changes = json!({ "repository": { "name": { "from": old } } });
        self.announce_repository(world, id, "renamed", by, Some(changes));
    }

    /// Gives a repository another owner. Only the new owner hears `transferred`; an
    /// installation that had selected it loses it.
    pub(crate) fn transfer_repository(&self, world: &mut World, id: u64, owner: u64, by: u64) {
        let Some(repo) = world.repositories.get(&id) else {
            return;
        };
        let (old_owner, name) = (repo.owner, repo.name.clone());
        let losing = reaching(world, id);
        world.move_repository(id, owner, &name);
        let removed = short_list(world, &[id]);
        for installation in losing {
            self.drop_from_selection(world, installation, id, removed.clone(), by);
        }
        let from = match world.accounts.get(&old_owner) {
            Some(it) if it.is_organization() => {
                json!({ "organization": world.organization_json(it) })
            }
            _ => json!({ "user": world.user_json(old_owner) }),
        };
        let changes = json!({ "owner": { "from": from } });
        self.announce_repository(world, id, "transferred", by, Some(changes));
    }

    /// Deletes a repository: `repository.deleted`, and for selections `removed` too.
    pub(crate) fn delete_repository(&self, world: &mut World, id: u64, by: u64) {
        self.announce_repository(world, id, "deleted", by, None);
        let losing = reaching(world, id);
        let removed = short_list(world, &[id]);
        for installation in losing {
            self.drop_from_selection(world, installation, id, removed.clone(), by);
        }
        world.remove_repository(id);
    }

    fn drop_from_selection(&self, world: &mut World, installation: u64, id: u64, removed: Value, by: u64) {
        let found = world.installations.get_mut(&installation);
        let Some(Selection::Selected(ids)) = found.map(|it| &mut it.selection) else {
            return;
        };
        ids.remove(&id);
        self.announce_selection(world, installation, &[], removed, by);
    }

    /// Archives or takes out of the archive.
    pub(crate) fn archive_repository(&self, world: &mut World, id: u64, archived: bool, by: u64) {
        if let Some(repo) = world.repositories.get_mut(&id) {
            repo.archived = archived;
        }
        let action = if archived { "archived" } else { "unarchived" };
        self.announce_repository(world, id, action, by, None);
    }

    /// Makes a repository public or private.
    pub(crate) fn set_visibility(&self, world: &mut World, id: u64, private: bool, by: u64) {
        if let Some(repo) = world.repositories.get_mut(&id) {
            repo.private = private;
        }
        let action = if private { "privatized" } else { "publicized" };
        self.announce_repository(world, id, action, by, None);
    }
}

/// The installations that reach a repository now.
fn reaching(world: &World, id: u64) -> Vec<u64> {
    let all = world.installations.keys().copied();
    all.filter(|installation| world.reaches(*installation, id)).collect()
}
