//! History: one row for each sync that a person asked for, or that had an effect or an error.

use crate::store::GenericClient;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::integrations::{json, oid};
use super::{Store, StoreError, Transaction};
use crate::model::{Author, ChangeKind, Direction, Entry, FilePath, Mode, Oid, Problem, SyncKind, SyncStatus};

/// A history row as it is kept.
#[derive(Debug, Clone)]
pub struct Sync {
    pub id: Uuid,
    pub pid: i64,
    pub connection: Uuid,
    pub kind: SyncKind,
    pub direction: Direction,
    pub status: SyncStatus,
    pub commit: Option<Oid>,
    pub commit_url: Option<String>,
    pub message: Option<String>,
    pub author: Option<Author>,
    pub branch: String,
    pub pull_request: Option<i64>,
    pub files_changed: i64,
    pub revision: i64,
    pub snapshot: Option<i64>,
    pub attempts: i32,
    pub error: Option<Problem>,
    pub intent: Option<Intent>,
    pub queued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub progress: Option<(i64, i64)>,
}

/// What is about to be asked of GitHub. After a crash or a lost answer it tells our own commit from
/// others': the parent it was to have, its message, and (in `sync_files`) what it was to hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Intent {
    /// `None`: the root commit of an empty repository.
    pub parent: Option<Oid>,
    pub message: String,
    /// The only path of the placeholder commit that a new branch starts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<(FilePath, Oid)>,
}

/// One path that a sync changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncFile {
    pub path: FilePath,
    pub change: ChangeKind,
    pub from: Option<FilePath>,
    pub old: Option<Entry>,
    pub new: Option<Entry>,
}

const COLUMNS: &str = "id, pid, connection, kind, direction, status, commit_sha, commit_url, message, author, branch,
    pull_request, files_changed, revision, snapshot, attempts, error, intent, queued_at, started_at, finished_at,
    progress_done, progress_total";

impl Sync {
    /// A row that waits to be worked on.
    pub fn queued(
        id: Uuid,
        pid: i64,
        connection: Uuid,
        kind: SyncKind,
        branch: &str,
        revision: i64,
        now: DateTime<Utc>,
    ) -> Self {
        Sync {
            id,
            pid,
            connection,
            kind,
            direction: Direction::None,
            status: SyncStatus::Queued,
            commit: None,
            commit_url: None,
            message: None,
            author: None,
            branch: branch.to_owned(),
            pull_request: None,
            files_changed: 0,
            revision,
            snapshot: None,
            attempts: 0,
            error: None,
            intent: None,
            queued_at: now,
            started_at: None,
            finished_at: None,
            progress: None,
        }
    }

    /// What was to be pushed did not happen.
    pub fn forget_push(&mut self) {
        self.intent = None;
        self.direction = match self.direction {
            Direction::Both | Direction::Pull => Direction::Pull,
            Direction::Push | Direction::None => Direction::None,
        };
    }

    pub(super) fn from_row(row: &Row) -> Result<Self, StoreError> {
        let word = |column: &str| row.try_get::<_, String>(column).map_err(StoreError::from);
        let done: Option<i64> = row.try_get("progress_done")?;
        let total: Option<i64> = row.try_get("progress_total")?;
        Ok(Sync {
            id: row.try_get("id")?,
            pid: row.try_get("pid")?,
            connection: row.try_get("connection")?,
            kind: word("kind")?.parse().map_err(StoreError::Internal)?,
            direction: word("direction")?.parse().map_err(StoreError::Internal)?,
            status: word("status")?.parse().map_err(StoreError::Internal)?,
            commit: oid(row, "commit_sha")?,
            commit_url: row.try_get("commit_url")?,
            message: row.try_get("message")?,
            author: json(row, "author")?,
            branch: row.try_get("branch")?,
            pull_request: row.try_get("pull_request")?,
            files_changed: row.try_get("files_changed")?,
            revision: row.try_get("revision")?,
            snapshot: row.try_get("snapshot")?,
            attempts: row.try_get("attempts")?,
            error: json(row, "error")?,
            intent: json(row, "intent")?,
            queued_at: row.try_get("queued_at")?,
            started_at: row.try_get("started_at")?,
            finished_at: row.try_get("finished_at")?,
            progress: done.zip(total),
        })
    }
}

