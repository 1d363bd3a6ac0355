//! Saying «still at it» while something takes its time.

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
