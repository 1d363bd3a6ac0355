//! New trees out of old ones: only the folders on the way to a changed path are rewritten.

use std::collections::BTreeMap;

use super::store::Store;
use super::tree::{self, Entry};
use super::{Kind, Mode, Oid};

/// What is to become of one path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edit {
    Put(Mode, Oid),
    /// `strict`: it is an error when nothing stands there.
    Delete {
        strict: bool,
    },
}

/// A path to delete is not there.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

#[derive(Default)]
struct Node<'a> {
    edit: Option<Edit>,
    below: BTreeMap<&'a str, Node<'a>>,
}

impl Store {
    /// The tree that stands after these edits of `base` (nothing: an empty tree).
    pub(crate) fn edit(&self, base: Option<Oid>, edits: &[(String, Edit)]) -> Result<Oid, Missing> {
        let mut root = Node::default();
        for (path, edit) in edits {
            let mut node = &mut root;
            for name in path.split('/') {
                node = node.below.entry(name).or_default();
            }
            node.edit = Some(*edit);
        }
        let tree = self.rebuild(base, &root, "")?;
        Ok(tree.unwrap_or_else(|| self.write(Kind::Tree, Vec::new())))
    }

    /// The folder's new id, or nothing when it would be empty.
    fn rebuild(&self, base: Option<Oid>, node: &Node<'_>, prefix: &str) -> Result<Option<Oid>, Missing> {
        let before = base.map(|oid| self.entries(&oid)).unwrap_or_default();
        let mut after = Vec::with_capacity(before.len() + node.below.len());
        let mut touched = BTreeMap::new();
        for entry in before {
            if node.below.contains_key(entry.name.as_str()) {
                touched.insert(entry.name.clone(), entry);
            } else {
                after.push(entry);
            }
        }
        for (name, child) in &node.below {
            let path = format!("{prefix}{name}");
            let old = touched.remove(*name);
            after.extend(self.rebuild_entry(old, child, name, &path)?);
        }
        if after.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.write(Kind::Tree, tree::encode(&mut after))))
    }

    fn rebuild_entry(
        &self,
        old: Option<Entry>,
        child: &Node<'_>,
        name: &str,
        path: &str,
    ) -> Result<Option<Entry>, Missing> {
        let name = name.to_owned();
        let folder = old.as_ref().filter(|it| it.mode == Mode::Tree);
        let folder = folder.map(|it| it.oid);
        match child.edit {
            Some(Edit::Put(mode, oid)) => {
                if !child.below.is_empty() {
                    self.rebuild(folder, child, &format!("{path}/"))?;
                }
                return Ok(Some(Entry { mode, name, oid }));
            }
            Some(Edit::Delete { strict }) if strict && old.is_none() => {
                return Err(Missing(path.to_owned()));
            }
            Some(Edit::Delete { .. }) if child.below.is_empty() => return Ok(None),
            _ if child.below.is_empty() => return Ok(old),
            _ => {}
        }
        let below = self.rebuild(folder, child, &format!("{path}/"))?;
        let mode = Mode::Tree;
        Ok(below.map(|oid| Entry { mode, name, oid }))
    }
}
