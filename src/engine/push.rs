//! Carrying out GitHub's half of a plan: one commit, made against the head that was planned for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use super::decide::Decision;
use super::finish::pushed_files;
use super::look::{Look, Trouble};
use super::receipt;
use super::refused::unreadable;
use crate::github::{CommitMessage, Committed, Content, GithubError, TreeChange};
use crate::model::{Entry, FilePath, Mode, Oid};
use crate::store::integrations::Recorded;
use crate::store::record::Absorbed;
use crate::sync::message::Message;

/// Beyond this many bytes of request GitHub may refuse a commit mutation; the trees take over.
const MUTATION_BYTES: u64 = 30 << 20;

/// What became of the push.
#[derive(Debug)]
pub(super) struct Pushed {
    pub commit: Committed,
    pub paths: BTreeMap<FilePath, Option<Entry>>,
    pub message: Message,
}

/// A path that goes to the branch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub to: Option<Entry>,
    /// What the branch has there now.
    pub from: Option<Entry>,
    pub size: u64,
}

impl Look<'_> {
    /// Commits what the plan pushes, but for what was edited since and is planned again.
    pub async fn push(&mut self, decision: &Decision, absorbed: &Absorbed) -> Result<Option<Pushed>, Trouble> {
        let mut paths = decision.plan.push.clone();
        paths.retain(|path, _| !absorbed.moved_on.contains(path));
        if paths.is_empty() {
            return Ok(None);
        }
        let is_new = |path: &FilePath| decision.rows.get(path).is_none_or(|row| row.github.is_none());
        let kept_back = match decision.remote.head {
            Some(head) => self.engine.in_the_way(&self.repo, head, &paths, is_new).await?,
            None => unreadable(&paths),
        };
        if let Some(refusal) = kept_back {
            return self.hold_refused(refusal, decision.remote.head.is_none()).await;
        }
        let files = self.with_renames(pushed_files(decision, &paths)).await?;
        let message = match &self.root {
            Some(start) => start.message.clone(),
            None => self.message(decision, &paths, &files).await?,
        };
        self.begin_push(decision, files, &message).await?;
        let made = match decision.remote.head {
            None => self.commit_root(decision, &paths, &message).await,
            Some(head) => self.commit_onto(head, decision, &paths, &message).await,
        };
        match made {
            Ok(commit) => Ok(Some(Pushed { commit, paths, message })),
            Err(Trouble::GitHub(error @ GithubError::Refused { .. })) => {
                let refusal = self.engine.refusal(&self.repo, self.on.pid, error, &paths).await?;
                self.hold_refused(refusal, decision.remote.head.is_none()).await
            }
            // The branch or the repository went away meanwhile: looking says which.
            Err(Trouble::GitHub(GithubError::NotFound | GithubError::Empty)) => Err(Trouble::Again),
            Err(other) => Err(other),
        }
    }

    async fn commit_onto(
        &self,
        head: Recorded,
        decision: &Decision,
        paths: &BTreeMap<FilePath, Option<Entry>>,
        message: &Message,
    ) -> Result<Committed, Trouble> {
        let moves = moves(decision, paths);
        let committed = if fits_mutation(&moves) {
            match self.commit_by_mutation(head, &moves, message).await {
                Err(Trouble::GitHub(GithubError::TooLarge { .. })) => {
                    self.commit_by_trees(head, &moves, message).await?
                }
                other => other?,
            }
        } else {
            self.commit_by_trees(head, &moves, message).await?
        };
        if !self.repo.has_proven(committed.commit) {
            receipt::check(&self.repo, &self.on.branch, Some(head.tree), &committed, paths).await?;
        }
        Ok(committed)
    }

    pub(super) async fn commit_by_mutation(
        &self,
        head: Recorded,
        moves: &BTreeMap<FilePath, Move>,
        message: &Message,
    ) -> Result<Committed, Trouble> {
        let wanted = moves.values().filter_map(|item| item.to).map(|entry| entry.oid).collect();
        let contents = self.contents(&wanted).await?;
        let additions: Vec<(FilePath, Bytes)> = moves
            .iter()
            .filter_map(|(path, item)| Some((path.clone(), contents.get(&item.to?.oid)?.clone())))
            .collect();
        let deletions: Vec<FilePath> =
            moves.iter().filter(|(_, item)| item.to.is_none()).map(|(path, _)| path.clone()).collect();
        let committed = self
            .repo
            .create_commit_on_branch(&self.on.branch, head.commit, &said(message), &additions, &deletions)
            .await?;
        Ok(committed)
    }

    async fn commit_by_trees(
        &self,
        head: Recorded,
        moves: &BTreeMap<FilePath, Move>,
        message: &Message,
    ) -> Result<Committed, Trouble> {
        let tree = self.write_tree(Some(head.tree), moves).await?;
        let committed = self.repo.create_commit(&said(message), tree, &[head.commit]).await?;
        self.repo.update_ref(&self.on.branch, committed.commit).await?;
        Ok(committed)
    }

    /// Writes the tree in steps of bounded memory.
    pub(super) async fn write_tree(&self, base: Option<Oid>, moves: &BTreeMap<FilePath, Move>) -> Result<Oid, Trouble> {
        let mut tree = base;
        for chunk in chunks(moves) {
            let wanted = chunk.iter().filter_map(|(_, item)| item.to).map(|entry| entry.oid).collect();
            let contents = self.contents(&wanted).await?;
            let entries = chunk
                .into_iter()
                .map(|(path, item)| {
                    let change = match item.to {
                        None => TreeChange::Delete,
                        Some(entry) => {
                            let content = contents.get(&entry.oid).cloned().unwrap_or_default();
                            TreeChange::Put { mode: entry.mode, content: Content::Inline(content) }
                        }
                    };
                    (path.clone(), change)
                })
                .collect();
            tree = Some(self.repo.write_tree(tree, entries).await?);
        }
        tree.ok_or_else(|| Trouble::GitHub(GithubError::Invalid("an empty tree".to_owned())))
    }

    pub(super) async fn contents(&self, wanted: &BTreeSet<Oid>) -> Result<HashMap<Oid, Bytes>, Trouble> {
        let contents = self.engine.store.blobs(self.on.pid, wanted).await?;
        match wanted.iter().find(|oid| !contents.contains_key(*oid)) {
            Some(oid) => Err(crate::store::StoreError::Internal(format!("the content of {oid} is missing")).into()),
            None => Ok(contents),
        }
    }
}

