//! How a look leaves the integration: one statement, in the transaction of what it did.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::integrations::{Guard, Integration, State};
use super::session::UNHURRIED;
use super::{Store, StoreError, Transaction, pull_edits};
use crate::model::{Oid, Problem};
use crate::store::integrations::Lease;

/// What becomes of the batch window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Nothing was committed: it goes on.
    Keep,
    /// Something waits to be committed: it goes on, or starts now.
    Begin,
    /// What the plan saw at this revision is dealt with; the window starts with what came later.
    After(i64),
}

/// What an unfinished sync is to carry out as well: everything, and what settles conflicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    pub sync: Option<DateTime<Utc>>,
    pub settling: Option<DateTime<Utc>>,
}

impl Asked {
    pub fn of(on: &Integration) -> Asked {
        Asked { sync: on.asked_at, settling: on.settling_at }
    }
}

/// The integration's fields as a look leaves them.
#[derive(Debug, Clone)]
pub struct Settled {
    pub state: State,
    pub error: Option<Problem>,
    pub attempts: i32,
    /// Another look at this time at the latest.
    pub due_at: Option<DateTime<Utc>>,
    pub remote_due: bool,
    pub sync_id: Option<Uuid>,
    pub initial_done: bool,
    pub confirm: Option<Guard>,
    pub confirmed: Option<String>,
    /// Set when a sync ended well, with the head both sides have.
    pub synced: Option<Option<Oid>>,
    pub window: Window,
    /// History rows that are this look's own: another one was asked for meanwhile, and stays.
    pub own: Vec<Uuid>,
    /// `confirmed` as this look read it.
    pub seen_confirmed: Option<String>,
    /// What a person asked for meanwhile; none: it is dealt with.
    pub asked: Asked,
    /// `asked` as this look read it.
    pub seen_asked: Asked,
}

impl Settled {
    /// As it was.
    pub fn of(on: &Integration) -> Self {
        Settled {
            state: on.state,
            error: on.error.clone(),
            attempts: on.attempts,
            due_at: None,
            remote_due: false,
            sync_id: on.sync_id,
            initial_done: on.initial_done,
            confirm: on.confirm.clone(),
            confirmed: on.confirmed.clone(),
            synced: None,
            window: Window::Keep,
            own: on.sync_id.into_iter().collect(),
            seen_confirmed: on.confirmed.clone(),
            asked: Asked::of(on),
            seen_asked: Asked::of(on),
        }
    }
}

/// Writes it. Marks that others set meanwhile stay.
pub async fn settle(tx: &Transaction<'_>, pid: i64, settled: &Settled) -> Result<(), StoreError> {
    if let Window::After(revision) = settled.window {
        pull_edits::start_window_after(tx, pid, revision).await?;
    }
    let error = settled.error.as_ref().and_then(|problem| serde_json::to_value(problem).ok());
    let confirm = settled.confirm.as_ref().and_then(|guard| serde_json::to_value(guard).ok());
    let last = settled.synced.flatten().map(|commit| commit.0.to_vec());
    tx.execute(
        "UPDATE integrations i SET state = $2, error = $3, attempts = $4,
             window_at = CASE WHEN $13 THEN coalesce(window_at, now()) ELSE window_at END,
             due_at = least(due_at, coalesce($5, CASE WHEN (p.settings->>'auto_sync')::boolean
                 THEN CASE WHEN $13 THEN coalesce(window_at, now()) ELSE window_at END + (p.settings->>'batch_seconds')::integer * interval '1 second' END)),
             remote_due = remote_due OR $6, sync_id = CASE WHEN sync_id IS NULL OR sync_id = ANY($14) THEN $7 ELSE sync_id END, initial_done = $8, confirm = $9, confirmed = CASE WHEN confirmed IS NOT DISTINCT FROM $15 THEN $10 ELSE confirmed END,
             asked_at = CASE WHEN asked_at IS NOT DISTINCT FROM $17 THEN $16 ELSE asked_at END,
             settling_at = CASE WHEN settling_at IS NOT DISTINCT FROM $19 THEN $18 ELSE settling_at END,
             last_sync_at = CASE WHEN $11 THEN now() ELSE last_sync_at END, last_commit = coalesce($12, last_commit)
         FROM projects p WHERE p.pid = i.pid AND i.pid = $1",
        &[
            &pid,
            &settled.state.as_str(),
            &error,
            &settled.attempts,
            &settled.due_at,
            &settled.remote_due,
            &settled.sync_id,
            &settled.initial_done,
            &confirm,
            &settled.confirmed,
            &settled.synced.is_some(),
            &last,
            &(settled.window == Window::Begin),
            &settled.own,
            &settled.seen_confirmed,
            &settled.asked.sync,
            &settled.seen_asked.sync,
            &settled.asked.settling,
            &settled.seen_asked.settling,
        ],
    )
    .await?;
    Ok(())
}

/// The repository is there after all.
pub async fn not_gone(tx: &Transaction<'_>, pid: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE integrations SET gone = false WHERE pid = $1 AND gone", &[&pid]).await?;
    Ok(())
}

impl Store {
    /// The holder itself asks for another look, at GitHub's side too.
    pub async fn mark_again(&self, lease: Lease) -> Result<(), StoreError> {
        let client = self.client().await?;
        client
            .execute(
                "UPDATE integrations SET lease_again = true, remote_due = true, due_at = least(due_at, now())
                 WHERE pid = $1 AND lease_token = $2",
                &[&lease.pid, &lease.token],
            )
            .await?;
        Ok(())
    }

    /// Lets go whatever the marks say.
    pub async fn drop_lease(&self, lease: Lease) -> Result<(), StoreError> {
        let client = self.client().await?;
        client
            .execute(
                &format!(
                    "WITH {UNHURRIED} UPDATE integrations SET lease_token = NULL, lease_until = NULL, lease_again = false,
                         due_at = CASE WHEN lease_again THEN least(due_at, now()) ELSE due_at END
                     FROM unhurried WHERE pid = $1 AND lease_token = $2"
                ),
                &[&lease.pid, &lease.token],
            )
            .await?;
        Ok(())
    }
}
