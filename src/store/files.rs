//! Rows of `files`: reading them by path, a page of them, one with its bytes.

use std::collections::HashMap;

use crate::store::GenericClient;
use tokio_postgres::Row;

use crate::model::path::key_of;
use crate::model::{Entry, FilePath, Mode, Oid, ProjectId};

use super::{Store, StoreError};

/// A file as the project has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    pub oid: Oid,
    pub mode: Mode,
    /// Bytes of its content.
    pub size: i64,
}

impl Version {
    pub fn entry(&self) -> Entry {
        Entry { oid: self.oid, mode: self.mode }
    }
}

/// A row: all sides of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    pub path: FilePath,
    /// The project's side; none: not there.
    pub project: Option<Version>,
    /// As last agreed.
    pub base: Option<Entry>,
    /// GitHub's side when it differs from what was agreed: `Some(None)` when it is gone there.
    pub github: Option<Option<Entry>>,
    pub excluded: bool,
    /// `authors.aid` of what is pending.
    pub authors: Vec<i64>,
}

impl FileRow {
    pub fn is_pending(&self) -> bool {
        !self.excluded && self.project.map(|version| version.entry()) != self.base
    }
}

/// What `row_of` reads, in its order.
pub const COLUMNS: &str = "path, oid, mode, size, base_oid, base_mode, gh_changed, gh_oid, gh_mode, excluded, authors";

/// Reads the columns of [`COLUMNS`].
pub fn row_of(row: &Row) -> Result<FileRow, StoreError> {
    let github_changed: bool = row.try_get(6)?;
    Ok(FileRow {
        path: path_of(row.try_get(0)?)?,
        project: version_of(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?,
        base: entry_of(row.try_get(4)?, row.try_get(5)?)?,
        github: if github_changed { Some(entry_of(row.try_get(7)?, row.try_get(8)?)?) } else { None },
        excluded: row.try_get(9)?,
        authors: row.try_get::<_, Option<Vec<i64>>>(10)?.unwrap_or_default(),
    })
}

/// A side from its columns: none unless both are there.
pub fn entry_of(oid: Option<&[u8]>, mode: Option<i32>) -> Result<Option<Entry>, StoreError> {
    let (Some(oid), Some(mode)) = (oid, mode) else { return Ok(None) };
    Ok(Some(Entry { oid: oid_of(oid)?, mode: mode_of(mode)? }))
}

/// The project's side from its columns.
pub fn version_of(oid: Option<&[u8]>, mode: Option<i32>, size: Option<i64>) -> Result<Option<Version>, StoreError> {
    let entry = entry_of(oid, mode)?;
    Ok(entry.map(|entry| Version { oid: entry.oid, mode: entry.mode, size: size.unwrap_or(0) }))
}

pub fn path_of(text: String) -> Result<FilePath, StoreError> {
    FilePath::parse(text).map_err(|why| StoreError::Internal(format!("a path in a row: {why}")))
}

pub fn oid_of(bytes: &[u8]) -> Result<Oid, StoreError> {
    Oid::from_slice(bytes).map_err(|why| StoreError::Internal(format!("an oid in a row: {why}")))
}

pub fn mode_of(number: i32) -> Result<Mode, StoreError> {
    Mode::from_i32(number).map_err(|why| StoreError::Internal(format!("a mode in a row: {why}")))
}

/// The rows of these paths, and of no other.
pub async fn load(
    client: &impl GenericClient,
    pid: i64,
    paths: impl IntoIterator<Item = &FilePath>,
) -> Result<HashMap<FilePath, FileRow>, StoreError> {
    let keys: Vec<Vec<u8>> = paths.into_iter().map(FilePath::key).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let select =
        client.prepare_cached(&format!("SELECT {COLUMNS} FROM files WHERE pid = $1 AND key = ANY ($2)")).await?;
    let rows = client.query(&select, &[&pid, &keys]).await?;
    rows.iter().map(|row| row_of(row).map(|file| (file.path.clone(), file))).collect()
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    pub path: String,
    pub version: Version,
}

/// A page of a project's files, by the bytes of their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesPage {
    pub revision: i64,
    pub items: Vec<ListedFile>,
    /// Whether there are files after the last item.
    pub more: bool,
}

/// One file, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    pub pid: i64,
    pub version: Version,
}

impl Store {
    /// The files whose paths come after `after`; none: no such project.
    pub async fn files(
        &self,
        project: &ProjectId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<FilesPage>, StoreError> {
        let mut client = self.client().await?;
        let tx = client.snapshot().await?;
        let select = tx.prepare_cached("SELECT pid, revision FROM projects WHERE id = $1").await?;
        let Some(row) = tx.query_opt(&select, &[&project.as_str()]).await? else { return Ok(None) };
        let (pid, revision): (i64, i64) = (row.get(0), row.get(1));
        let mut items = super::listing::page(&tx, pid, after.unwrap_or(""), limit + 1).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        Ok(Some(FilesPage { revision, items, more }))
    }

    /// The file at this path, without its bytes; none: no such project, or no such file.
    pub async fn file(&self, project: &ProjectId, path: &FilePath) -> Result<Option<FoundFile>, StoreError> {
        let client = self.client().await?;
        let select = client
            .prepare_cached(
                "SELECT f.pid, f.oid, f.mode, f.size FROM projects p JOIN files f ON f.pid = p.pid
                 WHERE p.id = $1 AND f.key = $2 AND f.path = $3",
            )
            .await?;
        let row = client.query_opt(&select, &[&project.as_str(), &key_of(path.as_str()), &path.as_str()]).await?;
        let Some(row) = row else { return Ok(None) };
        let version = version_of(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?;
        Ok(version.map(|version| FoundFile { pid: row.get(0), version }))
    }
}
