//! A project's connection as the engine works on it: its row, the lease, and what is due.
//!
//! The lease says who works on a project. Nothing waits for it: whoever finds it taken leaves a mark,
//! and the holder looks again before it lets go. A lease that ran out with its token still there is
//! a holder that died; the sweep treats it as due, and the next holder trusts nothing it left.

use crate::store::GenericClient;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::session::UNHURRIED;
use super::{Store, StoreError, Transaction};
use crate::model::{Oid, Problem, ProjectId, Settings};

/// How long a lease holds without a heartbeat.
pub const LEASE_SECONDS: f64 = 15.0;

/// The right to work on one project. Every write checks that it still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub pid: i64,
    pub token: Uuid,
}

#[derive(Debug)]
pub enum Acquired {
    /// `recovering`: the one who had it before never let go. `attempts`: how often in a row it was
    /// tried without an end, that one's included.
    Lease { lease: Lease, recovering: bool, attempts: i32 },
    /// Somebody works on it and will look again.
    Busy,
    /// Not connected (any more).
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Connected,
    Suspended,
    Broken,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Connected => "connected",
            State::Suspended => "suspended",
            State::Broken => "broken",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        match text {
            "connected" => Ok(State::Connected),
            "suspended" => Ok(State::Suspended),
            "broken" => Ok(State::Broken),
            other => Err(StoreError::Internal(format!("unknown integration state {other}"))),
        }
    }
}

/// A commit and its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    pub commit: Oid,
    pub tree: Oid,
}

/// A deletion that waits for a person, or was let through.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Guard {
    pub deletes_in_project: usize,
    pub deletes_on_github: usize,
    /// Names exactly these deletions.
    pub fingerprint: String,
}

/// The integration with what the engine needs of its project.
#[derive(Debug, Clone)]
pub struct Integration {
    pub pid: i64,
    pub project: ProjectId,
    pub connection: Uuid,
    pub installation_id: i64,
    pub repository_id: i64,
    pub full_name: String,
    pub private: bool,
    pub default_branch: String,
    pub url: String,
    pub branch: String,
    pub state: State,
    pub connected_by: String,
    pub head: Option<Recorded>,
    /// GitHub said that the repository was deleted.
    pub gone: bool,
    pub rescan: bool,
    pub initial_done: bool,
    pub due_at: Option<DateTime<Utc>>,
    pub remote_due: bool,
    /// A person asked for a sync that an unfinished one is to carry out as well.
    pub asked_at: Option<DateTime<Utc>>,
    /// The same of one that only settles conflicts.
    pub settling_at: Option<DateTime<Utc>>,
    pub window_at: Option<DateTime<Utc>>,
    pub sync_id: Option<Uuid>,
    pub attempts: i32,
    pub error: Option<Problem>,
    pub confirm: Option<Guard>,
    pub confirmed: Option<String>,
    pub settings: Settings,
    pub revision: i64,
    pub pending: i64,
    pub project_files: i64,
    /// The database's clock when the row was read.
    pub now: DateTime<Utc>,
}

const COLUMNS: &str = "i.pid, p.id AS project, i.connection, i.installation_id, i.repository_id, i.full_name, i.private,
    i.default_branch, i.url, i.branch, i.state, i.connected_by, i.head_commit, i.head_tree, i.gone, i.rescan, i.initial_done,
    i.due_at, i.remote_due, i.asked_at, i.settling_at, i.window_at, i.sync_id, i.attempts, i.error, i.confirm, i.confirmed, p.settings, p.revision,
    p.pending, p.files AS project_files, now() AS now";

