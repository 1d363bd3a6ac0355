//! What a change request comes to, decided in memory: its operations in order, on the files that
//! they touch. Nothing here reads or writes a row.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::path::is_dotgitmodules;
use crate::model::problem::FieldError;
use crate::model::{FilePath, Mode, Oid};
use crate::store::files::Version;

/// One operation of a change request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Put {
        path: FilePath,
        content: NewContent,
        /// What the path had, else `100644`, when none is given.
        mode: Option<Mode>,
        base: Option<Expected>,
    },
    Delete {
        path: FilePath,
        base: Option<Expected>,
    },
    /// Moves `from` to `path`, replacing what is there.
    Rename {
        path: FilePath,
        from: FilePath,
    },
}

/// The blob the editor started from; none: there was no file.
pub type Expected = Option<Oid>;

/// Content that came with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewContent {
    pub oid: Oid,
    pub size: i64,
    /// What the request's contents know it by.
    pub content: usize,
    /// Why it cannot be the target of a symlink; none: it can.
    pub no_symlink: Option<&'static str>,
}

/// An editor started from another version than the project has by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// `changes[3].base_oid`.
    pub field: String,
    pub path: FilePath,
    /// What the project has; none: no file.
    pub present: Option<Oid>,
}

/// Why a request is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Invalid(Vec<FieldError>),
    Stale(Vec<Stale>),
}

/// What a request makes of the paths it touches.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Every touched path as it is in the end; none: no file.
    pub files: BTreeMap<FilePath, Option<Version>>,
    /// For a path that came by renaming, the path its content had before the request.
    pub origins: HashMap<FilePath, FilePath>,
    /// Which operation touched the path last.
    last: HashMap<FilePath, usize>,
}

/// The paths a request touches.
pub fn touched(ops: &[Op]) -> HashSet<&FilePath> {
    let mut paths = HashSet::new();
    for op in ops {
        match op {
            Op::Put { path, .. } | Op::Delete { path, .. } => paths.insert(path),
            Op::Rename { path, from } => paths.insert(path) | paths.insert(from),
        };
    }
    paths
}

/// Applies the operations in order, all or none. `before` holds the touched files that are there.
pub fn apply(ops: &[Op], before: &HashMap<FilePath, Version>) -> Result<Applied, Refusal> {
    let mut work = Work { before, applied: Applied::default(), invalid: Vec::new(), stale: Vec::new() };
    for (index, op) in ops.iter().enumerate() {
        work.step(index, op);
    }
    work.check_folders();
    if !work.invalid.is_empty() {
        Err(Refusal::Invalid(work.invalid))
    } else if !work.stale.is_empty() {
        Err(Refusal::Stale(work.stale))
    } else {
        Ok(work.applied)
    }
}

impl Applied {
    /// The operation that made the path what it is.
    pub fn index_of(&self, path: &FilePath) -> usize {
        self.last.get(path).copied().unwrap_or_default()
    }
}

struct Work<'a> {
    before: &'a HashMap<FilePath, Version>,
    applied: Applied,
    invalid: Vec<FieldError>,
    stale: Vec<Stale>,
}

impl Work<'_> {
    fn step(&mut self, index: usize, op: &Op) {
        match op {
            Op::Put { path, content, mode, base } => self.put(index, path, *content, *mode, *base),
            Op::Delete { path, base } => self.delete(index, path, *base),
            Op::Rename { path, from } => self.rename(index, path, from),
        }
    }

    fn put(&mut self, index: usize, path: &FilePath, content: NewContent, mode: Option<Mode>, base: Option<Expected>) {
        if !self.starts_from(index, path, base) {
            return;
        }
        let mode = mode.or(self.now(path).map(|version| version.mode)).unwrap_or(Mode::Regular);
        if mode == Mode::Symlink {
            if is_dotgitmodules(path) {
                return self.refuse(index, "path", NO_LINKED_MODULES);
            }
            if let Some(why) = content.no_symlink {
                return self.refuse(index, "content", why);
            }
        }
        self.set(index, path, Some(Version { oid: content.oid, mode, size: content.size }));
        self.applied.origins.remove(path);
    }

    fn delete(&mut self, index: usize, path: &FilePath, base: Option<Expected>) {
        if !self.starts_from(index, path, base) {
            return;
        }
        if self.now(path).is_none() {
            return self.refuse(index, "path", &format!("there is no file {path} to delete"));
        }
        self.set(index, path, None);
        self.applied.origins.remove(path);
    }

    fn rename(&mut self, index: usize, path: &FilePath, from: &FilePath) {
        let Some(version) = self.now(from) else {
            return self.refuse(index, "from", &format!("there is no file {from} to rename"));
        };
        if version.mode == Mode::Symlink && is_dotgitmodules(path) {
            return self.refuse(index, "path", NO_LINKED_MODULES);
        }
        let origin = self.applied.origins.remove(from).unwrap_or_else(|| from.clone());
        self.set(index, from, None);
        self.set(index, path, Some(version));
        self.applied.origins.insert(path.clone(), origin);
    }

    /// Whether the project still has what the editor started from.
    fn starts_from(&mut self, index: usize, path: &FilePath, base: Option<Expected>) -> bool {
        let present = self.now(path).map(|version| version.oid);
        let Some(expected) = base else { return true };
        if expected != present {
            self.stale.push(Stale { field: format!("changes[{index}].base_oid"), path: path.clone(), present });
        }
        expected == present
    }

    /// The path as the operations so far left it.
    fn now(&self, path: &FilePath) -> Option<Version> {
        match self.applied.files.get(path) {
            Some(now) => *now,
            None => self.before.get(path).copied(),
        }
    }

    fn set(&mut self, index: usize, path: &FilePath, version: Option<Version>) {
        self.applied.files.insert(path.clone(), version);
        self.applied.last.insert(path.clone(), index);
    }

    /// After all changes no path is both file and folder, among those that the request touches.
    fn check_folders(&mut self) {
        let clashes = clashes(self.applied.files.iter().filter(|(_, now)| now.is_some()).map(|(path, _)| path));
        for (file, below) in clashes {
            let index = self.applied.index_of(&below);
            self.refuse(index, "path", &both_file_and_folder(file.as_str(), below.as_str()));
        }
    }

    fn refuse(&mut self, index: usize, field: &str, message: &str) {
        self.invalid.push(FieldError { field: format!("changes[{index}].{field}"), message: message.to_owned() });
    }
}

pub const NO_LINKED_MODULES: &str = ".gitmodules cannot be a symlink";

pub fn both_file_and_folder(file: &str, below: &str) -> String {
    format!("{file} would be both a file and a folder: {below} is below it")
}

/// Files that are also the folder of another file among these, with the first file below each.
///
/// In an order where `/` comes before everything else, what is below a file follows it at once.
pub fn clashes<'a>(paths: impl Iterator<Item = &'a FilePath>) -> Vec<(FilePath, FilePath)> {
    let mut paths: Vec<&FilePath> = paths.collect();
    paths.sort_unstable_by(|one, other| folder_order(one).cmp(folder_order(other)));
    let pairs = paths.iter().zip(paths.iter().skip(1));
    pairs.filter(|(file, next)| is_below(next, file)).map(|(file, next)| ((*file).clone(), (*next).clone())).collect()
}

fn folder_order(path: &FilePath) -> impl Iterator<Item = u8> + '_ {
    path.as_str().bytes().map(|byte| if byte == b'/' { 0 } else { byte })
}

fn is_below(path: &FilePath, folder: &FilePath) -> bool {
    path.as_str().strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