/// Writes the row, new or as it has become. A person may have joined it since it was read: then it
/// stays what they asked for.
pub async fn save(client: &impl GenericClient, sync: &Sync) -> Result<(), StoreError> {
    let as_json = |what: &dyn erased::Json| what.value();
    let progress = sync.progress.unzip();
    client
        .execute(
            "INSERT INTO syncs (id, pid, connection, kind, direction, status, commit_sha, commit_url, message, author, branch,
                 pull_request, files_changed, revision, snapshot, attempts, error, intent, queued_at, started_at, finished_at,
                 progress_done, progress_total)
             VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23)
             ON CONFLICT (id) DO UPDATE SET kind = CASE WHEN excluded.kind = 'auto' THEN syncs.kind ELSE excluded.kind END, direction = excluded.direction, status = excluded.status,
                 commit_sha = excluded.commit_sha, commit_url = excluded.commit_url, message = excluded.message,
                 author = CASE WHEN excluded.kind = 'auto' AND syncs.kind <> 'auto' THEN coalesce(syncs.author, excluded.author)
                              ELSE excluded.author END, branch = excluded.branch, pull_request = excluded.pull_request,
                 files_changed = excluded.files_changed, revision = excluded.revision, snapshot = excluded.snapshot,
                 attempts = excluded.attempts, error = excluded.error, intent = excluded.intent,
                 started_at = excluded.started_at, finished_at = excluded.finished_at,
                 progress_done = excluded.progress_done, progress_total = excluded.progress_total",
            &[
                &sync.id,
                &sync.pid,
                &sync.connection,
                &sync.kind.as_str(),
                &sync.direction.as_str(),
                &sync.status.as_str(),
                &sync.commit.as_ref().map(Oid::as_bytes),
                &sync.commit_url,
                &sync.message,
                &as_json(&sync.author),
                &sync.branch,
                &sync.pull_request,
                &sync.files_changed,
                &sync.revision,
                &sync.snapshot,
                &sync.attempts,
                &as_json(&sync.error),
                &as_json(&sync.intent),
                &sync.queued_at,
                &sync.started_at,
                &sync.finished_at,
                &progress.0,
                &progress.1,
            ],
        )
        .await?;
    Ok(())
}

mod erased {
    //! An optional value as a JSON column takes it.

    pub trait Json {
        fn value(&self) -> Option<serde_json::Value>;
    }

    impl<T: serde::Serialize> Json for Option<T> {
        fn value(&self) -> Option<serde_json::Value> {
            self.as_ref().and_then(|inner| serde_json::to_value(inner).ok())
        }
    }
}

