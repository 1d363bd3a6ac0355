//! Which of a sync's files GitHub was asked for, and which came from there: told apart, because
//! GitHub may refuse the former and the sync goes on without them.

use uuid::Uuid;

use super::syncs::{self, SyncFile};
use super::{Store, StoreError, Transaction};
use crate::model::FilePath;

/// Marks files that were just saved.
pub async fn mark_pushed(
    tx: &Transaction<'_>,
    sync: Uuid,
    pushed: impl Iterator<Item = &FilePath>,
    came_in: impl Iterator<Item = &FilePath>,
) -> Result<(), StoreError> {
    let pushed: Vec<Vec<u8>> = pushed.map(FilePath::key).collect();
    let came_in: Vec<Vec<u8>> = came_in.map(FilePath::key).collect();
    tx.execute(
        "UPDATE sync_files SET pushed = key = ANY($2), came_in = key = ANY($3) WHERE sync_id = $1",
        &[&sync, &pushed, &came_in],
    )
    .await?;
    Ok(())
}

/// What was asked for did not happen. Answers how many files are left.
pub async fn forget_pushed(tx: &Transaction<'_>, sync: Uuid) -> Result<i64, StoreError> {
    tx.execute("DELETE FROM sync_files WHERE sync_id = $1 AND pushed AND NOT came_in", &[&sync]).await?;
    tx.execute("UPDATE sync_files SET pushed = false WHERE sync_id = $1 AND pushed", &[&sync]).await?;
    let row = tx.query_one("SELECT count(*) FROM sync_files WHERE sync_id = $1", &[&sync]).await?;
    Ok(row.try_get(0)?)
}

impl Store {
    /// The files that GitHub was asked for.
    pub async fn pushed_files(&self, sync: Uuid) -> Result<Vec<SyncFile>, StoreError> {
        syncs::files_where(&self.client().await?, sync, "pushed", i64::MAX).await
    }

    /// The files that came from GitHub.
    pub async fn files_that_came_in(&self, sync: Uuid) -> Result<Vec<SyncFile>, StoreError> {
        syncs::files_where(&self.client().await?, sync, "came_in", i64::MAX).await
    }
}
