//! Telling people and the host what happened to a connected project.

use serde_json::Value;

use super::Engine;
use super::views::IntegrationView;
use crate::store::events::{self, Actor, Event};
use crate::store::integrations::Integration;
use crate::store::projects::ProjectRow;
use crate::store::{StoreError, Transaction, projects};

impl Engine {
    /// A live event and notification, in the transaction of what it tells of.
    pub(super) async fn say(
        &self,
        tx: &Transaction<'_>,
        on: &Integration,
        kind: &str,
        actor: &Actor,
        data: Value,
    ) -> Result<(), StoreError> {
        let event = Event::live(kind, actor, data).of(on.pid, on.project.as_str());
        events::append(tx, event).await.map(|_| ())
    }

    /// The integration as notifications carry it.
    pub(super) async fn integration_json(&self, tx: &Transaction<'_>, pid: i64) -> Result<Value, StoreError> {
        let row = projects::read(tx, pid).await?;
        Ok(row.map(integration_shown).unwrap_or_default())
    }
}

/// The API's shape of an integration.
pub(super) fn integration_shown(row: ProjectRow) -> Value {
    serde_json::json!(IntegrationView::of(row))
}
