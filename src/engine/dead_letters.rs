//! Trying again what was given up.

use serde_json::json;
use uuid::Uuid;

use super::Engine;
use super::view::{self, SyncView};
use crate::model::{Code, Problem, SyncStatus};
use crate::queue::{Priority, QueueError};
use crate::store::dead_letters::Retried;
use crate::store::events::Actor;
use crate::store::syncs::{self, Sync};
use crate::store::{StoreError, Transaction};

/// Why a dead letter could not be tried again; it is still there.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Engine {
    /// A look at the project that failed again and again without GitHub having said why: a mistake of
    /// ours. It is not looked at again until somebody or something asks for it.
    pub async fn bury_project(&self, pid: i64, attempts: u32) -> Result<(), StoreError> {
        tracing::error!(pid, attempts, "a sync is given up");
        let error = Problem::new(Code::Internal, "The sync failed inside Lockstep, again and again.")
            .with_action("Look into the log, then retry the dead letter.");
        let Some(on) = self.store.integration(pid).await? else { return Ok(()) };
        let tell = async |tx: &Transaction<'_>, sync: &Sync| {
            let files = syncs::files(tx, sync.id, view::MAX_LISTED as i64).await?;
            let data = json!({ "sync": SyncView::new(sync, &files) });
            self.say(tx, &on, "sync.failed", &Actor::System, data).await
        };
        if let Some(kind) = self.store.bury_project(&on, attempts, &error, tell).await? {
            self.metrics.sync_finished(kind, SyncStatus::Failed);
        }
        self.wake_notifications().await;
        Ok(())
    }

    /// False: there is none of this id.
    pub async fn retry_dead_letter(
        &self,
        id: Uuid,
        actor: &Actor,
        request_id: Option<&str>,
    ) -> Result<bool, RetryError> {
        let queue = async |retried: &Retried| match retried {
            // Its body is nowhere else: without Redis it stays a dead letter.
            Retried::Delivery(delivery) => self.queue.ingest(delivery).await.map(drop).map_err(RetryError::from),
            Retried::Wake(_) | Retried::Nothing => Ok(()),
        };
        let retried = self.store.retry_dead_letter(id, actor, request_id, queue).await?;
        if let Some(Retried::Wake(wake)) = &retried
            && let Err(error) = self.queue.wake_all([wake.clone()], Priority::Person).await
        {
            tracing::warn!(%error, "nobody could be woken up; the sweep will see to it");
        }
        Ok(retried.is_some())
    }
}
