//! Forgetting a project.

use super::Engine;
use crate::job::Wake;
use crate::model::ProjectId;
use crate::store::StoreError;
use crate::store::events::Actor;

impl Engine {
    /// Deletes the project and all that belongs to it; its tokens are revoked at GitHub by jobs.
    /// False: there is no such project.
    pub async fn forget_project(
        &self,
        project: &ProjectId,
        actor: &Actor,
        request_id: Option<&str>,
    ) -> Result<bool, StoreError> {
        let revocations = self.store.delete_project(&self.vault, project, actor, request_id).await?;
        let Some(revocations) = revocations else { return Ok(false) };
        self.wake_all(revocations.into_iter().map(|id| Wake::Revocation { id }).collect()).await;
        Ok(true)
    }
}
