//! Edits of what open pull requests carry: they are no pending changes once a path is back at the
//! base's version, and still belong on the pull request's branch.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{GenericClient, StoreError, Transaction};
use crate::model::{FilePath, Problem};

/// Held paths whose project side is another than what the pull request's branch was given. Where a
/// pull request carries the project's side of a conflict, GitHub's version in the project is no edit.
pub(super) const EDITED: &str = "FROM holds h
    JOIN pull_requests q ON q.id = h.pull_request
    JOIN pull_request_files c ON c.pull_request = h.pull_request AND c.key = h.key
    LEFT JOIN files f ON f.pid = h.pid AND f.key = h.key
    WHERE h.pid = $1 AND h.reason = 'pull_request' AND NOT coalesce(f.excluded, false)
      AND (f.oid IS DISTINCT FROM c.oid OR f.mode IS DISTINCT FROM c.mode)
      AND NOT (q.proposed AND f.oid IS NOT DISTINCT FROM f.base_oid AND f.mode IS NOT DISTINCT FROM f.base_mode)";

/// Whether there is one.
pub async fn any(client: &impl GenericClient, pid: i64) -> Result<bool, StoreError> {
    let select = client.prepare_cached(&format!("SELECT EXISTS (SELECT {EDITED})")).await?;
    Ok(client.query_one(&select, &[&pid]).await?.try_get(0)?)
}

/// The window starts with what is pending and not held, or with an edit of what is: what was
/// proposed is out of it. Answers when it started.
pub async fn start_window_again(tx: &Transaction<'_>, pid: i64) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = format!(
        "UPDATE integrations SET window_at = (SELECT min(at) FROM (
             SELECT f.changed_at AS at FROM files f WHERE f.pid = $1 AND NOT f.excluded
                 AND (f.oid IS DISTINCT FROM f.base_oid OR f.mode IS DISTINCT FROM f.base_mode)
                 AND NOT EXISTS (SELECT FROM holds h WHERE h.pid = f.pid AND h.key = f.key)
             UNION ALL SELECT coalesce(f.changed_at, now()) {EDITED}) starts)
         WHERE pid = $1 RETURNING window_at"
    );
    Ok(tx.query_opt(&sql, &[&pid]).await?.and_then(|row| row.get(0)))
}

/// What was there at this revision is dealt with: the window starts with what came later.
pub(super) async fn start_window_after(tx: &Transaction<'_>, pid: i64, revision: i64) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE integrations SET window_at = (SELECT min(at) FROM (
             SELECT changed_at AS at FROM files WHERE pid = $1 AND revision > $2 AND NOT excluded
                 AND (oid IS DISTINCT FROM base_oid OR mode IS DISTINCT FROM base_mode)
             UNION ALL SELECT coalesce(f.changed_at, now()) {EDITED} AND $2 < (SELECT revision FROM projects WHERE pid = $1)
                 AND (f.revision > $2 OR f.revision IS NULL)) starts)
         WHERE pid = $1"
    );
    tx.execute(&sql, &[&pid, &revision]).await?;
    Ok(())
}

/// What people are told of held paths besides that they are in a pull request; none: nothing.
pub async fn note(
    tx: &Transaction<'_>,
    pid: i64,
    paths: &[&FilePath],
    problem: impl Fn(&FilePath) -> Option<Problem>,
) -> Result<(), StoreError> {
    let problems: Vec<Option<Value>> =
        paths.iter().map(|path| problem(path).and_then(|problem| serde_json::to_value(problem).ok())).collect();
    let keys: Vec<Vec<u8>> = paths.iter().map(|path| path.key()).collect();
    tx.execute(
        "UPDATE holds h SET problem = n.problem FROM unnest($2::bytea[], $3::jsonb[]) n (key, problem)
         WHERE h.pid = $1 AND h.key = n.key AND h.reason = 'pull_request' AND h.problem IS DISTINCT FROM n.problem",
        &[&pid, &keys, &problems],
    )
    .await?;
    Ok(())
}
