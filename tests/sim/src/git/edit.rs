//! New trees out of old ones: only the folders on the way to a changed path are rewritten.

use std::collections::BTreeMap;
use std::io;

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

/// Why a tree could not be made.
#[derive(Debug)]
pub(crate) enum EditError {
    /// A path to delete is not there.
    Missing(String),
    Io(io::Error),
}

impl From<io::Error> for EditError {
    fn from(error: io::Error) -> Self {
        EditError::Io(error)
    }
}

#[derive(Default)]
struct Node<'a> {
    edit: Option<Edit>,
    below: BTreeMap<&'a str, Node<'a>>,
}

/// Where new trees go: written one by one, or gathered for a pack.
pub(crate) enum Sink<'a> {
    Loose(&'a Store),
    Pack(&'a mut Vec<(Kind, Vec<u8>)>),
}

impl Sink<'_> {
    fn tree(&mut self, data: Vec<u8>) -> io::Result<Oid> {
        match self {
            Sink::Loose(store) => store.write(Kind::Tree, data),
            Sink::Pack(objects) => {
                let oid = Oid::of(Kind::Tree, &data);
                objects.push((Kind::Tree, data));
                Ok(oid)
            }
        }
    }
}

impl Store {
    /// The tree that stands after these edits of `base` (nothing: an empty tree).
    pub(crate) fn edit(
        &self,
        base: Option<Oid>,
        edits: &[(String, Edit)],
    ) -> Result<Oid, EditError> {
        self.edit_into(base, edits, &mut Sink::Loose(self))
    }

    /// The same, new trees going to `sink`.
    pub(crate) fn edit_into(
        &self,
        base: Option<Oid>,
        edits: &[(String, Edit)],
        sink: &mut Sink<'_>,
    ) -> Result<Oid, EditError> {
        let mut root = Node::default();
        for (path, edit) in edits {
            let mut node = &mut root;
            for name in path.split('/') {
                node = node.below.entry(name).or_default();
            }
            node.edit = Some(*edit);
        }
        match self.rebuild(base, &root, "", sink)? {
            Some(tree) => Ok(tree),
            None => Ok(sink.tree(Vec::new())?),
        }
    }

    /// The folder's new id, or nothing when it would be empty.
    fn rebuild(
        &self,
        base: Option<Oid>,
        node: &Node<'_>,
        prefix: &str,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Oid>, EditError> {
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
            after.extend(self.rebuild_entry(old, child, name, &path, sink)?);
        }
        if after.is_empty() {
            return Ok(None);
        }
        Ok(Some(sink.tree(tree::encode(&mut after))?))
    }

    fn rebuild_entry(
        &self,
        old: Option<Entry>,
        child: &Node<'_>,
        name: &str,
        path: &str,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Entry>, EditError> {
        let name = name.to_owned();
        let folder = old.as_ref().filter(|it| it.mode == Mode::Tree);
        let folder = folder.map(|it| it.oid);
        match child.edit {
            Some(Edit::Put(mode, oid)) => {
                if !child.below.is_empty() {
                    self.rebuild(folder, child, &format!("{path}/"), sink)?;
                }
                return Ok(Some(Entry { mode, name, oid }));
            }
            Some(Edit::Delete { strict }) if strict && old.is_none() => {
                return Err(EditError::Missing(path.to_owned()));
            }
            Some(Edit::Delete { .. }) if child.below.is_empty() => return Ok(None),
            _ if child.below.is_empty() => return Ok(old),
            _ => {}
        }
        let below = self.rebuild(folder, child, &format!("{path}/"), sink)?;
        let mode = Mode::Tree;
        Ok(below.map(|oid| Entry { mode, name, oid }))
    }
}
