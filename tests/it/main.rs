//! One binary for all integration tests.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "tests")]

mod api;
mod github;
mod plans;
mod history;
mod platform;
mod queue;
mod scenario;
mod story;
mod sync;
mod tidy;
mod webhook;
mod world;
