//! One bare repository on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::object::Kind;
use super::refs::Refs;
use super::store::{Object, Store, write_whole};
use super::{Commit, Oid};

const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n";

/// A bare repository: its objects and its refs.
#[derive(Debug)]
pub(crate) struct Git {
    dir: PathBuf,
    pub(crate) store: Store,
    pub(crate) refs: Refs,
}

impl Git {
    /// Makes a new, empty bare repository in a folder of its own.
    pub(crate) fn create(dir: PathBuf, default_branch: &str) -> io::Result<Git> {
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        write_whole(&dir.join("config"), CONFIG.as_bytes())?;
        let git = Git {
            store: Store::new(dir.join("objects")),
            refs: Refs::new(dir.clone()),
            dir,
        };
        git.refs.set_head(default_branch)?;
        Ok(git)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A branch's head.
    pub(crate) fn branch(&self, name: &str) -> Option<Oid> {
        self.refs.get(&format!("refs/heads/{name}"))
    }

    /// Whether there is no branch and no tag at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.refs.list("refs/").is_empty()
    }

    pub(crate) fn write_commit(&self, commit: &Commit) -> io::Result<Oid> {
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
        let candidates = [
            format!("refs/heads/{name}"),
            format!("refs/tags/{name}"),
            format!("refs/{name}"),
            name.to_owned(),
        ];
        candidates.iter().find_map(|it| self.refs.get(it))
    }
}

fn tagged(data: &[u8]) -> Option<Oid> {
    let text = String::from_utf8_lossy(data).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("object "))?;
    Oid::parse(line)
}
