//! No path is both a file and a folder: asked of the rows, after writing, so that what the same
//! request deleted is gone.

use std::collections::HashSet;

use crate::store::Transaction;

use crate::model::FilePath;
use crate::model::path::key_of;
use crate::store::StoreError;
use crate::store::files::path_of;

use super::begin::Locked;
use super::edits::Edit;

/// More folders than this above the new paths, or more bytes of paths: the project is read once
/// instead of probed for each.
const MAX_PROBES: usize = 20_000;
const MAX_PROBE_BYTES: usize = 4 << 20;

/// A file and a path below it.
pub type Clash = (FilePath, FilePath);

/// Whether a path that is new clashes with another: a file above it, or files below it. A request
/// that changes files in place asks nothing.
pub async fn clash_with_others(
    tx: &Transaction<'_>,
    project: &Locked,
    edits: &[Edit],
) -> Result<Option<Clash>, StoreError> {
    let new: Vec<&FilePath> = edits.iter().filter(|edit| edit.is_new()).map(|edit| &edit.path).collect();
    if project.files == 0 || new.is_empty() {
        return Ok(None);
    }
    let bytes: usize = new.iter().map(|path| path.as_str().len()).sum();
    let Some(folders) = folders_above(&new).filter(|_| bytes <= MAX_PROBE_BYTES) else {
        return any_clash(tx, project.pid).await;
    };
    match file_above(tx, project.pid, &folders, &new).await? {
        None => file_below(tx, project.pid, &new).await,
        found => Ok(found),
    }
}

/// The folders above these paths, each once; none: too many.
fn folders_above<'a>(paths: &[&'a FilePath]) -> Option<HashSet<&'a str>> {
    let mut folders = HashSet::new();
    for path in paths {
        let mut path = path.as_str();
        while let Some(at) = path.rfind('/') {
            path = &path[..at];
            if !folders.insert(path) {
                break;
            }
            if folders.len() > MAX_PROBES {
                return None;
            }
        }
    }
    Some(folders)
}

async fn file_above(
    tx: &Transaction<'_>,
    pid: i64,
    folders: &HashSet<&str>,
    new: &[&FilePath],
) -> Result<Option<Clash>, StoreError> {
    if folders.is_empty() {
        return Ok(None);
    }
    let keys: Vec<Vec<u8>> = folders.iter().copied().map(key_of).collect();
    let select = "SELECT path FROM files WHERE pid = $1 AND key = ANY ($2) AND oid IS NOT NULL LIMIT 1";
    let select = tx.prepare_cached(select).await?;
    let Some(row) = tx.query_opt(&select, &[&pid, &keys]).await? else { return Ok(None) };
    let file = path_of(row.get(0))?;
    let folder = format!("{file}/");
    let below = new.iter().find(|path| path.as_str().starts_with(&folder));
    Ok(below.map(|path| (file, (*path).clone())))
}

/// Reads the project's paths once, in an order where what is below a file follows it at once.
async fn any_clash(tx: &Transaction<'_>, pid: i64) -> Result<Option<Clash>, StoreError> {
    let select = tx
        .prepare_cached(
            "SELECT path, next FROM (
                 SELECT path, lead(path) OVER (ORDER BY replace(path, '/', E'\\x01') COLLATE \"C\") AS next
                 FROM files WHERE pid = $1 AND oid IS NOT NULL) ordered
             WHERE starts_with(next, path || '/') LIMIT 1",
        )
        .await?;
    let Some(row) = tx.query_opt(&select, &[&pid]).await? else { return Ok(None) };
    Ok(Some((path_of(row.get(0))?, path_of(row.get(1))?)))
}

/// Keys of what is below a folder begin with the folder's first bytes, also those of long paths.
async fn file_below(tx: &Transaction<'_>, pid: i64, new: &[&FilePath]) -> Result<Option<Clash>, StoreError> {
    let folders: Vec<String> = new.iter().map(|path| format!("{path}/")).collect();
    let (from, to): (Vec<Vec<u8>>, Vec<Vec<u8>>) = folders.iter().map(|folder| key_range(folder)).unzip();
    let select = tx
        .prepare_cached(
            "SELECT n.folder, below.path FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS n (folder, low, high),
             LATERAL (SELECT f.path FROM files f WHERE f.pid = $1 AND f.key >= n.low AND f.key <= n.high
                      AND f.oid IS NOT NULL AND starts_with(f.path, n.folder) LIMIT 1) below LIMIT 1",
        )
        .await?;
    let Some(row) = tx.query_opt(&select, &[&pid, &folders, &from, &to]).await? else { return Ok(None) };
    let file = row.get::<_, String>(0).trim_end_matches('/').to_owned();
    Ok(Some((path_of(file)?, path_of(row.get(1))?)))
}

/// The lowest and highest key that something in this folder can have.
fn key_range(folder: &str) -> (Vec<u8>, Vec<u8>) {
    const KEY_PREFIX: usize = 868;
    let bytes = folder.as_bytes();
    let low = bytes[..bytes.len().min(KEY_PREFIX)].to_vec();
    let mut high = low.clone();
    high.extend_from_slice(&[0xff; 40]);
    (low, high)
}
