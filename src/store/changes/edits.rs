//! What a change makes of rows: one edit for each path whose project side becomes another.

use std::collections::{BTreeSet, HashMap};

use crate::store::Transaction;

use crate::model::{Author, FilePath};
use crate::store::StoreError;
use crate::store::files::{FileRow, Version};

use super::apply::Applied;
use super::begin::Locked;
use super::{Asking, Excludes};

/// Rows written by one statement.
const STEP: usize = 10_000;
/// People kept for a path; a commit names at most as many.
const MAX_AUTHORS: usize = 50;

/// A path whose project side changes.
#[derive(Debug, Clone)]
pub struct Edit {
    pub path: FilePath,
    /// The row as it is; none: there is none yet.
    pub row: Option<FileRow>,
    /// The project's side as it becomes.
    pub now: Option<Version>,
    /// Filled in by [`write`] for new rows.
    pub excluded: bool,
    /// Whose pending work came here by renaming.
    pub carried: Vec<i64>,
}

impl Edit {
    pub fn was(&self) -> Option<Version> {
        self.row.as_ref().and_then(|row| row.project)
    }

    /// Whether the path was no file of the project and becomes one.
    pub fn is_new(&self) -> bool {
        self.was().is_none() && self.now.is_some()
    }

    /// Whether no side is left once this is written.
    fn vanishes(&self) -> bool {
        let others = self.row.as_ref().is_some_and(|row| row.base.is_some() || row.github.flatten().is_some());
        self.now.is_none() && !others
    }

    fn is_pending(&self) -> bool {
        let base = self.row.as_ref().and_then(|row| row.base);
        !self.excluded && self.now.map(|version| version.entry()) != base
    }

    /// Who is named for the path from now on: nobody once nothing is pending.
    fn authors(&self, author: Option<i64>) -> Option<String> {
        if !self.is_pending() {
            return None;
        }
        let kept = self.row.iter().filter(|row| row.is_pending()).flat_map(|row| row.authors.iter().copied());
        let all: BTreeSet<i64> = kept.chain(self.carried.iter().copied()).take(MAX_AUTHORS - 1).chain(author).collect();
        let listed: Vec<String> = all.iter().map(i64::to_string).collect();
        (!listed.is_empty()).then(|| format!("{{{}}}", listed.join(",")))
    }
}

/// The edits of an applied change request: paths that end as they were are none.
pub fn of_applied(
    applied: &Applied,
    before: &HashMap<FilePath, Version>,
    mut rows: HashMap<FilePath, FileRow>,
) -> Vec<Edit> {
    let carried: HashMap<&FilePath, Vec<i64>> = applied
        .origins
        .iter()
        .filter_map(|(path, from)| rows.get(from).filter(|row| row.is_pending()).map(|row| (path, row.authors.clone())))
        .collect();
    let changed = applied.files.iter().filter(|(path, now)| before.get(*path) != now.as_ref());
    changed
        .map(|(path, now)| {
            let carried = carried.get(path).cloned().unwrap_or_default();
            Edit { path: path.clone(), row: rows.remove(path), now: *now, excluded: false, carried }
        })
        .collect()
}

