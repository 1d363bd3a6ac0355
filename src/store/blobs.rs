//! Content, by project and object id: written once, read back, collected when nothing needs it.

use std::borrow::Cow;
use std::collections::HashSet;

use deadpool_postgres::GenericClient;

use crate::model::Oid;

use super::files::oid_of;
use super::{Store, StoreError};

/// Blobs written by one statement.
const STEP_BLOBS: usize = 2000;
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
    while !rest.is_empty() {
        let (step, later) = rest.split_at(step_of(rest));
        insert(client, pid, step, contents).await?;
        rest = later;
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

async fn insert(
    client: &impl GenericClient,
    pid: i64,
    step: &[&NewBlob],
    contents: &impl Contents,
) -> Result<(), StoreError> {
    let oids: Vec<&[u8]> = step.iter().map(|blob| blob.oid.as_bytes()).collect();
    let sizes: Vec<i64> = step.iter().map(|blob| blob.size).collect();
    let bytes: Vec<Cow<'_, [u8]>> = step.iter().map(|blob| contents.bytes(blob.content)).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(|bytes| bytes.as_ref()).collect();
    let insert = client
        .prepare_cached(
            "INSERT INTO blobs (pid, oid, size, content)
             SELECT $1, * FROM unnest($2::bytea[], $3::bigint[], $4::bytea[])
             ON CONFLICT DO NOTHING",
        )
        .await?;
    client.execute(&insert, &[&pid, &oids, &sizes, &bytes]).await?;
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
}
