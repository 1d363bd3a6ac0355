//! What is counted of requests to GitHub. No label names a project, user or repository.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::budget::Primary;
use super::error::Throttle;
use crate::telemetry::Metrics;

/// By installation: the share that is left, and when it is full again.
type Ratios = HashMap<i64, (f64, DateTime<Utc>)>;

/// What went wrong, and when.
type LastError = Option<(String, DateTime<Utc>)>;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Meter {
    metrics: Metrics,
    ratios: Arc<Mutex<Ratios>>,
    last_error: Arc<Mutex<LastError>>,
}

impl Meter {
    pub fn new(metrics: Metrics) -> Self {
        Meter { metrics, ratios: Arc::default(), last_error: Arc::default() }
    }

    /// `outcome`: a status, or why there is none. GitHub is up when it answers anything but a 5xx.
    pub fn answered(&self, endpoint: &'static str, outcome: Result<u16, &str>, took: Duration) {
        let status = outcome.unwrap_or(0);
        self.metrics.github_request(endpoint, status, took);
        let up = (1..500).contains(&status);
        self.metrics.github_up(up);
        if !up {
            let why = outcome.map_or_else(str::to_owned, |status| format!("status {status}"));
            *self.last_error_here() = Some((format!("{endpoint}: {why}"), Utc::now()));
        }
    }

    /// What went wrong when GitHub last gave no usable answer, and when.
    pub fn last_error(&self) -> Option<(String, DateTime<Utc>)> {
        self.last_error_here().clone()
    }

    fn last_error_here(&self) -> MutexGuard<'_, LastError> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn throttled(&self, reason: Throttle) {
        self.metrics.github_throttled(reason.as_str());
    }

    /// The share of its hourly budget that an installation has left.
    pub fn remaining(&self, installation: i64, primary: Primary, now: DateTime<Utc>) {
        let mut ratios = self.ratios.lock().unwrap_or_else(PoisonError::into_inner);
        ratios.retain(|_, (_, reset)| *reset > now);
        let ratio = primary.remaining as f64 / primary.limit.max(1) as f64;
        ratios.insert(installation, (ratio, primary.reset));
        self.metrics.github_remaining(ratios.values().map(|(ratio, _)| *ratio).fold(1.0, f64::min));
    }
}
