//! The branch of a pull request: how it is made, and how commits get onto it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::Engine;
use super::absorb::change_kind;
use super::look::{Look, Trouble};
use super::pull_making::is_made;
use super::pulls::versions;
use super::push::{Move, fits_mutation};
use super::receipt;
use crate::github::{CommitMessage, Committed, Content, GithubError, HeadState, Repo, TreeChange};
use crate::model::{Entry, FilePath, Oid};
use crate::store::pulls::{Carries, Pull};
use crate::store::syncs::{self, Sync, SyncFile};
use crate::store::{StoreError, Transaction};

/// How far back our own commit is looked for.
const MAX_BACK: u32 = 100;

/// Makes commits on the branch of a pull request.
pub(super) struct Branch<'a> {
    pub engine: &'a Engine,
    pub repo: &'a Repo,
    pub pid: i64,
}

impl Branch<'_> {
    /// The branch with its one commit, made if it is not there yet.
    pub async fn with_commit(&self, pull: &Pull, carries: &Carries, message: &str) -> Result<Oid, Trouble> {
        let base = pull.base_commit.ok_or(GithubError::Empty)?;
        let head = match self.repo.head(&pull.branch).await? {
            HeadState::Branch(head) => head.commit,
            HeadState::EmptyRepository => return Err(GithubError::Empty.into()),
            HeadState::Missing => {
                self.repo.create_ref(&pull.branch, base).await?;
                base
            }
        };
        let tree = self.repo.commit(base).await?.tree;
        if head != base {
            return self.made_before(pull, head, tree, carries, message).await;
        }
        let (headline, body) = message.split_once("\n\n").unwrap_or((message, ""));
        let said = CommitMessage { headline: headline.to_owned(), body: body.to_owned() };
        let before = carries.iter().map(|(path, carried)| (path.clone(), carried.old)).collect();
        Ok(self.commit(&pull.branch, (base, tree), &before, &versions(carries), &said).await?.commit)
    }

    /// The commit of an earlier attempt; others may have pushed onto it since.
    async fn made_before(
        &self,
        pull: &Pull,
        head: Oid,
        before: Oid,
        carries: &Carries,
        message: &str,
    ) -> Result<Oid, Trouble> {
        let back = self.repo.commits_back(head, MAX_BACK).await?;
        let Some(made) = back.iter().find(|commit| is_made(commit, pull, message)) else {
            let detail = format!("The branch {} is somebody else's.", pull.branch);
            let code = crate::model::Code::PullRequestExists;
            return Err(GithubError::Refused { code, detail, paths: Vec::new() }.into());
        };
        if !receipt::holds(self.repo, Some(before), made.tree, &versions(carries)).await? {
            let detail = format!("The commit on {} does not hold what was sent.", pull.branch);
            return Err(GithubError::Unavailable { detail, ambiguous: true }.into());
        }
        Ok(made.oid)
    }

    /// One commit onto `head`, by mutation or by trees, believed when the branch shows it.
    pub async fn commit(
        &self,
        branch: &str,
        (head, tree): (Oid, Oid),
        before: &BTreeMap<FilePath, Option<Entry>>,
        after: &BTreeMap<FilePath, Option<Entry>>,
        message: &CommitMessage,
    ) -> Result<Committed, Trouble> {
        let made = self.commit_unchecked(branch, (head, tree), before, after, message).await?;
        receipt::check(self.repo, branch, Some(tree), &made, after).await?;
        Ok(made)
    }

    async fn commit_unchecked(
        &self,
        branch: &str,
        (head, tree): (Oid, Oid),
        before: &BTreeMap<FilePath, Option<Entry>>,
        after: &BTreeMap<FilePath, Option<Entry>>,
        message: &CommitMessage,
    ) -> Result<Committed, Trouble> {
        let oids: BTreeSet<Oid> = after.values().flatten().map(|entry| entry.oid).collect();
        let contents = self.engine.store.blobs(self.pid, &oids).await?;
        if let Some(oid) = oids.iter().find(|oid| !contents.contains_key(*oid)) {
            return Err(StoreError::Internal(format!("the content of {oid} is missing")).into());
        }
        let content = |entry: Entry| contents.get(&entry.oid).cloned().unwrap_or_default();
        let moves: BTreeMap<FilePath, Move> = after
            .iter()
            .map(|(path, to)| {
                let size = to.map_or(0, |entry| content(entry).len() as u64);
                (path.clone(), Move { to: *to, from: before.get(path).copied().flatten(), size })
            })
            .collect();
        if fits_mutation(&moves) {
            let additions: Vec<(FilePath, Bytes)> =
                after.iter().filter_map(|(path, to)| Some((path.clone(), content((*to)?)))).collect();
            let deletions: Vec<FilePath> =
                after.iter().filter(|(_, to)| to.is_none()).map(|(path, _)| path.clone()).collect();
            match self.repo.create_commit_on_branch(branch, head, message, &additions, &deletions).await {
                Err(GithubError::TooLarge { .. }) => {}
                made => return Ok(made?),
            }
        }
        let changes = after
            .iter()
            .map(|(path, to)| {
                let change = match to {
                    None => TreeChange::Delete,
                    Some(entry) => TreeChange::Put { mode: entry.mode, content: Content::Inline(content(*entry)) },
                };
                (path.clone(), change)
            })
            .collect();
        let tree = self.repo.write_tree(Some(tree), changes).await?;
        let made = self.repo.create_commit(message, tree, &[head]).await?;
        self.repo.update_ref(branch, made.commit).await?;
        Ok(made)
    }
}

/// An open pull request as a look sees it.
pub(super) struct LivePull {
    pub pull: Pull,
    pub carries: Carries,
}

impl Look<'_> {
    /// Pull requests that hold paths, those that were merged since the branch was looked at included.
    pub async fn live_pulls(&self) -> Result<Vec<LivePull>, Trouble> {
        let mut live = Vec::new();
        for pull in self.engine.store.live_pulls(self.on.pid, self.on.connection).await? {
            let carries = self.engine.store.carried(pull.id).await?;
            live.push(LivePull { pull, carries });
        }
        Ok(live)
    }
}

/// The history row of a pull request's making.
pub(super) async fn sync_of(tx: &Transaction<'_>, pull: &Pull) -> Result<Option<Sync>, StoreError> {
    match pull.sync_id {
        Some(id) => syncs::by_id(tx, pull.pid, id).await,
        None => Ok(None),
    }
}

/// What a pull request carries, as a history row lists it.
pub(super) fn files_of(carries: &Carries) -> Vec<SyncFile> {
    carries
        .iter()
        .map(|(path, carried)| SyncFile {
            path: path.clone(),
            change: change_kind(carried.old, carried.entry),
            from: None,
            old: carried.old,
            new: carried.entry,
        })
        .collect()
}
