//! Waking up whoever has to look at something, after its rows are committed. Best effort: the rows
//! say what is due, and the sweep finds what nobody was woken up for.

use chrono::{DateTime, Utc};

use super::Engine;
use crate::job::Wake;
use crate::queue::{Priority, QueueError};

impl Engine {
    /// The project is looked at when the time comes.
    pub async fn wake_project(&self, pid: i64, at: DateTime<Utc>) {
        self.wake_at(Wake::Project { pid }, at).await;
    }

    /// That is looked at when the time comes.
    pub async fn wake_at(&self, wake: Wake, at: DateTime<Utc>) {
        told(self.queue.schedule(&wake, at).await);
    }

    /// That is looked at now, before all that runs by itself: a person waits.
    pub async fn wake_for_person(&self, wake: Wake) {
        told(self.queue.wake_first(&wake).await);
    }

    /// Those are looked at now.
    pub async fn wake_all(&self, wakes: Vec<Wake>) {
        told(self.queue.wake_all(wakes, Priority::Background).await);
    }
}

fn told(result: Result<(), QueueError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "nobody could be woken up; the sweep will see to it");
    }
}
