//! When GitHub says no, or says nothing: what becomes of the integration and the sync.
//!
//! Contract 6.10 to 6.12. What can pass by itself is tried again later, without a worker waiting for
//! it; what cannot is shown with the next step, and looked at again when drift is checked.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::look::{Look, Trouble};
use super::push::Pushed;
use super::refused::Refusal;
use crate::github::GithubError;
use crate::model::{Code, Problem, SyncKind, SyncStatus};
use crate::queue::backoff;
use crate::store::events::Actor;
use crate::store::integrations::State;
use crate::store::settle::{self, Asked, Settled, Window};
use crate::store::syncs::{self, Sync};
use crate::store::{StoreError, Transaction, holds, sync_files};

/// Attempts before a sync becomes a dead letter; waiting for a limit is none.
pub const MAX_ATTEMPTS: i32 = 12;
/// A wait this short is not shown as an error.
const SHORT_WAIT: TimeDelta = TimeDelta::seconds(15);

/// The branch is not there.
pub(super) fn branch_missing(branch: &str) -> GithubError {
    GithubError::Refused {
        code: Code::BranchNotFound,
        detail: format!("The branch {branch} does not exist on GitHub."),
        paths: Vec::new(),
    }
}

/// Nothing can be written to it.
pub(super) fn archived(full_name: &str) -> GithubError {
    let detail = format!("The repository {full_name} is archived.");
    GithubError::Refused { code: Code::RepositoryArchived, detail, paths: Vec::new() }
}

/// What a failure means for the integration.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Not before this time; no attempt is lost.
    Wait(DateTime<Utc>, Problem),
    /// Passes by itself: tried again with growing delay.
    Retry(Problem),
    /// Does not pass by itself.
    Stop(State, Problem),
}

fn judge(error: &GithubError) -> Verdict {
    match error {
        GithubError::RetryAt { at, reason } => {
            let detail = format!("{}; it goes on at {}.", reason.told(), at.format("%H:%M:%S UTC"));
            let problem = Problem::new(Code::RateLimited, detail).with_action("Nothing to do: it goes on by itself.");
            Verdict::Wait(*at, problem)
        }
        GithubError::Stale => Verdict::Retry(Problem::new(Code::GithubUnavailable, "The branch keeps moving.")),
        GithubError::Unavailable { detail, .. } => {
            Verdict::Retry(Problem::new(Code::GithubUnavailable, detail.clone()))
        }
        GithubError::NotConfigured => Verdict::Retry(Problem::new(Code::Unavailable, "No GitHub App is configured.")),
        GithubError::Refused { code, detail, .. } => {
            Verdict::Stop(state_of(*code), Problem::new(*code, detail.clone()))
        }
        GithubError::NotFound => {
            let detail = "The repository is gone, or the GitHub App may not see it any more.";
            Verdict::Stop(State::Broken, Problem::new(Code::RepositoryNotAccessible, detail))
        }
        GithubError::TooLarge { detail } => {
            Verdict::Stop(State::Connected, Problem::new(Code::FileTooLarge, detail.clone()))
        }
        GithubError::Invalid(detail) => {
            let detail = format!("GitHub does not accept the commit: {detail}");
            let problem = Problem::new(Code::ValidationFailed, detail)
                .with_action("Change or exclude the files GitHub objects to.");
            Verdict::Stop(State::Connected, problem)
        }
        other => Verdict::Retry(Problem::new(Code::Internal, other.to_string())),
    }
}

/// The contract's table of causes.
pub(super) fn state_of(code: Code) -> State {
    match code {
        Code::InstallationSuspended => State::Suspended,
        Code::InstallationRemoved
        | Code::RepositoryNotAccessible
        | Code::RepositoryGone
        | Code::RepositoryArchived
        | Code::BranchNotFound
        | Code::PermissionMissing => State::Broken,
        _ => State::Connected,
    }
}

