//! The worker: takes jobs, so many at once and no more, and gives them to a handler.
//!
//! Deliveries and wake-ups have a lane each, so that a webhook never waits behind slow syncs. A lane
//! reads only what it has room for; what one process does not take is there for the others.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::fate::Done;
use super::keys::Stream;
use super::lane::{InHand, Reader, Taken};
use super::{Queue, backoff};
use crate::job::Job;

/// Deliveries only write a few rows; more at once would only wait for database connections.
const DELIVERIES_AT_ONCE: usize = 8;
/// Entries taken by one read.
const BATCH: usize = 32;
/// Other processes' schedules are noticed this late at most.
const LOOK_EVERY: i64 = 250;
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// What everything needs (the database) is away: a job waits so many times the first retry delay.
const LATER: f64 = 2.5;

pub(super) const DELIVERY_LANE: &[Stream] = &[Stream::Deliveries];
pub(super) const WAKE_LANE: &[Stream] = &[Stream::First, Stream::Second];

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done for good, whether or not there was anything to do.
    Done,
    /// It failed; tried again after a while, and given up after too many times.
    Retry,
    /// Nothing is wrong with the job, but what everything needs is away; does not count as a try.
    Later,
}

/// Does the jobs. A job may come twice, late, or to two handlers at once.
pub trait Handler: Send + Sync + 'static {
    fn handle(&self, job: Job) -> impl Future<Output = Outcome> + Send;

    /// Called instead of `handle` for a job that failed, panicked, or took its worker down
    /// `attempts` times: keep it as a dead letter. Anything but `Done` calls again later.
    fn give_up(&self, job: Job, attempts: u32) -> impl Future<Output = Outcome> + Send;
}

pub struct Worker<H> {
    queue: Queue,
    handler: Arc<H>,
    workers: usize,
}

impl<H: Handler> Worker<H> {
    /// At most `workers` wake-ups at once (at least one), and a few deliveries besides.
    pub fn new(queue: Queue, handler: Arc<H>, workers: usize) -> Self {
        Worker { queue, handler, workers: workers.max(1) }
    }

    /// Works until `stop`, then finishes what it has within `grace`, and hands back the rest.
    pub async fn run(self, stop: CancellationToken, grace: Duration) {
        let in_hand = InHand::default();
        let deliveries = self.lane(DELIVERY_LANE, DELIVERIES_AT_ONCE, &in_hand);
        let wakes = self.lane(WAKE_LANE, self.workers, &in_hand);
        let lanes = async { tokio::join!(deliveries.run(&stop, grace), wakes.run(&stop, grace)) };
        tokio::select! {
            _ = lanes => {}
            () = move_due(&self.queue) => {}
            () = keep_claims(&self.queue, &in_hand) => {}
        }
        if let Err(error) = self.queue.hand_back(&Stream::ALL).await {
            tracing::warn!(%error, "unfinished jobs could not be handed back; they will be claimed");
        }
    }

    fn lane(&self, streams: &'static [Stream], room: usize, in_hand: &InHand) -> Lane<H> {
        Lane {
            queue: self.queue.clone(),
            handler: self.handler.clone(),
            streams,
            room: Arc::new(Semaphore::new(room)),
            in_hand: in_hand.clone(),
        }
    }
}

struct Lane<H> {
    queue: Queue,
    handler: Arc<H>,
    streams: &'static [Stream],
    room: Arc<Semaphore>,
    in_hand: InHand,
}

