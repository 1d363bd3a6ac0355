//! What is counted of requests to GitHub. No label names a project, user or repository.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::budget::Primary;
use super::error::Throttle;
use crate::telemetry::Metrics;

/// By installation and whether it is GraphQL's, which has a budget of its own: the share that is left,
/// and when it is full again.
type Ratios = HashMap<(i64, bool), (f64, DateTime<Utc>)>;

/// What went wrong, and when.
type LastError = Option<(String, DateTime<Utc>)>;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Meter {
    metrics: Metrics,
    ratios: Arc<Mutex<Ratios>>,
    last_error: Arc<Mutex<LastError>>,
    /// When GitHub last answered, or did not.
    heard: Arc<Mutex<Instant>>,
}

impl Meter {
    pub fn new(metrics: Metrics) -> Self {
        let heard = Arc::new(Mutex::new(Instant::now()));
        Meter { metrics, ratios: Arc::default(), last_error: Arc::default(), heard }
    }

    /// `outcome`: a status, or why there is none. GitHub is up when it answers anything but a 5xx.
    pub fn answered(&self, endpoint: &'static str, outcome: Result<u16, &str>, took: Duration) {
        let status = outcome.unwrap_or(0);
        self.metrics.github_request(endpoint, status, took);
        let up = (1..500).contains(&status);
        self.metrics.github_up(up);
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
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

    /// What an installation has left of one of its hourly budgets.
    pub fn remaining(&self, installation: i64, graphql: bool, primary: Primary, now: DateTime<Utc>) {
        let ratio = primary.remaining as f64 / primary.limit.max(1) as f64;
        self.ratios_here().insert((installation, graphql), (ratio, primary.reset));
        self.tell_remaining(now);
    }

    /// The lowest share of all budgets that are not full again yet.
    pub fn tell_remaining(&self, now: DateTime<Utc>) {
        let mut ratios = self.ratios_here();
        ratios.retain(|_, (_, reset)| *reset > now);
        self.metrics.github_remaining(ratios.values().map(|(ratio, _)| *ratio).fold(1.0, f64::min));
    }

    fn ratios_here(&self) -> MutexGuard<'_, Ratios> {
        self.ratios.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing was heard of GitHub for so long; who is told so has to ask, and nobody else is
    /// told for as long.
    pub fn is_silent_for(&self, long: Duration) -> bool {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = heard.elapsed() >= long;
        if silent {
            *heard = Instant::now();
        }
        silent
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_lowest_budget_counts_until_it_is_full_again() {
        let metrics = Metrics::new().unwrap();
        let meter = Meter::new(metrics.clone());
        let left =
            |ratio: f64| assert!(metrics.render().contains(&format!("lockstep_github_remaining_ratio {ratio}\n")));
        let at = |minutes: i64| DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap();
        let seen = |remaining, reset| Primary { remaining, limit: 5000, reset };
        meter.remaining(7, true, seen(100, at(30)), at(0));
        meter.remaining(7, false, seen(4500, at(60)), at(1));
        left(0.02);
        meter.tell_remaining(at(31));
        left(0.9);
        meter.tell_remaining(at(61));
        left(1.0);
    }
}
