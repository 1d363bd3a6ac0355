//! Connecting a project to a repository, and disconnecting it.
//!
//! The proof that a person may push to a repository is GitHub's own list of that installation's
//! repositories, asked for with that person's own token. Ids and names from a request or a redirect
//! only say what to look for in it.

use super::Engine;
use super::failure::{Failure, no_app, not_accessible};
use super::say::integration_shown;
use crate::github::{GithubError, HeadState, InstallationId, Permission, Priority, RepoRef, RepositoryInfo};
use crate::job::Wake;
use crate::model::{BranchName, Code, Problem, ProjectId, RepoName, SyncKind, SyncStatus, UserId};
use crate::store::authorizations::Authorization;
use crate::store::linking::{Asked, Link, Linked};

/// What a person wants to connect, as they named it.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub installation_id: i64,
    pub owner: String,
    pub name: RepoName,
    /// None: the repository's default branch.
    pub branch: Option<BranchName>,
}

/// Whether there is a connection that was not there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connected {
    New,
    Same,
}

impl Engine {
    /// `connectRepository`: proves that this user may push, looks for the branch, connects. The
    /// project is made when it is new.
    pub async fn connect_repository(
        &self,
        project: &ProjectId,
        user: &UserId,
        wanted: &Wanted,
        asked: Asked<'_>,
    ) -> Result<Connected, Failure> {
        self.github.app().ok_or_else(no_app)?;
        let pid = self.store.ensure_project(project, asked).await?;
        let found = self.as_user(pid, user.as_str(), async |person| self.prove(person, wanted).await).await?;
        if found.archived {
            return Err(Problem::new(Code::RepositoryArchived, format!("{} is archived", found.full_name)).into());
        }
        let branch = match &wanted.branch {
            Some(branch) => branch.clone(),
            None => default_branch(&found.default_branch)?,
        };
        self.check_branch(wanted.installation_id, &found, &branch).await?;
        let link = Link {
            installation_id: wanted.installation_id,
            repository_id: found.id,
            full_name: found.full_name,
            private: found.private,
            default_branch: found.default_branch,
            url: found.url,
            branch: branch.into(),
        };
        self.link(pid, user, &link, asked).await
    }

    /// Finds the repository among those of the installation that GitHub shows to this person, and
    /// that they may push to.
    async fn prove(&self, person: &Authorization, wanted: &Wanted) -> Result<RepositoryInfo, Failure> {
        let token = &person.tokens.access;
        let installations = self.github.installations(token).await?;
        let installation =
            installations.iter().find(|one| one.id == wanted.installation_id).ok_or_else(not_accessible)?;
        if installation.suspended {
            return Err(suspended(&installation.account.login).into());
        }
        let full_name = format!("{}/{}", wanted.owner, wanted.name);
        match self.github.find_repository(token, InstallationId(installation.id), &full_name).await {
            Ok(Some(found)) if found.permission >= Permission::Write => Ok(found.repository),
            Ok(_) | Err(GithubError::NotFound | GithubError::Refused { .. }) => Err(not_accessible().into()),
            Err(error) => Err(error.into()),
        }
    }

    /// A repository without any commit takes any branch.
    async fn check_branch(
        &self,
        installation: i64,
        found: &RepositoryInfo,
        branch: &BranchName,
    ) -> Result<(), Failure> {
        let reference = RepoRef { id: found.id, full_name: found.full_name.clone() };
        let repo = self.github.repo(InstallationId(installation), reference).with_priority(Priority::Person);
        match repo.head(branch.as_str()).await? {
            HeadState::Branch(_) | HeadState::EmptyRepository => Ok(()),
            HeadState::Missing => {
                let detail = format!("{} has no branch {branch}", found.full_name);
                Err(Problem::new(Code::BranchNotFound, detail).into())
            }
        }
    }

    /// Connects to what was proved.
    pub(super) async fn link(
        &self,
        pid: i64,
        user: &UserId,
        link: &Link,
        asked: Asked<'_>,
    ) -> Result<Connected, Failure> {
        match self.store.connect_repository(pid, user.as_str(), link, asked, integration_shown).await? {
            Linked::New { notification } => {
                self.wake_for_person(Wake::Project { pid }).await;
                if let Some(id) = notification {
                    self.wake_for_person(Wake::Notification { id }).await;
                }
                Ok(Connected::New)
            }
            Linked::Same => Ok(Connected::Same),
            Linked::Otherwise | Linked::Taken => Err(already_connected().into()),
        }
    }

    /// Disconnects; the project, its files and the repository stay. Its people's tokens are gone at
    /// once and revoked at GitHub as soon as it answers. Nothing to do is fine.
    pub async fn disconnect(&self, pid: i64, asked: Asked<'_>) -> Result<(), Failure> {
        let left = self.store.disconnect_repository(&self.vault, pid, asked, integration_shown).await?;
        self.count_canceled(&left.canceled);
        for id in left.revocations {
            self.wake_for_person(Wake::Revocation { id }).await;
        }
        if let Some(id) = left.notification {
            self.wake_for_person(Wake::Notification { id }).await;
        }
        Ok(())
    }
}

impl Engine {
    /// Syncs that were given up because what they were for is no more.
    pub(super) fn count_canceled(&self, kinds: &[SyncKind]) {
        kinds.iter().for_each(|kind| self.metrics.sync_finished(*kind, SyncStatus::Canceled));
    }
}

/// One text for both cases: who else has a repository is nobody's business.
pub(super) fn already_connected() -> Problem {
    Problem::new(Code::AlreadyConnected, "this project, or this repository's branch, is connected already")
}

pub(super) fn suspended(login: &str) -> Problem {
    Problem::new(Code::InstallationSuspended, format!("the GitHub App is suspended at {login}"))
}

/// A repository without commits may not say.
pub(super) fn default_branch(named: &str) -> Result<BranchName, Problem> {
    let name = if named.is_empty() { "main" } else { named };
    BranchName::parse(name)
        .map_err(|_| Problem::new(Code::BranchNotFound, "the repository has no usable default branch"))
}
