//! The sweep: PostgreSQL knows what is due, and this finds what nobody was woken up for, because
//! Redis lost it, because somebody died, or because it could not be told at the time.

use std::time::Duration;

use super::Engine;
use crate::store::StoreError;

/// Of each kind, in one sweep; the longest due come first, and the others with the next one.
const AT_ONCE: i64 = 5000;

/// More notifications than one job leaves.
const FRESH: i64 = 100;
/// How long a gauge may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl Engine {
    /// Wakes up whoever has to do what is due. Those who are at it already coalesce.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let mut wakes = self.store.work_due(AT_ONCE).await?;
        if self.settings.notify.is_some() {
            wakes.extend(self.store.notifications_due(AT_ONCE).await?);
        }
        let found = wakes.len();
        if found > 0 {
            tracing::debug!(found, "the sweep found work");
            self.wake_all(wakes).await;
        }
        Ok(found)
    }

    /// Has the host told what a job just did; what this misses the sweep finds.
    pub(super) async fn wake_notifications(&self) {
        if self.settings.notify.is_none() {
            return;
        }
        match self.store.notifications_due(FRESH).await {
            Ok(wakes) => self.wake_all(wakes).await,
            Err(error) => tracing::warn!(%error, "notifications wait for the sweep"),
        }
    }

    /// Brings the gauges up to date that only a look can tell. What does not answer keeps its value.
    pub async fn measure(&self) {
        self.look_at_github();
        let (queue, due, dead, _) = tokio::join!(
            soon(self.queue.stats()),
            soon(self.store.projects_due()),
            soon(self.store.count_dead_letters()),
            self.look_at_dependencies(PATIENCE),
        );
        if let Some(stats) = queue {
            self.metrics.queue(stats.depth, stats.oldest);
        }
        if let Some((due, oldest)) = due {
            self.metrics.pending_projects(due, oldest);
        }
        if let Some(dead) = dead {
            self.metrics.dead_letters(dead);
        }
    }
}

async fn soon<T, E>(answer: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
}
