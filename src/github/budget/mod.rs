//! GitHub's limits, kept and not hit: one budget for each installation, shared by all processes
//! through Redis. Out of budget is an answer (`RetryAt`), never a wait.
//!
//! What is counted: the hourly budget from every answer's headers; content-creating requests, at most
//! 80 in any 60 s and 500 in any hour; the secondary limit's points; requests in flight. A
//! content-creating request counts from before it is sent until a whole window after its answer, so
//! that no window of GitHub's own clock holds more.
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>

mod local;
mod shared;
mod standing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use redis::Script;
use redis::aio::ConnectionManager;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{GithubError, Result, Throttle};
use local::Local;
use shared::Shared;
pub use standing::Standing;

/// Who waits for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A person: goes first, and may use the last of the budget.
    Person,
    /// What runs by itself.
    Background,
}

/// A request that asks to be sent.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub installation: i64,
    /// Who shares: one project, by its repository.
    pub party: &'a str,
    pub priority: Priority,
    pub graphql: bool,
    /// REST POST, PUT, PATCH, DELETE, or a mutation.
    pub content: bool,
}

/// The permission to send one request; give it back with `Budget::settle`.
#[derive(Debug)]
pub struct Admission {
    installation: i64,
    party: String,
    graphql: bool,
    /// The entry in the log of content-creating requests.
    member: Option<String>,
    _slot: Option<OwnedSemaphorePermit>,
}

/// What an answer's headers said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// False only when certainly nothing left this machine.
    pub sent: bool,
    pub primary: Option<Primary>,
    /// GitHub said: not before then.
    pub wait: Option<(DateTime<Utc>, Throttle)>,
}

#[derive(Debug, Clone, Copy)]
pub struct Primary {
    pub remaining: i64,
    pub limit: i64,
    pub reset: DateTime<Utc>,
}

/// Writes of one process to one installation at a time.
const WRITES_AT_ONCE: usize = 8;
/// Longer than any request may take.
const LEASE: TimeDelta = TimeDelta::seconds(150);

/// The secondary limits of one installation. GitHub's own are the default; an Enterprise Server may
/// have others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Content-creating requests.
    pub per_minute: usize,
    /// Content-creating requests.
    pub per_hour: usize,
    /// Points a minute of REST, and of GraphQL: a request that writes is five, any other one.
    pub points: (usize, usize),
}

