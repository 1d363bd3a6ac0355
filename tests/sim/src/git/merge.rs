//! Three-way merges of trees. Where both sides touched different files this needs no help;
//! where they touched the same file, `git merge-tree` merges it.

use std::collections::HashMap;
use std::process::Command;

use super::edit::Edit;
use super::{Git, Oid};

impl Git {
    /// The merged tree, or nothing when there are conflicts.
    pub(crate) fn merge_trees(&self, ours: &Oid, theirs: &Oid) -> Option<Oid> {
        let base = self.store.merge_base(ours, theirs)?;
        self.merge_from(&base, ours, theirs, None)
    }

    /// What a commit changed against its parent, done to another one.
    pub(crate) fn picked_onto(&self, onto: &Oid, commit: &Oid) -> Option<Oid> {
        let parent = *self.store.commit(commit)?.parents.first()?;
        self.merge_from(&parent, onto, commit, Some(format!("--merge-base={}", parent.hex())))
    }

    /// `said`: what git is to be told of the base, where it would find another one.
    fn merge_from(&self, base: &Oid, ours: &Oid, theirs: &Oid, said: Option<String>) -> Option<Oid> {
        let tree = |commit: &Oid| self.store.commit(commit).map(|it| it.tree);
        let (base_tree, our_tree, their_tree) = (tree(base)?, tree(ours)?, tree(theirs)?);
        let mine: HashMap<String, _> = self
            .store
            .diff(Some(base_tree), Some(our_tree))
            .into_iter()
            .map(|change| (change.path, change.new))
            .collect();
        let mut edits = Vec::new();
        for change in self.store.diff(Some(base_tree), Some(their_tree)) {
            let edit = match change.new {
                Some((mode, oid)) => Edit::Put(mode, oid),
                None => Edit::Delete { strict: false },
            };
            match mine.get(&change.path) {
                Some(own) if *own == change.new => {}
                Some(_) => return self.merge_with_git(ours, theirs, said),
                None if touches_folder(&mine, &change.path) => {
                    return self.merge_with_git(ours, theirs, said);
                }
                None => edits.push((change.path, edit)),
            }
        }
        self.store.edit(Some(our_tree), &edits).ok()
    }

    fn merge_with_git(&self, ours: &Oid, theirs: &Oid, said: Option<String>) -> Option<Oid> {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.dir().ok()?)
            .args(["merge-tree", "--write-tree"])
            .args(said)
            .args([ours.hex(), theirs.hex()])
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let tree = Oid::parse(text.lines().next()?.trim())?;
        output.status.success().then_some(tree)
    }
}

/// A file here where the other side has a folder of that name, or the other way round.
fn touches_folder<T>(mine: &HashMap<String, T>, path: &str) -> bool {
    mine.keys().any(|own| {
        let (short, long) = if own.len() < path.len() { (own.as_str(), path) } else { (path, own.as_str()) };
        long.strip_prefix(short).is_some_and(|rest| rest.starts_with('/'))
    })
}
