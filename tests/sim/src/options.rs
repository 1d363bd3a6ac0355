//! How a simulator starts, and the limits it enforces.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How to start. The default is what most tests want: an ephemeral loopback port, a temporary
/// folder, one App with everything Lockstep asks for, no webhook URL.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where to listen; an ephemeral loopback port when not given.
    pub listen: Option<SocketAddr>,
    /// Where the repositories are kept; a temporary folder, removed at the end, when not given.
    pub data: Option<PathBuf>,
    /// The App's webhook URL.
    pub webhook_url: Option<String>,
    /// The App's webhook secret; a fixed one when not given.
    pub webhook_secret: Option<String>,
    /// The App's callback URLs; any loopback URL is taken when there is none.
    pub callback_urls: Vec<String>,
    /// The App's setup URL.
    pub setup_url: Option<String>,
    /// Start without any App: the manifest flow makes it.
    pub without_app: bool,
    /// What is enforced.
    pub limits: Limits,
}

/// Limits, GitHub's own by default. Counting always goes on; `enforce_*` says what is refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests an hour and installation (or user).
    pub primary: u32,
    /// GraphQL points an hour and installation.
    pub graphql: u32,
    /// Refuse requests beyond the hourly limits.
    pub enforce_primary: bool,
    /// Refuse requests beyond the secondary limits.
    pub enforce_secondary: bool,
    /// Content-creating requests a minute and installation.
    pub content_per_minute: u32,
    /// Content-creating requests an hour and installation.
    pub content_per_hour: u32,
    /// Requests under way at once.
    pub concurrent: u32,
    /// Seconds that `retry-after` asks for when a secondary limit refuses.
    pub retry_after: u32,
    /// Entries a recursive tree answer holds at most.
    pub tree_entries: usize,
    /// Bytes a recursive tree answer holds at most.
    pub tree_bytes: usize,
    /// Entries a tree may be made from in one request.
    pub new_tree_entries: usize,
    /// Bytes a tree may be made from in one request.
    pub new_tree_bytes: usize,
    /// Bytes of one blob.
    pub blob_bytes: usize,
    /// Bytes of one GraphQL request.
    pub graphql_bytes: usize,
    /// Files a comparison shows.
    pub compare_files: usize,
    /// How many webhooks are sent at once; 1 keeps their order.
    pub webhook_concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            primary: 5_000,
            graphql: 5_000,
            enforce_primary: true,
            enforce_secondary: false,
            content_per_minute: 80,
            content_per_hour: 500,
            concurrent: 100,
            retry_after: 60,
            tree_entries: 100_000,
            tree_bytes: 7 << 20,
            new_tree_entries: 200,
            new_tree_bytes: 2_500_000,
            blob_bytes: 40 << 20,
            graphql_bytes: 40 << 20,
            compare_files: 300,
            webhook_concurrency: 1,
        }
    }
}
