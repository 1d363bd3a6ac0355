//! The ids git gives the trees of a manifest, computed without git.
//!
//! A tree lists a folder's entries by name, folders as if their name ended in a slash. That is the
//! order of the whole paths by their bytes, so one pass over a sorted manifest sees every folder in
//! one piece. (`tests/it/sync/tree.rs` holds the ids against `git write-tree`.)

use crate::model::{Entry, Oid};

/// A folder and the id of its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder<'a> {
    /// Without a slash at the end; the root's is empty.
    pub path: &'a str,
    pub oid: Oid,
}

/// A folder whose entries are still being read.
struct Open<'a> {
    path: &'a str,
    /// git's serialised tree so far.
    bytes: Vec<u8>,
}

/// The id of the tree with these files: by path, each once, none both file and folder, in any order
/// (fastest in the order of their bytes). No file at all is git's empty tree.
pub fn tree_oid<P: AsRef<str>>(files: &[(P, Entry)]) -> Oid {
    folders(files).last().map_or_else(|| Oid::of("tree", b""), |root| root.oid)
}

/// The ids of all folders of a manifest, those below before those above, the root last.
pub fn folders<P: AsRef<str>>(files: &[(P, Entry)]) -> Vec<Folder<'_>> {
    if files.is_sorted_by(|a, b| a.0.as_ref() <= b.0.as_ref()) {
        return of_sorted(files.iter().map(|(path, entry)| (path.as_ref(), *entry)));
    }
    let mut sorted: Vec<_> = files.iter().map(|(path, entry)| (path.as_ref(), *entry)).collect();
    sorted.sort_unstable_by_key(|(path, _)| *path);
    of_sorted(sorted.into_iter())
}

fn of_sorted<'a>(files: impl Iterator<Item = (&'a str, Entry)>) -> Vec<Folder<'a>> {
    let mut done = Vec::new();
    let mut open = vec![Open { path: "", bytes: Vec::new() }];
    for (path, entry) in files {
        while !open.last().is_some_and(|folder| holds(folder.path, path)) {
            close(&mut open, &mut done);
        }
        let mut start = start_below(open.last().map_or("", |folder| folder.path));
        while let Some(length) = path[start..].find('/') {
            open.push(Open { path: &path[..start + length], bytes: Vec::new() });
            start += length + 1;
        }
        if let Some(folder) = open.last_mut() {
            append(&mut folder.bytes, entry.mode.as_str(), &path[start..], &entry.oid);
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut done);
    }
    done
}

/// Whether the path lies in the folder.
fn holds(folder: &str, path: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Where names start in the paths of a folder.
fn start_below(folder: &str) -> usize {
    if folder.is_empty() { 0 } else { folder.len() + 1 }
}

/// Closes the innermost folder and enters it in the one above.
fn close<'a>(open: &mut Vec<Open<'a>>, done: &mut Vec<Folder<'a>>) {
    let Some(folder) = open.pop() else { return };
    let oid = Oid::of("tree", &folder.bytes);
    if let Some(above) = open.last_mut() {
        append(&mut above.bytes, "40000", &folder.path[start_below(above.path)..], &oid);
    }
    done.push(Folder { path: folder.path, oid });
}

fn append(tree: &mut Vec<u8>, mode: &str, name: &str, oid: &Oid) {
    tree.extend_from_slice(mode.as_bytes());
    tree.push(b' ');
    tree.extend_from_slice(name.as_bytes());
    tree.push(0);
    tree.extend_from_slice(oid.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mode;

    #[test]
    fn the_empty_tree_is_gits() {
        assert_eq!(tree_oid::<&str>(&[]).to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn folders_come_before_the_one_that_holds_them() {
        let entry = Entry { oid: Oid::of_blob(b""), mode: Mode::Regular };
        let files = [("b/c/d", entry), ("a", entry), ("b.c", entry), ("b/e", entry)];
        let paths: Vec<_> = folders(&files).into_iter().map(|folder| folder.path).collect();
        assert_eq!(paths, ["b/c", "b", ""]);
        let mut sorted = files;
        sorted.sort_by_key(|(path, _)| *path);
        assert_eq!(tree_oid(&sorted), tree_oid(&files));
    }
}
