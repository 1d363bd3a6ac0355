//! Questions about history: who descends from whom, and what lies between two commits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::store::Store;
use super::{Commit, Oid};

/// Commits newest first, each once.
struct Newest<'a> {
    store: &'a Store,
    queue: BinaryHeap<(i64, Reverse<u64>, Oid)>,
    seen: HashSet<Oid>,
    order: u64,
}

impl<'a> Newest<'a> {
    fn from(store: &'a Store, start: Oid) -> Newest<'a> {
        let mut newest = Newest { store, queue: BinaryHeap::new(), seen: HashSet::new(), order: 0 };
        newest.add(start);
        newest
    }

    fn add(&mut self, oid: Oid) {
        if !self.seen.insert(oid) {
            return;
        }
        if let Some(commit) = self.store.commit(&oid) {
            self.order += 1;
            let at = commit.committer.at.timestamp();
            self.queue.push((at, Reverse(self.order), oid));
        }
    }
}

impl Iterator for Newest<'_> {
    type Item = (Oid, Commit);

    fn next(&mut self) -> Option<Self::Item> {
        let (_, _, oid) = self.queue.pop()?;
        let commit = self.store.commit(&oid)?;
        for parent in &commit.parents {
            self.add(*parent);
        }
        Some((oid, commit))
    }
}

impl Store {
    /// A commit and everything before it, newest first.
    pub(crate) fn log(&self, from: Oid) -> impl Iterator<Item = (Oid, Commit)> {
        Newest::from(self, from)
    }

    /// Whether `old` is `new` or one of its ancestors.
    pub(crate) fn is_ancestor(&self, old: &Oid, new: &Oid) -> bool {
        old == new || Newest::from(self, *new).any(|(oid, it)| oid == *old || it.parents.contains(old))
    }

    /// A best common ancestor.
    pub(crate) fn merge_base(&self, a: &Oid, b: &Oid) -> Option<Oid> {
        if self.is_first_parent(a, b) {
            return Some(*a);
        }
        let ancestors: HashSet<Oid> = self.log(*a).map(|(oid, _)| oid).collect();
        self.log(*b).map(|(oid, _)| oid).find(|oid| ancestors.contains(oid))
    }

    /// The usual case of a few commits in a row, answered without reading all history.
    fn is_first_parent(&self, old: &Oid, new: &Oid) -> bool {
        self.first_parents(*new, old).is_some()
    }

    fn first_parents(&self, new: Oid, old: &Oid) -> Option<Vec<(Oid, Commit)>> {
        let mut chain = Vec::new();
        let mut at = new;
        while at != *old {
            let commit = self.commit(&at)?;
            let parent = *commit.parents.first()?;
            if commit.parents.len() > 1 || chain.len() >= 2_000 {
                return None;
            }
            chain.push((at, commit));
            at = parent;
        }
        Some(chain)
    }

    /// What `head` has and `base` has not, newest first.
    pub(crate) fn between(&self, base: Option<&Oid>, head: Oid) -> Vec<(Oid, Commit)> {
        let Some(base) = base else {
            return self.log(head).collect();
        };
        if let Some(chain) = self.first_parents(head, base) {
            return chain;
        }
        let known: HashSet<Oid> = self.log(*base).map(|(oid, _)| oid).collect();
        self.log(head).filter(|(oid, _)| !known.contains(oid)).collect()
    }
}
