//! After a crash or a lost answer: was the commit made?
//!
//! Before GitHub is asked for a commit, the history row says which (parent, message, files). If the
//! head has moved since, our own commit is found by that, and recorded as if the answer had come.

use std::collections::BTreeMap;

use super::look::{Look, Trouble};
use super::push::Pushed;
use super::receipt;
use super::remote::Remote;
use super::root::RootStart;
use crate::github::{CommitInfo, Committed};
use crate::model::{Entry, FilePath, Oid};
use crate::store::integrations::Recorded;
use crate::store::sync_files;
use crate::store::syncs::{self, Intent, SyncFile};
use crate::sync::message::Message;

/// How far back our commit is looked for: others may have pushed onto it since.
const MAX_BACK: u32 = 100;

impl Look<'_> {
    /// True when a commit of an earlier attempt was found and recorded: look again from there.
    pub async fn recover(&mut self, remote: &mut Remote) -> Result<bool, Trouble> {
        let Some(intent) = self.sync.as_ref().and_then(|sync| sync.intent.clone()) else { return Ok(false) };
        let found = match (remote.head, intent.parent) {
            (None, _) => false,
            (Some(head), Some(parent)) if head.commit == parent => false,
            (Some(head), Some(parent)) => self.recover_commit(&intent, parent, head).await?,
            (Some(head), None) => self.recover_root(&intent, head, remote).await?,
        };
        if !found && self.root.is_none() {
            self.forget_push().await?;
        }
        Ok(found)
    }

    /// What was asked for did not happen.
    async fn forget_push(&mut self) -> Result<(), Trouble> {
        let Some(sync) = self.sync.as_mut() else { return Ok(()) };
        sync.forget_push();
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                sync.files_changed = sync_files::forget_pushed(tx, sync.id).await?;
                syncs::save(tx, sync).await
            })
            .await?;
        Ok(())
    }

    async fn recover_commit(&mut self, intent: &Intent, parent: Oid, head: Recorded) -> Result<bool, Trouble> {
        let back = self.repo.commits_back(head.commit, MAX_BACK).await?;
        let ours = back.iter().find(|commit| commit.parents == [parent] && is_ours(commit, intent));
        let Some(commit) = ours else { return Ok(false) };
        let files = self.intended_files().await?;
        let before = self.repo.commit(parent).await?.tree;
        if files.is_empty() || !receipt::holds(&self.repo, Some(before), commit.tree, &files).await? {
            return Ok(false);
        }
        self.record_recovered(commit, files, intent).await?;
        Ok(true)
    }

    async fn recover_root(&mut self, intent: &Intent, head: Recorded, remote: &mut Remote) -> Result<bool, Trouble> {
        let back = self.repo.commits_back(head.commit, 3).await?;
        let Some(root) = back.last().filter(|commit| commit.parents.is_empty() && is_ours(commit, intent)) else {
            return Ok(false);
        };
        let there = self.tree_of(root.tree).await?;
        let files = self.intended_files().await?;
        if back.len() == 1 && same(&there, &files) {
            self.record_recovered(root, files, intent).await?;
            return Ok(true);
        }
        let is_placeholder = intent
            .placeholder
            .as_ref()
            .is_some_and(|(path, oid)| there.len() == 1 && there.get(path).is_some_and(|entry| entry.oid == *oid));
        let tip = match back.as_slice() {
            [only] => only,
            [second, _] if second.parents == [root.oid] && is_ours(second, intent) => second,
            _ => return Ok(false),
        };
        if is_placeholder {
            let there = self.tree_of(tip.tree).await?;
            let tip_at = Recorded { commit: tip.oid, tree: tip.tree };
            let message = message_of(intent);
            self.root = Some(RootStart { tip: tip_at, is_root: tip.parents.is_empty(), there, message });
            *remote = Remote { head: None, asked: true, moved: false, whole: true, paths: BTreeMap::new() };
        }
        Ok(false)
    }

    async fn record_recovered(
        &mut self,
        commit: &CommitInfo,
        files: BTreeMap<FilePath, Option<Entry>>,
        intent: &Intent,
    ) -> Result<(), Trouble> {
        let committed = Committed { commit: commit.oid, tree: commit.tree, url: self.commit_url(commit.oid) };
        let message = message_of(intent);
        self.finish_push(Pushed { commit: committed, paths: files, message }).await
    }

    /// What the interrupted attempt was to put on the branch.
    async fn intended_files(&self) -> Result<BTreeMap<FilePath, Option<Entry>>, Trouble> {
        let Some(sync) = &self.sync else { return Ok(BTreeMap::new()) };
        let files = self.engine.store.pushed_files(sync.id).await?;
        Ok(files.into_iter().flat_map(pushed_paths).collect())
    }

    async fn tree_of(&self, tree: Oid) -> Result<BTreeMap<FilePath, Entry>, Trouble> {
        let listed = self.repo.diff_trees(None, tree).await?;
        Ok(listed
            .into_iter()
            .filter_map(|delta| Some((FilePath::parse(delta.path).ok()?, delta.new?)))
            .map(|(path, new)| (path, Entry { oid: new.oid, mode: new.mode }))
            .collect())
    }
}

/// A file of a history row as it is on the branch afterwards; a rename also removes the old path.
fn pushed_paths(file: SyncFile) -> Vec<(FilePath, Option<Entry>)> {
    let mut paths = vec![(file.path, file.new)];
    if let Some(from) = file.from {
        paths.push((from, None));
    }
    paths
}

fn message_of(intent: &Intent) -> Message {
    let (headline, body) = intent.message.split_once("\n\n").unwrap_or((&intent.message, ""));
    Message { headline: headline.to_owned(), body: body.to_owned() }
}

fn is_ours(commit: &CommitInfo, intent: &Intent) -> bool {
    commit.by_app && commit.message.trim_end() == intent.message.trim_end()
}

fn same(there: &BTreeMap<FilePath, Entry>, files: &BTreeMap<FilePath, Option<Entry>>) -> bool {
    there.len() == files.len() && files.iter().all(|(path, entry)| there.get(path) == entry.as_ref())
}