/// Decides for each edit whether its path is excluded: known for rows, computed for new ones.
pub fn mark_excluded(project: &Locked, excludes: Excludes, edits: &mut [Edit]) -> Result<(), StoreError> {
    let mut new: Vec<&mut Edit> = Vec::new();
    for edit in edits {
        match &edit.row {
            Some(row) => edit.excluded = row.excluded,
            None => new.push(edit),
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let paths: Vec<&str> = new.iter().map(|edit| edit.path.as_str()).collect();
    let excluded = excludes(&project.settings.exclude, &paths)
        .map_err(|why| StoreError::Internal(format!("stored exclude patterns: {why}")))?;
    new.into_iter().zip(excluded).for_each(|(edit, excluded)| edit.excluded = excluded);
    Ok(())
}

/// Writes the edits: what the newest snapshot needs first, then the rows.
pub async fn write(tx: &Transaction<'_>, project: &Locked, asking: &Asking, edits: &[Edit]) -> Result<(), StoreError> {
    let author = match &asking.author {
        Some(author) if !edits.is_empty() => Some(author_id(tx, project.pid, author).await?),
        _ => None,
    };
    for step in edits.chunks(STEP) {
        keep_for_snapshots(tx, project, step).await?;
        let (gone, kept): (Vec<&Edit>, Vec<&Edit>) = step.iter().partition(|edit| edit.vanishes());
        let (known, new): (Vec<&Edit>, Vec<&Edit>) = kept.into_iter().partition(|edit| edit.row.is_some());
        delete(tx, project.pid, &gone).await?;
        update(tx, project, &known, author).await?;
        insert(tx, project, &new, author).await?;
    }
    Ok(())
}

/// The id of a person as named by the request.
async fn author_id(tx: &Transaction<'_>, pid: i64, author: &Author) -> Result<i64, StoreError> {
    let (name, email) = (author.name.as_deref().unwrap_or(""), author.email.as_deref().unwrap_or(""));
    let select = "SELECT aid FROM authors WHERE pid = $1 AND user_id = $2 AND name = $3 AND email = $4";
    let select = tx.prepare_cached(select).await?;
    if let Some(row) = tx.query_opt(&select, &[&pid, &author.id, &name, &email]).await? {
        return Ok(row.get(0));
    }
    let insert = "INSERT INTO authors (pid, user_id, name, email) VALUES ($1, $2, $3, $4) RETURNING aid";
    let insert = tx.prepare_cached(insert).await?;
    Ok(tx.query_one(&insert, &[&pid, &author.id, &name, &email]).await?.get(0))
}

/// Copy on write: the old value of each path, once for each snapshot number.
async fn keep_for_snapshots(tx: &Transaction<'_>, project: &Locked, edits: &[Edit]) -> Result<(), StoreError> {
    if project.snapshot == 0 || edits.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(edits.iter(), Edit::was);
    let insert = tx
        .prepare_cached(
            "INSERT INTO undo (pid, upto, key, path, oid, mode)
             SELECT $1, $2, * FROM unnest($3::bytea[], $4::text[], $5::bytea[], $6::int[]) ON CONFLICT DO NOTHING",
        )
        .await?;
    let Columns { keys, paths, oids, modes, .. } = &columns;
    tx.execute(&insert, &[&project.pid, &project.snapshot, keys, paths, oids, modes]).await?;
    Ok(())
}

async fn delete(tx: &Transaction<'_>, pid: i64, edits: &[&Edit]) -> Result<(), StoreError> {
    let keys: Vec<Vec<u8>> = edits.iter().filter(|edit| edit.row.is_some()).map(|edit| edit.path.key()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let delete = tx.prepare_cached("DELETE FROM files WHERE pid = $1 AND key = ANY ($2)").await?;
    tx.execute(&delete, &[&pid, &keys]).await?;
    Ok(())
}

async fn update(
    tx: &Transaction<'_>,
    project: &Locked,
    edits: &[&Edit],
    author: Option<i64>,
) -> Result<(), StoreError> {
    if edits.is_empty() {
        return Ok(());
    }
    let Columns { keys, oids, modes, sizes, .. } = Columns::of(edits.iter().copied(), |edit| edit.now);
    let authors: Vec<Option<String>> = edits.iter().map(|edit| edit.authors(author)).collect();
    let update = tx
        .prepare_cached(
            "UPDATE files f SET oid = u.oid, mode = u.mode, size = u.size, revision = $2, changed_at = now(),
                    authors = u.authors::bigint[]
             FROM unnest($3::bytea[], $4::bytea[], $5::int[], $6::bigint[], $7::text[])
                  AS u (key, oid, mode, size, authors)
             WHERE f.pid = $1 AND f.key = u.key",
        )
        .await?;
    let revision = project.revision + 1;
    tx.execute(&update, &[&project.pid, &revision, &keys, &oids, &modes, &sizes, &authors]).await?;
    Ok(())
}

async fn insert(
    tx: &Transaction<'_>,
    project: &Locked,
    edits: &[&Edit],
    author: Option<i64>,
) -> Result<(), StoreError> {
    if edits.is_empty() {
        return Ok(());
    }
    let Columns { keys, paths, oids, modes, sizes } = Columns::of(edits.iter().copied(), |edit| edit.now);
    let excluded: Vec<bool> = edits.iter().map(|edit| edit.excluded).collect();
    let authors: Vec<Option<String>> = edits.iter().map(|edit| edit.authors(author)).collect();
    let insert = tx
        .prepare_cached(
            "INSERT INTO files (pid, revision, changed_at, key, path, oid, mode, size, excluded, authors)
             SELECT $1, $2, now(), u.key, u.path, u.oid, u.mode, u.size, u.excluded, u.authors::bigint[]
             FROM unnest($3::bytea[], $4::text[], $5::bytea[], $6::int[], $7::bigint[], $8::bool[], $9::text[])
                  AS u (key, path, oid, mode, size, excluded, authors)",
        )
        .await?;
    let revision = project.revision + 1;
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 9] =
        [&project.pid, &revision, &keys, &paths, &oids, &modes, &sizes, &excluded, &authors];
    tx.execute(&insert, &params).await?;
    Ok(())
}

/// The same rows as arrays, one for each column.
struct Columns<'a> {
    keys: Vec<Vec<u8>>,
    paths: Vec<&'a str>,
    oids: Vec<Option<Vec<u8>>>,
    modes: Vec<Option<i32>>,
    sizes: Vec<Option<i64>>,
}

impl<'a> Columns<'a> {
    fn of(edits: impl Iterator<Item = &'a Edit>, side: impl Fn(&Edit) -> Option<Version>) -> Self {
        let mut columns = Columns { keys: vec![], paths: vec![], oids: vec![], modes: vec![], sizes: vec![] };
        for edit in edits {
            let version = side(edit);
            columns.keys.push(edit.path.key());
            columns.paths.push(edit.path.as_str());
            columns.oids.push(version.map(|version| version.oid.as_bytes().to_vec()));
            columns.modes.push(version.map(|version| version.mode.as_i32()));
            columns.sizes.push(version.map(|version| version.size));
        }
        columns
    }
}
