//! Writing what a look found and did: every function one transaction, under the lease.
//!
//! The project may have been edited since the snapshot. A path whose project side is not what the
//! plan saw is left as the person made it; only what GitHub has is noted, and the next look decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::integrations::{Lease, Recorded, lock};
use super::syncs::entry;
use super::{Store, StoreError, Transaction, pull_holds};
use crate::model::path::key_of;
use crate::model::{Entry, FilePath};

/// What becomes of one path when GitHub's side is absorbed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absorb {
    /// The project's side as the plan saw it.
    pub seen: Option<Entry>,
    /// Base as the plan saw it: a person may have resolved the path since.
    pub seen_base: Option<Entry>,
    /// The project's side as it is to be; the same as `seen` when it stays.
    pub project: Option<Entry>,
    /// Bytes of the new project side.
    pub size: i64,
    pub base: Option<Entry>,
    /// GitHub's side at the head that is recorded.
    pub github: Option<Entry>,
    pub github_size: Option<i64>,
}

/// What absorbing did.
#[derive(Debug, Default)]
pub struct Absorbed {
    /// The project's revision afterwards.
    pub revision: i64,
    /// Paths whose project side was changed.
    pub changed: BTreeSet<FilePath>,
    /// Paths that were edited, or got a file or folder in their way, since the snapshot.
    pub moved_on: BTreeSet<FilePath>,
    /// Whether any of those was edited: then there is something new to plan.
    pub edited: bool,
}

/// Writes all paths and the new revision. What the project's files were stays known to snapshots
/// with numbers up to `upto`. The caller holds the project's row lock.
pub async fn absorb(
    tx: &Transaction<'_>,
    pid: i64,
    upto: i64,
    paths: &BTreeMap<FilePath, Absorb>,
) -> Result<Absorbed, StoreError> {
    let present = present_sides(tx, pid, paths).await?;
    let blocked = blocked_paths(tx, pid, paths, &present).await?;
    let (mut moved_on, mut edited) = (BTreeSet::new(), false);
    let mut changed = BTreeSet::new();
    let mut writes = Writes::default();
    for (path, absorb) in paths {
        let now = present.get(path).copied().unwrap_or_default();
        if now != (absorb.seen, absorb.seen_base) || blocked.contains(path) {
            edited |= now != (absorb.seen, absorb.seen_base);
            moved_on.insert(path.clone());
            writes.note_github(path, absorb);
        } else {
            if absorb.project != absorb.seen {
                changed.insert(path.clone());
            }
            writes.all_sides(path, absorb, absorb.project != absorb.seen);
        }
    }
    save_undo(tx, pid, upto, &changed).await?;
    let revision = bump_revision(tx, pid, !changed.is_empty()).await?;
    writes.run(tx, pid, revision).await?;
    remove_empty(tx, pid, &writes.keys()).await?;
    Ok(Absorbed { revision, changed, moved_on, edited })
}

/// Records the head whose tree the rows now reflect; `whole`: all of it was compared.
pub async fn set_head(tx: &Transaction<'_>, pid: i64, head: Option<Recorded>, whole: bool) -> Result<(), StoreError> {
    let (commit, tree) = head.map(|head| (head.commit.0.to_vec(), head.tree.0.to_vec())).unzip();
    tx.execute(
        "UPDATE integrations SET head_commit = $2, head_tree = $3, rescan = rescan AND NOT $4 WHERE pid = $1",
        &[&pid, &commit, &tree, &whole],
    )
    .await?;
    Ok(())
}

