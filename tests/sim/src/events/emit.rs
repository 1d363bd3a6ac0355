//! Who hears of an event: every App with an installation that reaches it and is subscribed.

use bytes::Bytes;
use serde_json::{Value, json};

use super::delivery::{Delivery, Outcome};
use crate::core::Core;
use crate::faults::Fate;
use crate::http::message::Refusal;
use crate::world::World;

/// An event before it is addressed.
pub(crate) struct Event<'a> {
    pub(crate) name: &'a str,
    pub(crate) action: Option<&'a str>,
    pub(crate) sender: u64,
    pub(crate) payload: Value,
}

impl Core {
    /// Tells everybody who watches a repository.
    pub(crate) fn emit(&self, world: &mut World, repository: u64, event: Event<'_>) {
        let reaching: Vec<(u64, u64)> = world
            .installations
            .values()
            .filter(|it| it.suspended.is_none() && subscribed(&it.events, event.name))
            .filter(|it| world.reaches(it.id, repository))
            .map(|it| (it.id, it.app))
            .collect();
        if reaching.is_empty() {
            return;
        }
        let mut payload = event.payload;
        if payload["repository"].is_null() {
            payload["repository"] = world.repository_json(repository);
        }
        let owner = world.repositories.get(&repository).map(|it| it.owner);
        let owner = owner.and_then(|owner| world.accounts.get(&owner));
        if let Some(owner) = owner.filter(|owner| owner.is_organization()) {
            payload["organization"] = world.organization_json(owner);
        }
        payload["sender"] = world.user_json(event.sender);
        for (installation, app) in reaching {
            payload["installation"] = json!({
                "id": installation,
                "node_id": crate::render::node_id::NodeId::Other("MDI", installation).text(),
            });
            let address = Address { app, installation: Some(installation), repository: Some(repository) };
            self.deliver(world, &address, event.name, event.action, &payload);
        }
    }

    /// Tells one App something that is no matter of subscription.
    pub(crate) fn deliver(
        &self,
        world: &mut World,
        address: &Address,
        event: &str,
        action: Option<&str>,
        payload: &Value,
    ) {
        let mut payload = payload.clone();
        if let Some(action) = action {
            payload["action"] = json!(action);
        }
        let delivery = Delivery {
            id: world.ids.delivery(),
            guid: uuid::Uuid::new_v4().to_string(),
            app: address.app,
            event: event.to_owned(),
            action: action.map(str::to_owned),
            installation: address.installation,
            repository: address.repository,
            payload: Bytes::from(payload.to_string()),
            at: world.now(),
            redelivery: false,
            outcome: Outcome::pending(),
        };
        self.enqueue(world, delivery);
    }

    fn enqueue(&self, world: &mut World, mut delivery: Delivery) {
        let id = delivery.id;
        let app = world.apps.get(&delivery.app);
        if app.is_none_or(|app| app.hook_url.is_none() || !app.hook_active) {
            delivery.outcome = Outcome::unsent();
            world.deliveries.push(delivery);
            return;
        }
        let fate = self.faults().fate(id);
        match fate {
            Fate::Send { times } => {
                world.deliveries.push(delivery);
                (0..times).for_each(|_| self.mail.post(id));
            }
            Fate::Hold => world.deliveries.push(delivery),
            Fate::Lose { silently } => {
                delivery.outcome = match silently {
                    true => Outcome::new("OK", 202),
                    false => Outcome::new("failed to connect to host", 502),
                };
                world.deliveries.push(delivery);
            }
        }
    }

    /// Sends a delivery once more, under its own GUID and a new id.
    pub(crate) fn redeliver(&self, world: &mut World, id: u64) -> Result<(), Refusal> {
        let found = world.deliveries.iter().find(|it| it.id == id);
        let mut again = found.ok_or_else(crate::http::message::not_found)?.clone();
        again.id = world.ids.delivery();
        again.at = world.now();
        again.redelivery = true;
        again.outcome = Outcome::pending();
        self.enqueue(world, again);
        Ok(())
    }
}

/// Whom a delivery is for.
pub(crate) struct Address {
    pub(crate) app: u64,
    pub(crate) installation: Option<u64>,
    pub(crate) repository: Option<u64>,
}

/// `installation_repositories` and its like come to everybody.
fn subscribed(events: &[String], name: &str) -> bool {
    events.iter().any(|it| it == name)
}
