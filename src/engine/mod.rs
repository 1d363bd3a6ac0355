//! Use cases: what is done when something happened, whoever asked for it.

mod absorb;
pub mod authorize;
mod boxed;
mod collect;
pub mod connect;
pub mod console;
pub mod dead_letters;
mod decide;
pub mod diff;
pub mod doctor;
mod drift;
mod event;
pub mod failure;
mod finish;
mod forget;
mod health;
mod held;
mod hints;
mod housekeeping;
mod jobs;
mod look;
mod may_create;
mod notify;
mod outcome;
mod pending;
pub mod preview;
mod proposals;
mod pull_branch;
mod pull_edits;
mod pull_fate;
mod pull_making;
mod pull_status;
pub mod pulls;
mod push;
mod reach;
mod receipt;
mod recover;
pub mod redeliver;
mod refused;
mod remote;
mod renames;
pub mod repositories;
pub mod repository;
pub mod requests;
pub mod return_to;
mod revoke;
mod root;
mod say;
mod secrets;
mod settings;
pub mod setup;
pub mod signature;
mod sweep;
mod tokens;
mod turns;
pub mod view;
pub mod views;
mod wake;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

pub use held::Held;
pub use hints::Hints;
pub use pending::Pending;
pub use settings::{check_settings, excluded};

use crate::config::NotifyConfig;
use crate::github::GitHub;
use crate::queue::Queue;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::vault::Vault;

/// What the use cases need to know of the configuration.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The public listener as browsers and GitHub reach it, without a slash at its end.
    pub public_url: String,
    /// GitHub's pages, without a slash at its end.
    pub github_web_url: String,
    /// Origins that may frame the panel, as browsers send them.
    pub panel_origins: Vec<String>,
    /// Whether the GitHub App comes from the configuration, not from `/setup`.
    pub app_configured: bool,
    /// First retry delay.
    pub retry: Duration,
    /// Where the host is told of events.
    pub notify: Option<NotifyConfig>,
}

/// Everything a use case works with. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub store: Store,
    pub queue: Queue,
    pub github: GitHub,
    pub vault: Vault,
    pub metrics: Metrics,
    pub settings: Arc<EngineSettings>,
    pub held: Held,
    pub hints: Hints,
}
