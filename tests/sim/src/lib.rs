//! `github-sim`: a stateful stand-in for GitHub with real bare git repositories, for tests and
//! the demo. Nothing of Lockstep is in it.

mod access;
mod auth;
mod call;
mod change;
mod control;
mod core;
mod events;
mod faults;
mod git;
mod graphql;
mod http;
mod keys;
mod options;
mod pulls;
mod push;
mod random;
mod render;
mod rest;
mod seed;
mod sim;
mod web;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::change::Change;
pub use self::events::delivery::Delivered;
pub use self::faults::Lie;
pub use self::http::log::Logged;
pub use self::options::{Limits, Options};
pub use self::pulls::MergeMethod;
pub use self::sim::{AppInfo, Control, Created, InstallationInfo, LogEntry, Repo, Sim};

/// Locks, and goes on where another thread ended in the middle.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
