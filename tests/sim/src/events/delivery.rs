//! The log of webhook deliveries, and the queue to the task that sends them.

use std::sync::Mutex;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use crate::lock;
use crate::world::stamp;

/// One delivery of a webhook, sent or not.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) guid: String,
    pub(crate) app: u64,
    pub(crate) event: String,
    pub(crate) action: Option<String>,
    pub(crate) installation: Option<u64>,
    pub(crate) repository: Option<u64>,
    pub(crate) payload: Bytes,
    pub(crate) at: DateTime<Utc>,
    pub(crate) redelivery: bool,
    pub(crate) outcome: Outcome,
}

/// What became of a delivery.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// `OK`, or what went wrong; `pending` before the attempt.
    pub(crate) status: String,
    pub(crate) code: u16,
    pub(crate) seconds: f64,
    pub(crate) request_headers: Value,
    pub(crate) response_headers: Value,
    pub(crate) response: String,
}

impl Outcome {
    pub(crate) fn new(status: &str, code: u16) -> Outcome {
        Outcome {
            status: status.to_owned(),
            code,
            seconds: 0.0,
            request_headers: json!({}),
            response_headers: json!({}),
            response: String::new(),
        }
    }

    /// Of what was never to be sent, because the App has no hook.
    pub(crate) fn unsent() -> Outcome {
        Outcome::new("no hook URL", 0)
    }

    pub(crate) fn pending() -> Outcome {
        Outcome::new("pending", 0)
    }
}

impl Delivery {
    /// `hook-delivery-item`.
    pub(crate) fn item_json(&self) -> Value {
        json!({
            "id": self.id,
            "guid": self.guid,
            "delivered_at": stamp(self.at),
            "redelivery": self.redelivery,
            "duration": self.outcome.seconds,
            "status": self.outcome.status,
            "status_code": self.outcome.code,
            "event": self.event,
            "action": self.action,
            "installation_id": self.installation,
            "repository_id": self.repository,
            "throttled_at": null,
        })
    }

    /// `hook-delivery`.
    pub(crate) fn full_json(&self, url: &str) -> Value {
        let mut value = self.item_json();
        let payload: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        value["url"] = json!(url);
        value["request"] = json!({
            "headers": self.outcome.request_headers, "payload": payload,
        });
        value["response"] = json!({
            "headers": self.outcome.response_headers, "payload": self.outcome.response,
        });
        value
    }

    /// Whether GitHub's own log has it: what no hook was there for is kept for tests only.
    pub(crate) fn is_logged(&self) -> bool {
        self.outcome.code != 0 || self.outcome.status == "pending"
    }

    pub(crate) fn succeeded(&self) -> bool {
        (200..300).contains(&self.outcome.code)
    }
}

/// What tests see of a delivery.
#[derive(Clone, Debug, Serialize)]
pub struct Delivered {
    /// The delivery's own id.
    pub id: u64,
    /// `X-GitHub-Delivery`, the same for redeliveries.
    pub guid: String,
    /// `push`, `pull_request` …
    pub event: String,
    /// `opened`, `closed` …
    pub action: Option<String>,
    /// Which repository it is about.
    pub repository: Option<u64>,
    /// Which installation it is for.
    pub installation: Option<u64>,
    /// What the receiver answered; 0 when nothing came back or nothing was sent.
    pub status_code: u16,
    /// `OK`, `pending`, or what went wrong.
    pub status: String,
    /// Whether it repeats an earlier one.
    pub redelivery: bool,
    /// The body's JSON.
    pub payload: Value,
}

impl From<&Delivery> for Delivered {
    fn from(it: &Delivery) -> Self {
        Delivered {
            id: it.id,
            guid: it.guid.clone(),
            event: it.event.clone(),
            action: it.action.clone(),
            repository: it.repository,
            installation: it.installation,
            status_code: it.outcome.code,
            status: it.outcome.status.clone(),
            redelivery: it.redelivery,
            payload: serde_json::from_slice(&it.payload).unwrap_or_default(),
        }
    }
}

/// The way out: deliveries in order, and how many are still to be attempted.
pub(crate) struct Mail {
    queue: UnboundedSender<u64>,
    waiting: Mutex<usize>,
    idle: Notify,
}

impl Mail {
    pub(crate) fn new(queue: UnboundedSender<u64>) -> Mail {
        Mail { queue, waiting: Mutex::new(0), idle: Notify::new() }
    }

    /// Hands a delivery to the sender.
    pub(crate) fn post(&self, id: u64) {
        *lock(&self.waiting) += 1;
        if self.queue.send(id).is_err() {
            self.done();
        }
    }

    /// One delivery was attempted.
    pub(crate) fn done(&self) {
        let mut waiting = lock(&self.waiting);
        *waiting = waiting.saturating_sub(1);
        if *waiting == 0 {
            self.idle.notify_waiters();
        }
    }

    /// Waits until everything posted was attempted.
    pub(crate) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if *lock(&self.waiting) == 0 {
                return;
            }
            idle.await;
        }
    }
}
