//! When making a pull request fails: tried again, given up, or taken back; and going on with one.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::Engine;
use super::boxed::boxed;
use super::failure::Failure;
use super::look::Trouble;
use super::outcome::MAX_ATTEMPTS;
use super::pull_branch::sync_of;
use super::pulls::versions;
use super::receipt::Versions;
use super::requests::Asker;
use super::view::{self, SyncView};
use crate::github::GithubError;
use crate::job::Wake;
use crate::model::{Code, Problem, SyncKind, SyncStatus};
use crate::queue::{backoff, heartbeat};
use crate::store::events::Actor;
use crate::store::integrations::{Acquired, Integration, Lease};
use crate::store::pulls::{self, Pull};
use crate::store::syncs::{self, Sync};
use crate::store::{StoreError, Transaction, holds, pull_holds};

/// Somebody else has the project: asked again after this.
const BUSY: TimeDelta = TimeDelta::seconds(1);

impl Engine {
    /// What becomes of one that could not be made now; answers what whoever asked is told.
    pub(super) async fn pull_not_made(
        &self,
        lease: Lease,
        on: &Integration,
        pull: &Pull,
        trouble: Trouble,
    ) -> Result<Failure, StoreError> {
        let error = match trouble {
            Trouble::Store(StoreError::Internal(why)) => {
                tracing::error!(pull = pull.id, why, "a pull request could not be made");
                let problem = Problem::new(Code::Internal, "Making the pull request failed inside Lockstep.");
                self.put_off(lease, on, pull, problem).await?;
                return Ok(Failure::Store(StoreError::Internal(why)));
            }
            Trouble::Store(error) => return Ok(error.into()),
            Trouble::Again => GithubError::Stale,
            Trouble::GitHub(error) => error,
        };
        match &error {
            // What a proposal carries has no other place: it is kept, and tried again.
            error if is_final(error) && !pull.proposed => self.abandon(lease, on, pull, error).await?,
            GithubError::RetryAt { at, .. } => {
                let problem = Problem::new(error.code(), error.to_string());
                self.make_later(lease, pull, *at, pull.attempts, problem).await?;
            }
            error => self.put_off(lease, on, pull, Problem::new(error.code(), error.to_string())).await?,
        }
        Ok(error.into())
    }

    /// One attempt failed: the next comes later, unless it was the last one.
    async fn put_off(&self, lease: Lease, on: &Integration, pull: &Pull, problem: Problem) -> Result<(), StoreError> {
        let attempts = pull.attempts + 1;
        if attempts >= MAX_ATTEMPTS {
            return self.give_up_pull(lease, on, pull, problem).await;
        }
        let delay = backoff::random_delay(attempts.unsigned_abs(), self.settings.retry.as_secs_f64());
        let at = Utc::now() + TimeDelta::from_std(delay).unwrap_or(TimeDelta::minutes(1));
        self.make_later(lease, pull, at, attempts, problem).await
    }

    /// Its history row waits, and says why.
    async fn make_later(
        &self,
        lease: Lease,
        pull: &Pull,
        at: DateTime<Utc>,
        attempts: i32,
        problem: Problem,
    ) -> Result<(), StoreError> {
        self.store
            .under_lease(lease, async |tx| {
                pulls::make_later(tx, pull.id, at, attempts, &problem).await?;
                let Some(mut sync) = sync_of(tx, pull).await? else { return Ok(()) };
                (sync.status, sync.attempts, sync.error) = (SyncStatus::Queued, attempts, Some(problem.clone()));
                syncs::save(tx, &sync).await
            })
            .await?;
        self.wake_at(Wake::PullRequest { id: pull.id }, at).await;
        Ok(())
    }

    async fn give_up_pull(
        &self,
        lease: Lease,
        on: &Integration,
        pull: &Pull,
        problem: Problem,
    ) -> Result<(), StoreError> {
        self.store
            .under_lease(lease, async |tx| {
                pulls::give_up(tx, pull, &problem).await?;
                if let Some(sync) = self.fail_making(tx, on, pull, &problem, MAX_ATTEMPTS).await? {
                    syncs::bury(tx, on.project.as_str(), &sync, Some(pull.id), &problem).await?;
                }
                Ok(())
            })
            .await?;
        self.metrics.sync_finished(SyncKind::PullRequest, SyncStatus::Failed);
        Ok(())
    }

