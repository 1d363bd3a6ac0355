//! Which installation reaches a repository. Events that told so may be lost, late or old, so GitHub
//! itself is asked before a project is told that nobody reaches it any more.

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
        match self.installation_now().await {
            Ok(Some(found)) if found.id != self.on.installation_id => {
                tracing::info!(project = %self.on.project, installation = found.id, "another installation reaches it");
                self.engine.store.reach_by(self.lease, found.id).await?;
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) => {
                tracing::debug!(%error, "whether another installation reaches it could not be asked");
                Ok(false)
            }
        }
    }

    /// By the name that is known; where it leads nowhere any more, the owner's.
    async fn installation_now(&self) -> Result<Option<Installation>, GithubError> {
        let github = &self.engine.github;
        match github.installation_of_repository(&self.on.full_name).await? {
            Some(found) => Ok(Some(found)),
            None => {
                let owner = self.on.full_name.split('/').next().unwrap_or_default();
                github.installation_of_owner(owner).await
            }
        }
    }
}
