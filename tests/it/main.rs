//! One binary for all integration tests.
#![expect(clippy::unwrap_used, reason = "tests")]

mod queue;
mod sync;
mod tidy;
