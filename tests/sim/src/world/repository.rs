//! Repositories: what GitHub knows of them beside git itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::World;
use super::installation::Selection;
use super::role::Role;
use super::rules::{Protection, Ruleset};
use crate::git::Git;

/// A repository.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) owner: u64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) private: bool,
    pub(crate) archived: bool,
    pub(crate) default_branch: String,
    pub(crate) collaborators: BTreeMap<u64, Role>,
    pub(crate) protections: Vec<Protection>,
    pub(crate) rulesets: Vec<Ruleset>,
    /// Content holding one of these is refused by push protection.
    pub(crate) secrets: Vec<String>,
    pub(crate) git: Arc<Git>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) pushed_at: DateTime<Utc>,
    pub(crate) next_number: u64,
}

/// What it takes to make a repository.
#[derive(Clone, Debug)]
pub(crate) struct NewRepository {
    pub(crate) owner: u64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) private: bool,
    pub(crate) default_branch: String,
}

impl World {
    /// Makes an empty repository; the caller has checked the name.
    pub(crate) fn add_repository(&mut self, new: NewRepository) -> u64 {
        let id = self.ids.repository();
        let now = self.now();
        let git = Git::new(self.root.join(format!("{id}.git")), &new.default_branch);
        let repository = Repository {
            id,
            owner: new.owner,
            name: new.name,
            description: new.description,
            private: new.private,
            archived: false,
            default_branch: new.default_branch,
            collaborators: BTreeMap::new(),
            protections: Vec::new(),
            rulesets: Vec::new(),
            secrets: Vec::new(),
            git: Arc::new(git),
            created_at: now,
            updated_at: now,
            pushed_at: now,
            next_number: 1,
        };
        self.repositories.insert(id, repository);
        self.take_name(id);
        id
    }

    /// The git side of every repository.
    pub(crate) fn all_git(&self) -> Vec<Arc<Git>> {
        self.repositories.values().map(|it| it.git.clone()).collect()
    }

    /// Registers the present full name, which ends any redirect from it.
    fn take_name(&mut self, id: u64) {
        if let Some(name) = self.full_name(id) {
            let key = name.to_ascii_lowercase();
            self.moved.remove(&key);
            self.names.insert(key, id);
        }
    }

    /// `owner/name`.
    pub(crate) fn full_name(&self, id: u64) -> Option<String> {
        let repo = self.repositories.get(&id)?;
        let owner = self.accounts.get(&repo.owner)?;
        Some(format!("{}/{}", owner.login, repo.name))
    }

    pub(crate) fn repository(&self, full_name: &str) -> Option<&Repository> {
        self.repositories.get(self.names.get(&full_name.to_ascii_lowercase())?)
    }

    /// Whether an owner has a repository of this name.
    pub(crate) fn is_taken(&self, owner: u64, name: &str) -> bool {
        self.accounts.get(&owner).is_some_and(|owner| {
            let key = format!("{}/{name}", owner.login).to_ascii_lowercase();
            self.names.contains_key(&key)
        })
    }

    /// Gives a repository another name or owner; the old name redirects from now on.
    pub(crate) fn move_repository(&mut self, id: u64, owner: u64, name: &str) {
        if let Some(old) = self.full_name(id) {
            let key = old.to_ascii_lowercase();
            self.names.remove(&key);
            self.moved.insert(key, id);
        }
        let now = self.now();
        if let Some(repo) = self.repositories.get_mut(&id) {
            repo.owner = owner;
            repo.name = name.to_owned();
            repo.updated_at = now;
        }
        self.take_name(id);
    }

    /// Forgets a repository, its name, and its place in installations.
    pub(crate) fn remove_repository(&mut self, id: u64) {
        if let Some(name) = self.full_name(id) {
            self.names.remove(&name.to_ascii_lowercase());
        }
        self.moved.retain(|_, to| *to != id);
        self.repositories.remove(&id);
        self.pulls.remove(&id);
        for installation in self.installations.values_mut() {
            if let Selection::Selected(ids) = &mut installation.selection {
                ids.remove(&id);
            }
        }
    }
}
