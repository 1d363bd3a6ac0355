//! From a job of the queue to the use case that does it.

use super::Engine;
use crate::job::{Job, Wake};
use crate::queue::{Handler, Outcome};
use crate::store::StoreError;

impl Handler for Engine {
    async fn handle(&self, job: Job) -> Outcome {
        match job {
            Job::Wake(wake) => self.woken(wake).await,
            Job::Delivery(_) => Outcome::Done,
        }
    }

    async fn give_up(&self, _job: Job, _attempts: u32) -> Outcome {
        Outcome::Done
    }
}

impl Engine {
    async fn woken(&self, wake: Wake) -> Outcome {
        let done = match wake {
            Wake::Project { pid } => self.look(pid).await,
            Wake::Revocation { id } => self.revoke(id).await,
            Wake::Notification { .. } | Wake::PullRequest { .. } => Ok(()),
        };
        outcome(done)
    }
}

/// A use case that failed is tried again; while PostgreSQL is away that is nobody's fault.
fn outcome(done: Result<(), StoreError>) -> Outcome {
    match done {
        Ok(()) => Outcome::Done,
        Err(StoreError::Unavailable(_)) => Outcome::Later,
        Err(error) => {
            tracing::error!(%error, "a job failed");
            Outcome::Retry
        }
    }
}
