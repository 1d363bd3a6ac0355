//! What GitHub's answers have shown already, kept for as long as one look at a repository takes, so
//! that it is not asked for twice. Everything is found by its object id, so nothing of it goes stale.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::trees::TreeEntry;
use crate::model::Oid;

#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    /// One level each.
    trees: HashMap<Oid, Vec<TreeEntry>>,
    texts: HashMap<Oid, Bytes>,
    sizes: HashMap<Oid, u64>,
    messages: HashMap<Oid, String>,
    /// Commits of ours that the answer to their mutation showed to hold what was sent.
    proven: HashSet<Oid>,
}

impl Shown {
    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tree(&self, oid: Oid) -> Option<Vec<TreeEntry>> {
        self.all().trees.get(&oid).cloned()
    }

    pub fn add_tree(&self, oid: Oid, entries: Vec<TreeEntry>) {
        self.add_sizes(&entries);
        self.all().trees.insert(oid, entries);
    }

    pub fn add_sizes(&self, entries: &[TreeEntry]) {
        self.all().sizes.extend(entries.iter().filter_map(|entry| Some((entry.oid, entry.size?))));
    }

    /// Bytes of a blob, where a listing said.
    pub fn size(&self, oid: Oid) -> Option<u64> {
        self.all().sizes.get(&oid).copied()
    }

    pub fn text(&self, oid: Oid) -> Option<Bytes> {
        self.all().texts.get(&oid).cloned()
    }

    /// Text in other encodings comes converted: its id tells.
    pub fn add_text(&self, oid: Oid, text: String) {
        if Oid::of_blob(text.as_bytes()) == oid {
            self.all().texts.insert(oid, Bytes::from(text));
        }
    }

    pub fn message(&self, commit: Oid) -> Option<String> {
        self.all().messages.get(&commit).cloned()
    }

    pub fn add_message(&self, commit: Oid, message: String) {
        self.all().messages.insert(commit, message);
    }

    pub fn is_proven(&self, commit: Oid) -> bool {
        self.all().proven.contains(&commit)
    }

    pub fn prove(&self, commit: Oid) {
        self.all().proven.insert(commit);
    }
}
