//! What operators see: logs and metrics. No project, user, repository or secret is a label.

pub mod log;
pub mod metrics;

pub use metrics::Metrics;
