//! What people ask of a project's sync: now, confirmed, resolved, on another branch.

use uuid::Uuid;

use super::integrations::{Guard, json, oid, set_due};
use super::syncs::{self, Sync};
use super::{Store, StoreError, Transaction};
use crate::model::{Author, Oid, Problem, SyncKind};

/// The project's row, locked, with what requests need of its integration.
#[derive(Debug)]
pub struct Locked {
    pub pid: i64,
    pub revision: i64,
    pub snapshot: i64,
    pub link: Option<Link>,
}

#[derive(Debug)]
pub struct Link {
    pub connection: Uuid,
    pub branch: String,
    pub repository_id: i64,
    pub state: String,
    pub error: Option<Problem>,
    pub confirm: Option<Guard>,
    /// The head that is agreed on.
    pub head: Option<Oid>,
    pub sync_id: Option<Uuid>,
    /// Whether the first sync of the connection is over.
    pub initial_done: bool,
    pub now: chrono::DateTime<chrono::Utc>,
}

/// Locks the project; `None` when there is none of that id.
pub async fn lock_project(tx: &Transaction<'_>, project: &str) -> Result<Option<Locked>, StoreError> {
    let found = tx
        .query_opt("SELECT pid, revision, snapshot FROM projects WHERE id = $1 FOR NO KEY UPDATE", &[&project])
        .await?;
    let Some(row) = found else { return Ok(None) };
    let pid: i64 = row.try_get(0)?;
    let link = tx
        .query_opt(
            "SELECT connection, branch, repository_id, state, error, confirm, head_commit, sync_id, initial_done, now() AS now
             FROM integrations WHERE pid = $1 FOR UPDATE",
            &[&pid],
        )
        .await?;
    let link = match link {
        Some(row) => Some(Link {
            connection: row.try_get("connection")?,
            branch: row.try_get("branch")?,
            repository_id: row.try_get("repository_id")?,
            state: row.try_get("state")?,
            error: json(&row, "error")?,
            confirm: json(&row, "confirm")?,
            head: oid(&row, "head_commit")?,
            sync_id: row.try_get("sync_id")?,
            initial_done: row.try_get("initial_done")?,
            now: row.try_get("now")?,
        }),
        None => None,
    };
    Ok(Some(Locked { pid, revision: row.try_get(1)?, snapshot: row.try_get(2)?, link }))
}

/// Queues a sync that a person asked for; an unfinished one is answered instead, and hurried. The first of a
/// connection is its initial one, whoever asks.
pub async fn queue_sync(
    tx: &Transaction<'_>,
    locked: &Locked,
    link: &Link,
    kind: SyncKind,
    author: Option<Author>,
) -> Result<Sync, StoreError> {
    if let Some(unfinished) = unfinished(tx, locked.pid, link).await? {
        let waits_for_limit =
            unfinished.error.as_ref().is_some_and(|problem| problem.code == crate::model::Code::RateLimited);
        if !waits_for_limit {
            set_due(tx, locked.pid, link.now, true).await?;
        }
        syncs::join(tx, locked.pid, unfinished.id, kind, &author).await?;
        return Ok(syncs::by_id(tx, locked.pid, unfinished.id).await?.unwrap_or(unfinished));
    }
    let kind = if link.initial_done { kind } else { SyncKind::Initial };
    let mut sync =
        Sync::queued(Uuid::now_v7(), locked.pid, link.connection, kind, &link.branch, locked.revision, link.now);
    sync.author = author;
    syncs::save(tx, &sync).await?;
    syncs::attach(tx, locked.pid, sync.id).await?;
    set_due(tx, locked.pid, link.now, true).await?;
    Ok(sync)
}

async fn unfinished(tx: &Transaction<'_>, pid: i64, link: &Link) -> Result<Option<Sync>, StoreError> {
    match link.sync_id {
        Some(id) => Ok(syncs::by_id(tx, pid, id).await?.filter(|sync| !sync.status.is_finished())),
        None => Ok(None),
    }
}

/// Lets through exactly the deletions that wait.
pub async fn confirm(tx: &Transaction<'_>, pid: i64, fingerprint: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE integrations SET confirmed = $2 WHERE pid = $1", &[&pid, &fingerprint]).await?;
    Ok(())
}

/// Points the integration at another branch: nothing is agreed on with it yet.
///
/// Errors: `Conflict` when another project holds the branch.
pub async fn switch_branch(tx: &Transaction<'_>, pid: i64, branch: &str) -> Result<(), StoreError> {
    super::record::forget_base(tx, pid).await?;
    // What a pull request carries is its, whatever the branch.
    tx.execute("DELETE FROM holds WHERE pid = $1 AND reason NOT LIKE 'pull_request%'", &[&pid]).await?;
    tx.execute(
        "UPDATE integrations SET branch = $2, head_commit = NULL, head_tree = NULL, rescan = true, initial_done = false,
             confirm = NULL, confirmed = NULL, error = NULL, attempts = 0, window_at = NULL, remote_due = true, due_at = now(),
             state = 'connected', sync_id = NULL, asked_at = NULL, settling_at = NULL, lease_token = NULL, lease_until = NULL
         WHERE pid = $1",
        &[&pid, &branch],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Runs a person's request in one transaction with the project locked.
    pub async fn request<T, E: From<StoreError>>(
        &self,
        project: &str,
        work: impl AsyncFnOnce(&Transaction<'_>, Option<Locked>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let locked = lock_project(&tx, project).await?;
        let result = work(&tx, locked).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(result)
    }
}
