//! How full the queue is, and whom Redis remembers without need.

use std::time::Duration;

use redis::ErrorKind;
use redis::streams::{StreamInfoConsumersReply, StreamRangeReply};

use super::keys::{GROUP, LEFT, Stream};
use super::{Queue, QueueError};

/// A consumer that asked for nothing for so long is of a process that died.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// What is on the streams: waiting, in somebody's hands, or put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub depth: u64,
    /// Age of the oldest entry; zero when there is none.
    pub oldest: Duration,
}

impl Queue {
    /// Depth and age, by Redis' own clock, in one round trip.
    pub async fn stats(&self) -> Result<Stats, QueueError> {
        let mut ask = redis::pipe();
        ask.cmd("TIME");
        for stream in Stream::ALL {
            ask.xlen(self.keys().stream(stream)).xrange_count(self.keys().stream(stream), "-", "+", 1);
        }
        type Answer = ((u64, u64), u64, StreamRangeReply, u64, StreamRangeReply, u64, StreamRangeReply);
        let (now, a, oldest_a, b, oldest_b, c, oldest_c): Answer = self.link().pipe(&ask).await?;
        let now = now.0 * 1000 + now.1 / 1000;
        let oldest = [oldest_a, oldest_b, oldest_c].iter().filter_map(added_at).min();
        let oldest = oldest.map_or(0, |at| now.saturating_sub(at));
        Ok(Stats { depth: a + b + c, oldest: Duration::from_millis(oldest) })
    }

    /// Forgets processes that died long ago and left nothing.
    pub(super) async fn forget_dead_consumers(&self) -> Result<(), QueueError> {
        for stream in Stream::ALL {
            let mut ask = redis::cmd("XINFO");
            ask.arg("CONSUMERS").arg(self.keys().stream(stream)).arg(GROUP);
            let known: StreamInfoConsumersReply = match self.link().run(&ask).await {
                Err(QueueError::Unavailable(error))
                    if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) =>
                {
                    continue;
                }
                other => other?,
            };
            for consumer in known.consumers {
                let idle = Duration::from_millis(consumer.idle as u64);
                if consumer.pending == 0 && idle > FORGOTTEN_AFTER && consumer.name != LEFT {
                    self.forget_consumer(stream, &consumer.name).await?;
                }
            }
        }
        Ok(())
    }
}

/// Unix milliseconds: the first half of an entry's id.
fn added_at(range: &StreamRangeReply) -> Option<u64> {
    range.ids.first()?.id.split('-').next()?.parse().ok()
}