/// What each pushed path changes on the branch.
fn moves(decision: &Decision, paths: &BTreeMap<FilePath, Option<Entry>>) -> BTreeMap<FilePath, Move> {
    paths
        .iter()
        .map(|(path, to)| {
            let from = decision.rows.get(path).and_then(|row| row.github);
            let sides = decision.snapshot.paths.get(path);
            let size = match to {
                Some(entry) => decision.sizes.get(&entry.oid).copied().or(sides.map(|sides| sides.size)),
                None => None,
            };
            (path.clone(), Move { to: *to, from, size: size.unwrap_or(0).unsigned_abs() })
        })
        .collect()
}

/// Whether one `createCommitOnBranch` can carry it: it knows no mode but 100644, and its body is
/// base64 and bounded.
/// <https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch>
pub(super) fn fits_mutation(moves: &BTreeMap<FilePath, Move>) -> bool {
    let regular = |entry: Option<Entry>| entry.is_none_or(|entry| entry.mode == Mode::Regular);
    let bytes: u64 = moves.iter().map(|(path, item)| item.size * 4 / 3 + path.as_str().len() as u64 + 64).sum();
    bytes <= MUTATION_BYTES && moves.values().all(|item| item.to.is_none() || (regular(item.to) && regular(item.from)))
}

pub(super) fn said(message: &Message) -> CommitMessage {
    CommitMessage { headline: message.headline.clone(), body: message.body.clone() }
}

/// Portions that fit into memory.
fn chunks(moves: &BTreeMap<FilePath, Move>) -> Vec<Vec<(&FilePath, &Move)>> {
    let mut chunks = vec![Vec::new()];
    let mut bytes = 0;
    for (path, item) in moves {
        if bytes > MUTATION_BYTES {
            chunks.push(Vec::new());
            bytes = 0;
        }
        bytes += item.size;
        if let Some(chunk) = chunks.last_mut() {
            chunk.push((path, item));
        }
    }
    chunks
}
