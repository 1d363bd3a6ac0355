//! From a job of the queue to the use case that does it.

use tracing::{Instrument as _, Span};

use super::Engine;
use super::boxed::boxed;
use crate::job::{Job, Wake};
use crate::queue::{Handler, Outcome};
use crate::store::StoreError;
use crate::telemetry::log;

impl Handler for Engine {
    async fn handle(&self, job: Job) -> Outcome {
        let span = span_of(&job);
        let work = async {
            match job {
                Job::Wake(wake) => boxed(|| self.woken(wake)).await,
                Job::Delivery(delivery) => boxed(|| self.delivery(&delivery)).await,
            }
        };
        work.instrument(span).await
    }

    async fn give_up(&self, job: Job, attempts: u32) -> Outcome {
        let span = span_of(&job);
        boxed(|| self.given_up(job, attempts)).instrument(span).await
    }
}

/// Every line of the log about this job tells which it is.
fn span_of(job: &Job) -> Span {
    match job {
        Job::Wake(Wake::Project { pid }) => log::job_span("project", *pid),
        Job::Wake(Wake::Notification { id }) => log::job_span("notification", *id),
        Job::Wake(Wake::Revocation { id }) => log::job_span("revocation", *id),
        Job::Wake(Wake::PullRequest { id }) => log::job_span("pull_request", *id),
        Job::Delivery(delivery) => log::delivery_span(&delivery.id, &delivery.event),
    }
}

impl Engine {
    async fn given_up(&self, job: Job, attempts: u32) -> Outcome {
        match job {
            Job::Delivery(delivery) => outcome(self.bury_delivery(&delivery, attempts).await),
            Job::Wake(Wake::Project { pid }) => outcome(self.bury_project(pid, attempts).await),
            // Their rows count attempts of their own; the sweep wakes somebody up again.
            Job::Wake(wake) => {
                tracing::error!(?wake, attempts, "a job is put off until the next sweep");
                Outcome::Done
            }
        }
    }

    async fn woken(&self, wake: Wake) -> Outcome {
        let done = match wake {
            Wake::Project { pid } => {
                let done = boxed(|| self.look(pid)).await;
                self.wake_notifications().await;
                done
            }
            Wake::Revocation { id } => boxed(|| self.revoke(id)).await,
            Wake::Notification { id } => boxed(|| self.notify(id)).await,
            Wake::PullRequest { id } => boxed(|| self.pull_request(id)).await,
        };
        outcome(done)
    }
}

/// A use case that failed is tried again; while PostgreSQL is away that is nobody's fault.
pub(super) fn outcome(done: Result<(), StoreError>) -> Outcome {
    match done {
        Ok(()) => Outcome::Done,
        Err(StoreError::Unavailable(_)) => Outcome::Later,
        Err(error) => {
            tracing::error!(%error, "a job failed");
            Outcome::Retry
        }
    }
}