/// What was pushed is agreed on now; a later edit of the same path stays pending.
pub async fn agree_on_push(
    tx: &Transaction<'_>,
    pid: i64,
    pushed: &BTreeMap<FilePath, Option<Entry>>,
) -> Result<(), StoreError> {
    let paths: Vec<&FilePath> = pushed.keys().collect();
    for chunk in paths.chunks(2000) {
        let keys: Vec<Vec<u8>> = chunk.iter().map(|path| path.key()).collect();
        let names: Vec<&str> = chunk.iter().map(|path| path.as_str()).collect();
        let (oids, modes) = columns(chunk.iter().map(|path| pushed.get(*path).copied().flatten()));
        tx.execute(
            "INSERT INTO files AS f (pid, key, path, base_oid, base_mode)
             SELECT $1, * FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::int[])
             ON CONFLICT (pid, key) DO UPDATE SET base_oid = excluded.base_oid, base_mode = excluded.base_mode,
                 gh_changed = false, gh_oid = NULL, gh_mode = NULL, gh_size = NULL,
                 authors = CASE WHEN f.oid IS NOT DISTINCT FROM excluded.base_oid AND f.mode IS NOT DISTINCT FROM excluded.base_mode
                           THEN NULL ELSE f.authors END
             WHERE NOT f.excluded",
            &[&pid, &keys, &names, &oids, &modes],
        )
        .await?;
        remove_empty(tx, pid, &keys).await?;
        tx.execute("DELETE FROM holds WHERE pid = $1 AND key = ANY($2) AND reason <> 'pull_request'", &[&pid, &keys])
            .await?;
        pull_holds::settled(tx, pid, &keys).await?;
    }
    Ok(())
}

/// Forgets what was agreed: the next sync compares with an empty base.
pub async fn forget_base(tx: &Transaction<'_>, pid: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM files WHERE pid = $1 AND oid IS NULL", &[&pid]).await?;
    tx.execute(
        "UPDATE files SET base_oid = NULL, base_mode = NULL, gh_changed = false, gh_oid = NULL, gh_mode = NULL, gh_size = NULL
         WHERE pid = $1 AND (base_oid IS NOT NULL OR gh_changed)",
        &[&pid],
    )
    .await?;
    Ok(())
}

/// Keeps what these paths were for the snapshots up to `upto`.
pub async fn save_undo(
    tx: &Transaction<'_>,
    pid: i64,
    upto: i64,
    paths: &BTreeSet<FilePath>,
) -> Result<(), StoreError> {
    if upto < 1 {
        return Ok(());
    }
    let paths: Vec<&FilePath> = paths.iter().collect();
    for chunk in paths.chunks(2000) {
        let keys: Vec<Vec<u8>> = chunk.iter().map(|path| path.key()).collect();
        let names: Vec<&str> = chunk.iter().map(|path| path.as_str()).collect();
        tx.execute(
            "INSERT INTO undo (pid, key, upto, path, oid, mode)
             SELECT $1, w.key, $2, w.path, f.oid, f.mode FROM unnest($3::bytea[], $4::text[]) w(key, path)
             LEFT JOIN files f ON f.pid = $1 AND f.key = w.key
             ON CONFLICT DO NOTHING",
            &[&pid, &upto, &keys, &names],
        )
        .await?;
    }
    Ok(())
}

async fn bump_revision(tx: &Transaction<'_>, pid: i64, changed: bool) -> Result<i64, StoreError> {
    let by = i64::from(changed);
    let row = tx
        .query_one(
            "UPDATE projects SET revision = revision + $2, updated_at = CASE WHEN $2 > 0 THEN now() ELSE updated_at END
             WHERE pid = $1 RETURNING revision",
            &[&pid, &by],
        )
        .await?;
    Ok(row.try_get(0)?)
}

/// The project's side of paths, and their base.
type Present = BTreeMap<FilePath, (Option<Entry>, Option<Entry>)>;

async fn present_sides(
    tx: &Transaction<'_>,
    pid: i64,
    paths: &BTreeMap<FilePath, Absorb>,
) -> Result<Present, StoreError> {
    let mut present = BTreeMap::new();
    let keys: Vec<Vec<u8>> = paths.keys().map(FilePath::key).collect();
    for chunk in keys.chunks(5000) {
        for row in tx
            .query(
                "SELECT path, oid, mode, base_oid, base_mode FROM files WHERE pid = $1 AND key = ANY($2)",
                &[&pid, &chunk],
            )
            .await?
        {
            let path =
                FilePath::parse(row.try_get::<_, String>(0)?).map_err(|why| StoreError::Internal(why.to_string()))?;
            present.insert(path, (entry(&row, "oid", "mode")?, entry(&row, "base_oid", "base_mode")?));
        }
    }
    Ok(present)
}

