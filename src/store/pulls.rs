//! Pull requests that Lockstep opened, what they carry, and the paths they hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::GenericClient;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::integrations::{json, oid};
use super::pull_edits::CAME_IN;
use super::syncs::entry;
use super::{Store, StoreError, Transaction, pull_holds};
use crate::model::{Entry, FilePath, Oid, Problem};

/// One pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    pub id: i64,
    pub pid: i64,
    pub connection: Uuid,
    pub repository_id: i64,
    /// `None` while it is being made.
    pub number: Option<i64>,
    pub sync_id: Option<Uuid>,
    pub url: Option<String>,
    pub title: String,
    pub body: String,
    /// `creating open draft merged closed`
    pub state: String,
    pub branch: String,
    pub base: String,
    /// What the branch was made from.
    pub base_commit: Option<Oid>,
    /// The newest commit of the branch that Lockstep knows.
    pub head_commit: Option<Oid>,
    pub checks: String,
    pub review: String,
    pub mergeable: Option<bool>,
    pub merge_commit: Option<Oid>,
    pub draft: bool,
    /// Carries the project's side of conflicts, while the project has GitHub's.
    pub proposed: bool,
    pub released: bool,
    /// Making it failed again and again: it waits for a retry of its dead letter.
    pub given_up: bool,
    pub problem: Option<Problem>,
    pub attempts: i32,
    pub created_by: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a pull request carries of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// The project's version, on the pull request's branch.
    pub entry: Option<Entry>,
    /// What the base had there.
    pub old: Option<Entry>,
    /// The project has taken GitHub's version over since: that is no edit of this one.
    pub came_in: bool,
}

pub type Carries = BTreeMap<FilePath, Carried>;

const COLUMNS: &str =
    "id, pid, connection, repository_id, number, sync_id, url, title, body, state, branch, base, base_commit,
    head_commit, checks, review, mergeable, merge_commit, draft, proposed, released, given_up, problem, attempts, created_by,
    created_at, updated_at";

