//! The only waiting in `github`: time limits around requests, and the short pauses that GitHub's own
//! protocol asks for (a fresh token is refused for some seconds, a new object is not yet everywhere).
//! Everything longer is a `RetryAt` that the queue waits for.

use std::future::Future;
use std::time::Duration;

use super::error::GithubError;

/// Pauses after which a token of less than ten seconds is tried again: 4.5 s in all.
pub(crate) const FRESH_TOKEN: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(750), Duration::from_millis(1500), Duration::from_millis(2000)];

/// Pauses after which an object that GitHub itself just made is asked for again.
pub(crate) const REPLICATION: [Duration; 3] =
    [Duration::from_millis(700), Duration::from_millis(1300), Duration::from_millis(2000)];

/// An object that is there, and not yet everywhere.
pub(crate) fn is_lag(error: &GithubError) -> bool {
    let marks =
        ["sha does not exist", "not a valid tree", "not a valid blob", "not a valid object", "object does not exist"];
    matches!(error, GithubError::Invalid(detail) if marks.iter().any(|mark| detail.to_lowercase().contains(mark)))
}

/// None when the time ran out.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

pub(crate) async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}
