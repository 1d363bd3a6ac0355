//! What people allowed: one GitHub user's tokens for one project and one user of the host, sealed.
//!
//! A token pair is replaced by compare-and-swap on when it was written, so that neither a slow refresh
//! nor a refused one can take away what the person authorized afresh in the meantime. Not on its
//! sealed bytes: `reencrypt` changes these while a refresh is under way.

use crate::store::Transaction;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use zeroize::Zeroizing;

use super::events::{self, Actor, Event};
use super::linking::lock;
use super::sealed::Place;
use super::{Store, StoreError, revocations};
use crate::model::{ProjectId, UserId};
use crate::vault::Vault;

/// How long one process may take to refresh before another tries.
const REFRESH_SECONDS: f64 = 30.0;

/// A user access token and what renews it.
#[derive(Clone)]
pub struct Tokens {
    pub access: Zeroizing<String>,
    /// None: it does not expire.
    pub access_expires_at: Option<DateTime<Utc>>,
    pub refresh: Option<Zeroizing<String>>,
    pub refresh_expires_at: Option<DateTime<Utc>>,
}

/// One row, opened.
pub struct Authorization {
    pub pid: i64,
    pub user: String,
    pub github_id: i64,
    pub github_login: String,
    pub tokens: Tokens,
    /// Somebody refreshes it just now.
    pub refreshing: bool,
    /// When this pair was written; what compare-and-swap compares.
    written: DateTime<Utc>,
}

/// What a person allowed at GitHub just now.
pub struct NewAuthorization<'a> {
    pub pid: i64,
    pub project: &'a str,
    pub user: &'a str,
    pub github_id: i64,
    pub github_login: &'a str,
    pub tokens: &'a Tokens,
    /// The visit they come from (`oauth_states`).
    pub ticket_hash: &'a [u8],
    pub request_id: Option<&'a str>,
}

/// What became of tokens that a person allowed. `revoke`: the `revocations.id` of a token that is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    Kept {
        revoke: Option<i64>,
    },
    /// The project was disconnected or deleted since the visit came back: these tokens go.
    Overtaken {
        revoke: i64,
    },
}

impl Store {
    /// The authorization of this user for this project.
    pub async fn authorization(
        &self,
        vault: &Vault,
        pid: i64,
        user: &str,
    ) -> Result<Option<Authorization>, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "SELECT github_id, github_login, access_enc, access_expires_at, refresh_enc, refresh_expires_at, updated_at,
                        coalesce(refresh_lease > now(), false) AS refreshing
                 FROM authorizations WHERE pid = $1 AND user_id = $2",
                &[&pid, &user],
            )
            .await?;
        row.as_ref().map(|row| opened(vault, pid, user, row)).transpose()
    }

    /// Where this GitHub account's authorizations are: project and user of the host.
    pub async fn authorized_as(&self, github_id: i64) -> Result<Vec<(i64, String)>, StoreError> {
        let client = self.client().await?;
        let select = "SELECT pid, user_id FROM authorizations WHERE github_id = $1 ORDER BY pid, user_id";
        let rows = client.query(select, &[&github_id]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Whether this user has authorized for this project.
    pub async fn has_authorized(&self, project: &ProjectId, user: &UserId) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT EXISTS (SELECT FROM authorizations JOIN projects USING (pid) WHERE id = $1 AND user_id = $2)";
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query_one(&statement, &[&project.as_str(), &user.as_str()]).await?.try_get(0)?)
    }

    /// Keeps what a person allowed, unless a disconnect overtook it. A token that was there before is
    /// queued to be revoked.
    pub async fn save_authorization(&self, vault: &Vault, new: NewAuthorization<'_>) -> Result<Saved, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        // The project's lock first, as whoever disconnects takes it.
        let here = tx.query_opt("SELECT 1 FROM projects WHERE pid = $1 FOR NO KEY UPDATE", &[&new.pid]).await?;
        let visits = tx.execute("DELETE FROM oauth_states WHERE ticket_hash = $1", &[&new.ticket_hash]).await?;
        if here.is_none() || visits == 0 {
            let revoke = revocations::add(&tx, vault, &new.tokens.access).await?;
            tx.commit().await?;
            return Ok(Saved::Overtaken { revoke });
        }
        let revocation = retire(&tx, vault, new.pid, new.user).await?;
        let (access, refresh) = seal(vault, new.pid, new.user, new.tokens)?;
        tx.execute(
            "INSERT INTO authorizations
                 (pid, user_id, github_id, github_login, access_enc, access_expires_at, refresh_enc, refresh_expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &new.pid,
                &new.user,
                &new.github_id,
                &new.github_login,
                &access,
                &new.tokens.access_expires_at,
                &refresh,
                &new.tokens.refresh_expires_at,
            ],
        )
        .await?;
        let actor = Actor::User(new.user.to_owned());
        let event = Event::audit("user.authorized", &actor).of(new.pid, new.project).target(new.github_login);
        events::append(&tx, event.request(new.request_id)).await?;
        tx.commit().await?;
        Ok(Saved::Kept { revoke: revocation })
    }

    /// Claims the refresh of exactly this pair; false when somebody else has it or it was replaced.
    pub async fn claim_refresh(&self, authorization: &Authorization) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let claimed = client
            .execute(
                "UPDATE authorizations SET refresh_lease = now() + $4 * interval '1 second'
                 WHERE pid = $1 AND user_id = $2 AND updated_at = $3 AND (refresh_lease IS NULL OR refresh_lease < now())",
                &[&authorization.pid, &authorization.user, &authorization.written, &REFRESH_SECONDS],
            )
            .await?;
        Ok(claimed == 1)
    }

    /// Keeps the new pair in place of the one it came from. When that one is gone (the person
    /// authorized afresh, or disconnected), the new token is queued to be revoked; answers its id.
    pub async fn finish_refresh(
        &self,
        vault: &Vault,
        old: &Authorization,
        tokens: &Tokens,
    ) -> Result<Option<i64>, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let (access, refresh) = seal(vault, old.pid, &old.user, tokens)?;
        let replaced = tx
            .execute(
                "UPDATE authorizations SET access_enc = $4, access_expires_at = $5, refresh_enc = $6, refresh_expires_at = $7,
                     refresh_lease = NULL, updated_at = clock_timestamp()
                 WHERE pid = $1 AND user_id = $2 AND updated_at = $3",
                &[
                    &old.pid,
                    &old.user,
                    &old.written,
                    &access,
                    &tokens.access_expires_at,
                    &refresh,
                    &tokens.refresh_expires_at,
                ],
            )
            .await?;
        let orphan = if replaced == 0 { Some(revocations::add(&tx, vault, &tokens.access).await?) } else { None };
        tx.commit().await?;
        Ok(orphan)
    }

    /// GitHub could not be asked: the pair stays, and somebody may try again.
    pub async fn release_refresh(&self, authorization: &Authorization) -> Result<(), StoreError> {
        let client = self.client().await?;
        client
            .execute(
                "UPDATE authorizations SET refresh_lease = NULL WHERE pid = $1 AND user_id = $2 AND updated_at = $3",
                &[&authorization.pid, &authorization.user, &authorization.written],
            )
            .await?;
        Ok(())
    }

    /// GitHub no longer accepts exactly this pair: it goes, with an audit row. False: there is
    /// another by now, or none.
    pub async fn drop_authorization(&self, authorization: &Authorization) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let project = lock(&tx, authorization.pid).await?;
        let gone = tx
            .execute(
                "DELETE FROM authorizations WHERE pid = $1 AND user_id = $2 AND updated_at = $3",
                &[&authorization.pid, &authorization.user, &authorization.written],
            )
            .await?;
        if gone > 0 {
            let actor = Actor::Github(Some(authorization.github_login.clone()));
            let event = Event::audit("user.deauthorized", &actor).of(authorization.pid, &project);
            events::append(&tx, event.target(&authorization.user)).await?;
        }
        tx.commit().await?;
        Ok(gone > 0)
    }
}

