//! Trees: parsed without copying, written in git's order, looked up and walked.

use std::cmp::Ordering;

use super::store::Store;
use super::{Mode, Oid};

/// One entry of a tree. Names that are no UTF-8 are read with replacement characters; this
/// server itself only ever writes UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) mode: Mode,
    pub(crate) name: String,
    pub(crate) oid: Oid,
}

/// The entries of a tree object's content, as far as it can be read.
pub(crate) fn parse(data: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = data;
    while let Some((entry, after)) = parse_one(rest) {
        entries.push(entry);
        rest = after;
    }
    entries
}

fn parse_one(data: &[u8]) -> Option<(Entry, &[u8])> {
    let space = data.iter().position(|byte| *byte == b' ')?;
    let mode = Mode::parse(std::str::from_utf8(&data[..space]).ok()?)?;
    let end = space + data[space..].iter().position(|byte| *byte == 0)?;
    let name = String::from_utf8_lossy(&data[space + 1..end]).into_owned();
    let oid = Oid::from_raw(data.get(end + 1..end + 21)?)?;
    Some((Entry { mode, name, oid }, &data[end + 21..]))
}

/// Puts the entries into git's order and writes them.
pub(crate) fn encode(entries: &mut [Entry]) -> Vec<u8> {
    entries.sort_by(compare);
    let mut data = Vec::with_capacity(entries.len() * 40);
    for entry in entries.iter() {
        data.extend_from_slice(entry.mode.raw().as_bytes());
        data.push(b' ');
        data.extend_from_slice(entry.name.as_bytes());
        data.push(0);
        data.extend_from_slice(entry.oid.raw());
    }
    data
}

/// Git compares folders as if their names ended in a slash.
fn compare(a: &Entry, b: &Entry) -> Ordering {
    let key = |entry: &Entry| (entry.mode == Mode::Tree).then_some(b'/');
    let left = a.name.bytes().chain(key(a));
    let right = b.name.bytes().chain(key(b));
    left.cmp(right)
}

/// A whole path in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) path: String,
    pub(crate) mode: Mode,
    pub(crate) oid: Oid,
}

impl Store {
    /// The entries of a tree; empty when it is not there.
    pub(crate) fn entries(&self, tree: &Oid) -> Vec<Entry> {
        self.tree(tree).map(|data| parse(&data)).unwrap_or_default()
    }

    /// What stands at this path below a tree; the empty path is the tree itself.
    pub(crate) fn lookup(&self, tree: &Oid, path: &str) -> Option<(Mode, Oid)> {
        let mut found = (Mode::Tree, *tree);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if found.0 != Mode::Tree {
                return None;
            }
            let data = self.tree(&found.1)?;
            found = find(&data, name)?;
        }
        Some(found)
    }

    /// Everything below a tree in path order; folders too, before their content.
    /// Stops, and says so with `false`, when `visit` answers false.
    pub(crate) fn walk(&self, tree: &Oid, visit: &mut dyn FnMut(&str, Mode, Oid) -> bool) -> bool {
        self.walk_below(tree, &mut String::new(), visit)
    }

    fn walk_below(&self, tree: &Oid, prefix: &mut String, visit: &mut dyn FnMut(&str, Mode, Oid) -> bool) -> bool {
        for entry in self.entries(tree) {
            let length = prefix.len();
            prefix.push_str(&entry.name);
            let mut go_on = visit(prefix, entry.mode, entry.oid);
            if go_on && entry.mode == Mode::Tree {
                prefix.push('/');
                go_on = self.walk_below(&entry.oid, prefix, visit);
            }
            prefix.truncate(length);
            if !go_on {
                return false;
            }
        }
        true
    }

    /// All files of a tree: everything that is no folder.
    pub(crate) fn leaves(&self, tree: &Oid) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.walk(tree, &mut |path, mode, oid| {
            if mode != Mode::Tree {
                let path = path.to_owned();
                leaves.push(Leaf { path, mode, oid });
            }
            true
        });
        leaves
    }
}

fn find(data: &[u8], name: &str) -> Option<(Mode, Oid)> {
    let mut rest = data;
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let end = space + rest[space..].iter().position(|byte| *byte == 0)?;
        if &rest[space + 1..end] == name.as_bytes() {
            let mode = Mode::parse(std::str::from_utf8(&rest[..space]).ok()?)?;
            return Some((mode, Oid::from_raw(rest.get(end + 1..end + 21)?)?));
        }
        rest = rest.get(end + 21..)?;
    }
    None
}
