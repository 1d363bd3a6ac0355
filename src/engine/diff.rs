//! The patch of a sync, file by file: memory holds one file at a time.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use uuid::Uuid;

use super::Engine;
use crate::model::{ChangeKind, Entry};
use crate::store::StoreError;
use crate::store::syncs::SyncFile;
use crate::sync::diff::{self, FileDiff, Side};

/// The patch as a stream of whole files. Content that was collected since is left out, and said so.
pub async fn stream(
    engine: Engine,
    pid: i64,
    sync: Uuid,
) -> Result<impl Stream<Item = Result<Bytes, StoreError>> + use<>, StoreError> {
    let files: VecDeque<SyncFile> = engine.store.sync_files(sync, i64::MAX).await?.into();
    Ok(stream::try_unfold((engine, files), move |(engine, mut files)| async move {
        let Some(file) = files.pop_front() else { return Ok(None) };
        let patch = patch_of(&engine, pid, &file).await?;
        Ok(Some((Bytes::from(patch), (engine, files))))
    }))
}

pub(super) async fn patch_of(engine: &Engine, pid: i64, file: &SyncFile) -> Result<Vec<u8>, StoreError> {
    let oids: BTreeSet<_> = [file.old, file.new].into_iter().flatten().map(|entry| entry.oid).collect();
    let contents = engine.store.blobs(pid, &oids).await?;
    let side = |entry: Option<Entry>| -> Option<Side<'_>> {
        let entry = entry?;
        contents.get(&entry.oid).map(|bytes| Side { entry, bytes })
    };
    let mut out = Vec::new();
    let is_here = |entry: Option<Entry>| entry.is_none_or(|entry| contents.contains_key(&entry.oid));
    if !is_here(file.old) || !is_here(file.new) {
        out.extend_from_slice(format!("# {}: its content is no longer kept\n", file.path).as_bytes());
        return Ok(out);
    }
    let is_rename = file.change == ChangeKind::Renamed;
    diff::write(
        &mut out,
        &FileDiff {
            path: file.path.as_str(),
            from: file.from.as_ref().filter(|_| is_rename).map(AsRef::as_ref),
            old: side(file.old),
            new: side(file.new),
            similarity: similarity(file, side(file.old), side(file.new)),
        },
    );
    Ok(out)
}

/// Of a rename; what a patch tool only prints.
fn similarity(file: &SyncFile, old: Option<Side<'_>>, new: Option<Side<'_>>) -> u8 {
    use crate::sync::rename::{Candidate, detect};
    let (Some(from), Some(old), Some(new)) = (&file.from, old, new) else { return 100 };
    let gone = [Candidate { path: from.as_str(), entry: old.entry, content: Some(old.bytes) }];
    let come = [Candidate { path: file.path.as_str(), entry: new.entry, content: Some(new.bytes) }];
    detect(&gone, &come).first().map_or(50, |pair| pair.similarity)
}
