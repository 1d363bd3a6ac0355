//! Renames among the files of a commit, by equal or similar content.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use super::look::{Look, Trouble};
use crate::model::{ChangeKind, Entry, Oid};
use crate::store::syncs::SyncFile;
use crate::sync::rename::{self, Candidate};

/// With more files on one side only equal content is looked for: reading them all is no part of a sync.
const MAX_READ: usize = 100;

impl Look<'_> {
    /// Folds a deleted and an added path into one renamed one, where the content says so.
    pub async fn with_renames(&self, files: Vec<SyncFile>) -> Result<Vec<SyncFile>, Trouble> {
        let of = |kind: ChangeKind| files.iter().filter(move |file| file.change == kind).collect::<Vec<_>>();
        let (deleted, added) = (of(ChangeKind::Deleted), of(ChangeKind::Added));
        if deleted.is_empty() || added.is_empty() {
            return Ok(files);
        }
        let mut contents = HashMap::new();
        if deleted.len() <= MAX_READ && added.len() <= MAX_READ {
            let oids = deleted.iter().filter_map(|file| file.old).chain(added.iter().filter_map(|file| file.new));
            contents = self.small_contents(oids.map(|entry| entry.oid).collect()).await?;
        }
        let gone: Vec<Candidate<'_>> = deleted.iter().filter_map(|file| candidate(file, file.old, &contents)).collect();
        let come: Vec<Candidate<'_>> = added.iter().filter_map(|file| candidate(file, file.new, &contents)).collect();
        let pairs: HashMap<String, String> =
            rename::detect(&gone, &come).into_iter().map(|pair| (pair.to.to_owned(), pair.from.to_owned())).collect();
        Ok(fold(files, &pairs))
    }

    async fn small_contents(&self, oids: BTreeSet<Oid>) -> Result<HashMap<Oid, Bytes>, Trouble> {
        const MAX_BYTES: i64 = 1 << 20;
        let sizes = self.engine.store.blob_sizes(self.on.pid, &oids).await?;
        let small = sizes.into_iter().filter(|(_, size)| *size <= MAX_BYTES).map(|(oid, _)| oid).collect();
        Ok(self.engine.store.blobs(self.on.pid, &small).await?)
    }
}

fn candidate<'a>(file: &'a SyncFile, entry: Option<Entry>, contents: &'a HashMap<Oid, Bytes>) -> Option<Candidate<'a>> {
    let entry = entry?;
    Some(Candidate { path: file.path.as_str(), entry, content: contents.get(&entry.oid).map(AsRef::as_ref) })
}

fn fold(files: Vec<SyncFile>, pairs: &HashMap<String, String>) -> Vec<SyncFile> {
    let old: HashMap<String, Option<Entry>> = files.iter().map(|file| (file.path.to_string(), file.old)).collect();
    let sources: BTreeSet<&String> = pairs.values().collect();
    files
        .iter()
        .filter(|file| !(file.change == ChangeKind::Deleted && sources.contains(&file.path.to_string())))
        .map(|file| {
            let mut file = file.clone();
            if let Some(from) = pairs.get(file.path.as_str()).filter(|_| file.change == ChangeKind::Added)
                && let Ok(path) = crate::model::FilePath::parse(from.clone())
            {
                file.change = ChangeKind::Renamed;
                file.old = old.get(from).copied().flatten();
                file.from = Some(path);
            }
            file
        })
        .collect()
}