impl Pull {
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "open" | "draft")
    }

    /// Whether what it carries is kept from the sync branch.
    pub fn holds_paths(&self) -> bool {
        self.is_open() || (self.state == "creating" && (self.proposed || !self.given_up))
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Pull {
            id: row.try_get("id")?,
            pid: row.try_get("pid")?,
            connection: row.try_get("connection")?,
            repository_id: row.try_get("repository_id")?,
            number: row.try_get("number")?,
            sync_id: row.try_get("sync_id")?,
            url: row.try_get("url")?,
            title: row.try_get("title")?,
            body: row.try_get("body")?,
            state: row.try_get("state")?,
            branch: row.try_get("branch")?,
            base: row.try_get("base")?,
            base_commit: oid(row, "base_commit")?,
            head_commit: oid(row, "head_commit")?,
            checks: row.try_get("checks")?,
            review: row.try_get("review")?,
            mergeable: row.try_get("mergeable")?,
            merge_commit: oid(row, "merge_commit")?,
            draft: row.try_get("draft")?,
            proposed: row.try_get("proposed")?,
            released: row.try_get("released")?,
            given_up: row.try_get("given_up")?,
            problem: json(row, "problem")?,
            attempts: row.try_get("attempts")?,
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// Writes a new pull request, what it carries, and holds its paths. The id of `pull` is ignored.
pub async fn insert(tx: &Transaction<'_>, pull: &Pull, carries: &Carries) -> Result<i64, StoreError> {
    let base_commit = pull.base_commit.map(|oid| oid.0.to_vec());
    let row = tx
        .query_one(
            "INSERT INTO pull_requests (pid, connection, repository_id, sync_id, title, body, state, branch, base, base_commit,
                 draft, proposed, created_by, due_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'creating', $7, $8, $9, $10, $11, $12, now() + interval '1 minute') RETURNING id",
            &[
                &pull.pid, &pull.connection, &pull.repository_id, &pull.sync_id, &pull.title, &pull.body, &pull.branch,
                &pull.base, &base_commit, &pull.draft, &pull.proposed, &pull.created_by,
            ],
        )
        .await?;
    let id: i64 = row.try_get(0)?;
    carry(tx, pull.pid, id, carries).await?;
    pull_holds::hold(tx, pull.pid, id).await?;
    Ok(id)
}

/// What the pull request carries of these paths.
pub async fn carry(tx: &Transaction<'_>, pid: i64, id: i64, carries: &Carries) -> Result<(), StoreError> {
    let all: Vec<(&FilePath, &Carried)> = carries.iter().collect();
    for chunk in all.chunks(2000) {
        let keys: Vec<Vec<u8>> = chunk.iter().map(|(path, _)| path.key()).collect();
        let paths: Vec<&str> = chunk.iter().map(|(path, _)| path.as_str()).collect();
        let side = |pick: fn(&Carried) -> Option<Entry>| -> (Vec<Option<Vec<u8>>>, Vec<Option<i32>>) {
            let pair = |entry: Option<Entry>| (entry.map(|e| e.oid.0.to_vec()), entry.map(|e| e.mode.as_i32()));
            chunk.iter().map(|(_, carried)| pair(pick(carried))).unzip()
        };
        let (oids, modes) = side(|carried| carried.entry);
        let (old_oids, old_modes) = side(|carried| carried.old);
        let came_in: Vec<bool> = chunk.iter().map(|(_, carried)| carried.came_in).collect();
        tx.execute(
            "INSERT INTO pull_request_files (pull_request, pid, key, path, oid, mode, old_oid, old_mode, came_in)
             SELECT $1, $2, * FROM unnest($3::bytea[], $4::text[], $5::bytea[], $6::int[], $7::bytea[], $8::int[], $9::boolean[])
             ON CONFLICT (pull_request, key) DO UPDATE SET oid = excluded.oid, mode = excluded.mode, came_in = excluded.came_in",
            &[&id, &pid, &keys, &paths, &oids, &modes, &old_oids, &old_modes, &came_in],
        )
        .await?;
    }
    Ok(())
}

/// Making it goes on at this time, after so many attempts.
pub async fn make_later(
    tx: &Transaction<'_>,
    id: i64,
    at: DateTime<Utc>,
    attempts: i32,
    problem: &Problem,
) -> Result<(), StoreError> {
    let problem = serde_json::to_value(problem).unwrap_or_default();
    tx.execute(
        "UPDATE pull_requests SET due_at = $2, problem = $3, attempts = $4 WHERE id = $1 AND number IS NULL",
        &[&id, &at, &problem, &attempts],
    )
    .await?;
    Ok(())
}

/// Nobody tries to make it any more: its changes are pending again and wait for a person, unless the
/// project has others in their place.
pub async fn give_up(tx: &Transaction<'_>, pull: &Pull, problem: &Problem) -> Result<(), StoreError> {
    let problem = serde_json::to_value(problem).unwrap_or_default();
    tx.execute(
        "UPDATE pull_requests SET given_up = true, due_at = NULL, problem = $2 WHERE id = $1",
        &[&pull.id, &problem],
    )
    .await?;
    if pull.proposed { Ok(()) } else { pull_holds::hold_for_person(tx, pull).await }
}

/// What was given up is tried again from its first attempt; false, and forgotten, when nothing of it
/// is pending any more.
pub async fn take_up(tx: &Transaction<'_>, id: i64) -> Result<bool, StoreError> {
    let taken = tx
        .query_opt(
            "UPDATE pull_requests p SET given_up = false, due_at = now(), attempts = 0, problem = NULL
             WHERE id = $1 AND given_up AND number IS NULL AND (proposed OR EXISTS (
                 SELECT FROM holds h JOIN files f ON f.pid = h.pid AND f.key = h.key
                 WHERE h.pull_request = p.id AND (f.oid, f.mode) IS DISTINCT FROM (f.base_oid, f.base_mode)))
             RETURNING pid, sync_id",
            &[&id],
        )
        .await?;
    let Some(row) = taken else {
        let given_up = tx.query_opt("SELECT pid FROM pull_requests WHERE id = $1 AND given_up", &[&id]).await?;
        if let Some(row) = given_up {
            pull_holds::forget(tx, row.try_get(0)?, id).await?;
        }
        return Ok(false);
    };
    pull_holds::hold(tx, row.try_get("pid")?, id).await?;
    tx.execute(
        "UPDATE syncs SET status = 'queued', error = NULL, finished_at = NULL WHERE id = $1",
        &[&row.try_get::<_, Option<Uuid>>("sync_id")?],
    )
    .await?;
    Ok(true)
}

/// Writes what may change of it.
pub async fn save(client: &impl GenericClient, pull: &Pull) -> Result<(), StoreError> {
    let bytes = |oid: Option<Oid>| oid.map(|oid| oid.0.to_vec());
    let problem = pull.problem.as_ref().and_then(|problem| serde_json::to_value(problem).ok());
    client
        .execute(
            "UPDATE pull_requests SET number = $2, url = $3, title = $4, state = $5, branch = $6, base = $7, base_commit = $8,
                 head_commit = $9, checks = $10, review = $11, mergeable = $12, merge_commit = $13, problem = $14,
                 attempts = $15, updated_at = $16, released = $17, due_at = CASE WHEN $2::bigint IS NULL THEN due_at END
             WHERE id = $1",
            &[
                &pull.id, &pull.number, &pull.url, &pull.title, &pull.state, &pull.branch, &pull.base,
                &bytes(pull.base_commit), &bytes(pull.head_commit), &pull.checks, &pull.review, &pull.mergeable,
                &bytes(pull.merge_commit), &problem, &pull.attempts, &pull.updated_at, &pull.released,
            ],
        )
        .await?;
    if pull.is_open() { pull_holds::took_over(client, pull.id).await } else { Ok(()) }
}

/// Lockstep's newest commit on its branch. Whatever else the row says is others' to write.
pub async fn head_is(tx: &Transaction<'_>, id: i64, head: Oid) -> Result<(), StoreError> {
    tx.execute("UPDATE pull_requests SET head_commit = $2 WHERE id = $1", &[&id, &head.0.to_vec()]).await?;
    Ok(())
}

pub async fn by_id(client: &impl GenericClient, id: i64) -> Result<Option<Pull>, StoreError> {
    let row = client.query_opt(&format!("SELECT {COLUMNS} FROM pull_requests WHERE id = $1"), &[&id]).await?;
    row.as_ref().map(Pull::from_row).transpose()
}

impl Store {
    pub async fn pull(&self, id: i64) -> Result<Option<Pull>, StoreError> {
        by_id(&self.client().await?, id).await
    }

    /// By its number in the connected repository.
    pub async fn pull_by_number(&self, pid: i64, number: i64) -> Result<Option<Pull>, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                &format!(
                    "SELECT {COLUMNS} FROM pull_requests p WHERE pid = $1 AND number = $2
                     AND repository_id = (SELECT repository_id FROM integrations i WHERE i.pid = p.pid)"
                ),
                &[&pid, &number],
            )
            .await?;
        row.as_ref().map(Pull::from_row).transpose()
    }

    /// Whether another row of the repository is the pull request of this number.
    pub async fn is_number_of_another(&self, pull: &Pull, number: i64) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT EXISTS (SELECT FROM pull_requests WHERE repository_id = $1 AND number = $2 AND id <> $3)";
        Ok(client.query_one(sql, &[&pull.repository_id, &number, &pull.id]).await?.try_get(0)?)
    }

    /// Which of these names branches of the repository's pull requests ever had.
    pub async fn names_of_pulls(&self, repository: i64, names: &[String]) -> Result<BTreeSet<String>, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT DISTINCT branch FROM pull_requests WHERE repository_id = $1 AND branch = ANY($2)";
        let rows = client.query(sql, &[&repository, &names]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Newest first, before the given row.
    pub async fn pulls(&self, pid: i64, before: Option<i64>, limit: i64) -> Result<Vec<Pull>, StoreError> {
        let client = self.client().await?;
        let before = before.unwrap_or(i64::MAX);
        let rows = client
            .query(
                &format!(
                    "SELECT {COLUMNS} FROM pull_requests p WHERE pid = $1 AND id < $2 AND number IS NOT NULL
                     AND repository_id = (SELECT repository_id FROM integrations i WHERE i.pid = p.pid) ORDER BY id DESC LIMIT $3"
                ),
                &[&pid, &before, &limit],
            )
            .await?;
        rows.iter().map(Pull::from_row).collect()
    }

    /// Those of a connection that are being made, open, or merged and not looked at since.
    pub async fn live_pulls(&self, pid: i64, connection: Uuid) -> Result<Vec<Pull>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                &format!(
                    "SELECT {COLUMNS} FROM pull_requests WHERE pid = $1 AND connection = $2
                     AND (state IN ('creating', 'open', 'draft') OR (state = 'merged' AND NOT released)) ORDER BY id"
                ),
                &[&pid, &connection],
            )
            .await?;
        rows.iter().map(Pull::from_row).collect()
    }

    pub async fn carried(&self, id: i64) -> Result<Carries, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                &format!(
                    "SELECT c.path, c.oid, c.mode, c.old_oid, c.old_mode, {CAME_IN} AS came_in FROM pull_request_files c
                     JOIN pull_requests q ON q.id = c.pull_request WHERE c.pull_request = $1 ORDER BY c.key"
                ),
                &[&id],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let path = FilePath::parse(row.try_get::<_, String>("path")?)
                    .map_err(|why| StoreError::Internal(why.to_string()))?;
                let (entry, old) = (entry(row, "oid", "mode")?, entry(row, "old_oid", "old_mode")?);
                Ok((path, Carried { entry, old, came_in: row.try_get("came_in")? }))
            })
            .collect()
    }

    /// Paths of several, for a list.
    pub async fn carried_paths(&self, ids: &[i64]) -> Result<BTreeMap<i64, Vec<String>>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query("SELECT pull_request, path FROM pull_request_files WHERE pull_request = ANY($1) ORDER BY pull_request, key", &[&ids])
            .await?;
        let mut paths: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for row in &rows {
            paths.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
        }
        Ok(paths)
    }

    /// Its status is being read: what changes from now on is another reason to read it. Answers the
    /// number of this reading.
    pub async fn status_taken(&self, id: i64) -> Result<i64, StoreError> {
        let client = self.client().await?;
        let sql = "UPDATE pull_requests SET status_due = false, status_reads = status_reads + 1 WHERE id = $1
                   RETURNING status_reads";
        let row = client.query_opt(sql, &[&id]).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(0))
    }

    /// Its status could not be read: again at `at`, after so many attempts that failed.
    pub async fn read_status_later(&self, id: i64, attempts: i32, at: DateTime<Utc>) -> Result<(), StoreError> {
        let client = self.client().await?;
        let sql = "UPDATE pull_requests SET status_due = true, attempts = $2, due_at = $3
                   WHERE id = $1 AND number IS NOT NULL";
        client.execute(sql, &[&id, &attempts, &at]).await?;
        Ok(())
    }

    /// Those whose status may have changed without a word: all that are open, of connected projects.
    pub async fn mark_open_pulls(&self) -> Result<Vec<i64>, StoreError> {
        let client = self.client().await?;
        let sql = "UPDATE pull_requests p SET status_due = true, attempts = 0, due_at = NULL FROM integrations i
                   WHERE i.pid = p.pid AND i.connection = p.connection AND i.state = 'connected'
                     AND p.number IS NOT NULL AND p.state IN ('open', 'draft') RETURNING p.id";
        let rows = client.query(sql, &[]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Its connection is no more: it is not made any more.
    pub async fn stop_making(&self, id: i64) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("UPDATE pull_requests SET due_at = NULL WHERE id = $1 AND number IS NULL", &[&id]).await?;
        Ok(())
    }
}

