//! Waking up whoever has to look at something, after its rows are committed. Best effort: the rows
//! say what is due, and the sweep finds what nobody was woken up for.

use chrono::{DateTime, Utc};

use super::Engine;

impl Engine {
    /// The project is looked at when the time comes.
    pub async fn wake_project(&self, pid: i64, at: DateTime<Utc>) {
        tracing::debug!(pid, %at, "due");
    }
}
