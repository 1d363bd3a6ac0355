//! What stands in a repository: heads, files, history.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::repos::Repo;
use crate::git::{Commit, Git, Oid};

impl Repo {
    /// A branch's head.
    pub fn head(&self, branch: &str) -> Option<String> {
        Some(self.git().branch(branch)?.hex())
    }

    /// All branches with their heads.
    pub fn branches(&self) -> BTreeMap<String, String> {
        let refs = self.git().refs.list("refs/heads/");
        refs.into_iter().map(|(name, oid)| (name.trim_start_matches("refs/heads/").to_owned(), oid.hex())).collect()
    }

    fn tree(&self, reference: &str) -> Option<(Arc<Git>, Oid)> {
        let git = self.git();
        let commit = git.resolve_commit(reference, &self.default_branch())?;
        let tree = git.store.commit(&commit)?.tree;
        Some((git, tree))
    }

    /// A file's bytes at a branch or commit.
    pub fn file(&self, reference: &str, path: &str) -> Option<Vec<u8>> {
        let (git, tree) = self.tree(reference)?;
        let (_, oid) = git.store.lookup(&tree, path)?;
        git.store.blob(&oid).map(|data| data.to_vec())
    }

    /// A file's text at a branch or commit.
    pub fn text(&self, reference: &str, path: &str) -> Option<String> {
        String::from_utf8(self.file(reference, path)?).ok()
    }

    /// All files at a branch or commit: path → (mode, oid).
    pub fn files(&self, reference: &str) -> BTreeMap<String, (String, String)> {
        let Some((git, tree)) = self.tree(reference) else {
            return BTreeMap::new();
        };
        let leaves = git.store.leaves(&tree).into_iter();
        leaves.map(|leaf| (leaf.path, (leaf.mode.text().to_owned(), leaf.oid.hex()))).collect()
    }

    /// All files with their texts (what is no text, with replacement characters).
    pub fn texts(&self, reference: &str) -> BTreeMap<String, String> {
        let Some((git, tree)) = self.tree(reference) else {
            return BTreeMap::new();
        };
        let leaves = git.store.leaves(&tree).into_iter();
        leaves
            .filter_map(|leaf| {
                let data = git.store.blob(&leaf.oid)?;
                Some((leaf.path, String::from_utf8_lossy(&data).into_owned()))
            })
            .collect()
    }

    /// The history of a branch or commit, newest first.
    pub fn log(&self, reference: &str) -> Vec<LogEntry> {
        let git = self.git();
        let Some(start) = git.resolve_commit(reference, &self.default_branch()) else {
            return Vec::new();
        };
        git.store.log(start).map(|(oid, commit)| entry(&git, oid, &commit)).collect()
    }
}

/// A commit in a branch's history.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LogEntry {
    /// The commit's id.
    pub oid: String,
    /// Its tree's id.
    pub tree: String,
    /// Its parents' ids.
    pub parents: Vec<String>,
    /// The whole message.
    pub message: String,
    /// `Name <email>`.
    pub author: String,
    /// `Name <email>`.
    pub committer: String,
    /// Whether GitHub shows it as verified.
    pub verified: bool,
    /// What changed since the first parent: added, modified and deleted paths.
    pub files: Vec<String>,
}

fn entry(git: &Git, oid: Oid, commit: &Commit) -> LogEntry {
    let before = commit.parents.first().and_then(|it| git.store.commit(it));
    let changes = git.store.diff(before.map(|it| it.tree), Some(commit.tree));
    let person = |it: &crate::git::Person| format!("{} <{}>", it.name, it.email);
    LogEntry {
        oid: oid.hex(),
        tree: commit.tree.hex(),
        parents: commit.parents.iter().map(Oid::hex).collect(),
        message: commit.message.clone(),
        author: person(&commit.author),
        committer: person(&commit.committer),
        verified: commit.is_verified(),
        files: changes.into_iter().map(|it| it.path).collect(),
    }
}