impl<H: Handler> Lane<H> {
    async fn run(&self, stop: &CancellationToken, grace: Duration) {
        let mut jobs = JoinSet::new();
        let mut failures = 0;
        while !stop.is_cancelled() {
            match self.work(stop, &mut jobs, &mut failures).await {
                Ok(()) => break,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "the queue cannot be read");
                    let pause = backoff::random_delay(failures, 0.1).min(Duration::from_secs(5));
                    let _ = tokio::time::timeout(pause, stop.cancelled()).await;
                }
            }
        }
        let finished = async { while jobs.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, finished).await.is_err() {
            tracing::warn!(jobs = jobs.len(), "handing back unfinished jobs");
            jobs.shutdown().await;
        }
    }

    /// Reads and starts jobs until `stop`, or until the connection fails.
    async fn work(
        &self,
        stop: &CancellationToken,
        jobs: &mut JoinSet<()>,
        failures: &mut u32,
    ) -> Result<(), super::QueueError> {
        let mut reader = Reader::open(&self.queue, self.streams, self.in_hand.clone()).await?;
        loop {
            let room = tokio::select! {
                room = self.some_room() => room,
                () = stop.cancelled() => return Ok(()),
            };
            let Some(mut room) = room else { return Ok(()) };
            while jobs.try_join_next().is_some() {}
            let taken = reader.next(room.num_permits()).await?;
            *failures = 0;
            for taken in taken {
                if stop.is_cancelled() {
                    return Ok(());
                }
                self.in_hand.add(&taken);
                let one = match room.split(1) {
                    Some(one) => one,
                    None => match self.room.clone().acquire_owned().await {
                        Ok(one) => one,
                        Err(_) => return Ok(()),
                    },
                };
                jobs.spawn(self.job(taken, one));
            }
        }
    }

    /// Waits until one job fits, and takes room for as many as do.
    async fn some_room(&self) -> Option<OwnedSemaphorePermit> {
        let mut room = self.room.clone().acquire_owned().await.ok()?;
        while room.num_permits() < BATCH {
            match self.room.clone().try_acquire_owned() {
                Ok(more) => room.merge(more),
                Err(_) => break,
            }
        }
        Some(room)
    }

    fn job(&self, taken: Taken, room: OwnedSemaphorePermit) -> impl Future<Output = ()> + Send + use<H> {
        let (queue, handler, in_hand) = (self.queue.clone(), self.handler.clone(), self.in_hand.clone());
        async move {
            let done = Done::from(&taken);
            let deliveries = taken.deliveries;
            let outcome = outcome_of(&queue, &*handler, taken).await;
            settle(&queue, &done, deliveries, outcome).await;
            in_hand.remove(done.stream, done.id);
            drop(room);
        }
    }
}

/// Runs a job; one that panics has failed.
pub(super) async fn outcome_of<H: Handler>(queue: &Queue, handler: &H, taken: Taken) -> Outcome {
    let most = queue.settings().max_deliveries;
    let run = async {
        if taken.deliveries > most {
            handler.give_up(taken.job, taken.deliveries - 1).await
        } else {
            handler.handle(taken.job).await
        }
    };
    AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(entry = taken.id, "a job panicked");
        Outcome::Retry
    })
}

async fn settle(queue: &Queue, done: &Done, deliveries: u32, outcome: Outcome) {
    let base = queue.settings().retry.as_secs_f64();
    match outcome {
        Outcome::Done => queue.acknowledge(done).await,
        Outcome::Retry => {
            queue.put_off(done.stream, &done.id, deliveries, backoff::random_delay(deliveries, base)).await;
        }
        Outcome::Later => {
            let delay = backoff::random_delay(1, base * LATER);
            queue.put_off(done.stream, &done.id, deliveries.saturating_sub(1), delay).await;
        }
    }
}

/// Moves what is due onto the stream, when it is due.
async fn move_due(queue: &Queue) {
    let mut failures = 0;
    loop {
        let now = Utc::now().timestamp_millis();
        match queue.move_due(now).await {
            Ok((_, next)) => {
                failures = 0;
                queue.0.bell.wait(next.unwrap_or(i64::MAX).min(now + LOOK_EVERY)).await;
            }
            Err(error) => {
                failures += 1;
                tracing::debug!(%error, "what is due cannot be moved");
                tokio::time::sleep(backoff::random_delay(failures, 0.1).min(Duration::from_secs(5))).await;
            }
        }
    }
}

/// Keeps what is being worked on from being claimed, and forgets processes that died.
async fn keep_claims(queue: &Queue, in_hand: &InHand) {
    let mut tidied: Option<Instant> = None;
    loop {
        if let Err(error) = queue.heartbeat(in_hand).await {
            tracing::debug!(%error, "jobs cannot be kept from being claimed");
        }
        if tidied.is_none_or(|at| at.elapsed() > TIDY_EVERY) {
            let _ = queue.forget_dead_consumers().await;
            tidied = Some(Instant::now());
        }
        tokio::time::sleep(queue.settings().claim_idle / 4).await;
    }
}
