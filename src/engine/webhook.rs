//! A webhook delivery, taken from the queue: its effect and its outcome in one transaction, then
//! those are woken up who have to look.

use serde_json::json;

use super::Engine;
use super::event::effect_of;
use super::failure::Failure;
use super::jobs::outcome;
use crate::job::Delivery;
use crate::model::{Code, Problem};
use crate::queue::Outcome;
use crate::store::StoreError;
use crate::store::deliveries::{Effect, Entry};

impl Engine {
    /// Does what the delivery asks for, once, however often it comes.
    pub async fn delivery(&self, delivery: &Delivery) -> Outcome {
        let effect = effect_of(&delivery.event, &delivery.body);
        if let Effect::Deauthorize { github_id } = effect {
            match self.check_authorizations(github_id).await {
                Ok(()) => {}
                Err(Failure::Store(error)) => return outcome(Err(error)),
                // While GitHub is away nobody knows, and that is not the delivery's fault.
                Err(Failure::Problem(problem)) if problem.code == Code::GithubUnavailable => return Outcome::Later,
                // A token that is no more is found out when it is used next.
                Err(Failure::Problem(problem) | Failure::Later(problem, _)) => {
                    tracing::warn!(error = %problem, "whether an authorization was taken back could not be asked");
                }
            }
        }
        outcome(self.apply(delivery, &effect).await)
    }

    async fn apply(&self, delivery: &Delivery, effect: &Effect) -> Result<(), StoreError> {
        let applied = self.store.apply_delivery(entry_of(delivery), effect).await?;
        tracing::info!(outcome = applied.outcome, "webhook");
        if matches!(effect, Effect::Push(_)) && !applied.wakes.is_empty() {
            self.hints.note(&delivery.body);
        }
        self.wake_all(applied.wakes).await;
        Ok(())
    }

    /// Keeps a delivery that could not be dealt with as a dead letter. It has an outcome then, so
    /// GitHub is not asked for it again.
    pub async fn bury_delivery(&self, delivery: &Delivery, attempts: u32) -> Result<(), StoreError> {
        tracing::error!(attempts, "a webhook is given up");
        let detail = format!("The webhook {} ({}) could not be dealt with.", delivery.id, delivery.event);
        let error = Problem::new(Code::Internal, detail).with_action("Look into the log, then retry the dead letter.");
        self.store.bury_delivery(entry_of(delivery), &delivery.body, attempts, &json!(error)).await
    }
}

fn entry_of(delivery: &Delivery) -> Entry<'_> {
    Entry { id: &delivery.id, event: &delivery.event, received_at: delivery.received_at }
}
