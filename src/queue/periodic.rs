//! What runs every so often, until the program stops.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::backoff;

/// Runs `task` every `every` until `stop`: up to a fifth earlier, so that replicas drift apart, and
/// never later, because `every` is what operators were promised. The first time comes somewhere within
/// the first interval, at most `soon` from now.
pub async fn every<F>(every: Duration, soon: Duration, stop: &CancellationToken, mut task: impl FnMut() -> F)
where
    F: Future<Output = ()>,
{
    let mut pause = every.min(soon).mul_f64(backoff::random_share());
    while !stopped_within(pause, stop).await {
        tokio::select! {
            () = task() => {}
            () = stop.cancelled() => return,
        }
        pause = drifting(every, backoff::random_share());
    }
}

fn drifting(every: Duration, share: f64) -> Duration {
    every.mul_f64(0.8 + 0.2 * share)
}

/// Waits that long; true when `stop` came first.
async fn stopped_within(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::time::timeout(pause, stop.cancelled()).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn runs_again_and_again_until_stopped() {
        let (stop, runs) = (CancellationToken::new(), AtomicUsize::new(0));
        let moment = Duration::from_millis(1);
        every(moment, moment, &stop, || async {
            if runs.fetch_add(1, Ordering::Relaxed) == 4 {
                stop.cancel();
            }
        })
        .await;
        assert_eq!(runs.load(Ordering::Relaxed), 5);
    }

    #[test]
    fn drifts_apart_and_is_never_late() {
        let every = Duration::from_secs(30);
        assert_eq!([0.0, 0.5, 1.0].map(|share| drifting(every, share).as_secs()), [24, 27, 30]);
    }

    #[tokio::test]
    async fn stops_while_it_waits() {
        let stop = CancellationToken::new();
        stop.cancel();
        every(Duration::from_secs(3600), Duration::from_secs(3600), &stop, || async { panic!("not stopped") }).await;
    }
}
