//! Which pull request holds a path. Several may carry it: it belongs to the one that took it first
//! while that is open, then to the lowest open one that carries it too, and to the last closed one
//! until a person syncs. Whoever lets go of a path gives it back by that rule.

use chrono::{DateTime, Utc};

use super::pulls::Pull;
use super::{GenericClient, StoreError, Transaction};

/// A pull request `p` whose paths are not committed to the sync branch.
const HOLDS: &str = "(p.state IN ('open', 'draft') OR (p.state = 'merged' AND NOT p.released)
    OR (p.state = 'creating' AND (p.proposed OR NOT p.given_up)))";

/// Its paths are kept from the sync branch; not those that another open one has already.
pub async fn hold(tx: &Transaction<'_>, pid: i64, id: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO holds (pid, key, path, reason, pull_request)
         SELECT pid, key, path, 'pull_request', pull_request FROM pull_request_files WHERE pull_request = $2 AND pid = $1
         ON CONFLICT (pid, key) DO UPDATE SET reason = 'pull_request', pull_request = excluded.pull_request, problem = NULL,
             oid = NULL, mode = NULL WHERE holds.reason <> 'pull_request'",
        &[&pid, &id],
    )
    .await?;
    Ok(())
}

/// Closed unmerged, given up, or merged where it changes nothing here: what it carries is pending
/// again, and waits for a person.
pub async fn hold_for_person(tx: &Transaction<'_>, pull: &Pull) -> Result<(), StoreError> {
    tx.execute("UPDATE pull_requests SET released = true WHERE id = $1 AND state = 'merged'", &[&pull.id]).await?;
    let keys = take(tx, pull.id).await?;
    give_to_open(tx, pull.pid, &keys).await?;
    tx.execute(
        "UPDATE pull_request_files c SET left_over = true WHERE pull_request = $1 AND key = ANY($2)
         AND NOT EXISTS (SELECT FROM holds h WHERE h.pid = c.pid AND h.key = c.key AND h.reason = 'pull_request')",
        &[&pull.id, &keys],
    )
    .await?;
    give_to_closed(tx, pull.pid, &keys).await
}

/// Nothing of it is held any more.
pub async fn release(tx: &Transaction<'_>, pid: i64, id: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE pull_requests SET released = true WHERE id = $1", &[&id]).await?;
    let keys = take(tx, id).await?;
    give_back(tx, pid, &keys).await
}

/// As if it had never been asked for.
pub async fn forget(tx: &Transaction<'_>, pid: i64, id: i64) -> Result<(), StoreError> {
    let keys = take(tx, id).await?;
    tx.execute("DELETE FROM pull_requests WHERE id = $1", &[&id]).await?;
    give_back(tx, pid, &keys).await
}

/// These paths, held by nothing now, go back to whichever pull request is to have them.
pub async fn give_back(tx: &Transaction<'_>, pid: i64, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    give_to_open(tx, pid, keys).await?;
    give_to_closed(tx, pid, keys).await
}

async fn take(tx: &Transaction<'_>, id: i64) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "DELETE FROM holds WHERE pull_request = $1 AND reason LIKE 'pull_request%' RETURNING key";
    keys(&tx.query(sql, &[&id]).await?)
}

pub(super) fn keys(rows: &[tokio_postgres::Row]) -> Result<Vec<Vec<u8>>, StoreError> {
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn give_to_open(tx: &Transaction<'_>, pid: i64, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO holds (pid, key, path, reason, pull_request)
         SELECT DISTINCT ON (c.key) c.pid, c.key, c.path, 'pull_request', p.id
         FROM pull_request_files c JOIN pull_requests p ON p.id = c.pull_request
              JOIN integrations i ON i.pid = p.pid AND i.connection = p.connection
         WHERE c.pid = $1 AND c.key = ANY($2) AND {HOLDS} ORDER BY c.key, p.id
         ON CONFLICT (pid, key) DO UPDATE SET reason = 'pull_request', pull_request = excluded.pull_request, problem = NULL,
             oid = NULL, mode = NULL WHERE holds.reason <> 'pull_request'"
    );
    in_steps(tx, &sql, pid, keys).await
}

