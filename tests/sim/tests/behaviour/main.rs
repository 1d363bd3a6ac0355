//! What the simulator does, told over HTTP as its clients see it. One binary, one story a test.

mod apps;
mod client;
mod commits;
mod control;
mod faults;
mod git;
mod graphql;
mod limits;
mod oauth;
mod pulls;
mod receiver;
mod repositories;
mod webhooks;

pub(crate) use client::{Client, start};

/// Every story may fail with anything.
pub(crate) type Story = anyhow::Result<()>;
