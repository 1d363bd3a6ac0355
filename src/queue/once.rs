//! The queue without a worker: everything that is there, here and now. For tests, which drain the
//! queue instead of waiting for it.

use chrono::{DateTime, Utc};

use super::fate::Done;
use super::lane::{InHand, Reader};
use super::worker::{DELIVERY_LANE, Handler, Outcome, WAKE_LANE, outcome_of};
use super::{Queue, QueueError};

const BATCH: usize = 100;

impl Queue {
    /// Takes what is on the streams and what is due up to `horizon`, runs it one after the other, and
    /// returns how many got done. A job that is to be tried again is, at the next call.
    pub async fn run_once<H: Handler>(&self, handler: &H, horizon: DateTime<Utc>) -> Result<usize, QueueError> {
        self.move_due(horizon.timestamp_millis()).await?;
        let mut done = 0;
        for streams in [DELIVERY_LANE, WAKE_LANE] {
            let in_hand = InHand::default();
            let mut reader = Reader::open(self, streams, in_hand.clone()).await?;
            self.make_groups(streams).await?;
            loop {
                let some = reader.next_at_hand(BATCH).await?;
                if some.is_empty() {
                    break;
                }
                for taken in some {
                    let entry = Done::from(&taken);
                    in_hand.add(&taken);
                    if outcome_of(self, handler, taken).await == Outcome::Done {
                        self.acknowledge(&entry).await;
                        done += 1;
                    }
                }
            }
        }
        Ok(done)
    }

    /// Forgets everything that is due, and everything on the streams.
    pub async fn clear(&self) -> Result<(), QueueError> {
        let keys = self.keys();
        let mut clear = redis::cmd("DEL");
        clear.arg(&keys.due).arg(&keys.waiting);
        for stream in super::keys::Stream::ALL {
            clear.arg(keys.stream(stream));
        }
        self.link().run(&clear).await
    }

    /// What is left: entries on the streams, and wake-ups for later.
    pub async fn left(&self) -> Result<(u64, u64), QueueError> {
        let due: u64 = self.link().run(redis::cmd("ZCARD").arg(&self.keys().due)).await?;
        Ok((self.stats().await?.depth, due))
    }
}
