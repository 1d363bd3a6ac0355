//! Live events: rows of `events` behind an id, and the word that there are new ones.
//!
//! One connection of the process listens to PostgreSQL for all its streams, while there are any. When
//! it breaks every stream looks at its rows, at once and from then on every other second until there
//! is another: nothing is missed, it only takes longer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::store::GenericClient;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::connect::Hearing;
use super::events::CHANNEL;
use super::{Store, StoreError};

/// Between two attempts to listen.
const AGAIN: Duration = Duration::from_secs(2);
/// How often streams that ended are forgotten.
const TIDY: Duration = Duration::from_secs(30);

/// A live event.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveEvent {
    pub id: i64,
    pub kind: String,
    pub data: Value,
}

/// Who in this process follows which project. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Followers {
    state: Arc<Mutex<State>>,
    /// The runtime that outlives the listeners' own.
    home: Handle,
}

#[derive(Debug, Default)]
struct State {
    projects: HashMap<i64, watch::Sender<()>>,
    listening: bool,
}

impl Followers {
    /// Errors: there is no runtime.
    pub fn new() -> Result<Self, String> {
        let home = Handle::try_current().map_err(|error| error.to_string())?;
        Ok(Followers { state: Arc::default(), home })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Word of a project; true: nobody listens to PostgreSQL yet.
    fn follow(&self, pid: i64) -> (watch::Receiver<()>, bool) {
        let mut state = self.state();
        let word = state.projects.entry(pid).or_insert_with(|| watch::channel(()).0).subscribe();
        (word, !std::mem::replace(&mut state.listening, true))
    }

    /// Word for this process' own streams, without PostgreSQL's help.
    pub(super) fn tell(&self, pid: i64) {
        if let Some(sender) = self.state().projects.get(&pid) {
            sender.send_replace(());
        }
    }

    fn tell_all(&self) {
        self.state().projects.values().for_each(|sender| sender.send_modify(|()| {}));
    }

    /// Forgets projects that nobody follows any more; true: there is nobody left to listen for.
    fn tidy(&self) -> bool {
        let mut state = self.state();
        state.projects.retain(|_, sender| sender.receiver_count() > 0);
        state.listening = !state.projects.is_empty();
        !state.listening
    }
}

impl Store {
    /// Changes whenever there may be new live events of the project, or it is gone.
    pub fn follow(&self, pid: i64) -> watch::Receiver<()> {
        let (word, first) = self.followers.follow(pid);
        if first {
            self.followers.home.spawn(listen(self.clone()));
        }
        word
    }

    /// The newest live event of the project, or 0.
    pub async fn last_event(&self, pid: i64) -> Result<i64, StoreError> {
        let client = self.client().await?;
        let select = "SELECT coalesce(max(id), 0) FROM events WHERE pid = $1 AND kind IS NOT NULL";
        let select = client.prepare_cached(select).await?;
        Ok(client.query_one(&select, &[&pid]).await?.try_get(0)?)
    }

    /// Whether that is a live event of the project, still known.
    pub async fn has_event(&self, pid: i64, id: i64) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let select = "SELECT EXISTS (SELECT 1 FROM events WHERE pid = $1 AND id = $2 AND kind IS NOT NULL)";
        let select = client.prepare_cached(select).await?;
        Ok(client.query_one(&select, &[&pid, &id]).await?.try_get(0)?)
    }

    /// Up to `limit` live events behind `after`, in order; none: the project is gone.
    pub async fn events_after(&self, pid: i64, after: i64, limit: i64) -> Result<Option<Vec<LiveEvent>>, StoreError> {
        let client = self.client().await?;
        let select = "SELECT id, kind, data FROM events WHERE pid = $1 AND id > $2 AND kind IS NOT NULL
                      ORDER BY id LIMIT $3";
        let select = client.prepare_cached(select).await?;
        let rows = client.query(&select, &[&pid, &after, &limit]).await?;
        if rows.is_empty() && !exists(&client, pid).await? {
            return Ok(None);
        }
        let event = |row: &tokio_postgres::Row| {
            let data: Option<Value> = row.try_get(2)?;
            Ok(LiveEvent { id: row.try_get(0)?, kind: row.try_get(1)?, data: data.unwrap_or_default() })
        };
        rows.iter().map(event).collect::<Result<_, StoreError>>().map(Some)
    }

    /// Forgets those of the `limit` events behind `after` that are no audit rows and older than `kept`.
    /// Answers the last one looked at and how many went; none: what comes next is younger.
    pub async fn forget_events(
        &self,
        after: i64,
        kept: Duration,
        limit: i64,
    ) -> Result<Option<(i64, u64)>, StoreError> {
        let client = self.client().await?;
        let select = "SELECT max(id) FROM (SELECT id, at FROM events WHERE id > $1 ORDER BY id LIMIT $3) old
                      WHERE at < now() - $2 * interval '1 second'";
        let row = client.query_one(select, &[&after, &kept.as_secs_f64(), &limit]).await?;
        let Some(last) = row.try_get::<_, Option<i64>>(0)? else { return Ok(None) };
        let delete = "DELETE FROM events WHERE id > $1 AND id <= $2 AND action IS NULL";
        Ok(Some((last, client.execute(delete, &[&after, &last]).await?)))
    }
}

async fn exists(client: &impl GenericClient, pid: i64) -> Result<bool, StoreError> {
    let select = client.prepare_cached("SELECT EXISTS (SELECT 1 FROM projects WHERE pid = $1)").await?;
    Ok(client.query_one(&select, &[&pid]).await?.try_get(0)?)
}

/// Listens while somebody follows a project.
async fn listen(store: Store) {
    let mut attempts = tokio::time::interval(AGAIN);
    attempts.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        attempts.tick().await;
        match store.hear(CHANNEL).await {
            Ok(heard) => {
                // What was said before this connection listened.
                store.followers.tell_all();
                if pass_on(&store.followers, heard).await {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "PostgreSQL cannot be listened to; live events take longer"),
        }
        if store.followers.tidy() {
            return;
        }
        store.followers.tell_all();
    }
}

/// Until the session breaks, or (true) nobody follows any more.
async fn pass_on(followers: &Followers, mut heard: Hearing) -> bool {
    let mut tidy = tokio::time::interval(TIDY);
    tidy.tick().await;
    loop {
        tokio::select! {
            payload = heard.next() => match payload {
                Some(payload) => payload.parse().into_iter().for_each(|pid| followers.tell(pid)),
                None => return false,
            },
            _ = tidy.tick() => {
                if followers.tidy() {
                    return true;
                }
                if !heard.is_alive(AGAIN).await {
                    return false;
                }
            }
        }
    }
}
