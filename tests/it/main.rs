//! One binary for all integration tests.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "tests")]

mod api;
mod faults;
mod github;
mod history;
mod plans;
mod platform;
mod queue;
mod scenario;
mod story;
mod sync;
mod tidy;
mod webhook;
mod world;
