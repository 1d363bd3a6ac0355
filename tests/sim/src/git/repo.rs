//! One bare repository on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::object::Kind;
use super::refs::Refs;
use super::store::{Object, Store, write_whole};
use super::{Commit, Oid};
use crate::lock;

const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n";

/// A repository that went on changing is flushed this often all the same.
const LONGEST: Duration = Duration::from_secs(4);
/// One that is quiet for so long is flushed.
const QUIET: Duration = Duration::from_millis(200);
/// More than this does not wait.
const PENDING_BYTES: usize = 64 << 20;

/// A bare repository: its objects and its refs. Both are in memory first; a flush writes them,
/// so what other programs see on disk is whole, and at most some seconds old.
#[derive(Debug)]
pub(crate) struct Git {
    dir: PathBuf,
    changed: Mutex<Changed>,
    pub(crate) store: Store,
    pub(crate) refs: Refs,
}

/// When a repository changed since it was last written.
#[derive(Debug, Default)]
struct Changed {
    first: Option<Instant>,
    last: Option<Instant>,
    is_on_disk: bool,
}

impl Git {
    /// A new, empty bare repository, to be written to a folder of its own.
    pub(crate) fn new(dir: PathBuf, default_branch: &str) -> Git {
        Git {
            changed: Mutex::default(),
            store: Store::new(dir.join("objects")),
            refs: Refs::new(dir.clone(), default_branch),
            dir,
        }
    }

    /// The folder, with everything up to now in it.
    pub(crate) fn dir(&self) -> io::Result<&Path> {
        self.flush()?;
        Ok(&self.dir)
    }

    /// Notes a change, so that it is written some time soon.
    pub(crate) fn touch(&self) {
        let now = Instant::now();
        let mut changed = lock(&self.changed);
        changed.first.get_or_insert(now);
        changed.last = Some(now);
    }

    /// Writes what changed, when it is time.
    pub(crate) fn flush_when_due(&self) -> io::Result<()> {
        let (first, last) = {
            let changed = lock(&self.changed);
            (changed.first, changed.last)
        };
        let older = |at: Option<Instant>, age| at.is_some_and(|at| at.elapsed() >= age);
        let large = self.store.pending_bytes() > PENDING_BYTES;
        match older(last, QUIET) || older(first, LONGEST) || large {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes what changed: objects before the refs that need them.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let mut changed = lock(&self.changed);
        if !changed.is_on_disk {
            for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
                fs::create_dir_all(self.dir.join(folder))?;
            }
            write_whole(&self.dir.join("config"), CONFIG.as_bytes())?;
            changed.is_on_disk = true;
        }
        changed.first = None;
        changed.last = None;
        let snapshot = self.refs.snapshot();
        self.store.flush()?;
        self.refs.write(&snapshot)
    }

    /// A branch's head.
    pub(crate) fn branch(&self, name: &str) -> Option<Oid> {
        self.refs.get(&format!("refs/heads/{name}"))
    }

    /// Whether there is no branch and no tag at all.
    pub(crate) fn is_empty(&self) -> bool {
        !self.refs.any("refs/")
    }

    pub(crate) fn write_commit(&self, commit: &Commit) -> Oid {
        self.store.write(Kind::Commit, commit.encode())
    }

    /// What a person may mean: an id, a full ref name, a branch, a tag, `HEAD`, each with an
    /// optional `^{tree}` or `:path` behind it.
    pub(crate) fn resolve(&self, expression: &str, default_branch: &str) -> Option<Oid> {
        if let Some((revision, path)) = expression.split_once(':') {
            let commit = self.resolve_commit(revision, default_branch)?;
            let tree = self.store.commit(&commit)?.tree;
            return self.store.lookup(&tree, path).map(|(_, oid)| oid);
        }
        if let Some(revision) = expression.strip_suffix("^{tree}") {
            let commit = self.resolve_commit(revision, default_branch)?;
            return Some(self.store.commit(&commit)?.tree);
        }
        self.resolve_name(expression, default_branch)
    }

    /// The commit such an expression names; annotated tags are followed.
    pub(crate) fn resolve_commit(&self, expression: &str, default_branch: &str) -> Option<Oid> {
        let oid = self.resolve_name(expression, default_branch)?;
        match self.store.read(&oid)? {
            Object { kind: Kind::Commit, .. } => Some(oid),
            Object { kind: Kind::Tag, data } => tagged(&data),
            _ => None,
        }
    }

    fn resolve_name(&self, name: &str, default_branch: &str) -> Option<Oid> {
        if let Some(oid) = Oid::parse(name) {
            return self.store.has(&oid).then_some(oid);
        }
        if name == "HEAD" {
            return self.branch(default_branch);
        }
        let candidates =
            [format!("refs/heads/{name}"), format!("refs/tags/{name}"), format!("refs/{name}"), name.to_owned()];
        candidates.iter().find_map(|it| self.refs.get(it))
    }
}

fn tagged(data: &[u8]) -> Option<Oid> {
    let text = String::from_utf8_lossy(data).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("object "))?;
    Oid::parse(line)
}