impl Look<'_> {
    /// GitHub answered as it should: a cause that was shown is gone.
    pub async fn heal(&mut self) -> Result<(), Trouble> {
        if self.on.state == State::Connected {
            return Ok(());
        }
        if self.on.error.as_ref().is_some_and(|problem| problem.code == Code::PermissionMissing) {
            // That it can be read shows nothing.
            self.repo.may_write().await?;
        }
        let mut settled = self.settled();
        settled.state = State::Connected;
        settled.error = None;
        settled.attempts = 0;
        let on = &self.on;
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                holds::forget_refusals(tx, on.pid).await?;
                settle::settle(tx, on.pid, &settled).await?;
                settle::not_gone(tx, on.pid).await?;
                let view = self.engine.integration_json(tx, on.pid).await?;
                self.engine
                    .say(tx, on, "integration.restored", &Actor::Github(None), json!({ "integration": view }))
                    .await
            })
            .await?;
        self.on.state = State::Connected;
        self.on.error = None;
        Ok(())
    }

    /// Ends the pass with what GitHub's answer means.
    pub async fn fail(&mut self, error: GithubError) -> Result<(), StoreError> {
        tracing::warn!(project = %self.on.project, %error, "a sync met an error of GitHub's");
        let verdict = judge(&error);
        let stopped_by = match &verdict {
            Verdict::Stop(_, problem) => Some(problem.code),
            _ => None,
        };
        if let Some(code) = stopped_by
            && self.is_reached_otherwise(code).await?
        {
            return self.again().await;
        }
        let moved_out_of_sight = stopped_by == Some(Code::RepositoryGone) && self.person_sees_it().await?;
        match verdict {
            Verdict::Stop(state, problem) if self.on.gone && problem.code == Code::RepositoryNotAccessible => {
                self.stop(state, Problem::new(Code::RepositoryGone, "The repository was deleted on GitHub.")).await
            }
            Verdict::Stop(state, _) if moved_out_of_sight => {
                let detail = "The repository moved to an owner where the GitHub App is not installed.";
                self.stop(state, Problem::new(Code::RepositoryNotAccessible, detail)).await
            }
            Verdict::Wait(at, problem) => self.wait(at, problem).await,
            Verdict::Retry(problem) => self.retry(problem).await,
            Verdict::Stop(state, problem) => self.stop(state, problem).await,
        }
    }

    /// A mistake of ours. What it met may be another thing the next time, so it is tried again as often
    /// as what GitHub fails at, and then given up; nobody else waits for it.
    pub async fn fail_inside(&mut self, why: &str) -> Result<(), StoreError> {
        tracing::error!(project = %self.on.project, why, "a sync failed inside");
        self.retry(Problem::new(Code::Internal, "The sync failed inside Lockstep.")).await
    }

    /// A private repository that moved out of the App's sight looks deleted to it; the person who
    /// connected it may see more. Not when GitHub told of the deletion.
    async fn person_sees_it(&self) -> Result<bool, StoreError> {
        if self.on.gone {
            return Ok(false);
        }
        let authorization = match self.engine.authorization(self.on.pid, &self.on.connected_by).await {
            Ok(authorization) => authorization,
            Err(super::failure::Failure::Store(error)) => return Err(error),
            Err(_) => return Ok(false),
        };
        let seen = self.engine.github.repository_as_user(&authorization.tokens.access, &self.on.full_name).await;
        Ok(seen.is_ok_and(|found| found.repository.id == self.on.repository_id))
    }

    async fn wait(&mut self, at: DateTime<Utc>, problem: Problem) -> Result<(), StoreError> {
        let shown = (at - self.on.now > SHORT_WAIT).then_some(problem);
        let mut settled = self.settled();
        settled.due_at = Some(at);
        settled.remote_due = true;
        if let Some(sync) = self.sync.as_mut() {
            sync.status = SyncStatus::Queued;
            sync.attempts = self.on.attempts;
            sync.error = shown.clone();
            settled.sync_id = Some(sync.id);
        }
        settled.error = shown;
        self.leave(settled, None).await
    }

    async fn retry(&mut self, problem: Problem) -> Result<(), StoreError> {
        let attempts = self.on.attempts + 1;
        if attempts >= MAX_ATTEMPTS {
            return self.give_up(problem, attempts).await;
        }
        let delay = backoff::random_delay(attempts.unsigned_abs(), self.engine.settings.retry.as_secs_f64());
        let mut settled = self.settled();
        settled.attempts = attempts;
        settled.due_at = Some(self.on.now + TimeDelta::from_std(delay).unwrap_or(TimeDelta::hours(1)));
        settled.remote_due = true;
        settled.error = Some(problem.clone());
        let now = self.on.now;
        let row = self.row(now);
        row.status = SyncStatus::Queued;
        row.attempts = attempts;
        row.error = Some(problem);
        settled.sync_id = Some(row.id);
        settled.own.push(row.id);
        self.leave(settled, None).await
    }

    async fn give_up(&mut self, problem: Problem, attempts: i32) -> Result<(), StoreError> {
        let mut settled = self.settled();
        (settled.attempts, settled.sync_id, settled.error) = (0, None, Some(problem.clone()));
        settled.asked = Asked::default();
        let now = self.on.now;
        fail_row(self.row(now), problem, attempts);
        settled.window = Window::After(self.on.revision);
        self.leave(settled, Some(Failure { dead_letter: true, changed_state: false })).await
    }

    /// Pending changes stay, and nothing is tried until the cause may be gone.
    async fn stop(&mut self, state: State, problem: Problem) -> Result<(), StoreError> {
        let changed_state = state != self.on.state && state != State::Connected;
        let mut settled = self.settled();
        (settled.state, settled.attempts, settled.sync_id, settled.asked) = (state, 0, None, Asked::default());
        settled.window = Window::After(self.on.revision);
        settled.error = Some(problem.clone());
        if let Some(sync) = self.sync.as_mut() {
            let attempts = sync.attempts.max(1);
            fail_row(sync, problem, attempts);
        }
        self.leave(settled, Some(Failure { dead_letter: false, changed_state })).await
    }

    async fn leave(&mut self, settled: Settled, failure: Option<Failure>) -> Result<(), StoreError> {
        let (on, sync) = (&self.on, &self.sync);
        let ended = self
            .engine
            .store
            .under_lease(self.lease, async |tx| {
                let ended = match sync {
                    Some(sync) => self.write_failed(tx, sync, failure).await?,
                    None => false,
                };
                settle::settle(tx, on.pid, &settled).await?;
                if failure.is_some_and(|failure| failure.changed_state) {
                    self.say_state(tx, settled.state).await?;
                }
                Ok(ended)
            })
            .await?;
        if ended {
            self.count();
        }
        Ok(())
    }

    /// Whether history has a row more that ended.
    async fn write_failed(
        &self,
        tx: &Transaction<'_>,
        sync: &Sync,
        failure: Option<Failure>,
    ) -> Result<bool, StoreError> {
        let Some(failure) = failure else {
            syncs::save(tx, sync).await?;
            return Ok(false);
        };
        // Drift looks at an unhealed cause again and again; history tells it once.
        let repeats = sync.kind == SyncKind::Auto && syncs::repeats_failure(tx, sync).await?;
        if repeats && syncs::delete_unasked(tx, sync.id).await? {
            return Ok(false);
        }
        let mut ended = sync.clone();
        ended.finished_at = Some(syncs::clock(tx).await?);
        syncs::save(tx, &ended).await?;
        if failure.dead_letter {
            let error = ended.error.clone().unwrap_or_else(|| Problem::new(Code::Internal, "unknown"));
            syncs::bury(tx, self.on.project.as_str(), &ended, None, &error).await?;
        }
        self.say_sync(tx, &ended, "sync.failed").await?;
        Ok(true)
    }

    async fn say_state(&self, tx: &Transaction<'_>, state: State) -> Result<(), StoreError> {
        let kind = if state == State::Suspended { "integration.suspended" } else { "integration.broken" };
        let view = self.engine.integration_json(tx, self.on.pid).await?;
        self.engine.say(tx, &self.on, kind, &Actor::Github(None), json!({ "integration": view })).await
    }

    /// GitHub refused files of the commit, or the commit: the files are held and the others go on.
    /// `from_nothing`: what was begun for a first commit may be on the branch, and is gone on with.
    pub async fn hold_refused(&mut self, refusal: Refusal, from_nothing: bool) -> Result<Option<Pushed>, Trouble> {
        let Refusal { code, detail, paths: refused } = refusal;
        if refused.is_empty() {
            return Err(Trouble::GitHub(GithubError::Refused { code, detail, paths: Vec::new() }));
        }
        let mut problem = Problem::new(code, detail);
        if code == Code::ValidationFailed {
            problem = problem.with_action("Rename or exclude this file, or move what GitHub has in its place.");
        }
        let (on, sync) = (&self.on, &self.sync);
        self.engine
            .store
            .under_lease(self.lease, async |tx| {
                holds::refuse(tx, on.pid, &refused, &problem).await?;
                if let Some(sync) = sync {
                    let mut waiting = sync.clone();
                    waiting.error = Some(problem.clone());
                    if !from_nothing {
                        waiting.forget_push();
                        waiting.files_changed = sync_files::forget_pushed(tx, waiting.id).await?;
                    }
                    syncs::save(tx, &waiting).await?;
                }
                Ok(())
            })
            .await?;
        Err(Trouble::Again)
    }
}

