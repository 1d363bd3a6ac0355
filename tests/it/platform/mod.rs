//! The program around the work: configuration, commands, roles, listeners, stopping, outages.

mod config;
mod doctor;
mod errors;
mod headers;
mod keys;
mod killed;
mod metrics;
mod outages;
mod panel;
mod process;
mod retention;
mod secrets;
mod traces;

use std::collections::HashMap;

use crate::world::service;

/// The least that `serve` needs, on the tests' services.
pub fn least() -> HashMap<String, String> {
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    [("DATABASE_URL", service("DATABASE").as_str()), ("REDIS_URL", service("REDIS").as_str()), ("ENCRYPTION_KEYS", key)]
        .iter()
        .map(|(name, value)| (format!("LOCKSTEP_{name}"), (*value).to_owned()))
        .collect()
}
