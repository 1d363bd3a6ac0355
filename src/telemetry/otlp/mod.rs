//! Traces for an OpenTelemetry collector: the program's own spans, gathered as they end. Sending them is
//! `app`'s business, over the HTTP client that is there already; the wire is OTLP's JSON.
//!
//! A crate of the OpenTelemetry project would bring a second HTTP and a gRPC stack for three kinds of
//! spans. Gathering never makes anybody wait: what finds no room is counted and dropped.
//! <https://opentelemetry.io/docs/specs/otlp/>

mod layer;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

pub use layer::Gathering;
use wire::Finished;

/// Spans that wait to be sent.
const ROOM: usize = 8192;
/// Spans of one request to the collector.
const BATCH: usize = 512;
/// A batch that is not full goes after so long.
const LINGER: Duration = Duration::from_secs(2);

/// The layer to install, and where its spans come out.
pub fn gather() -> (Gathering, Spans) {
    let (sender, receiver) = mpsc::channel(ROOM);
    let lost = Arc::new(AtomicU64::new(0));
    (Gathering::new(sender, lost.clone()), Spans { receiver, lost, batch: Vec::with_capacity(BATCH) })
}

/// Spans that ended.
pub struct Spans {
    receiver: mpsc::Receiver<Finished>,
    lost: Arc<AtomicU64>,
    batch: Vec<Finished>,
}

impl Spans {
    /// The body of the next request: at least one span, more when they come within two seconds. What is
    /// gathered when this is dropped goes with the next one.
    pub async fn next(&mut self) -> Bytes {
        if self.batch.is_empty() && self.receiver.recv_many(&mut self.batch, BATCH).await == 0 {
            // The layer lives as long as the process.
            std::future::pending::<()>().await;
        }
        let more = async {
            while self.batch.len() < BATCH {
                let room = BATCH - self.batch.len();
                if self.receiver.recv_many(&mut self.batch, room).await == 0 {
                    break;
                }
            }
        };
        let _lingered = tokio::time::timeout(LINGER, more).await;
        self.take()
    }

    /// What has ended already and was not sent, if anything.
    pub fn rest(&mut self) -> Option<Bytes> {
        while let Ok(span) = self.receiver.try_recv() {
            self.batch.push(span);
        }
        (!self.batch.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Bytes {
        let body = wire::body(&self.batch);
        self.batch.clear();
        body
    }

    /// How many found no room since this was last asked.
    pub fn lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}
