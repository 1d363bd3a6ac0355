//! Making pull requests: branch, one commit, pull request; each step found again after a lost answer.
//!
//! The row comes first, with the paths it holds, so that nothing of it reaches the sync branch behind
//! the reviewer's back. Every step asks what is there before it makes something: a second branch or
//! pull request is never made.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::Engine;
use super::boxed::boxed;
use super::failure::Failure;
use super::look::Trouble;
use super::pull_branch::{Branch, files_of, sync_of};
use super::pulls::branch_above;
use super::requests::Asker;
use super::view::PullView;
use crate::github::{CommitInfo, CommitMessage, GithubError, NewPull, Priority, PullInfo, PullState, Repo};
use crate::job::Wake;
use crate::model::{Code, Direction, SyncKind, SyncStatus};
use crate::store::events::{self, Event};
use crate::store::integrations::{Integration, Lease};
use crate::store::pulls::{self, Carries, Pull};
use crate::store::snapshot::Snapshot;
use crate::store::syncs::{self, Intent, Sync};
use crate::store::{StoreError, integrations, pull_edits};

/// How far GitHub's clock may be behind PostgreSQL's.
const CLOCKS: TimeDelta = TimeDelta::seconds(60);

impl Engine {
    pub(super) async fn pull_message(
        &self,
        on: &Integration,
        snapshot: &Snapshot,
        carries: &Carries,
        title: &str,
    ) -> Result<CommitMessage, StoreError> {
        let ids = carries.keys().filter_map(|path| snapshot.paths.get(path)).flat_map(|sides| &sides.authors);
        let authors = self.store.authors(on.pid, &ids.copied().collect()).await?;
        let said = crate::sync::message::titled(title, &authors);
        Ok(CommitMessage { headline: said.headline, body: said.body })
    }

    #[expect(clippy::too_many_arguments, reason = "one transaction writes all of it")]
    pub(super) async fn begin(
        &self,
        lease: Lease,
        on: &Integration,
        pull: &mut Pull,
        carries: &Carries,
        message: &CommitMessage,
        revision: i64,
        asker: &Asker,
    ) -> Result<(), StoreError> {
        let mut sync =
            Sync::queued(Uuid::now_v7(), on.pid, on.connection, SyncKind::PullRequest, &pull.branch, revision, on.now);
        sync.status = SyncStatus::Running;
        sync.started_at = Some(on.now);
        sync.direction = Direction::Push;
        sync.author = asker.author.clone();
        sync.message = Some(message.text());
        sync.files_changed = carries.len() as i64;
        sync.intent = Some(Intent { parent: pull.base_commit, message: message.text(), placeholder: None });
        pull.sync_id = Some(sync.id);
        let (id, files) = (&mut pull.id, files_of(carries));
        *id = 0;
        let row = pull.clone();
        pull.id = self
            .store
            .under_lease(lease, async |tx| {
                syncs::save(tx, &sync).await?;
                syncs::save_files(tx, row.pid, sync.id, &files).await?;
                pulls::insert(tx, &row, carries).await
            })
            .await?;
        Ok(())
    }

    /// Carries the making of a pull request as far as it goes.
    pub(super) async fn make_pull(
        &self,
        lease: Lease,
        on: &Integration,
        mut pull: Pull,
        asker: &Asker,
    ) -> Result<Pull, Failure> {
        let trouble = match boxed(|| self.steps(lease, on, &mut pull)).await {
            Ok(info) => {
                let number = info.number;
                match self.made(lease, on, pull.clone(), info, asker).await {
                    Err(StoreError::Conflict(_)) => is_known_as_another(number).into(),
                    made => return Ok(made?),
                }
            }
            Err(trouble) => trouble,
        };
        Err(self.pull_not_made(lease, on, &pull, trouble).await?)
    }

    async fn steps(&self, lease: Lease, on: &Integration, pull: &mut Pull) -> Result<PullInfo, Trouble> {
        let repo = self.repo(on).with_priority(Priority::Person);
        let sync = match pull.sync_id {
            Some(id) => self.store.sync(pull.pid, id).await?,
            None => None,
        };
        let said = sync.and_then(|sync| sync.intent).map(|intent| intent.message).unwrap_or_else(|| pull.title.clone());
        let carries = self.store.carried(pull.id).await?;
        if pull.proposed && pull.head_commit.is_none() && branch_above(&repo, &pull.branch).await?.is_some() {
            // Nobody chose the name, and this one cannot be made.
            pull.branch = pull.branch.replace('/', "-");
        }
        let branch = Branch { engine: self, repo: &repo, pid: pull.pid };
        pull.head_commit = Some(boxed(|| branch.with_commit(pull, &carries, &said)).await?);
        self.store.under_lease(lease, async |tx| pulls::save(tx, pull).await).await?;
        if let Some(found) = self.made_before(&repo, pull).await? {
            return Ok(found);
        }
        let new = NewPull {
            title: pull.title.clone(),
            body: pull.body.clone(),
            head: pull.branch.clone(),
            base: pull.base.clone(),
            draft: pull.draft,
        };
        match repo.create_pull(&new).await {
            // Somebody was faster, or the answer was lost: there is one now.
            Err(error @ (GithubError::Invalid(_) | GithubError::Refused { .. } | GithubError::Unavailable { .. })) => {
                match self.made_before(&repo, pull).await {
                    Ok(Some(found)) => Ok(found),
                    _ => Err(error.into()),
                }
            }
            outcome => Ok(outcome?),
        }
    }

