//! What nobody needs any more goes: content that neither files nor history name, and live events that
//! no client can have missed. One replica at a time, a part of the projects each time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::store::StoreError;

const TASK: &str = "collect";
const LEASE: Duration = Duration::from_secs(900);
/// Projects looked through each time.
const PROJECTS: i64 = 500;
/// Blobs deleted by one statement.
const STEP: i64 = 500;
/// Events looked through by one statement.
const EVENTS: i64 = 5_000;
/// A client that was away for longer begins anew.
const EVENTS_KEPT: Duration = Duration::from_secs(3 * 24 * 3600);

/// How far it came last time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    /// A `pid`; 0 begins again.
    project: i64,
    /// `events.id`.
    event: i64,
}

impl Engine {
    /// Collects, unless another replica did within `every`. Answers how many rows went.
    pub async fn collect(&self, every: Duration) -> Result<usize, StoreError> {
        let Some(state) = self.store.take_task(TASK, every, LEASE).await? else { return Ok(0) };
        let mut reached: Reached = serde_json::from_value(state).unwrap_or_default();
        let blobs = self.collect_content(&mut reached).await?;
        let events = self.forget_events(&mut reached).await?;
        let state = serde_json::to_value(&reached).map_err(|why| StoreError::Internal(why.to_string()))?;
        self.store.task_done(TASK, &state).await?;
        Ok(usize::try_from(blobs + events).unwrap_or(usize::MAX))
    }

    async fn collect_content(&self, reached: &mut Reached) -> Result<u64, StoreError> {
        let projects = self.store.pids_after(reached.project, PROJECTS).await?;
        let mut gone = 0;
        for pid in &projects {
            loop {
                let step = self.store.collect_blobs(*pid, STEP).await?;
                gone += step;
                if step == 0 {
                    break;
                }
            }
        }
        reached.project = projects.last().copied().unwrap_or(0);
        Ok(gone)
    }

    async fn forget_events(&self, reached: &mut Reached) -> Result<u64, StoreError> {
        let mut gone = 0;
        while let Some((last, step)) = self.store.forget_events(reached.event, EVENTS_KEPT, EVENTS).await? {
            reached.event = last;
            gone += step;
        }
        Ok(gone)
    }
}