/// Replaces the list of what the sync changed.
pub async fn save_files(tx: &Transaction<'_>, pid: i64, sync: Uuid, files: &[SyncFile]) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sync_files WHERE sync_id = $1", &[&sync]).await?;
    for chunk in files.chunks(2000) {
        let keys: Vec<Vec<u8>> = chunk.iter().map(|file| file.path.key()).collect();
        let paths: Vec<&str> = chunk.iter().map(|file| file.path.as_str()).collect();
        let changes: Vec<&str> = chunk.iter().map(|file| file.change.as_str()).collect();
        let from: Vec<Option<&str>> = chunk.iter().map(|file| file.from.as_ref().map(FilePath::as_str)).collect();
        let side = |pick: fn(&SyncFile) -> Option<Entry>| -> (Vec<Option<Vec<u8>>>, Vec<Option<i32>>) {
            chunk.iter().map(|file| (pick(file).map(|e| e.oid.0.to_vec()), pick(file).map(|e| e.mode.as_i32()))).unzip()
        };
        let (old_oids, old_modes) = side(|file| file.old);
        let (new_oids, new_modes) = side(|file| file.new);
        tx.execute(
            "INSERT INTO sync_files (sync_id, pid, key, path, change, from_path, old_oid, old_mode, new_oid, new_mode)
             SELECT $1, $2, * FROM unnest($3::bytea[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::int[], $9::bytea[], $10::int[])",
            &[&sync, &pid, &keys, &paths, &changes, &from, &old_oids, &old_modes, &new_oids, &new_modes],
        )
        .await?;
    }
    Ok(())
}

/// The sync's files, by path.
pub async fn files(client: &impl GenericClient, sync: Uuid, limit: i64) -> Result<Vec<SyncFile>, StoreError> {
    files_where(client, sync, "true", limit).await
}

/// Those of its files for which a condition holds.
pub(super) async fn files_where(
    client: &impl GenericClient,
    sync: Uuid,
    condition: &'static str,
    limit: i64,
) -> Result<Vec<SyncFile>, StoreError> {
    let sql = format!(
        "SELECT path, change, from_path, old_oid, old_mode, new_oid, new_mode FROM sync_files
         WHERE sync_id = $1 AND {condition} ORDER BY key LIMIT $2"
    );
    let rows = client.query(&sql, &[&sync, &limit]).await?;
    rows.iter().map(file_from_row).collect()
}

fn file_from_row(row: &Row) -> Result<SyncFile, StoreError> {
    let path = |column: &str| -> Result<Option<FilePath>, StoreError> {
        let text: Option<String> = row.try_get(column)?;
        text.map(FilePath::parse).transpose().map_err(|why| StoreError::Internal(why.to_string()))
    };
    Ok(SyncFile {
        path: path("path")?.ok_or_else(|| StoreError::Internal("a sync file without a path".to_owned()))?,
        change: row.try_get::<_, String>("change")?.parse().map_err(StoreError::Internal)?,
        from: path("from_path")?,
        old: entry(row, "old_oid", "old_mode")?,
        new: entry(row, "new_oid", "new_mode")?,
    })
}

/// One side of a row: both columns, or neither.
pub(super) fn entry(row: &Row, oid_column: &str, mode_column: &str) -> Result<Option<Entry>, StoreError> {
    let mode: Option<i32> = row.try_get(mode_column)?;
    match (oid(row, oid_column)?, mode) {
        (Some(oid), Some(mode)) => {
            let mode = Mode::from_i32(mode).map_err(|why| StoreError::Internal(why.to_string()))?;
            Ok(Some(Entry { oid, mode }))
        }
        _ => Ok(None),
    }
}

/// A position in a list that is newest first: the id of the last row seen.
pub type Before = Option<Uuid>;

impl Store {
    /// The history, newest first, before the given row.
    pub async fn syncs(
        &self,
        pid: i64,
        status: Option<SyncStatus>,
        before: Before,
        limit: i64,
    ) -> Result<Vec<Sync>, StoreError> {
        let client = self.client().await?;
        let before = before.unwrap_or(Uuid::max());
        let rows = match status {
            None => {
                let sql = format!("SELECT {COLUMNS} FROM syncs WHERE pid = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
                client.query(&client.prepare_cached(&sql).await?, &[&pid, &before, &limit]).await?
            }
            Some(status) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM syncs WHERE pid = $1 AND status = $4 AND id < $2 ORDER BY id DESC LIMIT $3"
                );
                client.query(&client.prepare_cached(&sql).await?, &[&pid, &before, &limit, &status.as_str()]).await?
            }
        };
        rows.iter().map(Sync::from_row).collect()
    }

    pub async fn sync(&self, pid: i64, id: Uuid) -> Result<Option<Sync>, StoreError> {
        let client = self.client().await?;
        by_id(&client, pid, id).await
    }

    pub async fn sync_files(&self, id: Uuid, limit: i64) -> Result<Vec<SyncFile>, StoreError> {
        let client = self.client().await?;
        files(&client, id, limit).await
    }

    /// Files of several syncs at once, at most `limit` each.
    pub async fn sync_files_of(&self, ids: &[Uuid], limit: i64) -> Result<Vec<(Uuid, SyncFile)>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT s.id AS sync_id, f.* FROM unnest($1::uuid[]) s(id) CROSS JOIN LATERAL
                 (SELECT path, change, from_path, old_oid, old_mode, new_oid, new_mode FROM sync_files
                  WHERE sync_id = s.id ORDER BY key LIMIT $2) f",
                &[&ids, &limit],
            )
            .await?;
        rows.iter().map(|row| Ok((row.try_get("sync_id")?, file_from_row(row)?))).collect()
    }

    /// Whether one of these commits is this project's own.
    pub async fn sync_of_commit(&self, pid: i64, commit: Oid) -> Result<Option<Uuid>, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_opt("SELECT id FROM syncs WHERE pid = $1 AND commit_sha = $2 LIMIT 1", &[&pid, &commit.as_bytes()])
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}

pub async fn by_id(client: &impl GenericClient, pid: i64, id: Uuid) -> Result<Option<Sync>, StoreError> {
    let row =
        client.query_opt(&format!("SELECT {COLUMNS} FROM syncs WHERE id = $1 AND pid = $2"), &[&id, &pid]).await?;
    row.as_ref().map(Sync::from_row).transpose()
}