    /// What an earlier attempt opened. A pull request that ended long ago may have had a branch of the
    /// same name.
    async fn made_before(&self, repo: &Repo, pull: &Pull) -> Result<Option<PullInfo>, Trouble> {
        let Some(found) = repo.find_pull(&pull.branch).await? else { return Ok(None) };
        let is_open = matches!(found.state, PullState::Open | PullState::Draft);
        let is_ours =
            is_open || Some(found.head_oid) == pull.head_commit || found.created_at >= pull.created_at - CLOCKS;
        let is_anothers = self.store.is_number_of_another(pull, found.number).await?;
        Ok(Some(found).filter(|_| is_ours && !is_anothers))
    }

    async fn made(
        &self,
        lease: Lease,
        on: &Integration,
        mut pull: Pull,
        info: PullInfo,
        asker: &Asker,
    ) -> Result<Pull, StoreError> {
        pull.number = Some(info.number);
        pull.url = Some(info.url.clone());
        pull.state = super::pull_status::state_word(info.state).to_owned();
        pull.mergeable = info.mergeable;
        pull.problem = None;
        pull.updated_at = info.updated_at;
        let paths: Vec<String> = self.store.carried(pull.id).await?.into_keys().map(String::from).collect();
        let commit_url = pull.head_commit.map(|oid| format!("{}/commit/{oid}", on.url));
        let opened = Pull { state: "open".to_owned(), ..pull.clone() };
        let heard_of = self
            .store
            .under_lease(lease, async |tx| {
                pulls::save(tx, &pull).await?;
                // It may have ended before its number was known here.
                self.follow_state(tx, on, &opened, &pull).await?;
                if let Some(mut sync) = sync_of(tx, &pull).await? {
                    sync.status = SyncStatus::Succeeded;
                    sync.attempts = pull.attempts + 1;
                    sync.branch.clone_from(&pull.branch);
                    sync.commit = pull.head_commit;
                    sync.commit_url = commit_url;
                    sync.pull_request = pull.number;
                    sync.intent = None;
                    sync.error = None;
                    sync.finished_at = Some(syncs::clock(tx).await?);
                    syncs::save(tx, &sync).await?;
                }
                if let Some(start) = pull_edits::start_window_again(tx, on.pid).await?.filter(|_| on.settings.auto_sync)
                {
                    let window = TimeDelta::seconds(i64::from(on.settings.batch_seconds));
                    integrations::set_due(tx, on.pid, start + window, false).await?;
                }
                if on.error.is_some() {
                    // It may have been about what is proposed now.
                    integrations::set_due(tx, on.pid, on.now, true).await?;
                }
                let target = info.number.to_string();
                let data = json!({ "pull_request": PullView::new(&pull, paths) });
                let mut event = Event::live("pull_request.opened", &asker.actor, data).of(on.pid, on.project.as_str());
                event.action = Some("pull_request.created");
                let event = event.target(&target).request(asker.request_id.as_deref());
                events::append(tx, event).await?;
                pulls::is_status_due(tx, pull.id).await
            })
            .await?;
        self.metrics.sync_finished(SyncKind::PullRequest, SyncStatus::Succeeded);
        if heard_of {
            self.wake_at(Wake::PullRequest { id: pull.id }, on.now).await;
        }
        Ok(pull)
    }
}

/// The rows are not what GitHub has: somebody restored one of both, or wrote in the database.
fn is_known_as_another(number: i64) -> GithubError {
    let detail = format!("its pull request #{number} is recorded here as another one. Propose the changes again.");
    GithubError::Refused { code: Code::PullRequestExists, detail, paths: Vec::new() }
}

/// Whether this commit is the one that was to be made.
pub(super) fn is_made(commit: &CommitInfo, pull: &Pull, message: &str) -> bool {
    commit.by_app
        && Some(commit.parents.as_slice()) == pull.base_commit.as_ref().map(std::slice::from_ref)
        && commit.message.trim_end() == message.trim_end()
}
