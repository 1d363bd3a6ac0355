//! Going back: the tree as a sync left it, as a new revision. Paths that are excluded now stay.

use crate::store::Transaction;
use uuid::Uuid;

use crate::model::FilePath;
use crate::model::problem::FieldError;
use crate::store::files::{self, Version};
use crate::store::{Store, StoreError};

use super::begin::{self, Begin, begin};
use super::clash::clash_with_others;
use super::edits::{self, Edit};
use super::{Answer, Asking, ChangeError, apply};

/// A request to go back to what a sync left.
#[derive(Debug, Clone)]
pub struct Restore {
    pub asking: Asking,
    pub sync: Uuid,
}

impl Store {
    /// Makes the project's tree what it was when the sync ended.
    pub async fn restore(&self, request: &Restore) -> Result<Answer, ChangeError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let project = match begin(&tx, &request.asking, false).await? {
            Begin::Answered(answer) => return Ok(answer),
            Begin::Open(project) => project,
        };
        let snapshot = snapshot_of(&tx, project.pid, request.sync).await?;
        let old = changed_since(&tx, project.pid, snapshot).await?;
        let mut rows = files::load(&tx, project.pid, old.iter().map(|(path, _)| path)).await?;
        let mut edits: Vec<Edit> = old
            .into_iter()
            .map(|(path, now)| Edit { row: rows.remove(&path), path, now, excluded: false, carried: Vec::new() })
            .filter(|edit| edit.was() != edit.now)
            .collect();
        edits::mark_excluded(&project, request.asking.excludes, &mut edits)?;
        edits.retain(|edit| !edit.excluded);
        edits::write(&tx, &project, &request.asking, &edits).await?;
        if let Some((file, below)) = clash_with_others(&tx, &project, &edits).await? {
            return Err(invalid(apply::both_file_and_folder(file.as_str(), below.as_str())));
        }
        let answer = begin::finish(&tx, &project, &request.asking, "project.restored", &edits).await?;
        tx.commit().await?;
        Ok(answer)
    }
}

/// The number of the snapshot that the sync left.
async fn snapshot_of(tx: &Transaction<'_>, pid: i64, sync: Uuid) -> Result<i64, ChangeError> {
    let select = tx.prepare_cached("SELECT snapshot FROM syncs WHERE id = $1 AND pid = $2").await?;
    let row = tx.query_opt(&select, &[&sync, &pid]).await?.ok_or(ChangeError::NoSync)?;
    let snapshot: Option<i64> = row.get(0);
    snapshot.ok_or_else(|| invalid("this sync left no tree to go back to".to_owned()))
}

/// The paths that changed since the snapshot, as they were in it.
async fn changed_since(
    tx: &Transaction<'_>,
    pid: i64,
    snapshot: i64,
) -> Result<Vec<(FilePath, Option<Version>)>, StoreError> {
    let select = tx
        .prepare_cached(
            "SELECT u.path, u.oid, u.mode, b.size FROM (
                 SELECT DISTINCT ON (key) path, oid, mode FROM undo WHERE pid = $1 AND upto >= $2 ORDER BY key, upto) u
             LEFT JOIN blobs b ON b.pid = $1 AND b.oid = u.oid",
        )
        .await?;
    let rows = tx.query(&select, &[&pid, &snapshot]).await?;
    rows.iter()
        .map(|row| {
            let version = files::version_of(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?;
            Ok((files::path_of(row.try_get(0)?)?, version))
        })
        .collect()
}

fn invalid(message: String) -> ChangeError {
    ChangeError::Invalid(vec![FieldError { field: "sync".to_owned(), message }])
}
