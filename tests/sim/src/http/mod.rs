//! HTTP in: what a request and an answer are, which handler answers what, limits, the log of
//! requests. Knows nothing of repositories.

pub(crate) mod dispatch;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod message;
mod metering;
mod misbehave;
pub(crate) mod paging;
pub(crate) mod router;
pub(crate) mod server;
