//! What was given up: kept until somebody retries or deletes it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use super::deliveries::{self, Entry};
use super::events::{self, Actor, Event};
use super::integrations::Integration;
use super::syncs::{self, Sync};
use super::{Store, StoreError, Transaction, holds, pulls, requests};
use crate::job::{Delivery, Wake};
use crate::model::{Problem, SyncKind, SyncStatus};

/// As lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Grows with time (UUIDv7).
    pub id: Uuid,
    /// `sync`, `webhook` or `notification`.
    pub kind: String,
    pub project: Option<String>,
    pub attempts: i32,
    /// A problem.
    pub error: Value,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a retried dead letter leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// To be woken up after the commit.
    Wake(Wake),
    /// Goes onto the queue again, before the commit.
    Delivery(Delivery),
    /// What it was about is gone.
    Nothing,
}

impl Store {
    /// Newest first, older than the one of this id.
    pub async fn dead_letters(&self, before: Option<Uuid>, limit: i64) -> Result<Vec<DeadLetter>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT id, kind, project, attempts, error, created_at, updated_at FROM dead_letters
                 WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
                &[&before, &limit],
            )
            .await?;
        rows.iter().map(dead_letter).collect()
    }

    pub async fn count_dead_letters(&self) -> Result<i64, StoreError> {
        let client = self.client().await?;
        Ok(client.query_one("SELECT count(*) FROM dead_letters", &[]).await?.try_get(0)?)
    }

    /// Keeps a delivery that nobody could deal with, and records that outcome.
    pub async fn bury_delivery(
        &self,
        entry: Entry<'_>,
        body: &[u8],
        attempts: u32,
        error: &Value,
    ) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        if deliveries::record(&tx, entry, "dead_letter").await? {
            let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
            tx.execute(
                "INSERT INTO dead_letters (id, kind, attempts, error, payload, body) VALUES ($1, 'webhook', $2, $3, $4, $5)",
                &[&Uuid::now_v7(), &attempts, &error, &deliveries::payload_of(entry), &body],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Keeps a project's work that nobody could do, unless somebody is at it now. `tell` is called in
    /// the same transaction with the history row, which is made when there is none. Answers what was
    /// given up.
    pub async fn bury_project(
        &self,
        on: &Integration,
        attempts: u32,
        problem: &Problem,
        tell: impl AsyncFnOnce(&Transaction<'_>, &Sync) -> Result<(), StoreError>,
    ) -> Result<Option<SyncKind>, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        tx.execute("SELECT 1 FROM projects WHERE pid = $1 FOR NO KEY UPDATE", &[&on.pid]).await?;
        let given_up = tx
            .query_opt(
                "WITH old AS (SELECT pid, sync_id FROM integrations WHERE pid = $1 AND connection = $3 FOR UPDATE)
                 UPDATE integrations i SET due_at = NULL, lease_token = NULL, lease_until = NULL, lease_again = false,
                     attempts = 0, sync_id = NULL, asked_at = NULL, settling_at = NULL, error = $2
                 FROM old WHERE i.pid = old.pid AND (i.lease_until IS NULL OR i.lease_until < now())
                 RETURNING old.sync_id",
                &[&on.pid, &json!(problem), &on.connection],
            )
            .await?;
        let Some(row) = given_up else { return Ok(None) };
        let open = match row.try_get::<_, Option<Uuid>>(0)? {
            Some(id) => syncs::by_id(&tx, on.pid, id).await?.filter(|sync| !sync.status.is_finished()),
            None => None,
        };
        let kind = if on.initial_done { SyncKind::Auto } else { SyncKind::Initial };
        let mut sync = open.unwrap_or_else(|| {
            Sync::queued(Uuid::now_v7(), on.pid, on.connection, kind, &on.branch, on.revision, on.now)
        });
        sync.status = SyncStatus::Failed;
        sync.error = Some(problem.clone());
        sync.attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
        (sync.intent, sync.progress) = (None, None);
        sync.finished_at = Some(syncs::clock(&tx).await?);
        syncs::save(&tx, &sync).await?;
        syncs::bury(&tx, on.project.as_str(), &sync, None, problem).await?;
        tell(&tx, &sync).await?;
        tx.commit().await?;
        Ok(Some(sync.kind))
    }

    /// Takes the dead letter away to try again what it is about; false: there is none of this id.
    /// `queue` puts a webhook onto the queue again; when it fails, everything stays as it was.
    pub async fn retry_dead_letter<E: From<StoreError>>(
        &self,
        id: Uuid,
        actor: &Actor,
        request_id: Option<&str>,
        queue: impl AsyncFnOnce(&Retried) -> Result<(), E>,
    ) -> Result<Option<Retried>, E> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let Some(row) = take(&tx, id, "dead_letter.retried", actor, request_id).await? else { return Ok(None) };
        let retried = again(&tx, &row).await?;
        queue(&retried).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Some(retried))
    }

    /// False: there is none of this id.
    pub async fn delete_dead_letter(
        &self,
        id: Uuid,
        actor: &Actor,
        request_id: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let taken = take(&tx, id, "dead_letter.deleted", actor, request_id).await?;
        tx.commit().await?;
        Ok(taken.is_some())
    }
}