/// Makes it the integration's unfinished row.
pub async fn attach(tx: &Transaction<'_>, pid: i64, id: Uuid) -> Result<(), StoreError> {
    let sql = "UPDATE integrations SET sync_id = $2 WHERE pid = $1 AND (sync_id IS NULL OR sync_id = $2)";
    match tx.execute(sql, &[&pid, &id]).await? {
        0 => Err(StoreError::Contended("another sync was asked for meanwhile".to_owned())),
        _ => Ok(()),
    }
}

/// A look that came to nothing leaves no row, unless a person joined it: then false.
pub async fn delete_unasked(tx: &Transaction<'_>, id: Uuid) -> Result<bool, StoreError> {
    let asked = tx.query_opt("SELECT 1 FROM syncs WHERE id = $1 AND kind <> 'auto'", &[&id]).await?.is_some();
    if !asked {
        tx.execute("DELETE FROM syncs WHERE id = $1", &[&id]).await?;
    }
    Ok(!asked)
}

/// A person joins an unfinished row: from now on it is what they asked for.
pub async fn join(
    tx: &Transaction<'_>,
    pid: i64,
    id: Uuid,
    kind: SyncKind,
    author: &Option<Author>,
) -> Result<(), StoreError> {
    let author = author.as_ref().and_then(|author| serde_json::to_value(author).ok());
    tx.execute(
        "UPDATE syncs SET kind = $2, author = coalesce($3, author) WHERE id = $1 AND kind = 'auto'",
        &[&id, &kind.as_str(), &author],
    )
    .await?;
    ask(tx, pid, kind).await
}

/// A person waits for what the next look does: a sync of everything, or only what settles conflicts.
pub async fn ask(tx: &Transaction<'_>, pid: i64, kind: SyncKind) -> Result<(), StoreError> {
    let sql = match kind {
        SyncKind::Resolve => "UPDATE integrations SET settling_at = clock_timestamp() WHERE pid = $1",
        _ => "UPDATE integrations SET asked_at = clock_timestamp() WHERE pid = $1",
    };
    tx.execute(sql, &[&pid]).await?;
    Ok(())
}

/// The database's clock.
pub async fn clock(tx: &Transaction<'_>) -> Result<DateTime<Utc>, StoreError> {
    Ok(tx.query_one("SELECT clock_timestamp()", &[]).await?.try_get(0)?)
}

/// Whether the newest finished row says the same of the same revision.
pub async fn repeats_failure(tx: &Transaction<'_>, sync: &Sync) -> Result<bool, StoreError> {
    let code = sync.error.as_ref().map(|problem| problem.code.as_str());
    let row = tx
        .query_opt(
            "SELECT status = 'failed' AND revision = $3 AND error->>'code' IS NOT DISTINCT FROM $4 FROM syncs
             WHERE pid = $1 AND id <> $2 AND connection = $5 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1",
            &[&sync.pid, &sync.id, &sync.revision, &code, &sync.connection],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
}

/// Gives up the project's unfinished rows, or this one; answers what they were.
pub async fn cancel(tx: &Transaction<'_>, pid: i64, only: Option<Uuid>) -> Result<Vec<SyncKind>, StoreError> {
    let rows = tx
        .query(
            "UPDATE syncs SET status = 'canceled', finished_at = now(), progress_done = NULL, progress_total = NULL
             WHERE pid = $1 AND status IN ('queued', 'running') AND id = coalesce($2, id) RETURNING kind",
            &[&pid, &only],
        )
        .await?;
    rows.iter().map(|row| row.try_get::<_, String>(0)?.parse().map_err(StoreError::Internal)).collect()
}

/// Keeps a sync that was given up where operators see it.
/// `pull`: the pull request that it was to make.
pub async fn bury(
    tx: &Transaction<'_>,
    project: &str,
    sync: &Sync,
    pull: Option<i64>,
    error: &Problem,
) -> Result<(), StoreError> {
    let error = serde_json::to_value(error).unwrap_or_default();
    let payload = serde_json::json!({ "pid": sync.pid, "sync": sync.id, "pull": pull });
    tx.execute(
        "INSERT INTO dead_letters (id, kind, pid, project, attempts, error, payload) VALUES ($1, 'sync', $2, $3, $4, $5, $6)",
        &[&Uuid::now_v7(), &sync.pid, &project, &sync.attempts, &error, &payload],
    )
    .await?;
    Ok(())
}
