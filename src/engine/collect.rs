//! What nobody needs any more goes: history, audit rows, live events and deliveries that are older than
//! the configuration keeps them, and content that neither files nor the history left name. One replica
//! at a time, a part of the projects each time, in small steps.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::config::RetainConfig;
use crate::store::StoreError;

const TASK: &str = "collect";
/// Projects looked through each time.
const PROJECTS: i64 = 500;
/// Rows deleted by one statement.
const STEP: i64 = 500;
/// Events looked through by one statement.
const EVENTS: i64 = 5_000;

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
    pub async fn collect(&self, every: Duration, retain: &RetainConfig) -> Result<usize, StoreError> {
        let gone = self.in_turn(TASK, every, async |state| {
            let mut reached: Reached = serde_json::from_value(state).unwrap_or_default();
            let gone = self.collect_all(&mut reached, retain).await?;
            let state = serde_json::to_value(&reached).map_err(|why| StoreError::Internal(why.to_string()))?;
            Ok::<_, StoreError>((state, gone))
        });
        Ok(usize::try_from(gone.await?.unwrap_or(0)).unwrap_or(usize::MAX))
    }

    async fn collect_all(&self, reached: &mut Reached, retain: &RetainConfig) -> Result<u64, StoreError> {
        let mut gone = self.collect_projects(reached, retain).await?;
        gone += self.forget_events(reached, retain.events).await?;
        gone += self.step_by_step("deliveries", || self.store.forget_deliveries(retain.deliveries, STEP)).await?;
        if let Some(kept) = retain.audit {
            gone += self.step_by_step("audit", || self.store.forget_audit(kept, STEP)).await?;
        }
        Ok(gone)
    }

    /// History first: it names content that can go afterwards.
    async fn collect_projects(&self, reached: &mut Reached, retain: &RetainConfig) -> Result<u64, StoreError> {
        let projects = self.store.pids_after(reached.project, PROJECTS).await?;
        let mut gone = 0;
        for pid in projects.iter().copied() {
            if let Some(kept) = retain.history {
                gone += self.step_by_step("history", || self.store.forget_history(pid, kept, STEP)).await?;
                gone += self.step_by_step("history", || self.store.forget_undo(pid, STEP)).await?;
            }
            gone += self.step_by_step("blobs", || self.store.collect_blobs(pid, STEP)).await?;
        }
        reached.project = projects.last().copied().unwrap_or(0);
        Ok(gone)
    }

    async fn forget_events(&self, reached: &mut Reached, kept: Duration) -> Result<u64, StoreError> {
        let mut gone = 0;
        while let Some((last, step)) = self.store.forget_events(reached.event, kept, EVENTS).await? {
            reached.event = last;
            gone += step;
            self.metrics.pruned("events", step);
        }
        Ok(gone)
    }

    /// Step after step, until one finds nothing.
    async fn step_by_step<F>(&self, kind: &'static str, mut step: impl FnMut() -> F) -> Result<u64, StoreError>
    where
        F: Future<Output = Result<u64, StoreError>>,
    {
        let mut gone = 0;
        loop {
            let rows = step().await?;
            if rows == 0 {
                return Ok(gone);
            }
            self.metrics.pruned(kind, rows);
            gone += rows;
        }
    }
}
