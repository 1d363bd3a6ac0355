//! Refs of one bare repository: kept in memory, written as files when the repository is flushed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::Oid;
use super::store::write_whole;
use crate::lock;

/// All refs by full name, `refs/heads/main`.
#[derive(Debug)]
pub(crate) struct Refs {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    refs: BTreeMap<String, Oid>,
    head: String,
    /// What the files do not say yet.
    dirty: BTreeSet<String>,
}

/// Why a ref did not change.
#[derive(Debug)]
pub(crate) enum RefError {
    /// It does not point to what was expected; it points here.
    Moved(Option<Oid>),
    /// `a` stands in the way of `a/b`, or the other way round.
    InTheWay,
}

/// Changed refs at one moment, to be written.
pub(super) struct Snapshot {
    head: String,
    changed: Vec<(String, Option<Oid>)>,
}

impl Refs {
    pub(crate) fn new(dir: PathBuf, head: &str) -> Refs {
        let state = State { refs: BTreeMap::new(), head: head.to_owned(), dirty: BTreeSet::new() };
        Refs { dir, state: Mutex::new(state) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Oid> {
        lock(&self.state).refs.get(name).copied()
    }

    /// All refs whose full names begin so, sorted.
    pub(crate) fn list(&self, prefix: &str) -> Vec<(String, Oid)> {
        let state = lock(&self.state);
        let from = state.refs.range(prefix.to_owned()..);
        from.take_while(|(name, _)| name.starts_with(prefix)).map(|(name, oid)| (name.clone(), *oid)).collect()
    }

    /// Whether there is any ref whose full name begins so.
    pub(crate) fn any(&self, prefix: &str) -> bool {
        let state = lock(&self.state);
        let first = state.refs.range(prefix.to_owned()..).next();
        first.is_some_and(|(name, _)| name.starts_with(prefix))
    }

    /// Whether a new ref of this name finds `a` in the way of `a/b`, or the other way round.
    pub(crate) fn is_blocked(&self, name: &str) -> bool {
        in_the_way(&lock(&self.state).refs, name)
    }

    /// Compare and swap: `to` = nothing deletes, `from` = nothing must not exist yet.
    pub(crate) fn swap(&self, name: &str, from: Option<Oid>, to: Option<Oid>) -> Result<(), RefError> {
        let mut state = lock(&self.state);
        let now = state.refs.get(name).copied();
        if now != from {
            return Err(RefError::Moved(now));
        }
        if now.is_none() && to.is_some() && in_the_way(&state.refs, name) {
            return Err(RefError::InTheWay);
        }
        match to {
            Some(oid) => state.refs.insert(name.to_owned(), oid),
            None => state.refs.remove(name),
        };
        state.dirty.insert(name.to_owned());
        Ok(())
    }

    /// Lets `HEAD` name this branch.
    pub(crate) fn set_head(&self, branch: &str) {
        lock(&self.state).head = branch.to_owned();
    }

    /// What is to be written, as it stands now.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut state = lock(&self.state);
        let dirty = std::mem::take(&mut state.dirty);
        let changed = dirty.into_iter().map(|name| {
            let oid = state.refs.get(&name).copied();
            (name, oid)
        });
        let changed = changed.collect();
        let head = state.head.clone();
        Snapshot { head, changed }
    }

    /// Writes a snapshot: removals first, so that `a` may become `a/b`.
    pub(super) fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        let gone = snapshot.changed.iter().filter(|(_, oid)| oid.is_none());
        for (name, _) in gone {
            self.remove(name)?;
        }
        for (name, oid) in &snapshot.changed {
            if let Some(oid) = oid {
                self.place(name, &format!("{oid}\n"))?;
            }
        }
        self.place("HEAD", &format!("ref: refs/heads/{}\n", snapshot.head))
    }

    fn place(&self, name: &str, content: &str) -> io::Result<()> {
        let path = self.dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = self.dir.join("ref.tmp");
        write_whole(&temporary, content.as_bytes())?;
        fs::rename(temporary, path)
    }

    /// Removes the file and the folders that are empty by then.
    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.dir.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let top = self.dir.join("refs");
        let mut folder: Option<&Path> = path.parent();
        while let Some(at) = folder {
            if at.parent() == Some(&top) || fs::remove_dir(at).is_err() {
                break;
            }
            folder = at.parent();
        }
        Ok(())
    }
}

fn in_the_way(refs: &BTreeMap<String, Oid>, name: &str) -> bool {
    let below = format!("{name}/");
    let first = refs.range(below.clone()..).next();
    let is_above = first.is_some_and(|(other, _)| other.starts_with(&below));
    let mut parts = name.match_indices('/');
    is_above || parts.any(|(at, _)| refs.contains_key(&name[..at]))
}

/// Whether git takes this as a ref's full name (`git check-ref-format`).
pub(crate) fn is_valid(name: &str) -> bool {
    let parts_are_fine =
        name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"));
    let no_bad_character = !name.chars().any(|c| c.is_ascii_control() || " ~^:?*[\\".contains(c));
    parts_are_fine
        && no_bad_character
        && name.starts_with("refs/")
        && name.matches('/').count() >= 2
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
}
