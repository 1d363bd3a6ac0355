//! Logs on stderr, one line an event, with the ids of the request, delivery or job they belong to; and,
//! where it is configured, the same spans to an OpenTelemetry collector.
//!
//! Ids are fields of spans; the formats print the fields of all spans around an event. The keys are
//! listed here so that they are the same everywhere.

use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};
use uuid::Uuid;

use super::otlp::{self, Spans};
use crate::config::{LogConfig, LogFormat};

/// Every key of a log line besides `timestamp level target message span spans`. A test holds the code
/// to this list.
pub const KEYS: &[&str] = &[
    // Spans: what the work is.
    "request_id",
    "method",
    "route",
    "traceparent",
    "delivery_id",
    "event",
    "job",
    "job_id",
    "sync_id",
    "task",
    "endpoint",
    "status",
    // Things.
    "project",
    "pid",
    "installation",
    "notification",
    "pull",
    "slug",
    "internal",
    "public",
    "role",
    "wake",
    "entry",
    "variable",
    // What came of it.
    "outcome",
    "code",
    "detail",
    "cause",
    "error",
    "failure",
    "why",
    "attempt",
    "attempts",
    "failures",
    // Counts and times.
    "migrations",
    "found",
    "jobs",
    "ms",
    "lost",
];

/// Starts logging for this process; a second call changes nothing. `traces`: spans are gathered too, for
/// whoever takes them to the collector.
pub fn start(config: &LogConfig, traces: bool) -> Option<Spans> {
    // What strangers send is no error of ours; whoever wants to see it names the target.
    let filter = format!("actix_http::h1::dispatcher=off,actix_server=warn,{}", config.filter);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let (gathering, spans) = traces.then(otlp::gather).unzip();
    // Our own alone: what lies below speaks of connections.
    let own = Targets::new().with_target("lockstep", LevelFilter::INFO);
    let mut layers = vec![lines(config.format).with_filter(filter).boxed()];
    layers.extend(gathering.map(|layer| layer.with_filter(own).boxed()));
    // try_init fails only when logging has started already, as in tests.
    let _already_started = Registry::default().with(layers).try_init();
    spans
}

fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).with_span_list(true).boxed(),
        LogFormat::Text => layer.with_ansi(false).boxed(),
    }
}

/// Around everything one HTTP request causes in this process. `traceparent`: the caller's own trace, as
/// the header has it. <https://www.w3.org/TR/trace-context/>
pub fn request_span(request_id: &str, method: &str, route: &str, traceparent: Option<&str>) -> Span {
    let (delivery_id, status) = (tracing::field::Empty, tracing::field::Empty);
    tracing::info_span!("request", request_id, method, route, traceparent, delivery_id, status)
}

/// The request at hand brings this delivery.
pub fn takes_delivery(id: &str) {
    Span::current().record("delivery_id", id);
}

/// Around the handling of one webhook delivery.
pub fn delivery_span(delivery_id: &str, event: &str) -> Span {
    tracing::info_span!("delivery", delivery_id, event)
}

/// Around one job: `job_id` is of the row it looks at, so that all runs of one job are found by it.
/// `sync_id` is there once there is a history row.
pub fn job_span(job: &str, job_id: i64) -> Span {
    tracing::info_span!("job", job, job_id, sync_id = tracing::field::Empty)
}

/// The job at hand works on this history row.
pub fn works_on_sync(id: Uuid) {
    Span::current().record("sync_id", tracing::field::display(id));
}

/// Around what is done every so often.
pub fn task_span(task: &str) -> Span {
    tracing::info_span!("task", task)
}

/// Around one request to GitHub; `status` 0: no answer came.
pub fn github_span(endpoint: &str) -> Span {
    tracing::info_span!("github", endpoint, status = tracing::field::Empty)
}