/// New paths that would lie under a file of the project, or over its files: the project would hold
/// a path as file and folder at once.
async fn blocked_paths(
    tx: &Transaction<'_>,
    pid: i64,
    paths: &BTreeMap<FilePath, Absorb>,
    present: &Present,
) -> Result<BTreeSet<FilePath>, StoreError> {
    let arriving: Vec<&FilePath> = paths
        .iter()
        .filter(|(_, absorb)| absorb.project.is_some() && absorb.seen.is_none())
        .map(|(path, _)| path)
        .collect();
    // One that was edited since the snapshot stays, whatever was planned for it.
    let as_seen =
        |path: &str, absorb: &Absorb| present.get(path).copied().unwrap_or_default() == (absorb.seen, absorb.seen_base);
    let leaving = |path: &str| paths.get(path).is_some_and(|absorb| absorb.project.is_none() && as_seen(path, absorb));
    let mut blocked = BTreeSet::new();
    let folders: BTreeSet<&str> = arriving.iter().flat_map(|path| path.ancestors()).collect();
    let files = files_among(tx, pid, &folders).await?;
    for path in &arriving {
        if path.ancestors().any(|folder| files.contains(folder) && !leaving(folder)) {
            blocked.insert((*path).clone());
        }
    }
    for (path, inside) in files_inside(tx, pid, &arriving).await? {
        if !leaving(&inside) {
            blocked.insert(path);
        }
    }
    Ok(blocked)
}

async fn files_among(tx: &Transaction<'_>, pid: i64, paths: &BTreeSet<&str>) -> Result<BTreeSet<String>, StoreError> {
    let keys: Vec<Vec<u8>> = paths.iter().map(|path| key_of(path)).collect();
    let mut found = BTreeSet::new();
    for chunk in keys.chunks(5000) {
        let rows = tx
            .query("SELECT path FROM files WHERE pid = $1 AND key = ANY($2) AND oid IS NOT NULL", &[&pid, &chunk])
            .await?;
        for row in rows {
            found.insert(row.try_get(0)?);
        }
    }
    Ok(found)
}

async fn files_inside(
    tx: &Transaction<'_>,
    pid: i64,
    paths: &[&FilePath],
) -> Result<Vec<(FilePath, String)>, StoreError> {
    let mut found = Vec::new();
    for chunk in paths.chunks(2000) {
        let names: Vec<&str> = chunk.iter().map(|path| path.as_str()).collect();
        let rows = tx
            .query(
                "SELECT w.path, f.path FROM unnest($2::text[]) w(path) JOIN files f ON f.pid = $1
                   AND f.key >= substring(convert_to(w.path || '/', 'UTF8') for 868)
                   AND f.key < substring(convert_to(w.path || '0', 'UTF8') for 868) || '\\xff'::bytea
                   AND f.oid IS NOT NULL AND starts_with(f.path, w.path || '/')",
                &[&pid, &names],
            )
            .await?;
        for row in rows {
            let path =
                FilePath::parse(row.try_get::<_, String>(0)?).map_err(|why| StoreError::Internal(why.to_string()))?;
            found.push((path, row.try_get(1)?));
        }
    }
    Ok(found)
}

async fn remove_empty(tx: &Transaction<'_>, pid: i64, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    for chunk in keys.chunks(5000) {
        tx.execute(
            "DELETE FROM files WHERE pid = $1 AND key = ANY($2) AND oid IS NULL AND base_oid IS NULL AND gh_oid IS NULL",
            &[&pid, &chunk],
        )
        .await?;
    }
    Ok(())
}

/// Oid and mode columns of one side.
fn columns(entries: impl Iterator<Item = Option<Entry>>) -> (Vec<Option<Vec<u8>>>, Vec<Option<i32>>) {
    entries.map(|entry| (entry.map(|e| e.oid.0.to_vec()), entry.map(|e| e.mode.as_i32()))).unzip()
}

/// Rows to be written, column by column.
#[derive(Default)]
struct Writes {
    rows: Vec<WriteRow>,
}

struct WriteRow {
    path: FilePath,
    /// `None`: the project's side and base stay as they are.
    sides: Option<(Option<Entry>, Option<i64>, Option<Entry>)>,
    project_changed: bool,
    github: Option<Entry>,
    github_size: Option<i64>,
}

