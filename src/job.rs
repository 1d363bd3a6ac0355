//! What the queue carries. Entries only wake somebody up: they may be lost, doubled, late or run on
//! two machines, and the rows in PostgreSQL decide what is done.

use serde::{Deserialize, Serialize};

/// Raised when a field changes its meaning; a worker leaves entries of a later version to others.
pub const VERSION: u32 = 1;

/// One entry of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// A wake-up: look at something and do what its rows say.
    Wake(Wake),
    /// A webhook delivery, verified, with the raw JSON body.
    Delivery(Delivery),
}

/// What to look at. Wake-ups coalesce: the due set holds each at most once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "wake", rename_all = "snake_case")]
pub enum Wake {
    /// The project with this internal id (`projects.pid`): sync what is due.
    Project { pid: i64 },
    /// The notification (`notifications.id`).
    Notification { id: i64 },
    /// Credentials of this row (`revocations.id`) wait to be revoked at GitHub.
    Revocation { id: i64 },
    /// The pull request (`pull_requests.id`): read its status afresh.
    PullRequest { id: i64 },
}

/// One webhook delivery whose signature held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `X-GitHub-Delivery`.
    pub id: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// Unix milliseconds.
    pub received_at: i64,
    /// JSON, as GitHub sent it (a form body already decoded).
    pub body: bytes::Bytes,
}
