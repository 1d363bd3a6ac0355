//! The history row of a look: begun before anything has an effect, ended with what came of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::absorb::change_kind;
use super::decide::Decision;
use super::look::{Look, Trouble};
use super::push::Pushed;
use super::view::{self, SyncView};
use crate::model::{Author, Code, Direction, Entry, FilePath, Oid, Problem, SyncKind, SyncStatus};
use crate::store::events::Actor;
use crate::store::integrations::{Guard, Recorded};
use crate::store::settle::{self, Asked, Settled, Window};
use crate::store::syncs::{self, Intent, Sync, SyncFile};
use crate::store::{StoreError, Transaction, holds, pull_holds, record, sync_files};
use crate::sync::message::{self, Changed, Facts, Message};
use crate::sync::template::Template;

impl Look<'_> {
    /// Makes the row visible as running, if this look will leave one.
    pub async fn begin_row(&mut self, decision: &Decision) -> Result<(), Trouble> {
        let told = holds::noted(&self.engine.store.client().await?, self.on.pid).await?;
        let waiting = decision.plan.conflict.keys().chain(decision.plan.collision.keys());
        let news = waiting.into_iter().any(|path| !told.contains_key(path.as_str()));
        if self.sync.is_none() && decision.plan.is_noop() && !news && self.on.initial_done {
            return Ok(());
        }
        let total = decision.plan.take.len() + decision.plan.merge.len() + decision.plan.push.len();
        let (now, revision, number) = (self.on.now, decision.snapshot.revision, decision.snapshot.number);
        let attempt = self.on.attempts + 1;
        let row = self.row(now);
        row.status = SyncStatus::Running;
        row.started_at.get_or_insert(now);
        row.attempts = attempt;
        row.revision = revision;
        row.snapshot = Some(number);
        row.progress = Some((0, total as i64));
        self.save_row(None).await?;
        self.progress(0).await
    }

    /// So many files more are done.
    pub async fn progress(&mut self, more: i64) -> Result<(), Trouble> {
        let Some(sync) = self.sync.as_mut().filter(|sync| sync.status == SyncStatus::Running) else { return Ok(()) };
        if let Some((done, total)) = sync.progress.as_mut() {
            *done = (*done + more).min(*total);
        }
        let (on, sync) = (&self.on, &*sync);
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                tx.unhurried().await?;
                syncs::save(tx, sync).await?;
                let data = json!({ "sync": SyncView::new(sync, &[]) });
                self.engine.say(tx, on, "sync.progress", &Actor::System, data).await
            })
            .await?;
        Ok(())
    }

    /// Says what is about to be asked of GitHub, before it is asked.
    pub async fn begin_push(
        &mut self,
        decision: &Decision,
        mut files: Vec<SyncFile>,
        message: &Message,
    ) -> Result<(), Trouble> {
        let pushed: BTreeSet<FilePath> = files.iter().map(|file| file.path.clone()).collect();
        let mut came_in = BTreeSet::new();
        let parent = decision.remote.head.map(|head| head.commit);
        let now = self.on.now;
        let row = self.row(now);
        let was_pull = matches!(row.direction, Direction::Pull | Direction::Both);
        let id = row.id;
        row.direction = if was_pull { Direction::Both } else { Direction::Push };
        row.message = Some(message.full());
        let placeholder = row.intent.take().and_then(|intent| intent.placeholder).filter(|_| parent.is_none());
        row.intent = Some(Intent { parent, message: message.full(), placeholder });
        if was_pull {
            let before = self.engine.store.files_that_came_in(id).await?;
            came_in = before.iter().map(|file| file.path.clone()).collect();
            files.extend(before.into_iter().filter(|file| !pushed.contains(&file.path)));
            files.sort_by(|a, b| a.path.cmp(&b.path));
        }
        let count = files.len() as i64;
        self.row(now).files_changed = count;
        self.save_row(Some(Listed { files, pushed, came_in })).await
    }

    /// The one file that an empty repository is started with.
    pub async fn intend_placeholder(&mut self, path: &FilePath, oid: Oid) -> Result<(), Trouble> {
        if let Some(intent) = self.sync.as_mut().and_then(|sync| sync.intent.as_mut()) {
            intent.placeholder = Some((path.clone(), oid));
        }
        self.save_row(None).await
    }

    async fn save_row(&self, listed: Option<Listed>) -> Result<(), Trouble> {
        let Some(sync) = &self.sync else { return Ok(()) };
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                if sync.intent.is_none() {
                    // Nothing is about to be asked of GitHub yet.
                    tx.unhurried().await?;
                }
                syncs::save(tx, sync).await?;
                if let Some(listed) = &listed {
                    syncs::save_files(tx, sync.pid, sync.id, &listed.files).await?;
                    sync_files::mark_pushed(tx, sync.id, listed.pushed.iter(), listed.came_in.iter()).await?;
                }
                syncs::attach(tx, sync.pid, sync.id).await
            })
            .await?;
        Ok(())
    }

    /// What the commit says, by the project's template.
    pub async fn message(
        &mut self,
        decision: &Decision,
        paths: &BTreeMap<FilePath, Option<Entry>>,
        files: &[SyncFile],
    ) -> Result<Message, Trouble> {
        let revision = decision.snapshot.revision;
        let ids = paths.keys().filter_map(|path| decision.snapshot.paths.get(path)).flat_map(|sides| &sides.authors);
        let authors = self.engine.store.authors(self.on.pid, &ids.copied().collect()).await?;
        let message = self.rendered(files.to_vec(), authors.clone(), revision).await?;
        let now = self.on.now;
        self.row(now).author = self.sync.as_ref().and_then(|sync| sync.author.clone()).or_else(|| only_author(authors));
        Ok(message)
    }

    /// A hostile template may take a core for a while: not one of those that requests wait for.
    async fn rendered(&self, files: Vec<SyncFile>, authors: Vec<Author>, revision: i64) -> Result<Message, Trouble> {
        let (template, project) = (self.on.settings.commit_template.clone(), self.on.project.clone());
        let timestamp = self.on.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let rendering = tokio::task::spawn_blocking(move || {
            let changes: Vec<Changed<'_>> =
                files.iter().map(|file| Changed { path: file.path.as_str(), kind: file.change }).collect();
            let (project, authors, timestamp) = (project.as_str(), authors.as_slice(), timestamp.as_str());
            let facts = Facts { project, changes: &changes, authors, timestamp, revision };
            message::render(Template::of_setting(&template).ok().flatten().as_ref(), &facts)
        });
        Ok(rendering.await.map_err(|why| StoreError::Internal(format!("a message could not be written: {why}")))?)
    }

    /// Ends the look: what was pushed is agreed on, the row says what came of it.
    pub async fn finish(&mut self, decision: &Decision, pushed: Option<Pushed>) -> Result<(), Trouble> {
        let waits = !decision.plan.conflict.is_empty() || !decision.plan.collision.is_empty();
        if let Some(commit) = &pushed {
            self.on.head = Some(Recorded { commit: commit.commit.commit, tree: commit.commit.tree });
        } else {
            self.describe_pull().await?;
        }
        let window = match (self.push_is_due(), decision.waits_for_window && decision.unconfirmed.is_none()) {
            (true, _) => Window::After(decision.snapshot.revision),
            (false, true) => Window::Begin,
            (false, false) => Window::Keep,
        };
        let mut settled = self.ended(window);
        if decision.waits_for_window && pushed.is_none() {
            // What it kept back is tried again when the window is over: until then it stands.
            settled.error = self.on.error.clone().filter(|problem| lasts_until_pushed(problem.code));
        }
        if let Some(guard) = &decision.unconfirmed {
            settled.error = Some(confirmation(guard));
            settled.confirm = Some(guard.clone());
        }
        self.end_row(pushed, waits, settled).await
    }

    /// A commit of an earlier attempt was found: everything that was edited since waits for its own.
    pub async fn finish_push(&mut self, pushed: Pushed) -> Result<(), Trouble> {
        self.on.head = Some(Recorded { commit: pushed.commit.commit, tree: pushed.commit.tree });
        let revision = self.sync.as_ref().map_or(self.on.revision, |sync| sync.revision);
        let mut settled = self.ended(Window::After(revision));
        // Asked for since that attempt.
        settled.asked = Asked::of(&self.on);
        self.end_row(Some(pushed), false, settled).await
    }

    /// How an integration is left when nothing went wrong.
    fn ended(&self, window: Window) -> Settled {
        let mut settled = self.settled();
        (settled.error, settled.attempts, settled.sync_id) = (None, 0, None);
        (settled.confirm, settled.confirmed, settled.asked) = (None, None, Asked::default());
        settled.initial_done = true;
        settled.window = window;
        settled
    }

    /// What others committed, in their words.
    async fn describe_pull(&mut self) -> Result<(), Trouble> {
        let Some(commit) =
            self.sync.as_ref().filter(|sync| sync.direction == Direction::Pull).and_then(|sync| sync.commit)
        else {
            return Ok(());
        };
        let (message, url) = (self.repo.message(commit).await?, self.commit_url(commit));
        if let Some(sync) = self.sync.as_mut() {
            sync.message = Some(message);
            sync.commit_url = Some(url);
        }
        Ok(())
    }

    async fn end_row(&mut self, pushed: Option<Pushed>, waits: bool, mut settled: Settled) -> Result<(), Trouble> {
        let effect = self.sync.as_mut().map(|sync| {
            if let Some(pushed) = &pushed {
                sync.commit = Some(pushed.commit.commit);
                sync.commit_url = Some(pushed.commit.url.clone());
                sync.message = Some(pushed.message.full());
            }
            end(sync, waits)
        });
        settled.own.extend(self.sync.as_ref().map(|sync| sync.id));
        settled.synced = self.sync.is_some().then_some(self.on.head.map(|head| head.commit));
        let (on, sync, asked) = (&self.on, &self.sync, self.asked_to_sync());
        let left = self
            .engine
            .store
            .under_lease(self.lease, async |tx| {
                if asked {
                    pull_holds::person_synced(tx, on.pid, on.now).await?;
                }
                if let Some(pushed) = &pushed {
                    record::agree_on_push(tx, on.pid, &pushed.paths).await?;
                    record::set_head(tx, on.pid, on.head, false).await?;
                }
                let left = match (sync, effect) {
                    (Some(sync), Some(kind)) => self.end_in_history(tx, sync, kind).await?,
                    _ => false,
                };
                settle::settle(tx, on.pid, &settled).await?;
                Ok(left)
            })
            .await?;
        if left {
            self.count();
        }
        if pushed.is_some() {
            self.measure();
        }
        Ok(())
    }

    /// False: it leaves no row.
    async fn end_in_history(&self, tx: &Transaction<'_>, sync: &Sync, kind: Option<&str>) -> Result<bool, StoreError> {
        let leaves_nothing = sync.status == SyncStatus::NoChanges && sync.kind == SyncKind::Auto;
        if leaves_nothing && syncs::delete_unasked(tx, sync.id).await? {
            return Ok(false);
        }
        let mut ended = sync.clone();
        ended.finished_at = Some(syncs::clock(tx).await?);
        syncs::save(tx, &ended).await?;
        if let Some(kind) = kind {
            self.say_sync(tx, &ended, kind).await?;
        }
        Ok(true)
    }

    /// Tells people and the host how a sync ended.
    pub async fn say_sync(&self, tx: &Transaction<'_>, sync: &Sync, kind: &str) -> Result<(), StoreError> {
        let files = syncs::files(tx, sync.id, view::MAX_LISTED as i64).await?;
        let data = json!({ "sync": SyncView::new(sync, &files) });
        self.engine.say(tx, &self.on, kind, &Actor::System, data).await
    }

    /// Counts what history shows from now on.
    pub fn count(&self) {
        if let Some(sync) = &self.sync {
            self.engine.metrics.sync_finished(sync.kind, sync.status);
        }
    }

    /// How long the commit was waited for.
    fn measure(&self) {
        // Without a window (somebody asked, or it is the first sync) the time begins with the asking.
        let start = self.on.window_at.or(self.sync.as_ref().map(|sync| sync.queued_at));
        if let Some(start) = start {
            let waited = (chrono::Utc::now() - start).to_std().unwrap_or_default();
            self.engine.metrics.sync_took(waited);
        }
    }

    /// Stops before deletions that only a person can let through.
    pub async fn must_wait_for_confirmation(&mut self, decision: &Decision) -> Result<bool, Trouble> {
        let Some(guard) = self.guard(decision, &decision.plan).await? else { return Ok(false) };
        if self.on.confirmed.as_deref() == Some(guard.fingerprint.as_str()) {
            return Ok(false);
        }
        let known = self.on.confirm.as_ref() == Some(&guard) && self.sync.is_none();
        let problem = confirmation(&guard);
        if !known {
            let (now, revision) = (self.on.now, decision.snapshot.revision);
            let row = self.row(now);
            row.status = SyncStatus::Conflict;
            row.error = Some(problem.clone());
            row.revision = revision;
        }
        let mut settled = self.settled();
        settled.error = Some(problem);
        settled.confirm = Some(guard);
        (settled.confirmed, settled.sync_id, settled.asked) = (None, None, Asked::default());
        settled.window = Window::After(decision.snapshot.revision);
        let (on, sync) = (&self.on, &self.sync);
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                if let Some(sync) = sync {
                    self.end_in_history(tx, sync, Some("sync.conflict")).await?;
                }
                settle::settle(tx, on.pid, &settled).await
            })
            .await?;
        self.count();
        Ok(true)
    }
}

