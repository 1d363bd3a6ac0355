//! What is pending, as a person wants to see it: what became of each path, and by how many lines.

use std::collections::HashMap;

use super::Engine;
use crate::model::{ChangeKind, Entry, Oid, Problem, ProjectId};
use crate::store::StoreError;
use crate::store::pending::{PendingPage, PendingRow, Side};
use crate::sync::diff::numstat;
use crate::sync::rename::{self, Candidate};

/// Files larger than this are not compared by line.
const MAX_COMPARED: i64 = 4 << 20;
/// Bytes read for one page, at most.
const MAX_READ: i64 = 64 << 20;
/// With more files on either side only equal content is paired.
const MAX_SIMILAR: usize = 100;
/// Larger files are not looked into for renames.
const MAX_LOOKED_INTO: i64 = 1 << 20;

/// One pending path.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    pub path: String,
    pub change: ChangeKind,
    /// The path it came from, when it was renamed. That one is listed as deleted.
    pub from: Option<String>,
    /// Lines added and deleted; none for binary content, and for what is too large to compare.
    pub lines: Option<(u64, u64)>,
    pub held: Option<Problem>,
    pub excluded: bool,
}

/// The contents that could be read, by oid.
type Contents = HashMap<Oid, Vec<u8>>;
/// New paths, with the path and version that each came from.
type Renames = HashMap<String, (String, Entry)>;

impl Engine {
    /// Up to `limit` pending paths behind `after`, or excluded ones; none: no such project.
    pub async fn pending(
        &self,
        project: &ProjectId,
        excluded: bool,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<Pending>>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let Some(page) = self.store.pending(project, excluded, after, limit).await? else { return Ok(None) };
        let renames = self.renames(&page).await?;
        let oids: Vec<Oid> = page.rows.iter().flat_map(|row| <[_; 2]>::from(sides(row, &renames))).flatten().collect();
        let contents = self.store.small_blobs(page.pid, &oids, MAX_COMPARED, MAX_READ).await?;
        let shown = move || page.rows.into_iter().map(|row| shown(row, &renames, &contents)).collect();
        off_thread(shown).await.map(Some)
    }

    async fn renames(&self, page: &PendingPage) -> Result<Renames, StoreError> {
        let (deleted, added) = (page.deleted.clone(), page.added.clone());
        if deleted.is_empty() || added.is_empty() {
            return Ok(Renames::new());
        }
        let few = deleted.len() <= MAX_SIMILAR && added.len() <= MAX_SIMILAR;
        let oids: Vec<Oid> = deleted.iter().chain(&added).filter(|_| few).map(|side| side.entry.oid).collect();
        let contents = self.store.small_blobs(page.pid, &oids, MAX_LOOKED_INTO, MAX_READ).await?;
        off_thread(move || detect(&deleted, &added, &contents)).await
    }
}

/// Comparing contents takes a while.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Internal(error.to_string()))
}

fn detect(deleted: &[Side], added: &[Side], contents: &Contents) -> Renames {
    let entries: HashMap<&str, Entry> = deleted.iter().map(|side| (side.path.as_str(), side.entry)).collect();
    let found = rename::detect(&candidates(deleted, contents), &candidates(added, contents));
    let known = found.iter().filter_map(|rename| Some((rename, *entries.get(rename.from)?)));
    known.map(|(rename, entry)| (rename.to.to_owned(), (rename.from.to_owned(), entry))).collect()
}

fn candidates<'a>(sides: &'a [Side], contents: &'a Contents) -> Vec<Candidate<'a>> {
    let content = |side: &Side| contents.get(&side.entry.oid).map(Vec::as_slice);
    sides.iter().map(|side| Candidate { path: &side.path, entry: side.entry, content: content(side) }).collect()
}

/// The contents to compare: as last agreed (where a renamed file came from) and as the project has it.
fn sides(row: &PendingRow, renames: &Renames) -> (Option<Oid>, Option<Oid>) {
    let from = renames.get(row.file.path.as_str()).map(|(_, entry)| *entry);
    (row.file.base.or(from).map(|entry| entry.oid), row.file.project.map(|version| version.oid))
}

fn shown(row: PendingRow, renames: &Renames, contents: &Contents) -> Pending {
    let (old, new) = sides(&row, renames);
    let from = renames.get(row.file.path.as_str()).map(|(from, _)| from.clone());
    let change = match (row.file.base, row.file.project) {
        (None, _) if from.is_some() => ChangeKind::Renamed,
        (None, _) => ChangeKind::Added,
        (Some(_), None) => ChangeKind::Deleted,
        (Some(base), Some(now)) if base.oid == now.oid => ChangeKind::ModeChanged,
        (Some(_), Some(_)) => ChangeKind::Modified,
    };
    let path = row.file.path.into();
    Pending { path, change, from, lines: lines(old, new, contents), held: row.held, excluded: row.file.excluded }
}

fn lines(old: Option<Oid>, new: Option<Oid>, contents: &Contents) -> Option<(u64, u64)> {
    let bytes = |oid: Option<Oid>| oid.map_or(Some(&[][..]), |oid| contents.get(&oid).map(Vec::as_slice));
    numstat(bytes(old)?, bytes(new)?)
}
