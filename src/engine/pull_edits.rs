//! Later edits of what an open pull request carries become commits on its branch.
//!
//! Reviewers commit there too. What they made of a path is never pushed over: an edit of the same
//! path is merged with it by line, and where that does not work it stays pending, told to people, and
//! meets the reviewers' version when the pull request ends. A commit counts as carried only when the
//! pull request was still open with it: the branch of one that was merged meanwhile leads nowhere.

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use super::absorb::change_kind;
use super::decide::Decision;
use super::look::{Look, Trouble};
use super::pull_branch::{Branch, LivePull};
use super::receipt::Versions;
use super::view::{self, SyncView};
use crate::github::{CommitMessage, Committed, Head, HeadState, PullState};
use crate::job::Wake;
use crate::model::{Code, Entry, FilePath, Oid, Problem, SyncKind, SyncStatus};
use crate::store::events::Actor;
use crate::store::pull_edits;
use crate::store::pulls::{self, Carried, Carries};
use crate::store::syncs::{self, Sync, SyncFile};
use crate::sync::message::{self, Changed, Facts};
use crate::sync::plan::{Merged, Row};

/// What becomes of the edits of one pull request.
#[derive(Default)]
struct Sorted {
    /// The project's versions that are on the branch, or will be with this commit.
    given: Versions,
    /// What is to be committed for them: they themselves, or merged with what reviewers made of the path.
    put: Versions,
    /// Not to be merged with what reviewers made of the path.
    refused: Vec<FilePath>,
}

