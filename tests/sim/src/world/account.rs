//! Users, organizations and the Apps' bots.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::World;
use super::role::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountKind {
    User,
    Organization,
    Bot,
}

impl AccountKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            AccountKind::User => "User",
            AccountKind::Organization => "Organization",
            AccountKind::Bot => "Bot",
        }
    }
}

/// A person's standing in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    Admin,
    Member,
}

impl Membership {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Membership::Admin => "admin",
            Membership::Member => "member",
        }
    }
}

/// Somebody who may own things.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) login: String,
    pub(crate) kind: AccountKind,
    pub(crate) name: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    /// Of an organization: its people by user id.
    pub(crate) members: BTreeMap<u64, Membership>,
    /// Of an organization: whether plain members may create repositories.
    pub(crate) members_can_create: bool,
    /// Of an organization: what members may do in each of its repositories.
    pub(crate) base_role: Option<Role>,
}

impl Account {
    /// The address GitHub gives everybody who hides their own.
    pub(crate) fn email(&self) -> String {
        format!("{}+{}@users.noreply.github.com", self.id, self.login)
    }

    pub(crate) fn is_organization(&self) -> bool {
        self.kind == AccountKind::Organization
    }

    /// How commits name them.
    pub(crate) fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.login)
    }
}

impl World {
    pub(crate) fn account(&self, login: &str) -> Option<&Account> {
        self.accounts.get(self.logins.get(&login.to_ascii_lowercase())?)
    }

    pub(crate) fn account_id(&self, login: &str) -> Option<u64> {
        self.account(login).map(|it| it.id)
    }

    /// Adds somebody new, or nothing when the login is taken.
    pub(crate) fn add_account(&mut self, login: &str, kind: AccountKind) -> Option<u64> {
        let key = login.to_ascii_lowercase();
        if self.logins.contains_key(&key) {
            return None;
        }
        let id = self.ids.account();
        let account = Account {
            id,
            login: login.to_owned(),
            kind,
            name: None,
            created_at: self.now(),
            members: BTreeMap::new(),
            members_can_create: true,
            base_role: Some(Role::Read),
        };
        self.logins.insert(key, id);
        self.accounts.insert(id, account);
        Some(id)
    }

    /// The organizations somebody belongs to.
    pub(crate) fn organizations_of(&self, user: u64) -> Vec<&Account> {
        self.accounts.values().filter(|it| it.members.contains_key(&user)).collect()
    }

    /// Whether this person may administer what the account owns.
    pub(crate) fn administers(&self, user: u64, account: u64) -> bool {
        user == account
            || self.accounts.get(&account).is_some_and(|it| it.members.get(&user) == Some(&Membership::Admin))
    }
}
