//! Every metric, in one struct with a registry of its own. Contract section 11.
//!
//! Labels come from closed lists: none carries a project, user or repository.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use crate::model::{SyncKind, SyncStatus};

/// Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Metrics {
    all: Arc<All>,
}

struct All {
    registry: Registry,
    webhooks: IntCounterVec,
    changes: IntCounterVec,
    syncs: IntCounterVec,
    sync_seconds: Histogram,
    queue_depth: IntGauge,
    queue_oldest_seconds: Gauge,
    pending_projects: IntGauge,
    pending_oldest_seconds: Gauge,
    dead_letters: IntGauge,
    github_requests: IntCounterVec,
    github_request_seconds: Histogram,
    github_remaining_ratio: Gauge,
    github_throttled: IntCounterVec,
    github_up: IntGauge,
    notifications: IntCounterVec,
    http_requests: IntCounterVec,
    dependency_up: GaugeVec,
    pruned: IntCounterVec,
}

/// Events that are counted under their own name.
const EVENTS: [&str; 14] = [
    "push",
    "create",
    "delete",
    "pull_request",
    "pull_request_review",
    "check_suite",
    "check_run",
    "status",
    "repository",
    "installation",
    "installation_repositories",
    "installation_target",
    "github_app_authorization",
    "ping",
];

/// How a delivery can end at the door, besides `accepted`.
const REFUSED: [&str; 7] = [
    "duplicate",
    "unauthorized",
    "malformed",
    "unsupported_media_type",
    "payload_too_large",
    "unavailable",
    "internal",
];
/// What is pruned by age, or collected because nothing needs it.
const PRUNED: [&str; 5] = ["history", "audit", "events", "deliveries", "blobs"];

const SYNC_SECONDS: [f64; 14] = [0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];
const REQUEST_SECONDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

impl Metrics {
    /// Errors: never in practice; a name would have to be malformed or taken twice.
    pub fn new() -> Result<Self, prometheus::Error> {
        let r = &Registry::new();
        build_info(r)?;
        let all = All {
            webhooks: counters(r, "webhooks_total", "Webhook deliveries received", &["event", "result"])?,
            changes: counters(r, "changes_total", "Change and tree requests", &["result"])?,
            syncs: counters(r, "syncs_total", "Syncs finished", &["kind", "status"])?,
            sync_seconds: histogram(r, "sync_seconds", "From the first pending change to the commit", &SYNC_SECONDS)?,
            queue_depth: keep(r, IntGauge::with_opts(opts("queue_depth", "Entries waiting or running in the queue"))?)?,
            queue_oldest_seconds: keep(
                r,
                Gauge::with_opts(opts("queue_oldest_seconds", "Age of the oldest queue entry"))?,
            )?,
            pending_projects: keep(
                r,
                IntGauge::with_opts(opts("pending_projects", "Projects with work that is due"))?,
            )?,
            pending_oldest_seconds: keep(
                r,
                Gauge::with_opts(opts("pending_oldest_seconds", "How long the longest due project has been due"))?,
            )?,
            dead_letters: keep(r, IntGauge::with_opts(opts("dead_letters", "Dead letters kept"))?)?,
            github_requests: counters(r, "github_requests_total", "Requests to GitHub", &["endpoint", "status"])?,
            github_request_seconds: histogram(r, "github_request_seconds", "Time GitHub took", &REQUEST_SECONDS)?,
            github_remaining_ratio: keep(
                r,
                Gauge::with_opts(opts(
                    "github_remaining_ratio",
                    "Share of the hourly budget left, lowest over installations",
                ))?,
            )?,
            github_throttled: counters(
                r,
                "github_throttled_total",
                "Refusals by GitHub, and waits for Lockstep's own limits",
                &["reason"],
            )?,
            github_up: keep(
                r,
                IntGauge::with_opts(opts("github_up", "Whether GitHub answered last, within the last minute"))?,
            )?,
            notifications: counters(r, "notifications_total", "Attempts to notify the host", &["result"])?,
            http_requests: counters(r, "http_requests_total", "Requests answered", &["listener", "status"])?,
            dependency_up: keep(r, GaugeVec::new(opts("dependency_up", "Whether it answered last"), &["dependency"])?)?,
            pruned: counters(r, "pruned_total", "Rows that nobody needs any more", &["kind"])?,
            registry: r.clone(),
        };
        all.show_before_first_use();
        all.github_remaining_ratio.set(1.0);
        all.github_up.set(1);
        Ok(Metrics { all: Arc::new(all) })
    }

