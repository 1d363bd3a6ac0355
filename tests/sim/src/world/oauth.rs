//! Half-finished flows in browsers: authorization codes and manifests.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

/// A code waiting to be exchanged for tokens.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) user: u64,
    pub(crate) app: u64,
    pub(crate) redirect_uri: Option<String>,
    /// S256 of the verifier.
    pub(crate) challenge: Option<String>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// What waits for a second step.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) codes: HashMap<String, Code>,
    /// Apps made from a manifest whose credentials were not fetched yet.
    pub(crate) manifests: HashMap<String, (u64, DateTime<Utc>)>,
    /// Who allowed which App to act for them.
    pub(crate) authorized: HashSet<(u64, u64)>,
    /// Who uses the browser when nothing else says so.
    pub(crate) default_user: Option<u64>,
}
