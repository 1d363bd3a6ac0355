//! What a worker does every so often besides its jobs.

use std::fmt::Display;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Engine;
use crate::config::WorkConfig;
use crate::queue::periodic::every;
use crate::telemetry::log;

/// The first sweep comes soon: a restart should not cost anybody half a minute.
const SOON: Duration = Duration::from_secs(1);
/// The first walk through GitHub's log and the first comparison of heads can wait a little.
const LATER: Duration = Duration::from_secs(10);
/// What nobody needs any more is looked for.
const COLLECT: Duration = Duration::from_secs(600);
/// Tasks that one replica does are looked at more often than they are done, so that none is left out
/// because a replica went away.
const SHARE: u32 = 4;

impl Engine {
    /// Sweeps, asks for missed deliveries, checks for drift and collects, until `stop`.
    pub async fn keep_house(&self, work: &WorkConfig, stop: &CancellationToken) {
        let sweeps = every(work.sweep, SOON, stop, || async { told("sweep", self.sweep()).await });
        let walks = async {
            if let Some(interval) = work.redelivery {
                let walk = || async { told("search for missed webhooks", self.redeliver_missed(interval)).await };
                every(looks(interval), LATER, stop, walk).await;
            }
        };
        let drift = async {
            if let Some(interval) = work.drift {
                let check = || async { told("check for drift", self.check_drift(interval)).await };
                every(looks(interval), LATER, stop, check).await;
            }
        };
        let collect = || async { told("collecting", self.collect(COLLECT, &work.retain)).await };
        let collecting = every(looks(COLLECT), LATER, stop, collect);
        tokio::join!(sweeps, walks, drift, collecting);
    }
}

fn looks(interval: Duration) -> Duration {
    (interval / SHARE).max(Duration::from_millis(250))
}

async fn told<E: Display>(task: &str, work: impl Future<Output = Result<usize, E>>) {
    let span = log::task_span(task);
    if let Err(error) = work.instrument(span.clone()).await {
        let _within = span.enter();
        tracing::warn!(%error, "the {task} did not get through this time");
    }
}
