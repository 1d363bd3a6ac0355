//! What happened: requests, webhooks, limits.

use serde::Serialize;
use serde_json::Value;

use super::Control;
use crate::events::delivery::Delivered;
use crate::http::log::Logged;

/// How many content-creating requests an installation made lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Created {
    /// In the last hour.
    pub hour: u32,
    /// In the last minute.
    pub minute: u32,
}

impl Control {
    /// Every request so far, oldest first; `/_sim` is not among them.
    pub fn requests(&self) -> Vec<Logged> {
        self.core.log().requests.clone()
    }

    /// How many requests so far hold this text in `METHOD route operations path`.
    pub fn count(&self, filter: &str) -> usize {
        let log = self.core.log();
        log.requests.iter().filter(|it| it.label().contains(filter)).count()
    }

    /// How many content-creating requests so far.
    pub fn count_created(&self) -> usize {
        let log = self.core.log();
        log.requests.iter().filter(|it| it.content_creating).count()
    }

    /// The most content-creating requests of one installation within any so many milliseconds.
    pub fn busiest(&self, installation: u64, milliseconds: u64) -> usize {
        let log = self.core.log();
        let times: Vec<u64> = log
            .requests
            .iter()
            .filter(|it| it.content_creating && it.installation == Some(installation))
            .map(|it| it.at_ms)
            .collect();
        let within = |start: &u64| times.iter().filter(|at| (*start..start + milliseconds).contains(at)).count();
        times.iter().map(within).max().unwrap_or_default()
    }

    /// Forgets the requests so far, the unknown ones too.
    pub fn reset_requests(&self) {
        let mut log = self.core.log();
        log.requests.clear();
        log.unknown.clear();
    }

    /// Requests this server has no endpoint or field for: tests fail on them.
    pub fn unknown_requests(&self) -> Vec<String> {
        self.core.log().unknown.clone()
    }

    /// The log of webhook deliveries, oldest first.
    pub fn deliveries(&self) -> Vec<Delivered> {
        let world = self.core.world();
        world.deliveries.iter().map(Delivered::from).collect()
    }

    /// The ids of all deliveries after this one, oldest first: cheap, however many there were.
    pub fn deliveries_after(&self, id: u64) -> Vec<u64> {
        let world = self.core.world();
        let first = world.deliveries.partition_point(|it| it.id <= id);
        world.deliveries.iter().skip(first).map(|it| it.id).collect()
    }

    /// Deliveries of one event, oldest first.
    pub fn deliveries_of(&self, event: &str) -> Vec<Delivered> {
        let world = self.core.world();
        let own = world.deliveries.iter().filter(|it| it.event == event);
        own.map(Delivered::from).collect()
    }

    /// Sends a delivery once more, as the button on GitHub's page does.
    pub fn redeliver(&self, id: u64) -> bool {
        let mut world = self.core.world();
        self.core.redeliver(&mut world, id).is_ok()
    }

    /// Waits until every webhook that is not held back was attempted.
    pub async fn deliveries_idle(&self) {
        self.core.mail.idle().await;
    }

    /// Content-creating requests of an installation, as the secondary limits count them.
    pub fn created_by(&self, installation: u64) -> Created {
        let now = self.core.world().now();
        let who = format!("installation {installation}");
        let (hour, minute) = self.core.meters().created(&who, now);
        Created { hour, minute }
    }

    /// Sends a webhook of the first App's with any event and body, rightly signed; for what
    /// GitHub may send one day.
    pub fn send_webhook(&self, event: &str, payload: &Value) {
        let mut world = self.core.world();
        let Some(app) = world.apps.keys().next().copied() else {
            return;
        };
        let address = crate::events::emit::Address {
            app,
            installation: payload["installation"]["id"].as_u64(),
            repository: payload["repository"]["id"].as_u64(),
        };
        self.core.deliver(&mut world, &address, event, None, payload);
    }
}
