//! Looking at a project: gather, plan, carry out, until both sides agree or something must wait.
//!
//! A look is level-triggered. It asks what is, never what happened, so that it may run twice, late,
//! or after somebody else's half-done one. Each step ends in one transaction under the lease; what
//! comes after a crash finds either the step or nothing.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use uuid::Uuid;

use super::Engine;
use super::boxed::boxed;
use super::outcome::MAX_ATTEMPTS;
use super::remote::Remote;
use super::root::RootStart;
use crate::github::{GithubError, Priority, Repo};
use crate::model::{Oid, SyncKind};
use crate::queue::heartbeat;
use crate::store::integrations::{Acquired, Integration, Lease, State};
use crate::store::settle::Settled;
use crate::store::syncs::Sync;
use crate::store::{StoreError, integrations};
use crate::telemetry::log;

/// How often a moved head is answered at once before others get their turn.
const IMMEDIATE_LOOKS: usize = 8;
/// How often a lease is renewed: several times in its life.
const HEARTBEAT: Duration = Duration::from_secs(4);

/// Why a pass ended early.
#[derive(Debug)]
pub(super) enum Trouble {
    Store(StoreError),
    GitHub(GithubError),
    /// Something moved under the plan, or a part of it was done: gather and plan again.
    Again,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Contended(_) => Trouble::Again,
            other => Trouble::Store(other),
        }
    }
}

impl From<GithubError> for Trouble {
    fn from(error: GithubError) -> Self {
        match error {
            GithubError::Stale => Trouble::Again,
            other => Trouble::GitHub(other),
        }
    }
}

/// One pass over one project, under its lease.
pub(super) struct Look<'a> {
    pub engine: &'a Engine,
    pub lease: Lease,
    pub on: Integration,
    pub repo: Repo,
    /// The unfinished history row, if there is one.
    pub sync: Option<Sync>,
    /// The holder before us died in the middle of something.
    pub recovering: bool,
    /// How far an earlier attempt at the first commit of an empty repository came.
    pub root: Option<RootStart>,
    /// Bytes of what GitHub has, as far as it said: small files are read many at a time.
    pub sizes: HashMap<Oid, u64>,
}

impl Engine {
    /// Brings the project in step, or leaves word for whoever is at it.
    pub async fn look(&self, pid: i64) -> Result<(), StoreError> {
        match self.store.acquire_lease(pid, Uuid::new_v4()).await? {
            Acquired::Lease { lease, recovering: true, attempts } if attempts >= MAX_ATTEMPTS => {
                // Each attempt ended its process: it is poison.
                self.store.drop_lease(lease).await?;
                self.bury_project(pid, attempts.unsigned_abs()).await
            }
            Acquired::Lease { lease, recovering, .. } => {
                let beat = || async move {
                    if let Err(error) = self.store.renew_lease(lease).await {
                        tracing::warn!(pid, %error, "a lease could not be renewed");
                    }
                };
                self.held.add(lease.token);
                let held = boxed(|| self.hold(lease, recovering));
                let done = heartbeat::while_beating(HEARTBEAT, beat, held).await;
                self.held.remove(lease.token);
                done
            }
            Acquired::Busy | Acquired::Nothing => Ok(()),
        }
    }

    async fn hold(&self, lease: Lease, mut recovering: bool) -> Result<(), StoreError> {
        for round in 0.. {
            match boxed(|| self.pass(lease, recovering, round)).await {
                Ok(()) => {}
                Err(StoreError::LeaseLost) => return Ok(()),
                Err(other) => return Err(other),
            }
            recovering = false;
            if self.store.release_lease(lease).await? || round > IMMEDIATE_LOOKS {
                break;
            }
        }
        self.schedule_next(lease).await
    }

    async fn schedule_next(&self, lease: Lease) -> Result<(), StoreError> {
        self.store.drop_lease(lease).await?;
        if let Some(at) = self.store.integration(lease.pid).await?.and_then(|on| on.due_at) {
            self.wake_project(lease.pid, at).await;
        }
        Ok(())
    }

