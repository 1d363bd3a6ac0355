//! A project's files by the bytes of their paths, from the index of keys.
//!
//! A key is the path itself, so the index is in path order, except among long paths: those that
//! share their first bytes (see `model::path::key_of`) are keyed by a hash. They form a group,
//! which is sorted when the listing gets there.

use crate::store::GenericClient;
use tokio_postgres::Row;

use super::StoreError;
use super::files::{ListedFile, version_of};

/// The bytes that the key of a long path shares with the path.
const PREFIX: usize = 868;

/// Where to go on.
enum At {
    /// Keys above this one.
    After(Vec<u8>),
    /// Paths above this one, among those that begin with the same `PREFIX` bytes.
    Group { prefix: Vec<u8>, after: String },
}

/// Up to `limit` files whose paths come after `after` (empty: from the beginning).
pub async fn page(
    client: &impl GenericClient,
    pid: i64,
    after: &str,
    limit: usize,
) -> Result<Vec<ListedFile>, StoreError> {
    let mut items = Vec::new();
    let mut at = match after.as_bytes().get(..PREFIX) {
        Some(prefix) => At::Group { prefix: prefix.to_vec(), after: after.to_owned() },
        None => At::After(after.as_bytes().to_vec()),
    };
    while items.len() < limit {
        let room = limit - items.len();
        let next = match at {
            At::After(key) => plain(client, pid, key, room, &mut items).await?,
            At::Group { prefix, after } => group(client, pid, prefix, &after, room, &mut items).await?,
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(items)
}

/// Reads on in key order, up to the first long path.
async fn plain(
    client: &impl GenericClient,
    pid: i64,
    after: Vec<u8>,
    room: usize,
    items: &mut Vec<ListedFile>,
) -> Result<Option<At>, StoreError> {
    let select = client
        .prepare_cached(
            "SELECT path, oid, mode, size FROM files
             WHERE pid = $1 AND key > $2 AND oid IS NOT NULL ORDER BY key LIMIT $3",
        )
        .await?;
    let rows = client.query(&select, &[&pid, &after, &limit_of(room)]).await?;
    let full = rows.len() == room;
    for row in &rows {
        let path: &str = row.try_get(0)?;
        if let Some(prefix) = path.as_bytes().get(..PREFIX) {
            return Ok(Some(At::Group { prefix: prefix.to_vec(), after: String::new() }));
        }
        items.push(listed(row)?);
    }
    let last = rows.last().map(|row| row.try_get::<_, &str>(0)).transpose()?;
    Ok(last.filter(|_| full).map(|path| At::After(path.as_bytes().to_vec())))
}

/// Reads on within the long paths that share a prefix, then goes on behind them.
async fn group(
    client: &impl GenericClient,
    pid: i64,
    prefix: Vec<u8>,
    after: &str,
    room: usize,
    items: &mut Vec<ListedFile>,
) -> Result<Option<At>, StoreError> {
    let select = client
        .prepare_cached(
            "SELECT path, oid, mode, size FROM files
             WHERE pid = $1 AND key >= $2 AND key <= $3 AND oid IS NOT NULL AND path > $4
             ORDER BY path LIMIT $5",
        )
        .await?;
    let end = end_of(&prefix);
    let rows = client.query(&select, &[&pid, &prefix, &end, &after, &limit_of(room)]).await?;
    for row in &rows {
        items.push(listed(row)?);
    }
    Ok((rows.len() < room).then_some(At::After(end)))
}

/// No key that begins with the prefix is above this: keys are at most 900 bytes.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    end.resize(PREFIX + 40, 0xff);
    end
}

fn listed(row: &Row) -> Result<ListedFile, StoreError> {
    let version = version_of(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?;
    let version = version.ok_or(StoreError::Internal("a listed file without content".to_owned()))?;
    Ok(ListedFile { path: row.try_get(0)?, version })
}

fn limit_of(room: usize) -> i64 {
    i64::try_from(room).unwrap_or(i64::MAX)
}