    /// A delivery: `result` is a word such as `accepted duplicate unauthorized malformed unavailable`.
    pub fn webhook(&self, event: &str, result: &'static str) {
        let event = EVENTS.iter().find(|known| **known == event).copied().unwrap_or("other");
        self.all.webhooks.with_label_values(&[event, result]).inc();
    }

    /// `accepted duplicate conflict refused`, or a problem's code.
    pub fn change(&self, result: &'static str) {
        self.all.changes.with_label_values(&[result]).inc();
    }

    pub fn sync_finished(&self, kind: SyncKind, status: SyncStatus) {
        self.all.syncs.with_label_values(&[kind.as_str(), status.as_str()]).inc();
    }

    /// From the first pending change to the commit.
    pub fn sync_took(&self, time: Duration) {
        self.all.sync_seconds.observe(time.as_secs_f64());
    }

    pub fn queue(&self, depth: u64, oldest: Duration) {
        self.all.queue_depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
        self.all.queue_oldest_seconds.set(oldest.as_secs_f64());
    }

    /// Projects with work that is due, and how long the first of them has been.
    pub fn pending_projects(&self, count: i64, oldest: Duration) {
        self.all.pending_projects.set(count);
        self.all.pending_oldest_seconds.set(oldest.as_secs_f64());
    }

    pub fn dead_letters(&self, count: i64) {
        self.all.dead_letters.set(count);
    }

    /// One request to GitHub. `endpoint`: a template such as `GET /repos/{}/git/trees`, never an
    /// address; `status` 0: no answer came.
    pub fn github_request(&self, endpoint: &'static str, status: u16, time: Duration) {
        let status = if status == 0 { "none".to_owned() } else { status.to_string() };
        self.all.github_requests.with_label_values(&[endpoint, &status]).inc();
        self.all.github_request_seconds.observe(time.as_secs_f64());
    }

    /// 0 to 1: the lowest over installations.
    pub fn github_remaining(&self, ratio: f64) {
        self.all.github_remaining_ratio.set(ratio);
    }

    /// `primary secondary retry_after`: GitHub said no, once for each time it did. `content share
    /// concurrency points`: Lockstep waited so that it need not.
    pub fn github_throttled(&self, reason: &'static str) {
        self.all.github_throttled.with_label_values(&[reason]).inc();
    }

    pub fn github_up(&self, up: bool) {
        self.all.github_up.set(i64::from(up));
    }

    /// Whether GitHub answered the last request of this process; true before the first.
    pub fn is_github_up(&self) -> bool {
        self.all.github_up.get() == 1
    }

    /// `delivered retried failed`.
    pub fn notification(&self, result: &'static str) {
        self.all.notifications.with_label_values(&[result]).inc();
    }

    pub fn http_request(&self, listener: &'static str, status: u16) {
        self.all.http_requests.with_label_values(&[listener, &status.to_string()]).inc();
    }

    /// `postgres` or `redis`.
    pub fn dependency_up(&self, dependency: &'static str, up: bool) {
        self.all.dependency_up.with_label_values(&[dependency]).set(if up { 1.0 } else { 0.0 });
    }

    /// `history audit events deliveries blobs`.
    pub fn pruned(&self, kind: &'static str, rows: u64) {
        self.all.pruned.with_label_values(&[kind]).inc_by(rows);
    }

    /// Prometheus' text format.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        let families = self.all.registry.gather();
        match TextEncoder::new().encode(&families, &mut text) {
            Ok(()) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("# metrics cannot be written: {error}\n"),
        }
    }
}

