//! How pull requests stand: read afresh from GitHub whenever there is a reason to, so that webhooks
//! may come in any order.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::Engine;
use super::boxed::boxed;
use super::failure::Failure;
use super::look::Trouble;
use super::outcome::MAX_ATTEMPTS;
use super::view::PullView;
use crate::github::{Checks, GithubError, PullState, PullStatus, Review};
use crate::job::Wake;
use crate::model::{Code, Problem};
use crate::queue::backoff;
use crate::store::events::{self, Actor, Event};
use crate::store::integrations::{Integration, set_due};
use crate::store::pulls::{self, Pull};
use crate::store::{StoreError, Transaction, pull_holds};

pub(super) fn state_word(state: PullState) -> &'static str {
    match state {
        PullState::Open => "open",
        PullState::Draft => "draft",
        PullState::Merged => "merged",
        PullState::Closed => "closed",
    }
}

fn checks_word(checks: Checks) -> &'static str {
    match checks {
        Checks::None => "none",
        Checks::Pending => "pending",
        Checks::Success => "success",
        Checks::Failure => "failure",
    }
}

fn review_word(review: Review) -> &'static str {
    match review {
        Review::None => "none",
        Review::Required => "required",
        Review::Approved => "approved",
        Review::ChangesRequested => "changes_requested",
    }
}

impl Engine {
    /// A wake-up: goes on making it, or reads how it stands.
    pub(super) async fn pull_request(&self, id: i64) -> Result<(), StoreError> {
        let Some(pull) = self.store.pull(id).await? else { return Ok(()) };
        let Some(number) = pull.number else { return boxed(|| self.resume_pull(pull)).await };
        match self.read_status(&pull, number).await.map_err(Failure::from) {
            Ok(_) => Ok(()),
            Err(Failure::Store(error)) => Err(error),
            Err(Failure::Later(_, at)) => self.status_again(id, pull.attempts, at).await,
            Err(Failure::Problem(problem)) if problem.code.retryable() && pull.attempts + 1 < MAX_ATTEMPTS => {
                let attempts = pull.attempts + 1;
                let failures = u32::try_from(attempts).unwrap_or(1);
                let delay = backoff::random_delay(failures, self.settings.retry.as_secs_f64());
                let at = Utc::now() + TimeDelta::from_std(delay).unwrap_or(TimeDelta::minutes(15));
                self.status_again(id, attempts, at).await
            }
            // The next webhook or check for drift is the next reason to ask.
            Err(Failure::Problem(_)) => Ok(()),
        }
    }

    /// GitHub failed at it in the middle of something else, which goes on without it.
    pub(super) async fn read_status_again(&self, pull: &Pull, error: GithubError) -> Result<(), StoreError> {
        tracing::warn!(pull = pull.id, %error, "it could not be read how a pull request stands");
        let at = match error {
            GithubError::RetryAt { at, .. } => at,
            _ => {
                let delay = backoff::random_delay(1, self.settings.retry.as_secs_f64());
                Utc::now() + TimeDelta::from_std(delay).unwrap_or(TimeDelta::seconds(2))
            }
        };
        self.status_again(pull.id, pull.attempts, at).await
    }

    async fn status_again(&self, id: i64, attempts: i32, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.store.read_status_later(id, attempts, at).await?;
        self.wake_at(Wake::PullRequest { id }, at).await;
        Ok(())
    }

    /// `refresh`: how it stands now.
    pub async fn refresh_pull(&self, pid: i64, number: i64) -> Result<Pull, Failure> {
        let missing = || Failure::Problem(Problem::new(Code::NotFound, "There is no pull request of this number."));
        let pull = self.store.pull_by_number(pid, number).await?.ok_or_else(missing)?;
        Ok(self.read_status(&pull, number).await?)
    }

    /// Reads how it stands, and writes it; answers the row as it then is.
    pub(super) async fn read_status(&self, pull: &Pull, number: i64) -> Result<Pull, Trouble> {
        let reading = self.store.status_taken(pull.id).await?;
        let Some(on) = self.store.integration(pull.pid).await?.filter(|on| on.repository_id == pull.repository_id)
        else {
            return Ok(pull.clone());
        };
        let status = match self.repo(&on).pull_status(number).await {
            Err(GithubError::NotFound) => return Ok(pull.clone()),
            status => status?,
        };
        let mut client = self.store.client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        pulls::lock_project(&tx, pull.pid).await?;
        let Some(before) = pulls::by_id(&tx, pull.id).await? else { return Ok(pull.clone()) };
        let after = apply(&before, &status);
        if !pulls::is_last_reading(&tx, pull.id, reading).await? {
            return Ok(after);
        }
        pulls::status_read(&tx, pull.id).await?;
        if after != before {
            pulls::save(&tx, &after).await?;
            self.follow_state(&tx, &on, &before, &after).await?;
            self.say_pull(&tx, &on, &after).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        if after.state != before.state {
            self.wake_project(pull.pid, on.now).await;
        }
        Ok(after)
    }

    /// What becomes of the paths it holds.
    pub(super) async fn follow_state(
        &self,
        tx: &Transaction<'_>,
        on: &Integration,
        before: &Pull,
        after: &Pull,
    ) -> Result<(), StoreError> {
        if after.connection != on.connection {
            // Of an earlier connection to the same repository: it holds nothing.
            return Ok(());
        }
        let was_open = before.is_open();
        match after.state.as_str() {
            // The branch has it now: the next look, at the branch as it is since, releases the paths.
            "merged" if before.state != "merged" && after.base == on.branch => {}
            "merged" | "closed" if was_open && after.proposed => pull_holds::release(tx, after.pid, after.id).await?,
            "merged" | "closed" if was_open => pull_holds::hold_for_person(tx, after).await?,
            "open" | "draft" if before.state == "closed" => pull_holds::hold(tx, after.pid, after.id).await?,
            _ => return Ok(()),
        }
        // What its paths are now held for, or not, is decided anew.
        set_due(tx, on.pid, on.now, true).await
    }

    async fn say_pull(&self, tx: &Transaction<'_>, on: &Integration, pull: &Pull) -> Result<(), StoreError> {
        let paths = pulls::paths(tx, pull.id).await?;
        let data = json!({ "pull_request": PullView::new(pull, paths) });
        let event = Event::live("pull_request.updated", &Actor::Github(None), data).of(on.pid, on.project.as_str());
        events::append(tx, event).await.map(|_| ())
    }
}

/// The row as GitHub has the pull request. What was read later counts, whatever arrived first.
fn apply(pull: &Pull, status: &PullStatus) -> Pull {
    let mut after = pull.clone();
    if status.pull.updated_at < pull.updated_at {
        return after;
    }
    after.title.clone_from(&status.pull.title);
    after.url = Some(status.pull.url.clone());
    after.state = state_word(status.pull.state).to_owned();
    after.base.clone_from(&status.pull.base);
    after.checks = checks_word(status.checks).to_owned();
    after.review = review_word(status.review).to_owned();
    after.mergeable = status.pull.mergeable;
    after.merge_commit = status.pull.merge_commit;
    after.updated_at = status.pull.updated_at;
    after
}
