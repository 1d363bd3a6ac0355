//! Revoking credentials at GitHub: a job per row, tried until GitHub says that the token is gone.

use chrono::{TimeDelta, Utc};

use super::Engine;
use crate::github::GithubError;
use crate::job::Wake;
use crate::queue::backoff;
use crate::store::StoreError;

impl Engine {
    /// Revokes the credential of this row, unless somebody else is at it. Only this token:
    /// the person's grant to the App stays.
    pub async fn revoke(&self, id: i64) -> Result<(), StoreError> {
        let revocation = match self.store.claim_revocation(&self.vault, id).await {
            Ok(Some(revocation)) => revocation,
            Ok(None) => return Ok(()),
            Err(StoreError::Sealed(error)) => {
                tracing::error!(%error, "a credential cannot be revoked at GitHub, and ends there by itself");
                return self.store.revoked(id).await;
            }
            Err(error) => return Err(error),
        };
        match self.github.revoke_token(&revocation.token).await {
            Ok(()) => self.store.revoked(id).await,
            Err(GithubError::RetryAt { at, .. }) => self.later(id, at, false).await,
            Err(error) if error.is_transient() || error == GithubError::NotConfigured => {
                let attempt = u32::try_from(revocation.attempts).unwrap_or(0).saturating_add(1);
                let delay = backoff::random_delay(attempt, self.settings.retry.as_secs_f64());
                let at = Utc::now() + TimeDelta::from_std(delay).unwrap_or(TimeDelta::minutes(15));
                self.later(id, at, true).await
            }
            Err(error) => {
                // GitHub does not know the token (any more): that is what was wanted.
                tracing::info!(%error, "a credential was gone at GitHub already");
                self.store.revoked(id).await
            }
        }
    }

    async fn later(&self, id: i64, at: chrono::DateTime<Utc>, counts: bool) -> Result<(), StoreError> {
        self.store.revoke_later(id, at, counts).await?;
        self.wake_at(Wake::Revocation { id }, at).await;
        Ok(())
    }
}
