//! Saying «still at it» while something takes its time, and asking again until something is there.

use std::time::Duration;

/// Runs `work`, and `beat` beside it every so often, until the work is done.
pub async fn while_beating<T, B>(every: Duration, mut beat: impl FnMut() -> B, work: impl Future<Output = T>) -> T
where
    B: Future<Output = ()>,
{
    let beating = async {
        loop {
            tokio::time::sleep(every).await;
            beat().await;
        }
    };
    tokio::select! {
        done = work => done,
        () = beating => unreachable!("a heart beats on"),
    }
}

/// Asks every so often, for so long at most.
pub async fn until<T, A>(patience: Duration, every: Duration, mut ask: impl FnMut() -> A) -> Option<T>
where
    A: Future<Output = Option<T>>,
{
    let end = tokio::time::Instant::now() + patience;
    loop {
        if let Some(found) = ask().await {
            return Some(found);
        }
        if tokio::time::Instant::now() >= end {
            return None;
        }
        tokio::time::sleep(every).await;
    }
}
