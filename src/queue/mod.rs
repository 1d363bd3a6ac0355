//! Wake-ups and webhook deliveries on their way to a worker, in Redis; and all waiting of the program.
//!
//! Nothing here is the truth: PostgreSQL says what is to be done, and a sweep finds what Redis lost.
//! So entries may be doubled or late, every command may be repeated, and Redis may be emptied,
//! restarted, full or away at any moment; what is missed here (the consumer group, a script, the
//! connection) is made again where it is missed.
//!
//! - `ingest`: a delivery onto its stream, at most once while it is there, in one round trip.
//! - `due`: wake-ups for later and for now; both coalesce.
//! - `lane`, `fate`, `worker`: reading, claiming, acknowledging; so many jobs at once, no more.
//! - `once`: the same without a worker, for tests.
//! - `backoff` (pure), `periodic`: when to try again, and what runs every so often.

pub mod backoff;
mod checkup;
mod due;
mod entry;
mod fate;
pub mod heartbeat;
mod ingest;
mod keys;
mod lane;
mod link;
mod once;
pub mod periodic;
mod stats;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

pub use checkup::RedisFacts;
pub use due::Priority;
pub use ingest::Ingested;
pub use stats::Stats;
pub use worker::{Handler, Outcome, Worker};

use due::Bell;
use keys::Keys;
use link::{Link, Links};

/// Redis did not do what it was asked; nothing else can go wrong here.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Away, restarting, full, or no longer the primary: later it may work.
    #[error("Redis is unavailable: {0}")]
    Unavailable(#[from] redis::RedisError),
}

/// How the queue is kept.
#[derive(Clone)]
pub struct QueueSettings {
    /// `redis://` or `rediss://`; may hold a password.
    pub url: String,
    /// First part of every key.
    pub prefix: String,
    /// First delay before a job is tried again.
    pub retry: Duration,
    /// What a worker has not touched for so long is another's: as long as a lease.
    pub claim_idle: Duration,
    /// A job that was handed out so often is given up.
    pub max_deliveries: u32,
}

impl QueueSettings {
    pub fn new(url: impl Into<String>, prefix: impl Into<String>) -> Self {
        QueueSettings {
            url: url.into(),
            prefix: prefix.into(),
            retry: Duration::from_secs(2),
            claim_idle: Duration::from_secs(15),
            max_deliveries: 8,
        }
    }
}

impl std::fmt::Debug for QueueSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueSettings").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The queue; clones share connections, which are made when first needed.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    client: Client,
    links: Links,
    keys: Keys,
    settings: QueueSettings,
    /// This process as Redis knows it; another one each time.
    consumer: String,
    bell: Bell,
}

impl Queue {
    /// Opens nothing yet. Fails when the URL is not one of Redis.
    pub fn new(settings: QueueSettings) -> Result<Self, QueueError> {
        let client = Client::open(settings.url.as_str())?;
        Ok(Queue(Arc::new(Inner {
            links: Links::new(&client),
            client,
            keys: Keys::new(&settings.prefix),
            consumer: uuid::Uuid::new_v4().simple().to_string(),
            settings,
            bell: Bell::default(),
        })))
    }

    /// Whether Redis takes writes: one that is full, or a replica, answers all the same and is of no use.
    pub async fn ping(&self) -> Result<(), QueueError> {
        let mut write = redis::cmd("SET");
        write.arg(&self.keys().alive).arg(1).arg("PX").arg(1000);
        self.link().run(&write).await
    }

    /// A connection for somebody else's commands to the same Redis (`github::Budget`).
    pub fn connection_manager(&self) -> Result<ConnectionManager, QueueError> {
        let patience = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)))
            .set_number_of_retries(1);
        Ok(self.0.client.get_connection_manager_lazy(patience)?)
    }

    fn link(&self) -> &Link {
        self.0.links.mine()
    }

    fn keys(&self) -> &Keys {
        &self.0.keys
    }

    fn settings(&self) -> &QueueSettings {
        &self.0.settings
    }
}
