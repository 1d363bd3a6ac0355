//! The branch of a pull request: its first commit, and the commits that later edits become.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use super::Engine;
use super::absorb::change_kind;
use super::decide::Decision;
use super::look::{Look, Trouble};
use super::pulls::{is_made, versions};
use super::push::{Move, fits_mutation};
use super::receipt;
use super::view::{self, SyncView};
use crate::github::{CommitMessage, Committed, Content, GithubError, HeadState, Repo, TreeChange};
use crate::model::{Entry, FilePath, Oid, SyncKind, SyncStatus};
use crate::store::events::Actor;
use crate::store::pulls::{self, Carried, Carries, Pull};
use crate::store::syncs::{self, Sync, SyncFile};
use crate::store::{StoreError, Transaction};
use crate::sync::message::{self, Changed, Facts};

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
    async fn commit(
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

    /// Later edits of what a pull request carries become commits on its branch.
    pub async fn push_to_pulls(&mut self, decision: &Decision) -> Result<(), Trouble> {
        if !self.push_is_due() {
            return Ok(());
        }
        for live in decision.live.iter().filter(|live| live.pull.is_open()) {
            let edits = edits(decision, live);
            if !edits.is_empty() {
                self.push_edits(decision, live, edits).await?;
            }
        }
        Ok(())
    }

    async fn push_edits(
        &mut self,
        decision: &Decision,
        live: &LivePull,
        mut edits: BTreeMap<FilePath, Option<Entry>>,
    ) -> Result<(), Trouble> {
        let head = match self.repo.head(&live.pull.branch).await? {
            HeadState::Branch(head) => head,
            // Its end is on its way as a webhook, or found when drift is checked.
            HeadState::Missing | HeadState::EmptyRepository => return Ok(()),
        };
        let there = self.changed_on_branch(live, head.commit, head.tree).await?;
        let mut carries = Carries::new();
        for (path, version) in &there {
            if let Some(edit) = edits.get(path).copied() {
                if edit == *version {
                    // An earlier attempt's commit, or a reviewer had the same idea.
                    carries.insert(path.clone(), Carried { entry: edit, old: None });
                }
                // A reviewer's own change of the path is not overwritten.
                edits.remove(path);
            }
        }
        let mut commit = None;
        if !edits.is_empty() {
            let message = self.edit_message(decision, live, &edits).await?;
            let before = edits
                .keys()
                .map(|path| (path.clone(), live.carries.get(path).and_then(|carried| carried.entry)))
                .collect();
            let branch = Branch { engine: self.engine, repo: &self.repo, pid: self.on.pid };
            let made = branch.commit(&live.pull.branch, (head.commit, head.tree), &before, &edits, &message).await?;
            carries.extend(edits.iter().map(|(path, entry)| (path.clone(), Carried { entry: *entry, old: None })));
            commit = Some((made, message));
        }
        self.record_edits(live, head.commit, carries, &edits, commit).await
    }

    /// What others did on the branch since Lockstep's last commit there.
    async fn changed_on_branch(
        &self,
        live: &LivePull,
        head: Oid,
        tree: Oid,
    ) -> Result<BTreeMap<FilePath, Option<Entry>>, Trouble> {
        let known = live.pull.head_commit.filter(|known| *known != head);
        let Some(known) = known else { return Ok(BTreeMap::new()) };
        let before = self.repo.commit(known).await?.tree;
        let deltas = self.repo.diff_trees(Some(before), tree).await?;
        Ok(deltas
            .into_iter()
            .filter_map(|delta| {
                let entry = delta.new.map(|new| Entry { oid: new.oid, mode: new.mode });
                Some((FilePath::parse(delta.path).ok()?, entry))
            })
            .collect())
    }

    async fn edit_message(
        &self,
        decision: &Decision,
        live: &LivePull,
        edits: &BTreeMap<FilePath, Option<Entry>>,
    ) -> Result<CommitMessage, Trouble> {
        let ids = edits.keys().filter_map(|path| decision.snapshot.paths.get(path)).flat_map(|sides| &sides.authors);
        let authors = self.engine.store.authors(self.on.pid, &ids.copied().collect()).await?;
        let kinds: Vec<_> = edits
            .iter()
            .map(|(path, to)| (path, change_kind(live.carries.get(path).and_then(|carried| carried.entry), *to)))
            .collect();
        let changes: Vec<Changed<'_>> =
            kinds.iter().map(|(path, kind)| Changed { path: path.as_str(), kind: *kind }).collect();
        let timestamp = self.on.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let said = message::render(
            None,
            &Facts {
                project: self.on.project.as_str(),
                changes: &changes,
                authors: &authors,
                timestamp: &timestamp,
                revision: decision.snapshot.revision,
            },
        );
        Ok(CommitMessage { headline: said.headline, body: said.body })
    }

    async fn record_edits(
        &self,
        live: &LivePull,
        head: Oid,
        carries: Carries,
        edits: &BTreeMap<FilePath, Option<Entry>>,
        commit: Option<(Committed, CommitMessage)>,
    ) -> Result<(), Trouble> {
        let mut pull = live.pull.clone();
        pull.head_commit = Some(commit.as_ref().map_or(head, |(made, _)| made.commit));
        let on = &self.on;
        let files: Vec<SyncFile> = edits
            .iter()
            .map(|(path, new)| {
                let old = live.carries.get(path).and_then(|carried| carried.entry);
                SyncFile { path: path.clone(), change: change_kind(old, *new), from: None, old, new: *new }
            })
            .collect();
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                pulls::carry(tx, pull.pid, pull.id, &carries).await?;
                pulls::save(tx, &pull).await?;
                let Some((made, message)) = &commit else { return Ok(()) };
                let mut sync = Sync::queued(
                    Uuid::now_v7(),
                    on.pid,
                    on.connection,
                    SyncKind::PullRequest,
                    &pull.branch,
                    on.revision,
                    on.now,
                );
                sync.status = SyncStatus::Succeeded;
                sync.direction = crate::model::Direction::Push;
                sync.commit = Some(made.commit);
                sync.commit_url = Some(made.url.clone());
                sync.message = Some(message.text());
                sync.pull_request = pull.number;
                sync.files_changed = files.len() as i64;
                sync.attempts = 1;
                sync.started_at = Some(on.now);
                sync.finished_at = Some(syncs::clock(tx).await?);
                syncs::save(tx, &sync).await?;
                syncs::save_files(tx, on.pid, sync.id, &files).await?;
                let listed = &files[..files.len().min(view::MAX_LISTED)];
                let data = json!({ "sync": SyncView::new(&sync, listed) });
                self.engine.say(tx, on, "sync.succeeded", &Actor::System, data).await
            })
            .await?;
        if commit.is_some() {
            self.engine.metrics.sync_finished(SyncKind::PullRequest, SyncStatus::Succeeded);
        }
        Ok(())
    }
}

/// What of an open pull request was edited in the project since its last commit.
pub(super) fn edits(decision: &Decision, live: &LivePull) -> BTreeMap<FilePath, Option<Entry>> {
    live.carries
        .iter()
        .filter_map(|(path, carried)| {
            let sides = decision.snapshot.paths.get(path)?;
            let held = sides
                .held
                .as_ref()
                .is_some_and(|held| held.pull_request == Some(live.pull.id) && held.reason == "pull_request");
            let edited = sides.project != carried.entry && (!live.pull.proposed || sides.project != carried.old);
            (held && edited).then(|| (path.clone(), sides.project))
        })
        .collect()
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
