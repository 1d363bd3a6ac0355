//! What drafts are tried on: a project's paths, and one pending path with both its sides.

use crate::model::path::key_of;
use crate::model::{ChangeKind, Entry, FilePath, ProjectId};

use super::files::{self, entry_of};
use super::syncs::SyncFile;
use super::{Store, StoreError};

/// More than a person looks at; a draft is tried on the first of them.
const MAX_PATHS: i64 = 200_000;

impl Store {
    /// The project's paths and its revision; none: no such project.
    pub async fn all_paths(&self, project: &ProjectId) -> Result<Option<(Vec<String>, i64)>, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT pid, revision FROM projects WHERE id = $1";
        let Some(row) = client.query_opt(sql, &[&project.as_str()]).await? else { return Ok(None) };
        let pid: i64 = row.try_get(0)?;
        let sql = "SELECT path FROM files WHERE pid = $1 AND oid IS NOT NULL ORDER BY key LIMIT $2";
        let paths = client.query(sql, &[&pid, &MAX_PATHS]).await?;
        Ok(Some((paths.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?, row.try_get(1)?)))
    }

    /// What became of a path since both sides last agreed; `from`: where it was renamed from.
    /// None: no such project, or nothing there.
    pub async fn changed_path(
        &self,
        project: &ProjectId,
        path: &FilePath,
        from: Option<&FilePath>,
    ) -> Result<Option<(i64, SyncFile)>, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT pid, path, oid, mode, base_oid, base_mode FROM files JOIN projects USING (pid)
                   WHERE id = $1 AND key = ANY ($2)";
        let keys: Vec<Vec<u8>> = [Some(path), from].into_iter().flatten().map(|path| key_of(path.as_str())).collect();
        let (mut found, mut before): (Option<(i64, Option<Entry>)>, Option<Entry>) = (None, None);
        for row in client.query(sql, &[&project.as_str(), &keys]).await? {
            let name = files::path_of(row.try_get(1)?)?;
            let base = entry_of(row.try_get(4)?, row.try_get(5)?)?;
            if name == *path {
                found = Some((row.try_get(0)?, entry_of(row.try_get(2)?, row.try_get(3)?)?));
            }
            before = if Some(&name) == from { base } else { before.or(base) };
        }
        let Some((pid, new)) = found else { return Ok(None) };
        let change = if from.is_some() { ChangeKind::Renamed } else { ChangeKind::Modified };
        Ok(Some((pid, SyncFile { path: path.clone(), change, from: from.cloned(), old: before, new })))
    }
}
