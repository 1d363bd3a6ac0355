//! What operators see: logs, traces and metrics. No project, user, repository or secret is a label.

pub mod log;
pub mod metrics;
pub mod otlp;

pub use metrics::Metrics;
