//! Events on their way to the host. A row is written with the event (see `events`) and lives until
//! the host said 2xx, or until it becomes a dead letter.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Store, StoreError, Transaction};
use crate::job::Wake;

/// How long one attempt may take before another process tries.
const LEASE_SECONDS: f64 = 60.0;

/// A notification that this process sends now.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub id: i64,
    /// The same for every attempt.
    pub webhook_id: String,
    pub kind: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    pub data: Value,
    /// Attempts that failed before this one.
    pub attempts: i32,
}

impl Store {
    /// Claims the notification when it is due and nobody else sends it.
    pub async fn claim_notification(&self, id: i64) -> Result<Option<Notification>, StoreError> {
        let client = self.client().await?;
        let claim = client
            .prepare_cached(
                "UPDATE notifications SET lease_until = now() + $2 * interval '1 second'
                 WHERE id = $1 AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
                 RETURNING id, webhook_id, kind, at, data, attempts",
            )
            .await?;
        let row = client.query_opt(&claim, &[&id, &LEASE_SECONDS]).await?;
        row.as_ref().map(notification).transpose()
    }

    /// The host has it.
    pub async fn notified(&self, id: i64) -> Result<(), StoreError> {
        let client = self.client().await?;
        let delete = client.prepare_cached("DELETE FROM notifications WHERE id = $1").await?;
        client.execute(&delete, &[&id]).await?;
        Ok(())
    }

    /// An attempt failed; the next one is at `at`.
    pub async fn notify_later(&self, id: i64, at: DateTime<Utc>) -> Result<(), StoreError> {
        let client = self.client().await?;
        let later = "UPDATE notifications SET attempts = attempts + 1, due_at = $2, lease_until = NULL WHERE id = $1";
        client.execute(later, &[&id, &at]).await?;
        Ok(())
    }

    /// The last attempt failed: a dead letter.
    pub async fn bury_notification(&self, id: i64, error: &Value) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let delete = "DELETE FROM notifications WHERE id = $1 RETURNING *";
        if let Some(row) = tx.query_opt(delete, &[&id]).await? {
            let (project, attempts): (Option<&str>, i32) = (row.try_get("project")?, row.try_get("attempts")?);
            tx.execute(
                "INSERT INTO dead_letters (id, kind, pid, project, attempts, error, payload)
                 VALUES ($1, 'notification', (SELECT pid FROM projects WHERE id = $2), $2, $3, $4, $5)",
                &[&Uuid::now_v7(), &project, &(attempts + 1), &error, &payload(&row)?],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn notification(row: &Row) -> Result<Notification, StoreError> {
    Ok(Notification {
        id: row.try_get("id")?,
        webhook_id: row.try_get("webhook_id")?,
        kind: row.try_get("kind")?,
        at: row.try_get("at")?,
        data: row.try_get("data")?,
        attempts: row.try_get("attempts")?,
    })
}

/// All a retry needs.
fn payload(row: &Row) -> Result<Value, StoreError> {
    let (event_id, webhook_id): (i64, &str) = (row.try_get("event_id")?, row.try_get("webhook_id")?);
    let (kind, at): (&str, DateTime<Utc>) = (row.try_get("kind")?, row.try_get("at")?);
    let data: Value = row.try_get("data")?;
    Ok(json!({ "event_id": event_id, "webhook_id": webhook_id, "kind": kind, "at": at, "data": data }))
}

/// A dead letter is sent again as if for the first time, under the same `webhook-id`.
pub(super) async fn again(tx: &Transaction<'_>, payload: &Value, project: Option<&str>) -> Result<Wake, StoreError> {
    let text = |name: &str| payload[name].as_str().unwrap_or_default();
    let at: DateTime<Utc> = text("at").parse().unwrap_or_else(|_| Utc::now());
    let event_id = payload["event_id"].as_i64().unwrap_or_default();
    let row = tx
        .query_one(
            "INSERT INTO notifications (event_id, webhook_id, kind, at, project, data) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (webhook_id) DO UPDATE SET due_at = now() RETURNING id",
            &[&event_id, &text("webhook_id"), &text("kind"), &at, &project, &payload["data"]],
        )
        .await?;
    Ok(Wake::Notification { id: row.try_get(0)? })
}
