//! Later edits of what an open pull request carries become commits on its branch.
//!
//! Reviewers commit there too. What they made of a path is never pushed over: an edit of the same
//! path is merged with it by line, and where that does not work it stays pending, told to people, and
//! meets the reviewers' version when the pull request ends. A commit counts as carried only when the
//! pull request was still open with it: the branch of one that was merged meanwhile leads nowhere.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::absorb::change_kind;
use super::decide::Decision;
use super::look::{Look, Trouble};
use super::pull_branch::{Branch, LivePull};
use super::receipt::Versions;
use super::view::{self, SyncView};
use crate::github::{CommitMessage, Committed, GithubError, Head, HeadState, PullState};
use crate::job::Wake;
use crate::model::{Code, Entry, FilePath, Oid, Problem, SyncKind, SyncStatus};
use crate::queue::backoff;
use crate::store::events::Actor;
use crate::store::integrations::{State, set_due};
use crate::store::pull_edits::{self, Note};
use crate::store::pulls::{self, Carried, Carries};
use crate::store::syncs::{self, Sync, SyncFile};
use crate::sync::message::{self, Changed, Facts};
use crate::sync::plan::{Merged, Row};

/// How far back our own commit is looked for.
const MAX_BACK: u32 = 100;

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
        let mut failed = None;
        for live in decision.live.iter().filter(|live| live.pull.is_open()) {
            let edits = edits(decision, live);
            if edits.is_empty() {
                continue;
            }
            match self.push_edits(decision, live, edits).await {
                // Edits of the others do not wait for this one.
                Err(Trouble::GitHub(error)) => failed = failed.or(Some(error)),
                done => done?,
            }
        }
        failed.map_or(Ok(()), |error| Err(Trouble::GitHub(error)))
    }

    /// The edits that could not be committed now are another look's.
    pub async fn push_to_pulls_later(&self, error: GithubError, asked: Option<SyncKind>) -> Result<(), Trouble> {
        tracing::warn!(project = %self.on.project, %error, "edits did not reach a pull request's branch");
        let at = match error {
            GithubError::RetryAt { at, .. } => at,
            _ => {
                let delay = backoff::random_delay(1, self.engine.settings.retry.as_secs_f64());
                self.on.now + TimeDelta::from_std(delay).unwrap_or(TimeDelta::seconds(2))
            }
        };
        let pid = self.on.pid;
        let again = self.engine.store.under_lease(self.lease, async |tx| {
            pull_edits::start_window_again(tx, pid).await?;
            if let Some(kind) = asked {
                syncs::ask(tx, pid, kind).await?;
            }
            set_due(tx, pid, at, false).await
        });
        Ok(again.await?)
    }

    async fn push_edits(&mut self, decision: &Decision, live: &LivePull, mut edits: Versions) -> Result<(), Trouble> {
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
        loop {
            let sorted = self.sorted(live, &edits, &there).await?;
            if sorted.put.is_empty() {
                let before = self.made_before(live, head, &sorted).await?;
                return self.record_edits(decision, live, head.commit, &there, &sorted, before).await;
            }
            let message = self.edit_message(decision, &there, &sorted.put).await?;
            let branch = Branch { engine: self.engine, repo: &self.repo, pid: self.on.pid };
            let onto = (head.commit, head.tree);
            match branch.commit(&live.pull.branch, onto, &there, &sorted.put, &message).await {
                Ok(made) if self.is_carried(live, number, made.commit).await? => {
                    let made = Some((made, message));
                    return self.record_edits(decision, live, head.commit, &there, &sorted, made).await;
                }
                Ok(_) | Err(Trouble::GitHub(GithubError::NotFound)) => return Ok(()),
                Err(Trouble::GitHub(error)) if is_about_files(&error) => {
                    let refused = self.refuse(error, &edits, &sorted.put).await?;
                    edits.retain(|path, _| !refused.contains(path));
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// Remembers which edits GitHub does not take; the others go without them.
    async fn refuse(
        &self,
        error: GithubError,
        edits: &Versions,
        put: &Versions,
    ) -> Result<BTreeSet<FilePath>, Trouble> {
        let told = Problem::new(error.code(), error.to_string());
        let named = match error {
            error @ GithubError::Refused { .. } => {
                self.engine.refusal(&self.repo, self.on.pid, error, put).await?.paths
            }
            _ => Versions::new(),
        };
        let named = if named.is_empty() { put.clone() } else { named };
        let note = |path| Note { path, problem: Some(told.clone()), refused: edits.get(path).copied().flatten() };
        let notes: Vec<Note<'_>> = named.keys().map(note).collect();
        self.engine.store.under_lease(self.lease, async |tx| pull_edits::note(tx, self.on.pid, &notes).await).await?;
        Ok(named.into_keys().collect())
    }

    /// The commit of an attempt whose answer was lost, when the edits are there already.
    async fn made_before(
        &self,
        live: &LivePull,
        head: Head,
        sorted: &Sorted,
    ) -> Result<Option<(Committed, CommitMessage)>, Trouble> {
        if sorted.given.is_empty() || live.pull.head_commit == Some(head.commit) {
            return Ok(None);
        }
        let back = self.repo.commits_back(head.commit, MAX_BACK).await?;
        let since = back.into_iter().take_while(|commit| {
            Some(commit.oid) != live.pull.head_commit && Some(commit.oid) != live.pull.base_commit
        });
        let ours: Vec<_> = since.filter(|commit| commit.by_app && commit.parents.len() == 1).collect();
        let oids: Vec<Oid> = ours.iter().map(|commit| commit.oid).collect();
        let recorded = pull_edits::recorded(&self.engine.store.client().await?, self.on.pid, &oids).await?;
        let unrecorded = ours.into_iter().find(|commit| !recorded.contains(&commit.oid));
        Ok(unrecorded.map(|commit| {
            let (headline, body) = commit.message.split_once("\n\n").unwrap_or((&commit.message, ""));
            let said = CommitMessage { headline: headline.to_owned(), body: body.to_owned() };
            (Committed { commit: commit.oid, tree: commit.tree, url: commit.url }, said)
        }))
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

    async fn sorted(&mut self, live: &LivePull, edits: &Versions, there: &Versions) -> Result<Sorted, Trouble> {
        let mut sorted = Sorted::default();
        for (path, edit) in edits {
            let given = live.carries.get(path).and_then(|carried| carried.entry);
            let theirs = there.get(path).copied().flatten();
            let wanted = if theirs == given { Some(*edit) } else { self.with_theirs(given, *edit, theirs).await? };
            match wanted {
                None => sorted.refused.push(path.clone()),
                Some(version) => {
                    if version != theirs {
                        sorted.put.insert(path.clone(), version);
                    }
                    sorted.given.insert(path.clone(), *edit);
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
        decision: &Decision,
        live: &LivePull,
        head: Oid,
        there: &Versions,
        sorted: &Sorted,
        commit: Option<(Committed, CommitMessage)>,
    ) -> Result<(), Trouble> {
        let pull = &live.pull;
        let ours = is_all_ours(live, there, sorted).then(|| commit.as_ref().map_or(head, |(made, _)| made.commit));
        // Taken over by this very look: what the branch has now is what that replaced.
        let came_in = |path: &FilePath| decision.plan.take.contains_key(path);
        let carried = |path: &FilePath, entry| Carried { entry, old: None, came_in: came_in(path) };
        let carries: Carries = sorted.given.iter().map(|(path, entry)| (path.clone(), carried(path, *entry))).collect();
        let detail = |path: &FilePath| {
            let number = live.pull.number.unwrap_or_default();
            format!(
                "{path} was changed here and on the branch of pull request #{number}, and the changes do not merge."
            )
        };
        let done = carries.keys().map(|path| Note { path, problem: None, refused: None });
        let refused = sorted.refused.iter().map(|path| {
            let problem = Some(Problem::new(Code::SyncConflict, detail(path)));
            Note { path, problem, refused: None }
        });
        let notes: Vec<Note<'_>> = done.chain(refused).collect();
        let on = &self.on;
        let files = if sorted.put.is_empty() {
            files(&super::pulls::versions(&live.carries), &sorted.given)
        } else {
            files(there, &sorted.put)
        };
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                pulls::carry(tx, pull.pid, pull.id, &carries).await?;
                pull_edits::note(tx, pull.pid, &notes).await?;
                if let Some(head) = ours {
                    pulls::head_is(tx, pull.id, head).await?;
                }
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

/// Whether a refusal is of these files only, and says nothing of the connection.
fn is_about_files(error: &GithubError) -> bool {
    match error {
        GithubError::Refused { code, paths, .. } => {
            !paths.is_empty() || super::outcome::state_of(*code) == State::Connected
        }
        error => matches!(error, GithubError::Invalid(_) | GithubError::TooLarge { .. }),
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

/// What of an open pull request was edited in the project since its last commit, and may go there.
pub(super) fn edits(decision: &Decision, live: &LivePull) -> Versions {
    let edited = |(path, carried): (&FilePath, &Carried)| {
        let sides = decision.snapshot.paths.get(path)?;
        let held = sides.held.as_ref().filter(|held| held.reason == "pull_request")?;
        let came_in = carried.came_in && sides.project == sides.base;
        let refused = held.version.is_some() && held.version == sides.project;
        let is_edit = sides.project != carried.entry && !came_in && !refused && !sides.excluded;
        (held.pull_request == Some(live.pull.id) && is_edit).then(|| (path.clone(), sides.project))
    };
    live.carries.iter().filter_map(edited).collect()
}