impl Integration {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let head = match (oid(row, "head_commit")?, oid(row, "head_tree")?) {
            (Some(commit), Some(tree)) => Some(Recorded { commit, tree }),
            _ => None,
        };
        Ok(Integration {
            pid: row.try_get("pid")?,
            project: ProjectId::parse(row.try_get::<_, String>("project")?)
                .map_err(|why| StoreError::Internal(why.to_string()))?,
            connection: row.try_get("connection")?,
            installation_id: row.try_get("installation_id")?,
            repository_id: row.try_get("repository_id")?,
            full_name: row.try_get("full_name")?,
            private: row.try_get("private")?,
            default_branch: row.try_get("default_branch")?,
            url: row.try_get("url")?,
            branch: row.try_get("branch")?,
            state: State::parse(row.try_get("state")?)?,
            connected_by: row.try_get("connected_by")?,
            head,
            gone: row.try_get("gone")?,
            rescan: row.try_get("rescan")?,
            initial_done: row.try_get("initial_done")?,
            due_at: row.try_get("due_at")?,
            remote_due: row.try_get("remote_due")?,
            asked_at: row.try_get("asked_at")?,
            settling_at: row.try_get("settling_at")?,
            window_at: row.try_get("window_at")?,
            sync_id: row.try_get("sync_id")?,
            attempts: row.try_get("attempts")?,
            error: json(row, "error")?,
            confirm: json(row, "confirm")?,
            confirmed: row.try_get("confirmed")?,
            settings: json(row, "settings")?.unwrap_or_default(),
            revision: row.try_get("revision")?,
            pending: row.try_get("pending")?,
            project_files: row.try_get("project_files")?,
            now: row.try_get("now")?,
        })
    }

    /// When this window's changes are to be committed.
    pub fn window_ends(&self) -> Option<DateTime<Utc>> {
        let seconds = i64::from(self.settings.batch_seconds);
        self.window_at.map(|start| start + chrono::TimeDelta::seconds(seconds))
    }
}

/// The column's object id.
pub(super) fn oid(row: &Row, column: &str) -> Result<Option<Oid>, StoreError> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(Oid::from_slice).transpose().map_err(|why| StoreError::Internal(format!("{column}: {why}")))
}

/// The column's JSON, read into its type.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, StoreError> {
    let value: Option<serde_json::Value> = row.try_get(column)?;
    value.map(serde_json::from_value).transpose().map_err(|why| StoreError::Internal(format!("{column}: {why}")))
}

impl Store {
    /// Takes the lease, or leaves a mark for whoever has it.
    pub async fn acquire_lease(&self, pid: i64, token: Uuid) -> Result<Acquired, StoreError> {
        let client = self.client().await?;
        let take = format!(
            "WITH {UNHURRIED}, old AS (SELECT pid, lease_token FROM integrations WHERE pid = $1 FOR UPDATE)
             UPDATE integrations i SET lease_token = $2, lease_until = now() + $3 * interval '1 second', lease_again = false,
                 attempts = attempts + (old.lease_token IS NOT NULL)::integer
             FROM unhurried, old WHERE i.pid = old.pid AND (i.lease_until IS NULL OR i.lease_until < now())
             RETURNING old.lease_token IS NOT NULL AS recovering, i.attempts"
        );
        // A mark counts only while somebody is there to see it: who let go in between left the lease free.
        let mark = "UPDATE integrations SET lease_again = true WHERE pid = $1 AND lease_until >= now()";
        loop {
            if let Some(row) = client.query_opt(&take, &[&pid, &token, &LEASE_SECONDS]).await? {
                let lease = Lease { pid, token };
                return Ok(Acquired::Lease { lease, recovering: row.try_get(0)?, attempts: row.try_get(1)? });
            }
            if client.execute(mark, &[&pid]).await? > 0 {
                return Ok(Acquired::Busy);
            }
            if client.query_opt("SELECT FROM integrations WHERE pid = $1", &[&pid]).await?.is_none() {
                return Ok(Acquired::Nothing);
            }
        }
    }

