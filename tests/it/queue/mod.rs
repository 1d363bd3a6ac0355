//! The queue on a real Redis: what it promises, and what it survives. Each test has a server of its
//! own, because most of them empty it, stop it or fill it up.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so and stops")]

mod faults;
mod jobs;
pub mod redis;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lockstep::job::{Delivery, Job, Wake};
use lockstep::queue::{Handler, Outcome, Queue, QueueSettings, Worker};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use redis::Redis;

const SOON: Duration = Duration::from_secs(30);

/// Short times, so that nobody waits for a claim.
fn queue_on(redis: &Redis) -> Queue {
    queue_with(redis, 8)
}

fn queue_with(redis: &Redis, max_deliveries: u32) -> Queue {
    let settings = QueueSettings {
        retry: Duration::from_millis(1),
        claim_idle: Duration::from_millis(400),
        max_deliveries,
        ..QueueSettings::new(redis.url(), "test")
    };
    Queue::new(settings).unwrap()
}

fn delivery(id: &str) -> Delivery {
    Delivery { id: id.into(), event: "push".into(), received_at: 1, body: "{}".into() }
}

fn project(pid: i64) -> Wake {
    Wake::Project { pid }
}

fn now() -> DateTime<Utc> {
    Utc::now()
}

fn later(seconds: i64) -> DateTime<Utc> {
    Utc::now() + TimeDelta::seconds(seconds)
}

/// Writes down what it is given, and answers as it is told to.
struct Scribe {
    seen: Mutex<Vec<Job>>,
    given_up: Mutex<Vec<(Job, u32)>>,
    news: Notify,
    answer: fn(&Job, usize) -> Answer,
}

enum Answer {
    Say(Outcome),
    Panic,
    /// Never comes back.
    Hang,
}

impl Scribe {
    fn new() -> Arc<Self> {
        Self::answering(|_, _| Answer::Say(Outcome::Done))
    }

    /// `answer` is told how often this very job was seen before.
    fn answering(answer: fn(&Job, usize) -> Answer) -> Arc<Self> {
        Arc::new(Scribe { seen: Mutex::default(), given_up: Mutex::default(), news: Notify::new(), answer })
    }

    fn seen(&self) -> Vec<Job> {
        self.seen.lock().unwrap().clone()
    }

    fn given_up(&self) -> Vec<(Job, u32)> {
        self.given_up.lock().unwrap().clone()
    }

    /// Returns as soon as `enough` holds, which is looked at whenever something was written down.
    async fn until(&self, enough: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let news = self.news.notified();
                if enough(self) {
                    return;
                }
                news.await;
            }
        };
        tokio::time::timeout(SOON, wait).await.expect("what was waited for did not come");
    }

    async fn until_seen(&self, count: usize) {
        self.until(|scribe| scribe.seen().len() >= count).await;
    }
}

impl Handler for Scribe {
    async fn handle(&self, job: Job) -> Outcome {
        let before = {
            let mut seen = self.seen.lock().unwrap();
            let before = seen.iter().filter(|other| **other == job).count();
            seen.push(job.clone());
            before
        };
        self.news.notify_one();
        match (self.answer)(&job, before) {
            Answer::Say(outcome) => outcome,
            Answer::Panic => panic!("as the test asked"),
            Answer::Hang => std::future::pending().await,
        }
    }

    async fn give_up(&self, job: Job, attempts: u32) -> Outcome {
        self.given_up.lock().unwrap().push((job, attempts));
        self.news.notify_one();
        Outcome::Done
    }
}

/// A worker that runs beside the test; stopped in an orderly way, or dropped as if it were killed.
struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn start(queue: &Queue, scribe: &Arc<Scribe>, workers: usize) -> Running {
    start_with_grace(queue, scribe, workers, SOON)
}

fn start_with_grace(queue: &Queue, scribe: &Arc<Scribe>, workers: usize, grace: Duration) -> Running {
    let stop = CancellationToken::new();
    let worker = Worker::new(queue.clone(), scribe.clone(), workers);
    let task = tokio::spawn(worker.run(stop.clone(), grace));
    Running { stop, task }
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(SOON, self.task).await.expect("the worker did not stop").unwrap();
    }

    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Waits until nothing is left on the streams: jobs are acknowledged after they were handled.
async fn until_empty(queue: &Queue) {
    let empty = async {
        while queue.stats().await.is_ok_and(|stats| stats.depth > 0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, empty).await.expect("the queue did not get empty");
}