/// Takes away the project's authorizations and queues their tokens to be revoked; answers the ids.
pub async fn retire_all(tx: &Transaction<'_>, vault: &Vault, pid: i64) -> Result<Vec<i64>, StoreError> {
    let rows = tx.query("DELETE FROM authorizations WHERE pid = $1 RETURNING user_id, access_enc", &[&pid]).await?;
    let mut revocations = Vec::with_capacity(rows.len());
    for row in &rows {
        revocations.extend(revoke(tx, vault, pid, row).await?);
    }
    Ok(revocations)
}

async fn retire(tx: &Transaction<'_>, vault: &Vault, pid: i64, user: &str) -> Result<Option<i64>, StoreError> {
    let row = tx
        .query_opt(
            "DELETE FROM authorizations WHERE pid = $1 AND user_id = $2 RETURNING user_id, access_enc",
            &[&pid, &user],
        )
        .await?;
    match row {
        Some(row) => revoke(tx, vault, pid, &row).await,
        None => Ok(None),
    }
}

/// A token that does not open cannot be revoked; it goes all the same, and ends by itself within hours.
async fn revoke(tx: &Transaction<'_>, vault: &Vault, pid: i64, row: &Row) -> Result<Option<i64>, StoreError> {
    match Place::access(pid, row.try_get("user_id")?).open(vault, row.try_get("access_enc")?) {
        Ok(access) => revocations::add(tx, vault, &access).await.map(Some),
        Err(error) => {
            tracing::error!(%error, "a token is removed here and cannot be revoked at GitHub");
            Ok(None)
        }
    }
}

fn opened(vault: &Vault, pid: i64, user: &str, row: &Row) -> Result<Authorization, StoreError> {
    let refresh: Option<&[u8]> = row.try_get("refresh_enc")?;
    let tokens = Tokens {
        access: Place::access(pid, user).open(vault, row.try_get("access_enc")?)?,
        access_expires_at: row.try_get("access_expires_at")?,
        refresh: refresh.map(|sealed| Place::refresh(pid, user).open(vault, sealed)).transpose()?,
        refresh_expires_at: row.try_get("refresh_expires_at")?,
    };
    Ok(Authorization {
        pid,
        user: user.to_owned(),
        github_id: row.try_get("github_id")?,
        github_login: row.try_get("github_login")?,
        tokens,
        refreshing: row.try_get("refreshing")?,
        written: row.try_get("updated_at")?,
    })
}

type Sealed = (Vec<u8>, Option<Vec<u8>>);

fn seal(vault: &Vault, pid: i64, user: &str, tokens: &Tokens) -> Result<Sealed, StoreError> {
    let access = Place::access(pid, user).seal(vault, &tokens.access)?;
    let refresh = tokens.refresh.as_ref().map(|token| Place::refresh(pid, user).seal(vault, token)).transpose()?;
    Ok((access, refresh))
}
