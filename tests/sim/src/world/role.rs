//! What one person may do in one repository.

use super::World;

/// From least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May look.
    Read,
    /// May push.
    Write,
    /// May do everything.
    Admin,
}

impl Role {
    /// `read`, `write` or `admin`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Write => "write",
            Role::Admin => "admin",
        }
    }

    /// The reverse of [`Role::name`].
    pub fn parse(name: &str) -> Option<Role> {
        match name {
            "read" | "pull" => Some(Role::Read),
            "write" | "push" => Some(Role::Write),
            "admin" => Some(Role::Admin),
            _ => None,
        }
    }
}

impl World {
    /// A person's role in a repository; nothing when it is not to be seen.
    pub(crate) fn role(&self, user: u64, repository: u64) -> Option<Role> {
        let repo = self.repositories.get(&repository)?;
        if self.administers(user, repo.owner) {
            return Some(Role::Admin);
        }
        let owner = self.accounts.get(&repo.owner)?;
        let member = owner.members.get(&user).and(owner.base_role);
        let own = repo.collaborators.get(&user).copied();
        let public = (!repo.private).then_some(Role::Read);
        own.max(member).max(public)
    }

    /// The same, without what everybody may do in a public repository.
    pub(crate) fn explicit_role(&self, user: u64, repository: u64) -> Option<Role> {
        let repo = self.repositories.get(&repository)?;
        if self.administers(user, repo.owner) {
            return Some(Role::Admin);
        }
        let owner = self.accounts.get(&repo.owner)?;
        let member = owner.members.get(&user).and(owner.base_role);
        repo.collaborators.get(&user).copied().max(member)
    }
}
