//! Projects: making, reading and forgetting them.

use crate::store::GenericClient;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::model::{Oid, Problem, ProjectId, Settings};

use super::files::oid_of;
use super::{Store, StoreError};

/// A project with what its integration shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectRow {
    pub pid: i64,
    pub id: String,
    pub revision: i64,
    pub files: i64,
    pub bytes: i64,
    pub pending: i64,
    pub settings: Settings,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Paths that wait for a person's decision.
    pub conflicts: i64,
    /// A sync runs, or one that a person asked for is about to.
    pub syncing: bool,
    /// None: not connected.
    pub link: Option<LinkRow>,
}

/// A connection to a repository's branch.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRow {
    pub repository_id: i64,
    pub full_name: String,
    pub private: bool,
    pub default_branch: String,
    pub url: String,
    pub branch: String,
    /// `connected`, `suspended` or `broken`.
    pub state: String,
    pub connected_by: String,
    pub connected_at: DateTime<Utc>,
    pub error: Option<Problem>,
    /// A sync that would delete much waits for a person.
    pub to_confirm: bool,
    pub last_sync_at: Option<DateTime<Utc>>,
    pub last_commit: Option<Oid>,
}

const SELECT: &str = "
    SELECT p.pid, p.id, p.revision, p.files, p.bytes, p.pending, p.settings, p.created_at, p.updated_at,
           i.repository_id, i.full_name, i.private, i.default_branch, i.url, i.branch, i.state, i.connected_by,
           i.connected_at, i.error, i.confirm IS NOT NULL, i.last_sync_at, i.last_commit,
           i.pid IS NOT NULL AND EXISTS (
               SELECT 1 FROM syncs s WHERE s.pid = p.pid AND s.connection = i.connection
               AND (s.status = 'running' OR s.status = 'queued' AND s.error IS NULL)),
           CASE WHEN i.pid IS NULL THEN 0 ELSE (SELECT count(*) FROM (
               SELECT f.key FROM files f WHERE f.pid = p.pid AND f.gh_changed AND NOT f.excluded
               AND (f.oid IS DISTINCT FROM f.base_oid OR f.mode IS DISTINCT FROM f.base_mode)
               AND (f.gh_oid IS DISTINCT FROM f.base_oid OR f.gh_mode IS DISTINCT FROM f.base_mode)
               AND (f.oid IS DISTINCT FROM f.gh_oid OR f.mode IS DISTINCT FROM f.gh_mode)
               UNION SELECT h.key FROM holds h WHERE h.pid = p.pid AND h.reason = 'collision') conflicts) END
    FROM projects p LEFT JOIN integrations i USING (pid)";

/// The project with this internal id.
pub async fn read(client: &impl GenericClient, pid: i64) -> Result<Option<ProjectRow>, StoreError> {
    let rows = select(client, "WHERE p.pid = $1", &[&pid]).await?;
    Ok(rows.into_iter().next())
}

async fn select(
    client: &impl GenericClient,
    condition: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<ProjectRow>, StoreError> {
    let select = client.prepare_cached(&format!("{SELECT} {condition}")).await?;
    client.query(&select, params).await?.iter().map(row_of).collect()
}

fn row_of(row: &Row) -> Result<ProjectRow, StoreError> {
    let connected: Option<i64> = row.try_get(9)?;
    Ok(ProjectRow {
        pid: row.try_get(0)?,
        id: row.try_get(1)?,
        revision: row.try_get(2)?,
        files: row.try_get(3)?,
        bytes: row.try_get(4)?,
        pending: row.try_get(5)?,
        settings: settings_of(row.try_get(6)?)?,
        created_at: row.try_get(7)?,
        updated_at: row.try_get(8)?,
        conflicts: row.try_get(23)?,
        syncing: row.try_get(22)?,
        link: connected.map(|repository_id| link_of(repository_id, row)).transpose()?,
    })
}

fn link_of(repository_id: i64, row: &Row) -> Result<LinkRow, StoreError> {
    let last_commit: Option<&[u8]> = row.try_get(21)?;
    let error: Option<Value> = row.try_get(18)?;
    Ok(LinkRow {
        repository_id,
        full_name: row.try_get(10)?,
        private: row.try_get(11)?,
        default_branch: row.try_get(12)?,
        url: row.try_get(13)?,
        branch: row.try_get(14)?,
        state: row.try_get(15)?,
        connected_by: row.try_get(16)?,
        connected_at: row.try_get(17)?,
        error: error.map(problem_of).transpose()?,
        to_confirm: row.try_get(19)?,
        last_sync_at: row.try_get(20)?,
        last_commit: last_commit.map(oid_of).transpose()?,
    })
}

/// A problem as rows hold it.
pub fn problem_of(stored: Value) -> Result<Problem, StoreError> {
    serde_json::from_value(stored).map_err(|why| StoreError::Internal(format!("a problem in a row: {why}")))
}

/// Settings as rows hold them; what an older version did not know has its default.
pub fn settings_of(stored: Value) -> Result<Settings, StoreError> {
    let mut all = serde_json::to_value(Settings::default()).map_err(internal)?;
    if let (Value::Object(all), Value::Object(stored)) = (&mut all, stored) {
        all.extend(stored);
    }
    serde_json::from_value(all).map_err(internal)
}

/// Makes the project, unless it is there; whether it was made.
pub async fn create(client: &impl GenericClient, project: &ProjectId) -> Result<bool, StoreError> {
    let settings = serde_json::to_value(Settings::default()).map_err(internal)?;
    let insert = "INSERT INTO projects (id, settings) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let insert = client.prepare_cached(insert).await?;
    Ok(client.execute(&insert, &[&project.as_str(), &settings]).await? == 1)
}

pub(super) fn internal(why: serde_json::Error) -> StoreError {
    StoreError::Internal(format!("settings: {why}"))
}

impl Store {
    /// The project with what its integration shows.
    pub async fn project(&self, project: &ProjectId) -> Result<Option<ProjectRow>, StoreError> {
        let rows = select(&self.client().await?, "WHERE p.id = $1", &[&project.as_str()]).await?;
        Ok(rows.into_iter().next())
    }

    /// Up to `limit` projects, newest first, those made before `before` (a `pid`).
    pub async fn projects(&self, before: Option<i64>, limit: i64) -> Result<Vec<ProjectRow>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        select(&self.client().await?, "WHERE p.pid < $1 ORDER BY p.pid DESC LIMIT $2", &[&before, &limit]).await
    }

    /// The internal id of a project.
    pub async fn pid_of(&self, project: &ProjectId) -> Result<Option<i64>, StoreError> {
        let client = self.client().await?;
        let select = client.prepare_cached("SELECT pid FROM projects WHERE id = $1").await?;
        Ok(client.query_opt(&select, &[&project.as_str()]).await?.map(|row| row.get(0)))
    }

    /// Internal ids behind this one, in their order.
    pub async fn pids_after(&self, after: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
        let client = self.client().await?;
        let rows =
            client.query("SELECT pid FROM projects WHERE pid > $1 ORDER BY pid LIMIT $2", &[&after, &limit]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