/// Its status was read: what failed before does not count any more.
pub async fn status_read(client: &impl GenericClient, id: i64) -> Result<(), StoreError> {
    let sql = "UPDATE pull_requests SET attempts = 0, due_at = NULL WHERE id = $1 AND number IS NOT NULL
               AND (attempts > 0 OR due_at IS NOT NULL)";
    client.execute(sql, &[&id]).await?;
    Ok(())
}

/// Whether there was word of it that nobody followed yet.
pub async fn is_status_due(client: &impl GenericClient, id: i64) -> Result<bool, StoreError> {
    let row = client.query_opt("SELECT status_due FROM pull_requests WHERE id = $1", &[&id]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
}

/// Whether nobody began a later reading of its status than this one.
pub async fn is_last_reading(client: &impl GenericClient, id: i64, reading: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM pull_requests WHERE id = $1 AND status_reads = $2";
    Ok(client.query_opt(sql, &[&id, &reading]).await?.is_some())
}

/// The paths it carries.
pub async fn paths(client: &impl GenericClient, id: i64) -> Result<Vec<String>, StoreError> {
    let rows = client.query("SELECT path FROM pull_request_files WHERE pull_request = $1 ORDER BY key", &[&id]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Holds the project's row, as everybody does who writes one of its events.
pub async fn lock_project(tx: &Transaction<'_>, pid: i64) -> Result<(), StoreError> {
    tx.execute("SELECT 1 FROM projects WHERE pid = $1 FOR NO KEY UPDATE", &[&pid]).await?;
    Ok(())
}
