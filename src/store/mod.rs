//! All SQL. One file per table or close pair; whole use cases are methods on [`Store`].
//!
//! A use case opens its transaction, locks the project's row first, works set by set, and commits.
//! No connection is held during a call to GitHub.

pub mod audit;
pub mod authorizations;
pub mod blobs;
pub mod changes;
pub mod checkup;
pub mod conflicts;
mod connect;
pub mod console;
pub mod created_repositories;
pub mod dead_letters;
pub mod deliveries;
pub mod error;
pub mod events;
pub mod files;
mod forget;
pub mod github_app;
pub mod holds;
pub mod integrations;
pub mod keys;
pub mod linking;
mod listing;
pub mod live;
pub mod migrate;
pub mod notifications;
pub mod oauth_states;
pub mod pending;
pub mod periodic;
pub mod preview;
pub mod projects;
pub mod pull_edits;
pub mod pull_holds;
pub mod pulls;
mod pulse;
pub mod record;
pub mod requests;
pub mod reseal;
pub mod retention;
pub mod revocations;
mod sealed;
mod session;
pub mod sessions;
pub mod settings;
pub mod settle;
pub mod snapshot;
pub mod sync_files;
pub mod syncs;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::sync::watch;

pub use error::StoreError;
pub use session::{Client, GenericClient, Transaction};

use crate::config::DatabaseUrl;

/// How long a request waits for a connection before it is told that PostgreSQL is unavailable.
const WAIT: Duration = Duration::from_secs(3);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// Connections of a command that only does one thing.
const FEW: usize = 4;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    url: Arc<DatabaseUrl>,
    migrated: Arc<AtomicBool>,
    notifications: bool,
    /// True while PostgreSQL is known not to answer; see `pulse`.
    lost: Arc<watch::Sender<bool>>,
    followers: live::Followers,
}

impl Store {
    /// Opens nothing yet: connections are made when they are needed, on the runtime this is called on.
    /// `notifications`: whether events are queued for the host too.
    ///
    /// Errors: TLS cannot be set up as the URL asks.
    pub fn new(url: &DatabaseUrl, notifications: bool) -> Result<Self, StoreError> {
        Store::with_connections(url, notifications, FEW)
    }

    /// As `new`, with so many connections at most.
    pub fn with_connections(url: &DatabaseUrl, notifications: bool, most: usize) -> Result<Self, StoreError> {
        let connect = connect::Connector::new(url, CONNECT).map_err(StoreError::Internal)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let mut config = connect.config();
        if notifications {
            // Read by `events::append`, which has the transaction only.
            let options = config.get_options().unwrap_or_default();
            config.options(format!("{options} -c lockstep.notify=on").trim_start());
        }
        let manager = Manager::from_connect(config, connect, recycling);
        let timeouts = Timeouts { wait: Some(WAIT), create: Some(CONNECT), recycle: Some(CONNECT) };
        let pool = Pool::builder(manager).max_size(most).timeouts(timeouts).runtime(Runtime::Tokio1).build();
        let pool = pool.map_err(|error| StoreError::Internal(error.to_string()))?;
        let followers = live::Followers::new().map_err(StoreError::Internal)?;
        let (url, migrated, lost) = (Arc::new(url.clone()), Arc::default(), Arc::default());
        Ok(Store { pool, url, migrated, notifications, lost, followers })
    }

    /// A connection of the pool; dropped, it goes back.
    ///
    /// Errors: `Unavailable` when there is none within 3 s, while the schema is not there yet, or at
    /// once while PostgreSQL is known not to answer.
    pub async fn client(&self) -> Result<Client, StoreError> {
        if self.is_lost() {
            return Err(StoreError::Unavailable("it does not answer".to_owned()));
        }
        if !self.migrated.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the schema is not there yet".to_owned()));
        }
        Ok(Client::new(self.pool.get().await?))
    }

    /// Whether PostgreSQL takes writes, the schema there or not: a standby answers all the same, and
    /// nothing can be accepted by it.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let ask = "SELECT current_setting('transaction_read_only')::bool";
        let answer = async {
            match self.pool.get().await?.query_one(ask, &[]).await?.try_get(0)? {
                true => Err(StoreError::Unavailable("it is read-only".to_owned())),
                false => Ok(()),
            }
        };
        tokio::time::timeout(WAIT, answer)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer".to_owned())))
    }

    /// Brings the schema up to date, then lets [`Store::client`] through. Answers how many
    /// migrations there were to do.
    pub async fn migrate(&self) -> Result<usize, StoreError> {
        let done = migrate::run(&self.url).await?;
        self.migrated.store(true, Ordering::Release);
        Ok(done)
    }

    pub fn is_migrated(&self) -> bool {
        self.migrated.load(Ordering::Acquire)
    }

    /// Whether the host is told of events (`LOCKSTEP_NOTIFY_URL`).
    pub fn notifications(&self) -> bool {
        self.notifications
    }

    /// A session that listens to a channel of `NOTIFY`.
    async fn hear(&self, channel: &str) -> Result<connect::Hearing, StoreError> {
        let connector = connect::Connector::new(&self.url, CONNECT).map_err(StoreError::Internal)?;
        Ok(connector.hear(channel).await?)
    }

    /// Ends the pool: connections close as they come back.
    pub fn close(&self) {
        self.pool.close();
    }
}
