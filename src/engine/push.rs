//! Carrying out GitHub's half of a plan: one commit, made against the head that was planned for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use super::decide::Decision;
use super::look::{Look, Trouble};
use crate::github::{Committed, GithubError, TreeChange};
use crate::model::{Code, Entry, FilePath, Mode, Oid, Problem};
use crate::store::holds;
use crate::store::integrations::Recorded;
use crate::store::record::Absorbed;
use crate::store::syncs::Intent;
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
struct Move {
    to: Option<Entry>,
    /// What the branch has there now.
    from: Option<Entry>,
    size: u64,
}

impl Look<'_> {
    /// Commits what the plan pushes, but for what was edited since and is planned again.
    pub async fn push(&mut self, decision: &Decision, absorbed: &Absorbed) -> Result<Option<Pushed>, Trouble> {
        let mut paths = decision.plan.push.clone();
        paths.retain(|path, _| !absorbed.moved_on.contains(path));
        if paths.is_empty() {
            return Ok(None);
        }
        let message = self.message(decision, &paths).await?;
        self.begin_push(decision, &paths, &message).await?;
        let made = match decision.remote.head {
            None => self.commit_root(&paths, &message).await,
            Some(head) => self.commit_onto(head, decision, &paths, &message).await,
        };
        match made {
            Ok(commit) => Ok(Some(Pushed { commit, paths, message })),
            Err(Trouble::GitHub(GithubError::Refused { code, detail, paths: named })) => {
                self.hold_refused(code, detail, named, paths).await
            }
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
                Err(Trouble::GitHub(GithubError::TooLarge { .. })) => self.commit_by_trees(head, &moves, message).await?,
                other => other?,
            }
        } else {
            self.commit_by_trees(head, &moves, message).await?
        };
        self.verify(head.tree, committed.tree, paths).await?;
        Ok(committed)
    }

    async fn commit_by_mutation(
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
            .create_commit_on_branch(&self.on.branch, head.commit, &message.headline, &message.body, &additions, &deletions)
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
        let committed = self.repo.create_commit(&message.text(), tree, &[head.commit]).await?;
        self.repo.update_ref(&self.on.branch, committed.commit).await?;
        Ok(committed)
    }

    /// Writes the tree in steps of bounded memory.
    async fn write_tree(&self, base: Option<Oid>, moves: &BTreeMap<FilePath, Move>) -> Result<Oid, Trouble> {
        let mut tree = base;
        for chunk in chunks(moves) {
            let wanted = chunk.iter().filter_map(|(_, item)| item.to).map(|entry| entry.oid).collect();
            let contents = self.contents(&wanted).await?;
            let entries = chunk
                .into_iter()
                .map(|(path, item)| {
                    let change = match item.to {
                        None => TreeChange::Delete,
                        Some(entry) => TreeChange::Put {
                            mode: entry.mode,
                            oid: entry.oid,
                            content: contents.get(&entry.oid).cloned().unwrap_or_default(),
                        },
                    };
                    (path.clone(), change)
                })
                .collect();
            tree = Some(self.repo.write_tree(tree, entries).await?);
        }
        tree.ok_or_else(|| Trouble::GitHub(GithubError::Invalid("an empty tree".to_owned())))
    }

    async fn contents(&self, wanted: &BTreeSet<Oid>) -> Result<HashMap<Oid, Bytes>, Trouble> {
        let contents = self.engine.store.blobs(self.on.pid, wanted).await?;
        match wanted.iter().find(|oid| !contents.contains_key(*oid)) {
            Some(oid) => Err(crate::store::StoreError::Internal(format!("the content of {oid} is missing")).into()),
            None => Ok(contents),
        }
    }

    /// Believes no answer: the new tree must hold what was sent.
    async fn verify(&self, before: Oid, after: Oid, paths: &BTreeMap<FilePath, Option<Entry>>) -> Result<(), Trouble> {
        let found: HashMap<String, Option<Entry>> = self
            .repo
            .diff_trees(Some(before), after)
            .await?
            .into_iter()
            .map(|delta| (delta.path, delta.new.map(|new| Entry { oid: new.oid, mode: new.mode })))
            .collect();
        let holds = paths.iter().all(|(path, entry)| found.get(path.as_str()).is_some_and(|there| there == entry));
        if holds {
            return Ok(());
        }
        let detail = "GitHub's answer named a commit that does not hold what was sent".to_owned();
        Err(Trouble::GitHub(GithubError::Unavailable { detail, ambiguous: true }))
    }

    /// The first commit of an empty repository. It ends as exactly one root commit with all files:
    /// GitHub makes trees only where there is a commit, so one of the files starts the branch, the
    /// others join it, and the branch is moved to a root commit of that tree.
    async fn commit_root(
        &mut self,
        paths: &BTreeMap<FilePath, Option<Entry>>,
        message: &Message,
    ) -> Result<Committed, Trouble> {
        let files: BTreeMap<FilePath, Entry> =
            paths.iter().filter_map(|(path, entry)| Some((path.clone(), (*entry)?))).collect();
        let Some((first, entry)) = placeholder(&files) else {
            return Err(Trouble::Again);
        };
        let content = self.contents(&BTreeSet::from([entry.oid])).await?.remove(&entry.oid).unwrap_or_default();
        self.begin_root(message, first, entry.oid).await?;
        let start = self.repo.put_contents(&self.on.branch, first, content, &message.text()).await?;
        self.grow_root(start, &files, message).await
    }

    /// From a branch that holds only the placeholder commit to the one root commit.
    pub(super) async fn grow_root(
        &self,
        start: Committed,
        files: &BTreeMap<FilePath, Entry>,
        message: &Message,
    ) -> Result<Committed, Trouble> {
        let moves: BTreeMap<FilePath, Move> = files
            .iter()
            .filter(|(path, entry)| !is_placeholder(start.placeholder.as_ref(), path, entry))
            .map(|(path, entry)| (path.clone(), Move { to: Some(*entry), from: None, size: self.size_of(entry) }))
            .collect();
        if moves.is_empty() {
            return Ok(start);
        }
        let head = Recorded { commit: start.commit, tree: start.tree };
        let (tree, tip) = if fits_mutation(&moves) {
            let second = self.commit_by_mutation(head, &moves, message).await?;
            (second.tree, second.commit)
        } else {
            (self.write_tree(Some(start.tree), &moves).await?, start.commit)
        };
        let root = self.repo.create_commit(&message.text(), tree, &[]).await?;
        self.repo.update_ref_cas(&self.on.branch, tip, root.commit, true).await?;
        Ok(root)
    }
}
