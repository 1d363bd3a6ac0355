//! Blobs that this process made lately: a commit that has to stop half-way (a limit, a fault) does
//! not pay for them again. Only a saving; forgetting any of it is harmless.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::Oid;

/// GitHub keeps objects that nothing names for weeks.
const KEPT: Duration = Duration::from_secs(6 * 3600);
const MANY: usize = 20_000;

#[derive(Default)]
pub(crate) struct Made {
    blobs: Mutex<HashMap<(i64, Oid), Instant>>,
}

impl Made {
    pub fn has(&self, repository: i64, oid: Oid) -> bool {
        let blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(&(repository, oid)).is_some_and(|made| made.elapsed() < KEPT)
    }

    pub fn add(&self, repository: i64, oid: Oid) {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        if blobs.len() >= MANY {
            blobs.clear();
        }
        blobs.insert((repository, oid), Instant::now());
    }

    /// The repository was made anew or lost objects: send everything again.
    pub fn forget(&self, repository: i64) {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _), _| *id != repository);
    }
}
