//! A verified webhook delivery onto its stream.
//!
//! One round trip, one script: append unless an entry with this delivery id *is on the stream now*.
//! The key `seen` only says which entry that is; the entry itself is looked for, so a delivery whose
//! entry got lost can be received again, whatever is left of the key. Once the entry is acknowledged
//! the ledger in PostgreSQL knows the outcome, and a further copy finds it there and does nothing.
//! A pipeline of `SET NX` and `XADD` is some microseconds cheaper, but it is neither atomic nor can
//! it leave out the second command.

use std::sync::LazyLock;

use redis::Cmd;

use super::keys::{MAKE_STREAM, Stream};
use super::link::Script;
use super::{Queue, QueueError, entry};
use crate::job::{Delivery, VERSION};

/// Longer than any entry stays on the stream; GitHub keeps its deliveries this long.
const SEEN_SECONDS: u32 = 3 * 24 * 3600;

static APPEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{MAKE_STREAM}
         local at = redis.call('GET', KEYS[2])
         if at and #redis.call('XRANGE', KEYS[1], at, at) > 0 then return 0 end
         make_stream(KEYS[1])
         local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
         redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
         return 1",
    ))
});

/// Ids asked about by one script.
const BATCH: usize = 200;

static QUEUED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local queued = {}
         for i = 2, #KEYS do
             local at = redis.call('GET', KEYS[i])
             queued[i - 1] = (at and #redis.call('XRANGE', KEYS[1], at, at) > 0) and 1 or 0
         end
         return queued",
    )
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingested {
    Queued,
    /// It is on the stream already.
    Duplicate,
}

impl Queue {
    /// Puts the delivery on the stream. When this returns, Redis has it.
    pub async fn ingest(&self, delivery: &Delivery) -> Result<Ingested, QueueError> {
        let (field, body) = entry::packed_body(&delivery.body);
        let call = |call: &mut Cmd| {
            call.arg(2).arg(self.keys().stream(Stream::Deliveries)).arg(self.keys().seen(&delivery.id));
            call.arg(SEEN_SECONDS).arg("v").arg(VERSION);
            call.arg("d").arg(&delivery.id).arg("e").arg(&delivery.event).arg("t").arg(delivery.received_at);
            call.arg(field).arg(&*body);
        };
        let appended: bool = self.link().script(&APPEND, call).await?;
        Ok(if appended { Ingested::Queued } else { Ingested::Duplicate })
    }

    /// Which of these delivery ids are on the stream, in their order.
    pub async fn queued(&self, deliveries: &[String]) -> Result<Vec<bool>, QueueError> {
        if deliveries.is_empty() {
            return Ok(Vec::new());
        }
        let mut queued = Vec::with_capacity(deliveries.len());
        for part in deliveries.chunks(BATCH) {
            let call = |call: &mut Cmd| {
                call.arg(part.len() + 1).arg(self.keys().stream(Stream::Deliveries));
                for id in part {
                    call.arg(self.keys().seen(id));
                }
            };
            queued.extend(self.link().script::<Vec<bool>>(&QUEUED, call).await?);
        }
        Ok(queued)
    }
}