    /// Holds the lease for another while; false when it was lost.
    pub async fn renew_lease(&self, lease: Lease) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let held = client
            .execute(
                "UPDATE integrations SET lease_until = now() + $3 * interval '1 second' WHERE pid = $1 AND lease_token = $2",
                &[&lease.pid, &lease.token, &LEASE_SECONDS],
            )
            .await?;
        Ok(held == 1)
    }

    /// Lets go, unless somebody left a mark: then false, the mark is gone, and the holder looks again.
    pub async fn release_lease(&self, lease: Lease) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let marked = client
            .query_opt(
                &format!(
                    "WITH {UNHURRIED}, old AS (SELECT pid, lease_again FROM integrations WHERE pid = $1 AND lease_token = $2 FOR UPDATE)
                     UPDATE integrations i SET lease_again = false,
                         lease_token = CASE WHEN old.lease_again THEN i.lease_token END,
                         lease_until = CASE WHEN old.lease_again THEN i.lease_until END
                     FROM unhurried, old WHERE i.pid = old.pid RETURNING old.lease_again"
                ),
                &[&lease.pid, &lease.token],
            )
            .await?;
        Ok(!marked.map(|row| row.try_get::<_, bool>(0)).transpose()?.unwrap_or(false))
    }

    /// These leases are over, and what their holder was at is not: the next one looks what it left.
    pub async fn expire_leases(&self, tokens: &[Uuid]) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("UPDATE integrations SET lease_until = now() WHERE lease_token = ANY($1)", &[&tokens]).await?;
        Ok(())
    }

    /// Reads the integration and takes over what was due: from here on a new mark is a new reason.
    pub async fn begin_look(&self, lease: Lease) -> Result<Integration, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        tx.unhurried().await?;
        let row = tx
            .query_opt(
                &format!(
                    "SELECT {COLUMNS} FROM integrations i JOIN projects p USING (pid)
                     WHERE i.pid = $1 AND i.lease_token = $2 FOR NO KEY UPDATE OF i"
                ),
                &[&lease.pid, &lease.token],
            )
            .await?
            .ok_or(StoreError::LeaseLost)?;
        tx.execute("UPDATE integrations SET due_at = NULL, remote_due = false WHERE pid = $1", &[&lease.pid]).await?;
        let integration = Integration::from_row(&row)?;
        tx.commit().await?;
        Ok(integration)
    }

    /// The repository's names and visibility, as GitHub has them now.
    pub async fn follow_repository(&self, lease: Lease, on: &Integration) -> Result<(), StoreError> {
        let client = self.client().await?;
        client
            .execute(
                "UPDATE integrations SET full_name = $3, private = $4, default_branch = $5, url = $6
                 WHERE pid = $1 AND lease_token = $2",
                &[&lease.pid, &lease.token, &on.full_name, &on.private, &on.default_branch, &on.url],
            )
            .await?;
        Ok(())
    }

    /// Another installation reaches the repository.
    pub async fn reach_by(&self, lease: Lease, installation: i64) -> Result<(), StoreError> {
        let client = self.client().await?;
        let update = "UPDATE integrations SET installation_id = $3 WHERE pid = $1 AND lease_token = $2";
        client.execute(update, &[&lease.pid, &lease.token, &installation]).await?;
        Ok(())
    }

    /// The integration as it is, for reading.
    pub async fn integration(&self, pid: i64) -> Result<Option<Integration>, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                &format!("SELECT {COLUMNS} FROM integrations i JOIN projects p USING (pid) WHERE i.pid = $1"),
                &[&pid],
            )
            .await?;
        row.as_ref().map(Integration::from_row).transpose()
    }

    /// Asks for another look at the given time at the latest; `remote`: at GitHub's side too.
    pub async fn look_again(&self, pid: i64, at: DateTime<Utc>, remote: bool) -> Result<(), StoreError> {
        let client = self.client().await?;
        set_due(&client, pid, at, remote).await
    }

    /// Integrations with a cause that can go by itself: looked at again when drift is checked.
    pub async fn mark_unhealed(&self) -> Result<Vec<i64>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "UPDATE integrations SET remote_due = true, due_at = least(due_at, now())
                 WHERE (state <> 'connected' OR error IS NOT NULL) AND due_at IS NULL RETURNING pid",
                &[],
            )
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

/// Sets the earliest of the times asked for.
pub async fn set_due(client: &impl GenericClient, pid: i64, at: DateTime<Utc>, remote: bool) -> Result<(), StoreError> {
    client
        .execute(
            "UPDATE integrations SET due_at = least(due_at, $2), remote_due = remote_due OR $3 WHERE pid = $1",
            &[&pid, &at, &remote],
        )
        .await?;
    Ok(())
}

/// Locks the project and makes sure that the lease holds: the first step of every write of the engine.
pub async fn lock(tx: &Transaction<'_>, lease: Lease) -> Result<(), StoreError> {
    let project = tx.prepare_cached("SELECT 1 FROM projects WHERE pid = $1 FOR NO KEY UPDATE").await?;
    let holder = "SELECT 1 FROM integrations WHERE pid = $1 AND lease_token = $2 FOR UPDATE";
    let holder = tx.prepare_cached(holder).await?;
    // One round trip: sent one after the other, in this order.
    let params: [&(dyn ToSql + Sync); 2] = [&lease.pid, &lease.token];
    let (_, held) = tokio::try_join!(tx.execute(&project, &params[..1]), tx.query_opt(&holder, &params))?;
    held.map(|_| ()).ok_or(StoreError::LeaseLost)
}