impl Look<'_> {
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

    async fn push_edits(&mut self, decision: &Decision, live: &LivePull, edits: Versions) -> Result<(), Trouble> {
        let Some(number) = live.pull.number else { return Ok(()) };
        // Its end decides what becomes of its paths, in another look.
        if !self.engine.read_status(&live.pull, number).await?.is_open() {
            return Ok(());
        }
        let head = match self.repo.head(&live.pull.branch).await? {
            HeadState::Branch(head) => head,
            // Its end is on its way as a webhook, or found when drift is checked.
            HeadState::Missing | HeadState::EmptyRepository => return Ok(()),
        };
        let there = self.on_branch(live, head).await?;
        let sorted = self.sorted(live, edits, &there).await?;
        let mut commit = None;
        if !sorted.put.is_empty() {
            let message = self.edit_message(decision, &there, &sorted.put).await?;
            let branch = Branch { engine: self.engine, repo: &self.repo, pid: self.on.pid };
            let onto = (head.commit, head.tree);
            let made = branch.commit(&live.pull.branch, onto, &there, &sorted.put, &message).await?;
            if !self.is_carried(live, number, made.commit).await? {
                return Ok(());
            }
            commit = Some((made, message));
        }
        self.record_edits(live, head.commit, &there, &sorted, commit).await
    }

    /// What the branch has of the paths that are carried.
    async fn on_branch(&self, live: &LivePull, head: Head) -> Result<Versions, Trouble> {
        let base = match live.pull.base_commit {
            Some(base) if live.pull.head_commit != Some(head.commit) => base,
            // Nobody else was there.
            _ => return Ok(super::pulls::versions(&live.carries)),
        };
        let before = self.repo.commit(base).await?.tree;
        let deltas = self.repo.diff_trees(Some(before), head.tree).await?;
        let changed: HashMap<String, Option<Entry>> = deltas
            .into_iter()
            .map(|delta| (delta.path, delta.new.map(|new| Entry { oid: new.oid, mode: new.mode })))
            .collect();
        let there = |path: &FilePath, carried: &Carried| changed.get(path.as_str()).copied().unwrap_or(carried.old);
        Ok(live.carries.iter().map(|(path, carried)| (path.clone(), there(path, carried))).collect())
    }

    async fn sorted(&mut self, live: &LivePull, edits: Versions, there: &Versions) -> Result<Sorted, Trouble> {
        let mut sorted = Sorted::default();
        for (path, edit) in edits {
            let given = live.carries.get(&path).and_then(|carried| carried.entry);
            let theirs = there.get(&path).copied().flatten();
            let wanted = if theirs == given { Some(edit) } else { self.with_theirs(given, edit, theirs).await? };
            match wanted {
                None => sorted.refused.push(path),
                Some(version) => {
                    if version != theirs {
                        sorted.put.insert(path.clone(), version);
                    }
                    sorted.given.insert(path, edit);
                }
            }
        }
        Ok(sorted)
    }

    /// The edit together with what reviewers made of the path; none: they do not merge.
    async fn with_theirs(
        &mut self,
        given: Option<Entry>,
        edit: Option<Entry>,
        theirs: Option<Entry>,
    ) -> Result<Option<Option<Entry>>, Trouble> {
        if edit == theirs {
            // An earlier attempt's commit, or a reviewer had the same idea.
            return Ok(Some(edit));
        }
        if ![given, edit, theirs].iter().all(|side| side.is_some_and(|entry| entry.mode.is_file())) {
            return Ok(None);
        }
        self.fetch(&theirs.iter().map(|entry| entry.oid).collect()).await?;
        let row = Row { project: edit, base: given, github: theirs, unholdable: false, held: None };
        match self.merge_one(&row, &mut HashMap::new()).await? {
            Merged::Clean(entry) => Ok(Some(Some(entry))),
            Merged::Conflict => Ok(None),
        }
    }

    /// Whether the pull request has this commit, or had it when it ended.
    async fn is_carried(&self, live: &LivePull, number: i64, commit: Oid) -> Result<bool, Trouble> {
        let status = self.repo.pull_status(number).await?;
        let open = matches!(status.pull.state, PullState::Open | PullState::Draft);
        if open || status.pull.head_oid == commit {
            return Ok(true);
        }
        self.engine.store.read_status_later(live.pull.id, 0, self.on.now).await?;
        self.engine.wake_at(Wake::PullRequest { id: live.pull.id }, self.on.now).await;
        Ok(false)
    }

    async fn edit_message(
        &self,
        decision: &Decision,
        there: &Versions,
        put: &Versions,
    ) -> Result<CommitMessage, Trouble> {
        let ids = put.keys().filter_map(|path| decision.snapshot.paths.get(path)).flat_map(|sides| &sides.authors);
        let authors = self.engine.store.authors(self.on.pid, &ids.copied().collect()).await?;
        let files = files(there, put);
        let changes: Vec<Changed<'_>> =
            files.iter().map(|file| Changed { path: file.path.as_str(), kind: file.change }).collect();
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
        there: &Versions,
        sorted: &Sorted,
        commit: Option<(Committed, CommitMessage)>,
    ) -> Result<(), Trouble> {
        let mut pull = live.pull.clone();
        if is_all_ours(live, there, sorted) {
            pull.head_commit = Some(commit.as_ref().map_or(head, |(made, _)| made.commit));
        }
        let carries: Carries =
            sorted.given.iter().map(|(path, entry)| (path.clone(), Carried { entry: *entry, old: None })).collect();
        let detail = |path: &FilePath| {
            let number = live.pull.number.unwrap_or_default();
            format!(
                "{path} was changed here and on the branch of pull request #{number}, and the changes do not merge."
            )
        };
        let on = &self.on;
        let files = files(there, &sorted.put);
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                pulls::carry(tx, pull.pid, pull.id, &carries).await?;
                pull_edits::note(tx, pull.pid, &carries.keys().collect::<Vec<_>>(), |_| None).await?;
                let refused: Vec<&FilePath> = sorted.refused.iter().collect();
                let problem = |path: &FilePath| Some(Problem::new(Code::SyncConflict, detail(path)));
                pull_edits::note(tx, pull.pid, &refused, problem).await?;
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

/// Whether the branch then has of every path what the project gave it: nobody need look at its trees
/// before the next edit, unless it moves.
fn is_all_ours(live: &LivePull, there: &Versions, sorted: &Sorted) -> bool {
    live.carries.iter().all(|(path, carried)| {
        let given = sorted.given.get(path).copied().unwrap_or(carried.entry);
        let after = sorted.put.get(path).copied().unwrap_or_else(|| there.get(path).copied().flatten());
        after == given
    })
}

/// What a commit of these makes of the branch.
fn files(there: &Versions, put: &Versions) -> Vec<SyncFile> {
    let files = put.iter().map(|(path, new)| {
        let old = there.get(path).copied().flatten();
        SyncFile { path: path.clone(), change: change_kind(old, *new), from: None, old, new: *new }
    });
    files.collect()
}

/// What of an open pull request was edited in the project since its last commit.
pub(super) fn edits(decision: &Decision, live: &LivePull) -> Versions {
    live.carries
        .iter()
        .filter_map(|(path, carried)| {
            let sides = decision.snapshot.paths.get(path)?;
            let held = sides
                .held
                .as_ref()
                .is_some_and(|held| held.pull_request == Some(live.pull.id) && held.reason == "pull_request");
            // Where the project has GitHub's version and this carries its own, only what is pending is an edit.
            let edited = sides.project != carried.entry && (!live.pull.proposed || sides.project != sides.base);
            (held && edited && !sides.excluded).then(|| (path.clone(), sides.project))
        })
        .collect()
}
