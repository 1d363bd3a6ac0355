//! Content, by project and object id: written once, read back, collected when nothing needs it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::store::GenericClient;

use crate::model::Oid;

use super::files::oid_of;
use super::{Store, StoreError};

/// Blobs written by one statement.
const STEP_BLOBS: usize = 1000;
/// Bytes written by one statement, unless a single blob is larger.
const STEP_BYTES: usize = 8 << 20;

/// A blob to be written. Its bytes are asked for only when the project does not have it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewBlob {
    pub oid: Oid,
    pub size: i64,
    /// What the source of contents knows it by.
    pub content: usize,
}

/// Where the bytes of new blobs come from: kept encoded as they arrived, decoded when written.
pub trait Contents {
    fn bytes(&self, content: usize) -> Cow<'_, [u8]>;
}

/// Which of these the project has.
pub async fn present(client: &impl GenericClient, pid: i64, oids: &[Oid]) -> Result<HashSet<Oid>, StoreError> {
    if oids.is_empty() {
        return Ok(HashSet::new());
    }
    let oids: Vec<&[u8]> = oids.iter().map(|oid| oid.as_bytes()).collect();
    let select = client.prepare_cached("SELECT oid FROM blobs WHERE pid = $1 AND oid = ANY ($2)").await?;
    let rows = client.query(&select, &[&pid, &oids]).await?;
    rows.iter().map(|row| oid_of(row.try_get(0)?)).collect()
}

/// Writes those that the project does not have yet, in steps; the others are not touched.
pub async fn write(
    client: &impl GenericClient,
    pid: i64,
    blobs: &[NewBlob],
    contents: &impl Contents,
) -> Result<(), StoreError> {
    let oids: Vec<Oid> = blobs.iter().map(|blob| blob.oid).collect();
    let mut known = present(client, pid, &oids).await?;
    let missing: Vec<&NewBlob> = blobs.iter().filter(|blob| known.insert(blob.oid)).collect();
    let mut rest = missing.as_slice();
    let mut step = Step::next(&mut rest, contents);
    while let Some(now) = step {
        // While PostgreSQL takes one step, the next one is decoded.
        let (done, next) = tokio::join!(insert(client, pid, now), async { Step::next(&mut rest, contents) });
        done?;
        step = next;
    }
    Ok(())
}

/// How many of these one statement takes: at least one.
fn step_of(blobs: &[&NewBlob]) -> usize {
    let mut bytes = 0;
    let fits = |blob: &&&NewBlob| {
        bytes += usize::try_from(blob.size).unwrap_or(usize::MAX);
        bytes <= STEP_BYTES
    };
    blobs.iter().take(STEP_BLOBS).take_while(fits).count().max(1)
}

/// The rows of one statement, column by column.
struct Step<'a> {
    oids: Vec<&'a [u8]>,
    sizes: Vec<i64>,
    bytes: Vec<Cow<'a, [u8]>>,
}

