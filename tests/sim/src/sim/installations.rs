//! Installations, as their owners change them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Control, must};
use crate::events::installations::short_list;
use crate::world::World;
use crate::world::installation::Selection;
use crate::world::permissions::{Level, Permissions};
use crate::world::token::Grant;

/// An installation as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct InstallationInfo {
    /// The installation's id.
    pub id: u64,
    /// The account's login.
    pub account: String,
    /// `all` or `selected`.
    pub repository_selection: String,
    /// The ids of the repositories it reaches.
    pub repositories: Vec<u64>,
    /// Whether it is suspended.
    pub suspended: bool,
}

impl Control {
    /// Installs the first App on an account, for all repositories. Already there: the same id.
    #[track_caller]
    pub fn install(&self, account: &str) -> u64 {
        self.install_with(account, Selection::All)
    }

    /// Installs the first App on an account, for these repositories (`owner/name`) only.
    #[track_caller]
    pub fn install_selected(&self, account: &str, repositories: &[&str]) -> u64 {
        let ids: Option<BTreeSet<u64>> = {
            let world = self.core.world();
            let all = repositories.iter();
            all.map(|name| world.repository(name).map(|it| it.id)).collect()
        };
        let ids = must(ids.ok_or("one of the repositories is not there"));
        self.install_with(account, Selection::Selected(ids))
    }

    #[track_caller]
    fn install_with(&self, account: &str, selection: Selection) -> u64 {
        let mut world = self.core.world();
        let account = must(world.account_id(account).ok_or("there is no such account"));
        let app = must(world.apps.keys().next().copied().ok_or("there is no App"));
        if let Some(existing) = world.installation_at(app, account) {
            return existing.id;
        }
        let by = crate::push::somebody(&world, account).unwrap_or(account);
        let installed = self.core.install_app(&mut world, app, account, selection, by);
        must(installed.ok_or("the App cannot be installed"))
    }

    /// The installation on an account.
    pub fn installation(&self, account: &str) -> Option<InstallationInfo> {
        let world = self.core.world();
        let account = world.account_id(account)?;
        let found = world.installations.values().find(|it| it.account == account)?;
        Some(InstallationInfo {
            id: found.id,
            account: world.accounts.get(&account)?.login.clone(),
            repository_selection: found.selection.name().to_owned(),
            repositories: world.reach(found.id),
            suspended: found.suspended.is_some(),
        })
    }

    /// Removes an installation.
    pub fn uninstall(&self, installation: u64) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        self.core.uninstall(&mut world, installation, by);
    }

    /// Suspends an installation.
    pub fn suspend(&self, installation: u64) {
        self.set_suspended(installation, true);
    }

    /// Ends a suspension.
    pub fn unsuspend(&self, installation: u64) {
        self.set_suspended(installation, false);
    }

    fn set_suspended(&self, installation: u64, suspended: bool) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        self.core.set_suspended(&mut world, installation, suspended, by);
    }

    /// Lets a «selected» installation reach a repository, or an «all» one only this.
    pub fn add_to_installation(&self, installation: u64, repository: u64) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        let mut ids = match world.installations.get(&installation).map(|it| &it.selection) {
            Some(Selection::Selected(ids)) => ids.clone(),
            _ => BTreeSet::new(),
        };
        ids.insert(repository);
        self.core.reselect(&mut world, installation, Selection::Selected(ids), by);
    }

    /// Takes a repository out of an installation; one for all becomes one for the others.
    pub fn remove_from_installation(&self, installation: u64, repository: u64) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        let mut ids: BTreeSet<u64> = world.reach(installation).into_iter().collect();
        let removed = short_list(&world, &[repository]);
        ids.remove(&repository);
        if let Some(found) = world.installations.get_mut(&installation) {
            found.selection = Selection::Selected(ids);
        }
        self.core.announce_selection(&mut world, installation, &[], removed, by);
    }

    /// Gives an installation one permission (`contents`, …) at `read`, `write`, or takes it away
    /// with `none`. The owner accepted it: `new_permissions_accepted` goes out.
    pub fn set_permission(&self, installation: u64, name: &str, level: &str) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        if let Some(found) = world.installations.get_mut(&installation) {
            change_permission(&mut found.permissions, name, level);
        }
        for token in world.tokens.values_mut() {
            if let Grant::Installation { installation: own, permissions, .. } = &mut token.grant
                && *own == installation
                && permissions.0.contains_key(name)
            {
                change_permission(permissions, name, level);
            }
        }
        self.core.announce_installation(&mut world, installation, "new_permissions_accepted", by);
    }
}

fn installer(world: &World, installation: u64) -> u64 {
    let account = world.installations.get(&installation).map(|it| it.account);
    let by = account.and_then(|account| crate::push::somebody(world, account));
    by.unwrap_or_default()
}

pub(super) fn change_permission(permissions: &mut Permissions, name: &str, level: &str) {
    match Level::parse(level) {
        Some(level) => permissions.0.insert(name.to_owned(), level),
        None => permissions.0.remove(name),
    };
}