#[derive(Debug, Clone, Copy)]
struct Failure {
    dead_letter: bool,
    changed_state: bool,
}

fn fail_row(sync: &mut Sync, problem: Problem, attempts: i32) {
    sync.status = SyncStatus::Failed;
    sync.error = Some(problem);
    sync.attempts = attempts;
    sync.progress = None;
    sync.intent = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::Throttle;

    #[test]
    fn causes_become_states() {
        for (code, state) in [
            (Code::InstallationSuspended, State::Suspended),
            (Code::InstallationRemoved, State::Broken),
            (Code::RepositoryNotAccessible, State::Broken),
            (Code::RepositoryGone, State::Broken),
            (Code::RepositoryArchived, State::Broken),
            (Code::BranchNotFound, State::Broken),
            (Code::PermissionMissing, State::Broken),
            (Code::BranchProtected, State::Connected),
        ] {
            assert_eq!(state_of(code), state, "{code}");
        }
    }

    /// What becomes of a sync, by what GitHub said: told in one word.
    fn fate(error: &GithubError) -> String {
        match judge(error) {
            Verdict::Wait(_, problem) => format!("wait {}", problem.code),
            Verdict::Retry(problem) => format!("retry {}", problem.code),
            Verdict::Stop(state, problem) => format!("{} {}", state.as_str(), problem.code),
        }
    }

    #[test]
    fn the_policy_in_one_table() {
        let refused = |code| GithubError::Refused { code, detail: "no".into(), paths: Vec::new() };
        let unavailable = |ambiguous| GithubError::Unavailable { detail: "502".into(), ambiguous };
        let limit = |reason| GithubError::RetryAt { at: DateTime::UNIX_EPOCH, reason };
        for (error, expected) in [
            (limit(Throttle::Primary), "wait rate_limited"),
            (limit(Throttle::Secondary), "wait rate_limited"),
            (limit(Throttle::RetryAfter), "wait rate_limited"),
            (limit(Throttle::Content), "wait rate_limited"),
            (limit(Throttle::Share), "wait rate_limited"),
            (limit(Throttle::Concurrency), "wait rate_limited"),
            (unavailable(true), "retry github_unavailable"),
            (unavailable(false), "retry github_unavailable"),
            (GithubError::Stale, "retry github_unavailable"),
            (GithubError::NotConfigured, "retry unavailable"),
            (GithubError::NotFound, "broken repository_not_accessible"),
            (refused(Code::InstallationSuspended), "suspended installation_suspended"),
            (refused(Code::InstallationRemoved), "broken installation_removed"),
            (refused(Code::PermissionMissing), "broken permission_missing"),
            (refused(Code::RepositoryArchived), "broken repository_archived"),
            (refused(Code::BranchProtected), "connected branch_protected"),
            (refused(Code::PushProtection), "connected push_protection"),
            (GithubError::TooLarge { detail: "too large".into() }, "connected file_too_large"),
            (GithubError::Invalid("no".into()), "connected validation_failed"),
        ] {
            assert_eq!(fate(&error), expected, "{error}");
            let passes = expected.starts_with("wait") || expected.starts_with("retry");
            let code = expected.split(' ').next_back();
            let known = [Code::RateLimited, Code::GithubUnavailable, Code::Unavailable, Code::Internal];
            let retryable = known.iter().any(|known| Some(known.as_str()) == code);
            assert_eq!(retryable, passes, "{expected}: what is tried again says so, and nothing else");
        }
    }
}