impl Default for Limits {
    fn default() -> Self {
        Limits { per_minute: 80, per_hour: 500, points: (900, 2000) }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Budget {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Shared,
    limits: Limits,
    installations: Mutex<HashMap<i64, Installation>>,
}

struct Installation {
    local: Local,
    writes: Arc<Semaphore>,
    /// The state in Redis that this process has told what it remembers.
    epoch: String,
}

impl Budget {
    /// `prefix` is the first part of every key.
    pub fn new(redis: ConnectionManager, prefix: &str) -> Self {
        Self::with_limits(redis, prefix, Limits::default())
    }

    /// The same limits must be given by every process.
    pub fn with_limits(redis: ConnectionManager, prefix: &str, limits: Limits) -> Self {
        let inner = Inner { shared: Shared::new(redis, prefix, limits), limits, installations: Mutex::default() };
        Budget { inner: Arc::new(inner) }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// May this request be sent now? If not: `RetryAt`.
    pub async fn admit(&self, ask: Ask<'_>) -> Result<Admission> {
        let slot = if ask.content { self.slot(ask.installation).await } else { None };
        if let Some(wait) = self.with(ask.installation, |one| one.local.blocked(ask.graphql, Utc::now())) {
            return Err(later(wait));
        }
        let member = ask.content.then(|| format!("{}|{}", ask.party, uuid::Uuid::now_v7().simple()));
        match self.ask_redis(&ask, member.as_deref().unwrap_or("")).await {
            Some(Verdict::Yes) => {}
            Some(Verdict::Wait(until, reason)) => return Err(later((until, reason))),
            None => self.ask_locally(&ask)?,
        }
        if let Some(member) = &member {
            self.with(ask.installation, |one| one.local.started(member, LEASE, Utc::now()));
        }
        let (installation, party, graphql) = (ask.installation, ask.party.to_owned(), ask.graphql);
        Ok(Admission { installation, party, graphql, member, _slot: slot })
    }

    /// Records what became of a request. Answers until when GitHub's refusal makes the installation
    /// wait, which may be longer than GitHub said when it said it before.
    pub async fn settle(&self, admission: Admission, seen: Seen) -> Option<DateTime<Utc>> {
        let now = Utc::now();
        self.with(admission.installation, |one| {
            if let Some(member) = &admission.member {
                one.local.ended(member, seen.sent, now);
            }
            one.local.seen(&seen, admission.graphql, now);
        });
        self.inner.shared.settle(&admission, &seen, now).await
    }

    /// GitHub said so outside of a request of the installation's own: nobody asks for it before then.
    pub(crate) async fn hold_back(&self, installation: i64, until: DateTime<Utc>, reason: Throttle) {
        let admission = Admission { installation, party: String::new(), graphql: false, member: None, _slot: None };
        let seen = Seen { sent: true, primary: None, wait: Some((until, reason)) };
        self.settle(admission, seen).await;
    }

    async fn ask_redis(&self, ask: &Ask<'_>, member: &str) -> Option<Verdict> {
        for _ in 0..2 {
            let epoch = self.with(ask.installation, |one| one.epoch.clone());
            match self.inner.shared.admit(ask, member, &epoch).await? {
                shared::Reply::Yes => return Some(Verdict::Yes),
                shared::Reply::Wait(until, reason) => return Some(Verdict::Wait(until, reason)),
                shared::Reply::Epoch(epoch) => self.restore(ask.installation, epoch).await?,
            }
        }
        None
    }

    /// Redis is new or was emptied: tell it what this process remembers.
    async fn restore(&self, installation: i64, epoch: String) -> Option<()> {
        let entries = self.with(installation, |one| one.local.entries(Utc::now()));
        self.inner.shared.restore(installation, &entries).await?;
        self.with(installation, |one| one.epoch = epoch);
        Some(())
    }

    fn ask_locally(&self, ask: &Ask<'_>) -> Result<()> {
        let full = ask
            .content
            .then(|| self.with(ask.installation, |one| one.local.full(ask.priority, self.inner.limits, Utc::now())));
        full.flatten().map_or(Ok(()), |wait| Err(later(wait)))
    }

    /// One of this process's places for writes; waits for another request's answer at most.
    async fn slot(&self, installation: i64) -> Option<OwnedSemaphorePermit> {
        let writes = self.with(installation, |one| one.writes.clone());
        writes.acquire_owned().await.ok()
    }

    fn with<T>(&self, installation: i64, work: impl FnOnce(&mut Installation) -> T) -> T {
        let mut all: MutexGuard<'_, _> = self.inner.installations.lock().unwrap_or_else(PoisonError::into_inner);
        work(all.entry(installation).or_insert_with(|| Installation {
            local: Local::default(),
            writes: Arc::new(Semaphore::new(WRITES_AT_ONCE)),
            epoch: String::new(),
        }))
    }
}

enum Verdict {
    Yes,
    Wait(DateTime<Utc>, Throttle),
}

fn later((at, reason): (DateTime<Utc>, Throttle)) -> GithubError {
    GithubError::RetryAt { at, reason }
}

/// Redis is asked again this long after it did not answer.
const PAUSE_MS: i64 = 1000;

/// After a failure, nobody waits for Redis for a second.
#[derive(Default)]
struct Fuse(AtomicI64);

impl Fuse {
    fn is_blown(&self, now: DateTime<Utc>) -> bool {
        self.0.load(Ordering::Relaxed) > now.timestamp_millis()
    }

    fn blow(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_millis() + PAUSE_MS, Ordering::Relaxed);
    }
}

struct Scripts {
    admit: Script,
    settle: Script,
    restore: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        Scripts {
            admit: Script::new(include_str!("admit.lua")),
            settle: Script::new(include_str!("settle.lua")),
            restore: Script::new(include_str!("restore.lua")),
        }
    }
}
