//! Edits of what open pull requests carry: they are no pending changes once a path is back at the
//! base's version, and still belong on the pull request's branch.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::integrations::oid;
use super::{GenericClient, StoreError, Transaction};
use crate::model::{Entry, FilePath, Oid, Problem};

macro_rules! came_in {
    () => {
        "coalesce(c.came_in, q.proposed OR (c.oid IS NOT DISTINCT FROM c.old_oid AND c.mode IS NOT DISTINCT FROM c.old_mode))"
    };
}

/// Whether the project has taken GitHub's version of a path `c` over since it gave its own to the branch
/// of `q`. Earlier releases did not say, and took what is proposed of a conflict, or proposes nothing, so.
pub(super) const CAME_IN: &str = came_in!();

/// Held paths whose project side is another than what the pull request's branch was given. GitHub's
/// version, come into the project since, is no edit; nor is one that GitHub refused.
pub(super) const EDITED: &str = concat!(
    "FROM holds h
    JOIN pull_requests q ON q.id = h.pull_request
    JOIN pull_request_files c ON c.pull_request = h.pull_request AND c.key = h.key
    LEFT JOIN files f ON f.pid = h.pid AND f.key = h.key
    WHERE h.pid = $1 AND h.reason = 'pull_request' AND NOT coalesce(f.excluded, false)
      AND (f.oid IS DISTINCT FROM c.oid OR f.mode IS DISTINCT FROM c.mode)
      AND NOT (h.oid IS NOT NULL AND h.oid IS NOT DISTINCT FROM f.oid AND h.mode IS NOT DISTINCT FROM f.mode)
      AND NOT (f.oid IS NOT DISTINCT FROM f.base_oid AND f.mode IS NOT DISTINCT FROM f.base_mode AND ",
    came_in!(),
    ")"
);

/// The project took GitHub's version of these paths over; each comes with the version that it replaces.
/// Pull requests whose branch was given that one, and those that do not have the path anyway, have no
/// edit of it.
pub async fn came_in(
    tx: &Transaction<'_>,
    pid: i64,
    replaced: &[(&FilePath, Option<Entry>)],
) -> Result<(), StoreError> {
    for some in replaced.chunks(2000) {
        let keys: Vec<Vec<u8>> = some.iter().map(|(path, _)| path.key()).collect();
        let oids: Vec<Option<Vec<u8>>> = some.iter().map(|(_, entry)| entry.map(|it| it.oid.0.to_vec())).collect();
        let modes: Vec<Option<i32>> = some.iter().map(|(_, entry)| entry.map(|it| it.mode.as_i32())).collect();
        tx.execute(
            "UPDATE pull_request_files c SET came_in = true
             FROM unnest($2::bytea[], $3::bytea[], $4::int[]) n (key, oid, mode)
             WHERE c.pid = $1 AND c.key = n.key AND c.came_in IS DISTINCT FROM true
               AND ((c.oid IS NOT DISTINCT FROM n.oid AND c.mode IS NOT DISTINCT FROM n.mode)
                 OR EXISTS (SELECT FROM holds h WHERE h.pid = c.pid AND h.key = c.key AND h.reason = 'pull_request'
                     AND h.pull_request <> c.pull_request))",
            &[&pid, &keys, &oids, &modes],
        )
        .await?;
    }
    Ok(())
}

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

/// Why a held path's edit is not on the branch.
pub struct Note<'a> {
    pub path: &'a FilePath,
    /// None: it is there.
    pub problem: Option<Problem>,
    /// The version that GitHub refused; another one is tried.
    pub refused: Option<Entry>,
}

/// What people are told of held paths besides that they are in a pull request.
pub async fn note(tx: &Transaction<'_>, pid: i64, notes: &[Note<'_>]) -> Result<(), StoreError> {
    let json = |note: &Note<'_>| note.problem.as_ref().and_then(|problem| serde_json::to_value(problem).ok());
    let problems: Vec<Option<Value>> = notes.iter().map(json).collect();
    let keys: Vec<Vec<u8>> = notes.iter().map(|note| note.path.key()).collect();
    let oids: Vec<Option<Vec<u8>>> = notes.iter().map(|note| note.refused.map(|entry| entry.oid.0.to_vec())).collect();
    let modes: Vec<Option<i32>> = notes.iter().map(|note| note.refused.map(|entry| entry.mode.as_i32())).collect();
    tx.execute(
        "UPDATE holds h SET problem = n.problem, oid = n.oid, mode = n.mode
         FROM unnest($2::bytea[], $3::jsonb[], $4::bytea[], $5::int[]) n (key, problem, oid, mode)
         WHERE h.pid = $1 AND h.key = n.key AND h.reason = 'pull_request'
           AND (h.problem, h.oid, h.mode) IS DISTINCT FROM (n.problem, n.oid, n.mode)",
        &[&pid, &keys, &problems, &oids, &modes],
    )
    .await?;
    Ok(())
}

/// Those of these commits that a history row names.
pub async fn recorded(client: &impl GenericClient, pid: i64, commits: &[Oid]) -> Result<Vec<Oid>, StoreError> {
    let commits: Vec<&[u8]> = commits.iter().map(Oid::as_bytes).collect();
    let sql = "SELECT DISTINCT commit_sha FROM syncs WHERE pid = $1 AND commit_sha = ANY($2)";
    let rows = client.query(sql, &[&pid, &commits]).await?;
    Ok(rows.iter().map(|row| oid(row, "commit_sha")).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// What GitHub refused is tried again: a person asked.
pub(super) async fn forget_refusals(client: &impl GenericClient, pid: i64) -> Result<(), StoreError> {
    let sql = "UPDATE holds SET problem = NULL, oid = NULL, mode = NULL
               WHERE pid = $1 AND reason = 'pull_request' AND oid IS NOT NULL";
    client.execute(sql, &[&pid]).await?;
    Ok(())
}
