//! Installations of Apps on accounts.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::World;
use super::permissions::Permissions;

/// Which of the account's repositories an installation reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    All,
    Selected(BTreeSet<u64>),
}

impl Selection {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Selection::All => "all",
            Selection::Selected(_) => "selected",
        }
    }
}

/// An App installed on an account.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub(crate) id: u64,
    pub(crate) app: u64,
    pub(crate) account: u64,
    pub(crate) selection: Selection,
    pub(crate) permissions: Permissions,
    pub(crate) events: Vec<String>,
    pub(crate) suspended: Option<(u64, DateTime<Utc>)>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl World {
    /// Installs an App with all permissions it asks for.
    pub(crate) fn install(&mut self, app: u64, account: u64, selection: Selection) -> Option<u64> {
        let (permissions, events) = {
            let app = self.apps.get(&app)?;
            (app.permissions.clone(), app.events.clone())
        };
        let id = self.ids.installation();
        let now = self.now();
        let installation = Installation {
            id,
            app,
            account,
            selection,
            permissions,
            events,
            suspended: None,
            created_at: now,
            updated_at: now,
        };
        self.installations.insert(id, installation);
        Some(id)
    }

    /// Whether an installation reaches a repository.
    pub(crate) fn reaches(&self, installation: u64, repository: u64) -> bool {
        let Some(installation) = self.installations.get(&installation) else {
            return false;
        };
        let Some(repo) = self.repositories.get(&repository) else {
            return false;
        };
        repo.owner == installation.account
            && match &installation.selection {
                Selection::All => true,
                Selection::Selected(ids) => ids.contains(&repository),
            }
    }

    /// The repositories an installation reaches, by id.
    pub(crate) fn reach(&self, installation: u64) -> Vec<u64> {
        match self.installations.get(&installation).map(|it| &it.selection) {
            Some(Selection::Selected(ids)) => {
                ids.iter().copied().filter(|id| self.reaches(installation, *id)).collect()
            }
            Some(Selection::All) => {
                self.repositories.keys().copied().filter(|id| self.reaches(installation, *id)).collect()
            }
            None => Vec::new(),
        }
    }

    /// The installation of this App that reaches a repository.
    pub(crate) fn installation_on(&self, app: u64, repository: u64) -> Option<&Installation> {
        self.installations.values().find(|it| it.app == app && self.reaches(it.id, repository))
    }

    pub(crate) fn installation_at(&self, app: u64, account: u64) -> Option<&Installation> {
        self.installations.values().find(|it| it.app == app && it.account == account)
    }
}