impl Writes {
    fn note_github(&mut self, path: &FilePath, absorb: &Absorb) {
        self.rows.push(WriteRow {
            path: path.clone(),
            sides: None,
            project_changed: false,
            github: absorb.github,
            github_size: absorb.github_size,
        });
    }

    fn all_sides(&mut self, path: &FilePath, absorb: &Absorb, project_changed: bool) {
        let size = absorb.project.map(|_| absorb.size);
        self.rows.push(WriteRow {
            path: path.clone(),
            sides: Some((absorb.project, size, absorb.base)),
            project_changed,
            github: absorb.github,
            github_size: absorb.github_size,
        });
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        self.rows.iter().map(|row| row.path.key()).collect()
    }

    async fn run(&self, tx: &Transaction<'_>, pid: i64, revision: i64) -> Result<(), StoreError> {
        let (noted, whole): (Vec<&WriteRow>, Vec<&WriteRow>) = self.rows.iter().partition(|row| row.sides.is_none());
        for chunk in noted.chunks(2000) {
            write_github(tx, pid, chunk).await?;
        }
        for chunk in whole.chunks(2000) {
            write_all(tx, pid, revision, chunk).await?;
        }
        Ok(())
    }
}

async fn write_github(tx: &Transaction<'_>, pid: i64, rows: &[&WriteRow]) -> Result<(), StoreError> {
    let keys: Vec<Vec<u8>> = rows.iter().map(|row| row.path.key()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    let (oids, modes) = columns(rows.iter().map(|row| row.github));
    let sizes: Vec<Option<i64>> = rows.iter().map(|row| row.github_size).collect();
    tx.execute(
        "INSERT INTO files AS f (pid, key, path, gh_changed, gh_oid, gh_mode, gh_size)
         SELECT $1, key, path, true, oid, mode, size FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::int[], $6::bigint[]) w(key, path, oid, mode, size)
         ON CONFLICT (pid, key) DO UPDATE SET
             gh_changed = (excluded.gh_oid, excluded.gh_mode) IS DISTINCT FROM (f.base_oid, f.base_mode),
             gh_oid = excluded.gh_oid, gh_mode = excluded.gh_mode, gh_size = excluded.gh_size
         WHERE NOT f.excluded",
        &[&pid, &keys, &names, &oids, &modes, &sizes],
    )
    .await?;
    Ok(())
}

async fn write_all(tx: &Transaction<'_>, pid: i64, revision: i64, rows: &[&WriteRow]) -> Result<(), StoreError> {
    let keys: Vec<Vec<u8>> = rows.iter().map(|row| row.path.key()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    let sides = |row: &WriteRow| row.sides.unwrap_or_default();
    let (oids, modes) = columns(rows.iter().map(|row| sides(row).0));
    let sizes: Vec<Option<i64>> = rows.iter().map(|row| sides(row).1).collect();
    let (base_oids, base_modes) = columns(rows.iter().map(|row| sides(row).2));
    let (gh_oids, gh_modes) = columns(rows.iter().map(|row| row.github));
    let gh_sizes: Vec<Option<i64>> = rows.iter().map(|row| row.github_size).collect();
    let changed: Vec<bool> = rows.iter().map(|row| row.project_changed).collect();
    tx.execute(
        "INSERT INTO files AS f (pid, key, path, oid, mode, size, revision, changed_at, base_oid, base_mode,
                                 gh_changed, gh_oid, gh_mode, gh_size)
         SELECT $1, key, path, oid, mode, size, $12, CASE WHEN changed THEN now() END, base_oid, base_mode,
                (gh_oid, gh_mode) IS DISTINCT FROM (base_oid, base_mode), gh_oid, gh_mode, gh_size
         FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::int[], $6::bigint[], $7::bytea[], $8::int[],
                     $9::bytea[], $10::int[], $11::bigint[], $13::bool[])
              w(key, path, oid, mode, size, base_oid, base_mode, gh_oid, gh_mode, gh_size, changed)
         ON CONFLICT (pid, key) DO UPDATE SET
             oid = excluded.oid, mode = excluded.mode, size = excluded.size,
             revision = CASE WHEN excluded.changed_at IS NULL THEN f.revision ELSE excluded.revision END,
             changed_at = coalesce(excluded.changed_at, f.changed_at),
             base_oid = excluded.base_oid, base_mode = excluded.base_mode,
             gh_changed = excluded.gh_changed, gh_oid = excluded.gh_oid, gh_mode = excluded.gh_mode, gh_size = excluded.gh_size,
             authors = CASE WHEN (excluded.oid, excluded.mode) IS NOT DISTINCT FROM (excluded.base_oid, excluded.base_mode)
                       THEN NULL ELSE f.authors END
         WHERE NOT f.excluded",
        &[
            &pid, &keys, &names, &oids, &modes, &sizes, &base_oids, &base_modes, &gh_oids, &gh_modes, &gh_sizes,
            &revision, &changed,
        ],
    )
    .await?;
    Ok(())
}

