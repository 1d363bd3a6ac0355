//! Tasks that one of all replicas does at a time.

use std::time::Duration;

use serde_json::Value;

use super::Engine;
use crate::queue::heartbeat;
use crate::store::StoreError;

/// A replica that dies in the middle holds a task up for so long.
const LEASE: Duration = Duration::from_secs(15);
const BEAT: Duration = Duration::from_secs(4);

impl Engine {
    /// Does `work` with what it left the last time, unless another replica is at it or did it within
    /// `every`: then none. What fails is done again by whoever looks next.
    pub(super) async fn in_turn<T, E: From<StoreError>>(
        &self,
        task: &str,
        every: Duration,
        work: impl AsyncFnOnce(Value) -> Result<(Value, T), E>,
    ) -> Result<Option<T>, E> {
        let Some(state) = self.store.take_task(task, every, LEASE).await? else { return Ok(None) };
        let beat = || async {
            drop(self.store.keep_task(task, LEASE).await);
        };
        match heartbeat::while_beating(BEAT, beat, work(state)).await {
            Ok((state, done)) => {
                self.store.task_done(task, &state).await?;
                Ok(Some(done))
            }
            Err(error) => {
                self.store.task_failed(task).await?;
                Err(error)
            }
        }
    }
}
