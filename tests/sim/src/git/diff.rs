//! What differs between two trees, found by descending only where ids differ.

use std::collections::BTreeMap;

use super::store::Store;
use super::tree::Entry;
use super::{Mode, Oid};

/// A file on one side: its mode and blob.
pub(crate) type Side = Option<(Mode, Oid)>;

/// One path that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) path: String,
    pub(crate) old: Side,
    pub(crate) new: Side,
}

impl Store {
    /// The paths that differ, sorted. Renames are a removal and an addition.
    pub(crate) fn diff(&self, old: Option<Oid>, new: Option<Oid>) -> Vec<Changed> {
        let mut changes = Vec::new();
        self.diff_below(old, new, "", &mut changes);
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        changes
    }

    fn diff_below(&self, old: Option<Oid>, new: Option<Oid>, prefix: &str, out: &mut Vec<Changed>) {
        if old == new {
            return;
        }
        let mut names: BTreeMap<String, (Option<Entry>, Option<Entry>)> = BTreeMap::new();
        for entry in old.map(|oid| self.entries(&oid)).unwrap_or_default() {
            let slot = names.entry(entry.name.clone()).or_default();
            slot.0 = Some(entry);
        }
        for entry in new.map(|oid| self.entries(&oid)).unwrap_or_default() {
            let slot = names.entry(entry.name.clone()).or_default();
            slot.1 = Some(entry);
        }
        for (name, (before, after)) in names {
            if before == after {
                continue;
            }
            self.diff_entry(before, after, format!("{prefix}{name}"), out);
        }
    }

    fn diff_entry(&self, before: Option<Entry>, after: Option<Entry>, path: String, out: &mut Vec<Changed>) {
        let folder = |it: &Option<Entry>| match it {
            Some(entry) if entry.mode == Mode::Tree => Some(entry.oid),
            _ => None,
        };
        let file = |it: &Option<Entry>| match it {
            Some(entry) if entry.mode != Mode::Tree => Some((entry.mode, entry.oid)),
            _ => None,
        };
        let (old, new) = (file(&before), file(&after));
        self.diff_below(folder(&before), folder(&after), &format!("{path}/"), out);
        if old != new {
            out.push(Changed { path, old, new });
        }
    }
}
