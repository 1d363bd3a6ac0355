//! The client for GitHub: its budget on a real Redis, its requests against github-sim.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod acting;
mod budget;
mod lab;
mod limits;
mod reading;
mod tokens;
mod writing;
