//! What becomes of an entry that was taken: acknowledged, put off, kept, handed back.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Cmd;
use redis::streams::StreamPendingCountReply;

use super::keys::{GROUP, LEFT, Stream};
use super::lane::{InHand, Taken};
use super::link::Script;
use super::{Queue, QueueError};
use crate::job::Job;

/// A consumer's entries go with it, so only one that holds nothing is forgotten.
static FORGET_CONSUMER: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
             redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
         end",
    )
});

impl Queue {
    /// From the beginning of the stream: what was appended before the group existed counts too.
    pub(super) async fn make_groups(&self, streams: &[Stream]) -> Result<(), QueueError> {
        for stream in streams {
            let mut make = redis::cmd("XGROUP");
            make.arg("CREATE").arg(self.keys().stream(*stream)).arg(GROUP).arg("0").arg("MKSTREAM");
            match self.link().run::<()>(&make).await {
                Err(QueueError::Unavailable(error)) if error.code() == Some("BUSYGROUP") => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Done: the entry goes. When this fails it comes again, and has no effect then.
    pub(super) async fn acknowledge(&self, taken: &Done) {
        self.forget(taken.stream, &taken.id, taken.delivery.as_deref()).await;
    }

    pub(super) async fn forget(&self, stream: Stream, id: &str, delivery: Option<&str>) {
        let key = self.keys().stream(stream);
        // No transaction: a full Redis refuses those, and only by this can it get emptier. Interrupted
        // between the two, the group knows an entry that is gone, and a claim tidies that up.
        let mut forget = redis::pipe();
        forget.xdel(key, &[id]).ignore().xack(key, GROUP, &[id]).ignore();
        if let Some(delivery) = delivery {
            forget.del(self.keys().seen(delivery)).ignore();
        }
        if let Err(error) = self.link().pipe::<()>(&forget).await {
            tracing::warn!(%error, "a finished job could not be acknowledged; it will come again without effect");
        }
    }

    /// Not now: somebody claims it after `delay` (at most the claim's idle time). It then counts as
    /// handed out `deliveries` times before.
    pub(super) async fn put_off(&self, stream: Stream, id: &str, deliveries: u32, delay: Duration) {
        let idle = self.settings().claim_idle.saturating_sub(delay);
        let claim = self.claim_for(
            LEFT,
            stream,
            &[id.to_owned()],
            &["IDLE", &idle.as_millis().to_string(), "RETRYCOUNT", &deliveries.to_string()],
        );
        if let Err(error) = self.link().run::<()>(&claim).await {
            tracing::warn!(%error, "a job could not be put off; it will be claimed");
        }
    }

    /// Work goes on: nobody else may claim it.
    pub(super) async fn heartbeat(&self, in_hand: &InHand) -> Result<(), QueueError> {
        for stream in Stream::ALL {
            for ids in in_hand.of(stream).chunks(100) {
                self.link().run::<()>(&self.claim_for(&self.0.consumer, stream, ids, &[])).await?;
            }
        }
        Ok(())
    }

    /// At the end: what this process still has is free at once, and the process is forgotten.
    pub(super) async fn hand_back(&self, streams: &[Stream]) -> Result<(), QueueError> {
        for stream in streams {
            let mut ask = redis::cmd("XPENDING");
            ask.arg(self.keys().stream(*stream)).arg(GROUP).arg("-").arg("+").arg(1000).arg(&self.0.consumer);
            let pending: StreamPendingCountReply = self.link().run(&ask).await?;
            for entry in pending.ids {
                let before = u32::try_from(entry.times_delivered).unwrap_or(1).saturating_sub(1);
                self.put_off(*stream, &entry.id, before, Duration::ZERO).await;
            }
            self.forget_consumer(*stream, &self.0.consumer).await?;
        }
        Ok(())
    }

    /// Forgets a consumer, unless it holds something.
    pub(super) async fn forget_consumer(&self, stream: Stream, consumer: &str) -> Result<(), QueueError> {
        let call = |call: &mut Cmd| {
            call.arg(1).arg(self.keys().stream(stream)).arg(GROUP).arg(consumer);
        };
        self.link().script(&FORGET_CONSUMER, call).await
    }

    fn claim_for(&self, consumer: &str, stream: Stream, ids: &[String], more: &[&str]) -> Cmd {
        let mut claim = redis::cmd("XCLAIM");
        claim.arg(self.keys().stream(stream)).arg(GROUP).arg(consumer).arg(0).arg(ids).arg(more).arg("JUSTID");
        claim
    }
}

/// What is needed to acknowledge a job after it was handed over.
#[derive(Debug, Clone)]
pub struct Done {
    pub stream: Stream,
    pub id: String,
    pub delivery: Option<String>,
}

impl From<&Taken> for Done {
    fn from(taken: &Taken) -> Self {
        let delivery = match &taken.job {
            Job::Delivery(delivery) => Some(delivery.id.clone()),
            Job::Wake(_) => None,
        };
        Done { stream: taken.stream, id: taken.id.clone(), delivery }
    }
}
