//! The first commit of an empty repository. It ends as exactly one root commit with all files.
//!
//! GitHub makes trees and blobs only where there is a commit. So one of the files starts the branch
//! (`PUT contents`), the others join it in one commit, and the branch is moved, compare-and-swap, to
//! a root commit of that tree. Nobody else's commit is touched by this: the swap names the commit
//! that Lockstep itself made. Four content-creating requests, whatever the number of files.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::Decision;
use super::look::{Look, Trouble};
use super::push::{Move, fits_mutation, said};
use super::receipt;
use crate::github::{Committed, GithubError};
use crate::model::{Entry, FilePath, Mode};
use crate::store::integrations::Recorded;
use crate::sync::message::Message;

/// How far an earlier attempt came.
#[derive(Debug, Clone)]
pub(super) struct RootStart {
    /// The branch's only commit, or the second one that joined the others to it; both Lockstep's own.
    pub tip: Recorded,
    /// Whether the tip is itself a root commit.
    pub is_root: bool,
    pub there: BTreeMap<FilePath, Entry>,
    /// What its commit says; the root commit says the same.
    pub message: Message,
}

impl Look<'_> {
    pub(super) async fn commit_root(
        &mut self,
        decision: &Decision,
        paths: &BTreeMap<FilePath, Option<Entry>>,
        message: &Message,
    ) -> Result<Committed, Trouble> {
        let files: BTreeMap<FilePath, Entry> =
            paths.iter().filter_map(|(path, entry)| Some((path.clone(), (*entry)?))).collect();
        let start = match self.root.take() {
            Some(start) => start,
            None => self.start_branch(decision, &files, message).await?,
        };
        let grown = self.grow(decision, start, &files, message).await?;
        let root = if grown.is_root {
            let url = self.commit_url(grown.tip.commit);
            Committed { commit: grown.tip.commit, tree: grown.tip.tree, url }
        } else {
            let root = self.repo.create_commit(&said(message), grown.tip.tree, &[]).await?;
            self.repo.update_ref_cas(&self.on.branch, grown.tip.commit, root.commit, true).await?;
            root
        };
        receipt::check(&self.repo, &self.on.branch, None, &root, paths).await?;
        Ok(root)
    }

    async fn start_branch(
        &mut self,
        decision: &Decision,
        files: &BTreeMap<FilePath, Entry>,
        message: &Message,
    ) -> Result<RootStart, Trouble> {
        let size = |path: &FilePath| decision.snapshot.paths.get(path).map_or(0, |sides| sides.size);
        let Some((path, entry)) = files.iter().min_by_key(|(path, entry)| rank(path, entry, size(path))) else {
            return Err(Trouble::Again);
        };
        self.intend_placeholder(path, entry.oid).await?;
        let content = self.contents(&BTreeSet::from([entry.oid])).await?.remove(&entry.oid).unwrap_or_default();
        let made = match self.repo.put_contents(&self.on.branch, path, &content, &said(message)).await {
            // Somebody was faster: the repository is not empty any more.
            Err(GithubError::Invalid(_) | GithubError::Stale) => return Err(Trouble::Again),
            other => other?,
        };
        if !self.repo.commit(made.commit).await?.parents.is_empty() {
            // Somebody was faster: it went onto their commit, which stands.
            return Err(Trouble::Again);
        }
        let regular = Entry { oid: entry.oid, mode: Mode::Regular };
        Ok(RootStart {
            tip: Recorded { commit: made.commit, tree: made.tree },
            is_root: true,
            there: BTreeMap::from([(path.clone(), regular)]),
            message: message.clone(),
        })
    }

    /// Brings the tip's tree to what is wanted, if it is not that yet.
    async fn grow(
        &self,
        decision: &Decision,
        start: RootStart,
        files: &BTreeMap<FilePath, Entry>,
        message: &Message,
    ) -> Result<RootStart, Trouble> {
        let moves = remaining(decision, &start, files);
        if moves.is_empty() {
            return Ok(start);
        }
        let tip = if fits_mutation(&moves) {
            let joined = self.commit_by_mutation(start.tip, &moves, message).await?;
            Recorded { commit: joined.commit, tree: joined.tree }
        } else {
            // The tree is enough; the branch moves from the tip to the root commit of it.
            Recorded { commit: start.tip.commit, tree: self.write_tree(Some(start.tip.tree), &moves).await? }
        };
        Ok(RootStart { tip, is_root: false, there: files.clone(), message: message.clone() })
    }

    pub(super) fn commit_url(&self, commit: crate::model::Oid) -> String {
        format!("{}/commit/{commit}", self.on.url)
    }
}

fn remaining(decision: &Decision, start: &RootStart, files: &BTreeMap<FilePath, Entry>) -> BTreeMap<FilePath, Move> {
    let size = |path: &FilePath| decision.snapshot.paths.get(path).map_or(0, |sides| sides.size.unsigned_abs());
    let wanted = files.iter().filter(|(path, entry)| start.there.get(*path) != Some(entry)).map(|(path, entry)| {
        (path.clone(), Move { to: Some(*entry), from: start.there.get(path).copied(), size: size(path) })
    });
    let gone = start.there.iter().filter(|(path, _)| !files.contains_key(*path));
    let gone = gone.map(|(path, entry)| (path.clone(), Move { to: None, from: Some(*entry), size: 0 }));
    wanted.chain(gone).collect()
}

/// The file to begin with: a small regular one that no rule of GitHub's looks at closely.
fn rank(path: &FilePath, entry: &Entry, size: i64) -> (bool, bool, i64) {
    (entry.mode != Mode::Regular, path.as_str().starts_with(".github/"), size)
}