async fn give_to_closed(tx: &Transaction<'_>, pid: i64, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    let sql = "INSERT INTO holds (pid, key, path, reason, pull_request)
         SELECT DISTINCT ON (c.key) c.pid, c.key, c.path, 'pull_request_closed', p.id
         FROM pull_request_files c JOIN pull_requests p ON p.id = c.pull_request
              JOIN integrations i ON i.pid = p.pid AND i.connection = p.connection
         WHERE c.pid = $1 AND c.key = ANY($2) AND c.left_over ORDER BY c.key, p.id DESC
         ON CONFLICT (pid, key) DO UPDATE SET pull_request = excluded.pull_request
             WHERE holds.reason NOT LIKE 'pull_request%'";
    in_steps(tx, sql, pid, keys).await
}

/// What closed pull requests left of these paths is dealt with.
pub async fn settled(tx: &Transaction<'_>, pid: i64, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    let sql = "DELETE FROM holds WHERE pid = $1 AND key = ANY($2) AND reason = 'pull_request_closed'";
    in_steps(tx, sql, pid, keys).await?;
    let sql = "UPDATE holds SET pull_request = NULL WHERE pid = $1 AND key = ANY($2) AND reason <> 'pull_request'";
    in_steps(tx, sql, pid, keys).await?;
    let sql = "UPDATE pull_request_files SET left_over = false WHERE pid = $1 AND key = ANY($2) AND left_over";
    in_steps(tx, sql, pid, keys).await
}

/// A person synced: whatever pull requests left that were closed before this time is dealt with. What
/// another one has meanwhile is not.
pub async fn person_synced(tx: &Transaction<'_>, pid: i64, before: DateTime<Utc>) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM holds WHERE pid = $1 AND reason = 'pull_request_closed' AND created_at <= $2",
        &[&pid, &before],
    )
    .await?;
    // What has such a path for another reason now names the pull request no more.
    let others = "UPDATE holds SET pull_request = NULL WHERE pid = $1 AND reason NOT LIKE 'pull_request%'";
    tx.execute(others, &[&pid]).await?;
    tx.execute(
        "UPDATE pull_request_files c SET left_over = false WHERE pid = $1 AND left_over AND NOT EXISTS
             (SELECT FROM holds h WHERE h.pid = c.pid AND h.key = c.key AND h.reason LIKE 'pull_request%')",
        &[&pid],
    )
    .await?;
    Ok(())
}

/// The project is connected again to a repository where it has pull requests: the open ones hold
/// their paths, and how they stand is read afresh. What others left is compared like everything else.
pub(super) async fn reconnected(tx: &Transaction<'_>, pid: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE pull_request_files SET left_over = false WHERE pid = $1 AND left_over", &[&pid]).await?;
    tx.execute(
        "UPDATE pull_requests p SET connection = i.connection, released = p.released OR p.state = 'merged',
             status_due = p.state IN ('open', 'draft')
         FROM integrations i WHERE i.pid = $1 AND p.pid = $1 AND p.repository_id = i.repository_id AND p.number IS NOT NULL",
        &[&pid],
    )
    .await?;
    let carried = "SELECT DISTINCT c.key FROM pull_request_files c JOIN pull_requests p ON p.id = c.pull_request
         WHERE p.pid = $1 AND p.state IN ('open', 'draft')";
    let keys = keys(&tx.query(carried, &[&pid]).await?)?;
    give_to_open(tx, pid, &keys).await
}

/// An open one has taken over what closed ones left of its paths.
pub(super) async fn took_over(client: &impl GenericClient, id: i64) -> Result<(), StoreError> {
    client
        .execute(
            "UPDATE pull_request_files c SET left_over = false FROM pull_request_files mine
             WHERE mine.pull_request = $1 AND c.pid = mine.pid AND c.key = mine.key AND c.left_over",
            &[&id],
        )
        .await?;
    Ok(())
}

async fn in_steps(tx: &Transaction<'_>, sql: &str, pid: i64, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    for step in keys.chunks(2000) {
        tx.execute(sql, &[&pid, &step]).await?;
    }
    Ok(())
}
