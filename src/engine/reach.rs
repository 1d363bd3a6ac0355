//! Which installation reaches a repository. Events that told so may be lost, late or old, so GitHub
//! itself is asked before a project is told that nobody reaches it any more.

use super::Engine;
use super::look::Look;
use crate::github::{GithubError, Installation};
use crate::model::Code;
use crate::store::StoreError;

impl Look<'_> {
    /// Another installation than the known one reaches it, and is taken up: look again.
    pub(super) async fn is_reached_otherwise(&self, code: Code) -> Result<bool, StoreError> {
        let out_of_reach =
            matches!(code, Code::InstallationRemoved | Code::RepositoryNotAccessible | Code::RepositoryGone);
        if !out_of_reach {
            return Ok(false);
        }
        let (name, known) = (&self.on.full_name, self.on.installation_id);
        let Some(found) = self.engine.other_installation(name, known).await else { return Ok(false) };
        tracing::info!(project = %self.on.project, installation = found, "another installation reaches it");
        self.engine.store.reach_by(self.lease, found).await?;
        Ok(true)
    }
}

impl Engine {
    /// The installation that reaches this repository now, if it is another than the known one.
    pub(super) async fn other_installation(&self, full_name: &str, known: i64) -> Option<i64> {
        match self.installation_reaching(full_name).await {
            Ok(found) => found.map(|one| one.id).filter(|id| *id != known),
            Err(error) => {
                tracing::debug!(%error, "whether another installation reaches it could not be asked");
                None
            }
        }
    }

    /// By the name that is known; where it leads nowhere any more, the owner's.
    async fn installation_reaching(&self, full_name: &str) -> Result<Option<Installation>, GithubError> {
        match self.github.installation_of_repository(full_name).await? {
            Some(found) => Ok(Some(found)),
            None => self.github.installation_of_owner(full_name.split('/').next().unwrap_or_default()).await,
        }
    }
}
