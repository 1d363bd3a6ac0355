//! What all parts of a running simulator share.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use crate::events::delivery::Mail;
use crate::faults::Faults;
use crate::http::limits::Meters;
use crate::http::log::Logged;
use crate::lock;
use crate::world::World;

/// The shared state. Locks are taken in this order: world, then faults, meters or log.
pub(crate) struct Core {
    pub(crate) url: String,
    pub(crate) started: Instant,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    meters: Mutex<Meters>,
    log: Mutex<Log>,
    pub(crate) mail: Mail,
}

/// What was asked so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) requests: Vec<Logged>,
    pub(crate) unknown: Vec<String>,
}

impl Core {
    pub(crate) fn new(world: World, queue: UnboundedSender<u64>) -> Core {
        Core {
            url: world.url.clone(),
            started: Instant::now(),
            world: Mutex::new(world),
            faults: Mutex::default(),
            meters: Mutex::default(),
            log: Mutex::default(),
            mail: Mail::new(queue),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn meters(&self) -> MutexGuard<'_, Meters> {
        lock(&self.meters)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }
}