/// Puts one content into the project's blobs.
pub async fn keep_blob(
    tx: &Transaction<'_>,
    pid: i64,
    oid: crate::model::Oid,
    content: &[u8],
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO blobs (pid, oid, size, content) VALUES ($1, $2, $3, $4) ON CONFLICT (pid, oid) DO UPDATE SET created_at = now()",
        &[&pid, &oid.as_bytes(), &(content.len() as i64), &content],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Which of these the project has, with their sizes in bytes.
    pub async fn blob_sizes(
        &self,
        pid: i64,
        oids: &BTreeSet<crate::model::Oid>,
    ) -> Result<HashMap<crate::model::Oid, i64>, StoreError> {
        let mut sizes = HashMap::new();
        if oids.is_empty() {
            return Ok(sizes);
        }
        let client = self.client().await?;
        let oids: Vec<&[u8]> = oids.iter().map(|oid| oid.as_bytes()).collect();
        for chunk in oids.chunks(5000) {
            for row in
                client.query("SELECT oid, size FROM blobs WHERE pid = $1 AND oid = ANY($2)", &[&pid, &chunk]).await?
            {
                let oid = super::integrations::oid(&row, "oid")?;
                if let Some(oid) = oid {
                    sizes.insert(oid, row.try_get(1)?);
                }
            }
        }
        Ok(sizes)
    }

    /// The contents of these, as far as the project has them.
    pub async fn blobs(
        &self,
        pid: i64,
        oids: &BTreeSet<crate::model::Oid>,
    ) -> Result<HashMap<crate::model::Oid, bytes::Bytes>, StoreError> {
        let mut contents = HashMap::new();
        if oids.is_empty() {
            return Ok(contents);
        }
        let client = self.client().await?;
        let oids: Vec<&[u8]> = oids.iter().map(|oid| oid.as_bytes()).collect();
        for chunk in oids.chunks(1000) {
            for row in
                client.query("SELECT oid, content FROM blobs WHERE pid = $1 AND oid = ANY($2)", &[&pid, &chunk]).await?
            {
                if let Some(oid) = super::integrations::oid(&row, "oid")? {
                    contents.insert(oid, bytes::Bytes::from(row.try_get::<_, Vec<u8>>(1)?));
                }
            }
        }
        Ok(contents)
    }

    /// Puts content of GitHub's into the project's blobs, a few at a time, so that rows can refer to it.
    pub async fn keep_blobs(&self, pid: i64, blobs: &[(crate::model::Oid, bytes::Bytes)]) -> Result<(), StoreError> {
        let client = self.client().await?;
        for chunk in blobs.chunks(500) {
            let oids: Vec<&[u8]> = chunk.iter().map(|(oid, _)| oid.as_bytes()).collect();
            let sizes: Vec<i64> = chunk.iter().map(|(_, content)| content.len() as i64).collect();
            let contents: Vec<&[u8]> = chunk.iter().map(|(_, content)| content.as_ref()).collect();
            client
                .execute(
                    "INSERT INTO blobs (pid, oid, size, content) SELECT $1, * FROM unnest($2::bytea[], $3::bigint[], $4::bytea[])
                     ON CONFLICT (pid, oid) DO UPDATE SET created_at = now()",
                    &[&pid, &oids, &sizes, &contents],
                )
                .await?;
        }
        Ok(())
    }

    /// A project-lease transaction is opened by the engine's writers through this.
    pub async fn under_lease<T>(
        &self,
        lease: Lease,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        lock(&tx, lease).await?;
        let result = work(&tx).await?;
        tx.commit().await?;
        Ok(result)
    }
}
