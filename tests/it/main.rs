//! One binary for all integration tests.
#![expect(clippy::unwrap_used, reason = "tests")]

mod github;
mod platform;
mod queue;
mod sync;
mod tidy;
mod world;