fn dead_letter(row: &Row) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        project: row.try_get("project")?,
        attempts: row.try_get("attempts")?,
        error: row.try_get("error")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}

/// Removes the row, and says so in the audit trail. The project's row is locked first, as always.
async fn take(
    tx: &Transaction<'_>,
    id: Uuid,
    action: &str,
    actor: &Actor,
    request_id: Option<&str>,
) -> Result<Option<Row>, StoreError> {
    let project = "SELECT 1 FROM projects WHERE pid = (SELECT pid FROM dead_letters WHERE id = $1) FOR NO KEY UPDATE";
    tx.execute(project, &[&id]).await?;
    let row = tx.query_opt("DELETE FROM dead_letters WHERE id = $1 RETURNING *", &[&id]).await?;
    let Some(row) = row else { return Ok(None) };
    let (pid, project): (Option<i64>, Option<&str>) = (row.try_get("pid")?, row.try_get("project")?);
    let target = id.to_string();
    let mut event = Event::audit(action, actor).target(&target).request(request_id);
    (event.pid, event.project) = (pid, project);
    events::append(tx, event).await?;
    Ok(Some(row))
}

async fn again(tx: &Transaction<'_>, row: &Row) -> Result<Retried, StoreError> {
    let payload: Value = row.try_get("payload")?;
    match row.try_get("kind")? {
        "sync" => match payload["pull"].as_i64() {
            Some(pull) => pull_again(tx, pull).await,
            None => sync_again(tx, row.try_get("project")?).await,
        },
        "webhook" => {
            let delivery = delivery_of(&payload, row.try_get("body")?);
            tx.execute("DELETE FROM deliveries WHERE id = $1", &[&delivery.id]).await?;
            Ok(Retried::Delivery(delivery))
        }
        _ => Ok(Retried::Wake(super::notifications::again(tx, &payload, row.try_get("project")?).await?)),
    }
}

/// A pull request that could not be made, if there is still something in it.
async fn pull_again(tx: &Transaction<'_>, pull: i64) -> Result<Retried, StoreError> {
    Ok(if pulls::take_up(tx, pull).await? { Retried::Wake(Wake::PullRequest { id: pull }) } else { Retried::Nothing })
}

/// A sync as a person asks for it, as if nothing had failed yet.
async fn sync_again(tx: &Transaction<'_>, project: Option<&str>) -> Result<Retried, StoreError> {
    let Some(locked) = requests::lock_project(tx, project.unwrap_or_default()).await? else {
        return Ok(Retried::Nothing);
    };
    let Some(link) = &locked.link else { return Ok(Retried::Nothing) };
    let due = "UPDATE integrations SET remote_due = true, due_at = now(), attempts = 0 WHERE pid = $1";
    tx.execute(due, &[&locked.pid]).await?;
    if link.state == "connected" {
        holds::forget_refusals(tx, locked.pid).await?;
        requests::queue_sync(tx, &locked, link, SyncKind::Manual, None).await?;
    }
    Ok(Retried::Wake(Wake::Project { pid: locked.pid }))
}

fn delivery_of(payload: &Value, body: Option<Vec<u8>>) -> Delivery {
    let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
    Delivery {
        id: text("delivery"),
        event: text("event"),
        received_at: payload["received_at"].as_i64().unwrap_or_default(),
        body: body.unwrap_or_default().into(),
    }
}
