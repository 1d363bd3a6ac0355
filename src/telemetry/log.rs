//! Logs on stderr, one line an event, with the ids of the request, delivery or job they belong to.
//!
//! Ids are fields of spans; the formats print the fields of all spans around an event. The keys are
//! listed here so that they are the same everywhere.

use tracing::Span;
use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts logging for this process; a second call changes nothing.
pub fn start(config: &LogConfig) {
    // What strangers send is no error of ours; whoever wants to see it names the target.
    let filter = format!("actix_http::h1::dispatcher=off,{}", config.filter);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // try_init fails only when logging has started already, as in tests.
    let _already_started = match config.format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).with_span_list(true).try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    };
}

/// Around everything one HTTP request causes in this process.
pub fn request_span(request_id: &str, method: &str, route: &str) -> Span {
    tracing::info_span!("request", request_id, method, route)
}

/// Around the handling of one webhook delivery.
pub fn delivery_span(delivery_id: &str, event: &str) -> Span {
    tracing::info_span!("delivery", delivery_id, event)
}

/// Around one look at a project; `sync_id` is recorded once there is a history row.
pub fn job_span(job: &str, pid: i64) -> Span {
    tracing::info_span!("job", job, pid, sync_id = tracing::field::Empty)
}
