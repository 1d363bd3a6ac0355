//! Reading what a plan needs: only the paths on which the sides are not known to be equal.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row as PgRow;

use super::integrations::{Lease, lock};
use super::pull_edits::EDITED;
use super::syncs::entry;
use super::{Store, StoreError, Transaction};
use crate::model::{Author, Entry, FilePath};

/// One path with all sides as the rows know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    pub project: Option<Entry>,
    pub size: i64,
    pub base: Option<Entry>,
    /// GitHub's side at the recorded head.
    pub github: Option<Entry>,
    pub github_size: Option<i64>,
    pub excluded: bool,
    pub authors: Vec<i64>,
    pub held: Option<HeldRow>,
}

/// A path that is kept back, as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    pub reason: String,
    /// The version that GitHub refused.
    pub version: Option<Entry>,
    pub pull_request: Option<i64>,
}

/// The project as one transaction saw it.
#[derive(Debug)]
pub struct Snapshot {
    pub revision: i64,
    /// Its number: what the project's files were is found again under it (`undo`).
    pub number: i64,
    pub files: i64,
    pub paths: BTreeMap<FilePath, Sides>,
}

/// Which rows are wanted besides those that are pending.
#[derive(Debug, Clone, Copy)]
pub enum Want<'a> {
    /// Those of these paths: what differs between the recorded head and the present one.
    Paths(&'a BTreeSet<FilePath>),
    /// All that GitHub is known to have: whole trees are compared.
    All,
}

const SIDES: &str = "SELECT f.path, f.oid, f.mode, f.size, f.base_oid, f.base_mode, f.gh_changed, f.gh_oid, f.gh_mode,
    f.gh_size, f.excluded, f.authors, h.reason, h.oid AS held_oid, h.mode AS held_mode, h.pull_request
    FROM files f LEFT JOIN holds h ON h.pid = f.pid AND h.key = f.key";
/// The same of an edited path that a pull request holds; no side may have it any more.
const EDITED_SIDES: &str =
    "SELECT h.path, f.oid, f.mode, f.size, f.base_oid, f.base_mode, coalesce(f.gh_changed, false),
    f.gh_oid, f.gh_mode, f.gh_size, coalesce(f.excluded, false), f.authors, h.reason, h.oid, h.mode, h.pull_request";
const PENDING: &str = "NOT f.excluded AND (f.oid IS DISTINCT FROM f.base_oid OR f.mode IS DISTINCT FROM f.base_mode)";

impl Store {
    /// Takes a numbered snapshot: what is pending, and what open pull requests carry and was edited. `kept`: also paths that stay on GitHub alone, since they may be
    /// taken over now.
    pub async fn gather(&self, lease: Lease, want: Want<'_>, kept: bool) -> Result<Snapshot, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        tx.unhurried().await?;
        lock(&tx, lease).await?;
        let head = tx
            .query_one(
                "UPDATE projects SET snapshot = snapshot + 1 WHERE pid = $1 RETURNING revision, snapshot, files",
                &[&lease.pid],
            )
            .await?;
        let mut paths = BTreeMap::new();
        let sql = format!("{SIDES} WHERE f.pid = $1 AND {PENDING} UNION ALL {EDITED_SIDES} {EDITED}");
        collect(&mut paths, &tx.query(&sql, &[&lease.pid]).await?)?;
        if kept {
            let sql = format!("{SIDES} WHERE f.pid = $1 AND f.gh_changed AND NOT f.excluded");
            collect(&mut paths, &tx.query(&sql, &[&lease.pid]).await?)?;
        }
        match want {
            Want::All => collect(&mut paths, &tx.query(&format!("{SIDES} WHERE f.pid = $1"), &[&lease.pid]).await?)?,
            Want::Paths(wanted) => collect_paths(&tx, lease, &mut paths, wanted).await?,
        }
        tx.commit().await?;
        Ok(Snapshot {
            revision: head.try_get("revision")?,
            number: head.try_get("snapshot")?,
            files: head.try_get("files")?,
            paths,
        })
    }

    /// The people behind these changes, in the order they first came.
    pub async fn authors(&self, pid: i64, ids: &BTreeSet<i64>) -> Result<Vec<Author>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.client().await?;
        let ids: Vec<i64> = ids.iter().copied().collect();
        let rows = client
            .query(
                "SELECT user_id, name, email FROM authors WHERE pid = $1 AND aid = ANY($2) ORDER BY aid",
                &[&pid, &ids],
            )
            .await?;
        let some = |text: String| if text.is_empty() { None } else { Some(text) };
        rows.iter()
            .map(|row| Ok(Author { id: row.try_get(0)?, name: some(row.try_get(1)?), email: some(row.try_get(2)?) }))
            .collect()
    }

    /// How many files GitHub's side has, as far as it is in view: for the guard against mass deletion.
    pub async fn github_files(&self, pid: i64) -> Result<i64, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_one(
                "SELECT count(*) FROM files WHERE pid = $1 AND NOT excluded
                 AND CASE WHEN gh_changed THEN gh_oid ELSE base_oid END IS NOT NULL",
                &[&pid],
            )
            .await?;
        Ok(row.try_get(0)?)
    }
}

async fn collect_paths(
    tx: &Transaction<'_>,
    lease: Lease,
    paths: &mut BTreeMap<FilePath, Sides>,
    wanted: &BTreeSet<FilePath>,
) -> Result<(), StoreError> {
    let keys: Vec<Vec<u8>> = wanted.iter().map(FilePath::key).collect();
    for chunk in keys.chunks(5000) {
        let sql = format!("{SIDES} WHERE f.pid = $1 AND f.key = ANY($2)");
        collect(paths, &tx.query(&sql, &[&lease.pid, &chunk]).await?)?;
    }
    Ok(())
}

fn collect(paths: &mut BTreeMap<FilePath, Sides>, rows: &[PgRow]) -> Result<(), StoreError> {
    for row in rows {
        let path =
            FilePath::parse(row.try_get::<_, String>("path")?).map_err(|why| StoreError::Internal(why.to_string()))?;
        paths.insert(path, sides(row)?);
    }
    Ok(())
}

fn sides(row: &PgRow) -> Result<Sides, StoreError> {
    let base = entry(row, "base_oid", "base_mode")?;
    let changed: bool = row.try_get("gh_changed")?;
    let reason: Option<String> = row.try_get("reason")?;
    Ok(Sides {
        project: entry(row, "oid", "mode")?,
        size: row.try_get::<_, Option<i64>>("size")?.unwrap_or(0),
        base,
        github: if changed { entry(row, "gh_oid", "gh_mode")? } else { base },
        github_size: row.try_get("gh_size")?,
        excluded: row.try_get("excluded")?,
        authors: row.try_get::<_, Option<Vec<i64>>>("authors")?.unwrap_or_default(),
        held: match reason {
            Some(reason) => Some(HeldRow {
                reason,
                version: entry(row, "held_oid", "held_mode")?,
                pull_request: row.try_get("pull_request")?,
            }),
            None => None,
        },
    })
}