impl<'a> Step<'a> {
    /// As many of these as one statement takes, and fewer are left; none: none were left.
    fn next(rest: &mut &[&'a NewBlob], contents: &'a impl Contents) -> Option<Self> {
        let (step, later) = rest.split_at(step_of(rest).min(rest.len()));
        *rest = later;
        (!step.is_empty()).then(|| Step {
            oids: step.iter().map(|blob| blob.oid.as_bytes()).collect(),
            sizes: step.iter().map(|blob| blob.size).collect(),
            bytes: step.iter().map(|blob| contents.bytes(blob.content)).collect(),
        })
    }
}

async fn insert(client: &impl GenericClient, pid: i64, step: Step<'_>) -> Result<(), StoreError> {
    let bytes: Vec<&[u8]> = step.bytes.iter().map(|bytes| bytes.as_ref()).collect();
    let insert = client
        .prepare_cached(
            "INSERT INTO blobs (pid, oid, size, content)
             SELECT $1, * FROM unnest($2::bytea[], $3::bigint[], $4::bytea[])
             ON CONFLICT DO NOTHING",
        )
        .await?;
    client.execute(&insert, &[&pid, &step.oids, &step.sizes, &bytes]).await?;
    Ok(())
}

/// The bytes of one blob.
pub async fn read(client: &impl GenericClient, pid: i64, oid: Oid) -> Result<Option<Vec<u8>>, StoreError> {
    let select = client.prepare_cached("SELECT content FROM blobs WHERE pid = $1 AND oid = $2").await?;
    let row = client.query_opt(&select, &[&pid, &oid.as_bytes()]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

impl Store {
    /// The bytes of one blob of the project.
    pub async fn blob(&self, pid: i64, oid: Oid) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.client().await?, pid, oid).await
    }

    /// The bytes of those blobs that have at most `each` bytes, up to `all` bytes together.
    pub async fn small_blobs(
        &self,
        pid: i64,
        oids: &[Oid],
        each: i64,
        all: i64,
    ) -> Result<HashMap<Oid, Vec<u8>>, StoreError> {
        if oids.is_empty() {
            return Ok(HashMap::new());
        }
        let client = self.client().await?;
        let oids: Vec<&[u8]> = oids.iter().map(|oid| oid.as_bytes()).collect();
        let select = client
            .prepare_cached(
                "SELECT oid, content FROM (
                     SELECT oid, content, (sum(size) OVER (ORDER BY oid))::bigint AS so_far FROM blobs
                     WHERE pid = $1 AND oid = ANY ($2) AND size <= $3) fitting
                 WHERE so_far <= $4",
            )
            .await?;
        let rows = client.query(&select, &[&pid, &oids, &each, &all]).await?;
        rows.iter().map(|row| Ok((oid_of(row.try_get(0)?)?, row.try_get(1)?))).collect()
    }

    /// Deletes up to `limit` blobs of the project that nothing needs: no side of a file, no history,
    /// no pull request, and that are older than an hour. Answers how many went.
    pub async fn collect_blobs(&self, pid: i64, limit: i64) -> Result<u64, StoreError> {
        let mut client = self.client().await?;
        let unneeded = format!("SELECT b.oid FROM blobs b WHERE b.pid = $1 AND {UNNEEDED} LIMIT $2");
        let rows = client.query(&unneeded, &[&pid, &limit]).await?;
        let oids: Vec<Vec<u8>> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        if oids.is_empty() {
            return Ok(0);
        }
        let tx = client.transaction().await?;
        tx.execute("SELECT 1 FROM projects WHERE pid = $1 FOR NO KEY UPDATE", &[&pid]).await?;
        let delete = format!("DELETE FROM blobs b WHERE b.pid = $1 AND b.oid = ANY ($2) AND {UNNEEDED}");
        let gone = tx.execute(&delete, &[&pid, &oids]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// Asked once to find candidates and, with the project's row locked, once more to delete them.
const UNNEEDED: &str = "b.created_at < now() - interval '1 hour'
    AND NOT EXISTS (SELECT 1 FROM files f WHERE f.pid = b.pid AND f.oid = b.oid)
    AND NOT EXISTS (SELECT 1 FROM files f WHERE f.pid = b.pid AND f.base_oid = b.oid)
    AND NOT EXISTS (SELECT 1 FROM files f WHERE f.pid = b.pid AND f.gh_oid = b.oid)
    AND NOT EXISTS (SELECT 1 FROM undo u WHERE u.pid = b.pid AND u.oid = b.oid)
    AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.pid = b.pid AND h.oid = b.oid)
    AND NOT EXISTS (SELECT 1 FROM syncs s JOIN sync_files f ON f.sync_id = s.id WHERE s.pid = b.pid AND f.new_oid = b.oid)
    AND NOT EXISTS (SELECT 1 FROM syncs s JOIN sync_files f ON f.sync_id = s.id WHERE s.pid = b.pid AND f.old_oid = b.oid)
    AND NOT EXISTS (SELECT 1 FROM pull_requests r JOIN pull_request_files f ON f.pull_request = r.id
                    WHERE r.pid = b.pid AND f.oid = b.oid)
    AND NOT EXISTS (SELECT 1 FROM pull_requests r JOIN pull_request_files f ON f.pull_request = r.id
                    WHERE r.pid = b.pid AND f.old_oid = b.oid)";