/// Only a push that succeeds shows that it is gone.
fn lasts_until_pushed(code: Code) -> bool {
    matches!(code, Code::BranchProtected | Code::PushProtection | Code::FileTooLarge | Code::ValidationFailed)
}

/// A row's files: those that GitHub is asked for, and those that came from there.
struct Listed {
    files: Vec<SyncFile>,
    pushed: BTreeSet<FilePath>,
    came_in: BTreeSet<FilePath>,
}

/// How the row ends, and the event that tells of it.
fn end(sync: &mut Sync, waits: bool) -> Option<&'static str> {
    let refused = sync.error.take().filter(|problem| !problem.code.retryable());
    sync.progress = None;
    sync.intent = None;
    if let (Some(problem), Direction::None) = (refused, sync.direction) {
        // Everything there was to push is held.
        sync.status = SyncStatus::Failed;
        sync.error = Some(problem);
        return Some("sync.failed");
    }
    let (status, kind) = match (waits, sync.direction) {
        (true, _) => (SyncStatus::Conflict, Some("sync.conflict")),
        (false, Direction::None) => (SyncStatus::NoChanges, None),
        (false, _) => (SyncStatus::Succeeded, Some("sync.succeeded")),
    };
    if waits {
        sync.error =
            Some(Problem::new(Code::SyncConflict, "Some files were changed on both sides and wait for a decision."));
    }
    sync.status = status;
    kind
}

fn confirmation(guard: &Guard) -> Problem {
    let detail = match (guard.deletes_in_project, guard.deletes_on_github) {
        (0, there) => format!("This sync would delete {there} files on GitHub."),
        (here, 0) => format!("This sync would delete {here} files of the project."),
        (here, there) => format!("This sync would delete {here} files of the project and {there} files on GitHub."),
    };
    Problem::new(Code::ConfirmationRequired, detail)
}

/// The author of a sync that has only one.
fn only_author(mut authors: Vec<Author>) -> Option<Author> {
    if authors.len() == 1 { authors.pop() } else { None }
}

/// What the commit changes on the branch, path by path.
pub(super) fn pushed_files(decision: &Decision, paths: &BTreeMap<FilePath, Option<Entry>>) -> Vec<SyncFile> {
    let before = |path: &FilePath| decision.rows.get(path).and_then(|row| row.github);
    let files = paths.iter().map(|(path, new)| {
        let old = before(path);
        SyncFile { path: path.clone(), change: change_kind(old, *new), from: None, old, new: *new }
    });
    files.collect()
}