    /// GitHub will never take it: everything is pending again, but for the files it refused.
    async fn abandon(
        &self,
        lease: Lease,
        on: &Integration,
        pull: &Pull,
        error: &GithubError,
    ) -> Result<(), StoreError> {
        let problem = match Failure::from(error.clone()) {
            Failure::Problem(problem) | Failure::Later(problem, _) => problem,
            Failure::Store(error) => return Err(error),
        };
        let sent = versions(&self.store.carried(pull.id).await?);
        let refused = match self.refusal(&self.repo(on), on.pid, error.clone(), &sent).await {
            Ok(refusal) => refusal.paths,
            Err(Trouble::Store(error)) => return Err(error),
            Err(Trouble::GitHub(_) | Trouble::Again) => Versions::new(),
        };
        self.store
            .under_lease(lease, async |tx| {
                self.fail_making(tx, on, pull, &problem, pull.attempts + 1).await?;
                pull_holds::forget(tx, pull.pid, pull.id).await?;
                holds::refuse(tx, on.pid, &refused, &problem).await
            })
            .await?;
        self.metrics.sync_finished(SyncKind::PullRequest, SyncStatus::Failed);
        if let Some(commit) = pull.head_commit.or(pull.base_commit) {
            // Best effort: an empty branch of ours is only untidy.
            drop(self.repo(on).delete_ref_if(&pull.branch, commit).await);
        }
        Ok(())
    }

    /// Its history row says that it failed. What was to be asked of GitHub stays known: it may be
    /// taken up again.
    async fn fail_making(
        &self,
        tx: &Transaction<'_>,
        on: &Integration,
        pull: &Pull,
        problem: &Problem,
        attempts: i32,
    ) -> Result<Option<Sync>, StoreError> {
        let Some(mut sync) = sync_of(tx, pull).await? else { return Ok(None) };
        sync.status = SyncStatus::Failed;
        sync.error = Some(problem.clone());
        sync.attempts = attempts;
        sync.finished_at = Some(syncs::clock(tx).await?);
        syncs::save(tx, &sync).await?;
        let files = syncs::files(tx, sync.id, view::MAX_LISTED as i64).await?;
        let data = json!({ "sync": SyncView::new(&sync, &files) });
        self.say(tx, on, "sync.failed", &Actor::System, data).await?;
        Ok(Some(sync))
    }

    /// Goes on with one that was begun.
    pub(super) async fn resume_pull(&self, pull: Pull) -> Result<(), StoreError> {
        if pull.given_up {
            return Ok(());
        }
        let (lease, recovering) = match self.store.acquire_lease(pull.pid, Uuid::new_v4()).await? {
            Acquired::Lease { lease, recovering, .. } => (lease, recovering),
            Acquired::Busy => {
                self.wake_at(Wake::PullRequest { id: pull.id }, Utc::now() + BUSY).await;
                return Ok(());
            }
            Acquired::Nothing => return self.store.stop_making(pull.id).await,
        };
        let beat = || async move {
            drop(self.store.renew_lease(lease).await);
        };
        let resumed = boxed(|| self.resume_under(lease, recovering, pull));
        let made = heartbeat::while_beating(Duration::from_secs(4), beat, resumed).await;
        self.let_go(lease).await?;
        made
    }

    async fn resume_under(&self, lease: Lease, recovering: bool, pull: Pull) -> Result<(), StoreError> {
        if recovering {
            self.store.look_again(lease.pid, Utc::now(), true).await?;
        }
        let Some(on) = self.store.integration(lease.pid).await?.filter(|on| on.connection == pull.connection) else {
            return self.store.stop_making(pull.id).await;
        };
        // It may have been made, or given up, since it was read.
        let Some(pull) = self.store.pull(pull.id).await?.filter(|pull| pull.number.is_none() && !pull.given_up) else {
            return Ok(());
        };
        let asker = Asker { actor: Actor::System, author: None, request_id: None };
        match boxed(|| self.make_pull(lease, &on, pull, &asker)).await {
            Err(Failure::Store(StoreError::Internal(_))) | Err(Failure::Problem(_) | Failure::Later(..)) | Ok(_) => {
                Ok(())
            }
            Err(Failure::Store(error)) => Err(error),
        }
    }
}

/// What no later attempt can change.
fn is_final(error: &GithubError) -> bool {
    matches!(
        error,
        GithubError::Refused { .. } | GithubError::Invalid(_) | GithubError::TooLarge { .. } | GithubError::NotFound
    )
}