    async fn pass(&self, lease: Lease, recovering: bool, round: usize) -> Result<(), StoreError> {
        let on = self.store.begin_look(lease).await?;
        let sync = match on.sync_id {
            Some(id) => self.store.sync(on.pid, id).await?.filter(|sync| !sync.status.is_finished()),
            None => None,
        };
        sync.iter().for_each(|sync| log::works_on_sync(sync.id));
        let mut look = self.looking(lease, on, sync, recovering);
        let Ok(run) = AssertUnwindSafe(boxed(|| look.run())).catch_unwind().await else {
            return look.fail_inside("it panicked").await;
        };
        match run {
            Ok(()) => Ok(()),
            Err(Trouble::Again) if round < IMMEDIATE_LOOKS => look.again().await,
            Err(Trouble::Again) => look.fail(GithubError::Stale).await,
            Err(Trouble::GitHub(error)) => look.fail(error).await,
            Err(Trouble::Store(StoreError::Internal(why) | StoreError::Conflict(why))) => look.fail_inside(&why).await,
            Err(Trouble::Store(error)) => Err(error),
        }
    }
}

impl Engine {
    fn looking(&self, lease: Lease, on: Integration, sync: Option<Sync>, recovering: bool) -> Look<'_> {
        let repo = self.repo(&on);
        let mut look = Look { engine: self, lease, on, repo, sync, recovering, root: None, sizes: HashMap::new() };
        if look.by_person() {
            look.repo = look.repo.with_priority(Priority::Person);
        }
        look
    }

    /// What an answer that was lost, or a holder that died, left open is found out, and nothing else
    /// is done: whoever takes the lease for something of its own begins with this.
    pub(super) async fn find_out(&self, lease: Lease, recovering: bool) -> Result<(), Trouble> {
        let Some(on) = self.store.integration(lease.pid).await? else { return Ok(()) };
        if recovering {
            // Whatever it was due for is due again.
            self.store.look_again(on.pid, on.now, true).await?;
        }
        let open = match on.sync_id {
            Some(id) => self.store.sync(on.pid, id).await?.filter(|sync| !sync.status.is_finished()),
            None => None,
        };
        match open {
            Some(sync) if sync.intent.is_some() && on.head.is_some() => {
                let mut look = self.looking(lease, on, Some(sync), true);
                let mut remote = look.read_remote().await?;
                look.recover(&mut remote).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }
}

impl Look<'_> {
    async fn run(&mut self) -> Result<(), Trouble> {
        if !self.must_read_remote() && !self.push_is_due() {
            return self.rest().await;
        }
        let mut remote =
            if self.must_read_remote() { boxed(|| self.read_remote()).await? } else { Remote::unchanged(self.on.head) };
        if boxed(|| self.recover(&mut remote)).await? {
            return Err(Trouble::Again);
        }
        let mut decision = boxed(|| self.decide(remote)).await?;
        if boxed(|| self.must_wait_for_confirmation(&decision)).await? {
            return Ok(());
        }
        boxed(|| self.begin_row(&decision)).await?;
        boxed(|| self.fetch_contents(&mut decision)).await?;
        let absorbed = boxed(|| self.absorb(&decision)).await?;
        let pushed = boxed(|| self.push(&decision, &absorbed)).await?;
        match boxed(|| self.push_to_pulls(&decision)).await {
            // What was committed is recorded, whatever becomes of the pull requests' branches.
            Err(Trouble::GitHub(error)) if pushed.is_some() => {
                let asked = self.asked_kind();
                boxed(|| self.finish(&decision, pushed)).await?;
                boxed(|| self.push_to_pulls_later(error, asked)).await
            }
            Err(trouble) => Err(trouble),
            Ok(()) => boxed(|| self.finish(&decision, pushed)).await,
        }
    }

    /// Whether a person waits for this: then it goes before what runs by itself, and nothing pending
    /// is held back for a window.
    pub fn by_person(&self) -> bool {
        self.on.asked_at.is_some()
            || self.on.settling_at.is_some()
            || self.sync.as_ref().is_some_and(|sync| sync.kind != SyncKind::Auto)
    }

    /// Whether a person asked for a sync of everything, and not for what else people ask: to settle a
    /// conflict, say, says nothing of what a closed pull request left.
    pub fn asked_to_sync(&self) -> bool {
        self.on.asked_at.is_some() || self.sync.as_ref().is_some_and(|sync| sync.kind == SyncKind::Manual)
    }

    /// What a person waits for, if one does.
    fn asked_kind(&self) -> Option<SyncKind> {
        let settling =
            self.on.settling_at.is_some() || self.sync.as_ref().is_some_and(|sync| sync.kind == SyncKind::Resolve);
        if self.asked_to_sync() { Some(SyncKind::Manual) } else { settling.then_some(SyncKind::Resolve) }
    }

    fn must_read_remote(&self) -> bool {
        self.recovering
            || self.on.remote_due
            || self.on.head.is_none()
            || self.on.rescan
            || self.on.state != State::Connected
            || self.on.attempts > 0
            || self.by_person()
            || self.sync.as_ref().is_some_and(|sync| sync.intent.is_some())
    }

    /// Whether pending changes are to be committed in this pass. A row that this very look begins, for
    /// what it takes over, is no reason: what waits for its window would lose it. A window that is over
    /// is looked into even when nothing is pending any more: only that closes it.
    pub fn push_is_due(&self) -> bool {
        let window_over = || self.on.window_ends().is_some_and(|end| end <= self.on.now);
        let goes_on = || self.sync.as_ref().is_some_and(|sync| self.on.sync_id == Some(sync.id));
        self.by_person()
            || !self.on.initial_done
            || goes_on()
            || (self.on.settings.auto_sync
                && (window_over() || (self.on.pending > 0 && self.on.state != State::Connected)))
    }

    /// Nothing is due yet: the window's end is the next look.
    pub async fn rest(&self) -> Result<(), Trouble> {
        if let Some(at) = self.next_window() {
            self.engine.store.look_again(self.on.pid, at, false).await?;
        }
        Ok(())
    }

    pub fn next_window(&self) -> Option<DateTime<Utc>> {
        if self.on.settings.auto_sync { self.on.window_ends() } else { None }
    }

    /// The plan's ground moved: another look at once, at GitHub's side too.
    pub(super) async fn again(&self) -> Result<(), StoreError> {
        self.engine.store.mark_again(self.lease).await
    }

    /// How this look leaves the integration, unless it says otherwise.
    pub fn settled(&self) -> Settled {
        let mut settled = Settled::of(&self.on);
        settled.own.extend(self.sync.as_ref().map(|sync| sync.id));
        settled
    }

    /// The row of this look, made when it has an effect or an error. What runs by itself has been queued
    /// since the first change that waited.
    pub fn row(&mut self, now: DateTime<Utc>) -> &mut Sync {
        let kind = match (self.on.asked_at, self.on.settling_at) {
            _ if !self.on.initial_done => SyncKind::Initial,
            (Some(_), _) => SyncKind::Manual,
            (None, Some(_)) => SyncKind::Resolve,
            (None, None) => SyncKind::Auto,
        };
        let on = &self.on;
        self.sync.get_or_insert_with(|| {
            let id = Uuid::now_v7();
            log::works_on_sync(id);
            let since = if kind == SyncKind::Auto { on.window_at.unwrap_or(now).min(now) } else { now };
            Sync::queued(id, on.pid, on.connection, kind, &on.branch, on.revision, since)
        })
    }
}

/// The repository of an integration, by its numeric id.
impl Engine {
    pub(super) fn repo(&self, on: &integrations::Integration) -> Repo {
        let repository = crate::github::RepoRef { id: on.repository_id, full_name: on.full_name.clone() };
        self.github.repo(crate::github::InstallationId(on.installation_id), repository).for_project(on.pid)
    }
}
