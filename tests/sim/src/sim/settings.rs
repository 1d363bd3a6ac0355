//! What owners do with whole repositories: names, visibility, people, protection.

use super::repos::Repo;
use super::{Control, must};
use crate::push::somebody;
use crate::world::role::Role;
use crate::world::rules::{Protection, ProtectionKind, Rule, Ruleset};

impl Repo {
    /// Makes it archived, or ends that.
    pub fn archive(&self, archived: bool) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.archive_repository(&mut world, self.id, archived, by);
    }

    /// Makes it private or public.
    pub fn set_private(&self, private: bool) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.set_visibility(&mut world, self.id, private, by);
    }

    /// Gives it another name.
    pub fn rename(&self, name: &str) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.rename_repository(&mut world, self.id, name, by);
    }

    /// Gives it another owner, who must exist.
    #[track_caller]
    pub fn transfer(&self, owner: &str) {
        let by = self.owner();
        let mut world = self.core.world();
        let owner = must(world.account_id(owner).ok_or("there is no such account"));
        self.core.transfer_repository(&mut world, self.id, owner, by);
    }

    /// Deletes it.
    pub fn delete(&self) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.delete_repository(&mut world, self.id, by);
    }

    pub(super) fn owner(&self) -> u64 {
        let world = self.core.world();
        let owner = world.repositories.get(&self.id).map(|it| it.owner);
        owner.and_then(|owner| somebody(&world, owner)).unwrap_or_default()
    }

    /// Lets a person `read`, `write` or `admin` it; with `none` no more.
    pub fn collaborator(&self, login: &str, role: &str) {
        let control = Control { core: self.core.clone() };
        let user = control.user(login);
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            match Role::parse(role) {
                Some(role) => repo.collaborators.insert(user, role),
                None => repo.collaborators.remove(&user),
            };
        }
    }

    /// Protects branches by pattern: `pull_request`, `status_checks`, `locked`, `restricted`.
    #[track_caller]
    pub fn protect(&self, pattern: &str, kind: &str) {
        let kind = must(ProtectionKind::parse(kind).ok_or("there is no such protection"));
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            let pattern = pattern.to_owned();
            repo.protections.push(Protection { pattern, kind });
        }
    }

    /// Adds a ruleset over branches by pattern: `pull_request`, `creation`, `update`,
    /// `deletion`, `signatures`, `message:TEXT`, `path:PREFIX`.
    #[track_caller]
    pub fn ruleset(&self, pattern: &str, rule: &str) {
        let rule = must(Rule::parse(rule).ok_or("there is no such rule"));
        let mut world = self.core.world();
        let id = world.ids.rule();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            let pattern = pattern.to_owned();
            repo.rulesets.push(Ruleset { id, pattern, rule });
        }
    }

    /// Ends all protection and all rulesets.
    pub fn unprotect(&self) {
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            repo.protections.clear();
            repo.rulesets.clear();
        }
    }

    /// Push protection refuses content that holds this text.
    pub fn forbid_secret(&self, text: &str) {
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            repo.secrets.push(text.to_owned());
        }
    }

    /// Ends push protection.
    pub fn allow_secrets(&self) {
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            repo.secrets.clear();
        }
    }
}
