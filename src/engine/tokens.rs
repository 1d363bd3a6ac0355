//! A person's token, fresh enough to be used: refreshed before it expires, by one process at a time.
//!
//! A refresh ends both old tokens at GitHub, so two at once would end the authorization. Who does
//! not win the claim reads again until the winner is done.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Engine;
use super::authorize::stored;
use super::failure::{Failure, authorization_required, token_expired};
use crate::github::GithubError;
use crate::job::Wake;
use crate::model::{Code, Problem};
use crate::store::StoreError;
use crate::store::authorizations::{Authorization, Tokens};
use crate::vault::VaultError;

/// A token with less than this left is refreshed.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(8);
/// A token with less than this left is not worth sending.
const USELESS_BEFORE: TimeDelta = TimeDelta::seconds(15);
/// How often, and how many times, one who lost the claim reads again: a little longer than GitHub
/// may take to answer.
const READ_AGAIN: Duration = Duration::from_millis(150);
const READS: usize = 120;

/// What is to be done with tokens of this age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Fresh,
    /// Refresh; `usable`: if that cannot be done now, it will do.
    Old {
        usable: bool,
    },
    /// Nothing can renew it.
    Over,
}

impl Engine {
    /// The person's authorization with a token that GitHub takes for some minutes.
    ///
    /// Errors: `authorization_required` when there is none, `token_expired` when GitHub refuses to
    /// renew it (it is gone then), GitHub unavailable.
    pub(super) async fn authorization(&self, pid: i64, user: &str) -> Result<Authorization, Failure> {
        let mut tick = tokio::time::interval(READ_AGAIN);
        for _ in 0..READS {
            let authorization = self.opened(pid, user).await?.ok_or_else(authorization_required)?;
            match age(&authorization.tokens, Utc::now()) {
                Age::Fresh => return Ok(authorization),
                Age::Over => return Err(self.ended(&authorization).await?),
                Age::Old { usable } if self.store.claim_refresh(&authorization).await? => {
                    match self.refresh(&authorization).await? {
                        Refreshed::Done => continue,
                        Refreshed::NotNow(_) if usable => return Ok(authorization),
                        Refreshed::NotNow(failure) => return Err(failure),
                    }
                }
                Age::Old { .. } => {}
            }
            tick.tick().await;
        }
        Err(Problem::new(Code::GithubUnavailable, "GitHub takes too long to renew this user's authorization").into())
    }

    /// Runs calls to GitHub with the person's token. When GitHub refuses the token itself, the
    /// authorization goes, unless another process has just renewed it: then once more with that one.
    pub(super) async fn as_user<T>(
        &self,
        pid: i64,
        user: &str,
        calls: impl AsyncFn(&Authorization) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let authorization = self.authorization(pid, user).await?;
        match calls(&authorization).await {
            Err(failure) if failure.is_bad_token() => {}
            other => return other,
        }
        if self.store.drop_authorization(&authorization).await? {
            return Err(token_expired().into());
        }
        let authorization = self.authorization(pid, user).await?;
        calls(&authorization).await
    }

    /// Somebody took their authorization back, says a webhook. It does not say when, and may come hours
    /// late: what they allowed since is theirs. So GitHub is asked about each of their tokens, and those
    /// go that it does not know any more. Doing it twice is the same as once.
    pub(super) async fn check_authorizations(&self, github_id: i64) -> Result<(), Failure> {
        for (pid, user) in self.store.authorized_as(github_id).await? {
            match self.authorization(pid, &user).await {
                Ok(authorization) => match self.github.check_token(&authorization.tokens.access).await {
                    Ok(()) => continue,
                    Err(GithubError::BadToken) => {
                        self.store.drop_authorization(&authorization).await?;
                    }
                    Err(error) => return Err(error.into()),
                },
                // It was to be renewed, and went with that; or somebody else was quicker.
                Err(failure) if failure.is_bad_token() || failure.has_code(Code::AuthorizationRequired) => {}
                Err(failure) => return Err(failure),
            }
            tracing::info!(pid, "an authorization was taken back");
        }
        Ok(())
    }

    /// What was sealed with a key that is lost counts as not there: the person authorizes anew, which
    /// replaces it.
    async fn opened(&self, pid: i64, user: &str) -> Result<Option<Authorization>, StoreError> {
        match self.store.authorization(&self.vault, pid, user).await {
            Err(StoreError::Sealed(error @ VaultError::UnknownKey(_))) => {
                tracing::error!(%error, "a user's authorization cannot be opened: they are asked again");
                Ok(None)
            }
            other => other,
        }
    }

    async fn refresh(&self, old: &Authorization) -> Result<Refreshed, Failure> {
        let Some(refresh) = &old.tokens.refresh else { return Err(self.ended(old).await?) };
        match self.github.refresh(refresh).await {
            Ok(tokens) => {
                if let Some(id) = self.store.finish_refresh(&self.vault, old, &stored(tokens)).await? {
                    self.wake_for_person(Wake::Revocation { id }).await;
                }
                Ok(Refreshed::Done)
            }
            Err(GithubError::BadToken) => {
                tracing::info!("GitHub renews a user's authorization no more");
                Err(self.ended(old).await?)
            }
            // Nothing else says that the authorization is over.
            Err(error) => {
                tracing::warn!(%error, "a user's authorization could not be renewed now");
                self.store.release_refresh(old).await?;
                Ok(Refreshed::NotNow(error.into()))
            }
        }
    }

    /// Takes the authorization away; the person has to be asked again.
    async fn ended(&self, authorization: &Authorization) -> Result<Failure, Failure> {
        self.store.drop_authorization(authorization).await?;
        Ok(token_expired().into())
    }
}

enum Refreshed {
    Done,
    NotNow(Failure),
}

fn age(tokens: &Tokens, now: DateTime<Utc>) -> Age {
    let Some(expires) = tokens.access_expires_at else { return Age::Fresh };
    let usable = expires > now + USELESS_BEFORE;
    let renewable = tokens.refresh.is_some() && tokens.refresh_expires_at.is_none_or(|at| at > now);
    match (expires > now + RENEW_BEFORE, renewable) {
        (true, _) => Age::Fresh,
        (false, true) => Age::Old { usable },
        (false, false) if usable => Age::Fresh,
        (false, false) => Age::Over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(access: Option<i64>, refresh: Option<i64>, now: DateTime<Utc>) -> Tokens {
        let at = |minutes: i64| now + TimeDelta::minutes(minutes);
        Tokens {
            access: String::new().into(),
            access_expires_at: access.map(at),
            refresh: refresh.map(|_| String::new().into()),
            refresh_expires_at: refresh.map(at),
        }
    }

    #[test]
    fn tokens_are_renewed_before_they_expire() {
        let now = Utc::now();
        let at = |access, refresh| age(&tokens(access, refresh, now), now);
        assert_eq!(at(None, None), Age::Fresh);
        assert_eq!(at(Some(480), Some(9999)), Age::Fresh);
        assert_eq!(at(Some(7), Some(9999)), Age::Old { usable: true });
        assert_eq!(at(Some(-1), Some(9999)), Age::Old { usable: false });
        assert_eq!(at(Some(7), None), Age::Fresh);
        assert_eq!(at(Some(0), None), Age::Over);
        assert_eq!(at(Some(-1), Some(-1)), Age::Over);
    }
}