impl All {
    /// A metric with labels is not there before it was counted once: rules that name it would see
    /// nothing, and the first of its kind would be no increase.
    fn show_before_first_use(&self) {
        for event in EVENTS.iter().chain(&["other"]) {
            show(&self.webhooks, &[*event, "accepted"]);
            REFUSED.iter().for_each(|result| show(&self.webhooks, &[*event, *result]));
        }
        for kind in SyncKind::ALL {
            for status in SyncStatus::ALL.iter().filter(|status| status.is_finished()) {
                show(&self.syncs, &[kind.as_str(), status.as_str()]);
            }
        }
        for result in ["accepted", "duplicate", "refused", "failed"] {
            show(&self.changes, &[result]);
        }
        for status in ["200", "none", "502"] {
            show(&self.github_requests, &["graphql createCommitOnBranch", status]);
        }
        for reason in ["primary", "secondary", "retry_after", "content", "share", "concurrency", "points"] {
            show(&self.github_throttled, &[reason]);
        }
        for result in ["delivered", "retried", "failed"] {
            show(&self.notifications, &[result]);
        }
        for status in ["200", "202", "500", "503"] {
            show(&self.http_requests, &["internal", status]);
            show(&self.http_requests, &["public", status]);
        }
        PRUNED.iter().for_each(|kind| show(&self.pruned, &[*kind]));
    }
}

fn show(counters: &IntCounterVec, labels: &[&str]) {
    counters.with_label_values(labels);
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("lockstep")
}

fn keep<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    keep(registry, IntCounterVec::new(opts(name, help), labels)?)
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, prometheus::Error> {
    let opts = HistogramOpts::new(name, help).namespace("lockstep").buckets(buckets.to_vec());
    keep(registry, Histogram::with_opts(opts)?)
}

fn build_info(registry: &Registry) -> Result<(), prometheus::Error> {
    let opts = opts("build_info", "Always 1").const_label("version", env!("CARGO_PKG_VERSION"));
    keep(registry, IntGauge::with_opts(opts)?)?.set(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_metric_of_the_contract_is_there() {
        let metrics = Metrics::new().unwrap();
        metrics.webhook("push", "accepted");
        metrics.webhook("made_up", "accepted");
        metrics.change("accepted");
        metrics.sync_finished(SyncKind::Auto, SyncStatus::Succeeded);
        metrics.github_request("POST /graphql", 200, Duration::from_millis(30));
        metrics.github_throttled("primary");
        metrics.notification("delivered");
        let text = metrics.render();
        for name in [
            "lockstep_webhooks_total{event=\"push\",result=\"accepted\"} 1",
            "lockstep_webhooks_total{event=\"other\",result=\"accepted\"} 1",
            "lockstep_changes_total{result=\"accepted\"} 1",
            "lockstep_syncs_total{kind=\"auto\",status=\"succeeded\"} 1",
            "lockstep_sync_seconds_count",
            "lockstep_queue_depth",
            "lockstep_queue_oldest_seconds",
            "lockstep_pending_projects",
            "lockstep_pending_oldest_seconds",
            "lockstep_dead_letters",
            "lockstep_github_requests_total{endpoint=\"POST /graphql\",status=\"200\"} 1",
            "lockstep_github_request_seconds_count 1",
            "lockstep_github_remaining_ratio 1",
            "lockstep_github_throttled_total{reason=\"primary\"} 1",
            "lockstep_github_up 1",
            "lockstep_notifications_total{result=\"delivered\"} 1",
            "lockstep_build_info{version=",
            "lockstep_syncs_total{kind=\"pull_request\",status=\"failed\"} 0",
            "lockstep_webhooks_total{event=\"other\",result=\"unauthorized\"} 0",
            "lockstep_webhooks_total{event=\"push\",result=\"unauthorized\"} 0",
        ] {
            assert!(text.contains(name), "{name} in\n{text}");
        }
    }
}
