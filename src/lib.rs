//! Lockstep keeps the projects of a web product in step with GitHub.
//!
//! ```text
//! GitHub ──POST /webhooks/github──▶ http::webhook: verify → stream ─┐
//! host ──POST …/changes──▶ http::changes → store: files, revision, ─┤      ┌─ due set: windows, retries
//!                          event, due  (one transaction)            ├─▶ queue::worker ─▶ engine ─▶ sync::plan
//! sweep (PostgreSQL says due, nobody holds it) ─────────────────────┘                       │
//!                                                                       ├─▶ github: one mutation
//!                                                                       └─▶ store: base, sync row, event
//! ```
//!
//! PostgreSQL holds what is wanted and what is agreed; Redis only wakes workers up. `sync` decides
//! and has no effects; `engine` gathers, asks `sync`, and carries out; `github` speaks to GitHub;
//! `store` has all SQL; `queue` all waiting; `http` all statuses and JSON.

pub mod app;
pub mod commands;
pub mod config;
pub mod engine;
pub mod github;
pub mod http;
pub mod job;
pub mod model;
pub mod queue;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod ui;
pub mod vault;
