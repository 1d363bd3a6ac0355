//! Credentials on their way to be revoked at GitHub. A row is written in the transaction that takes
//! the credential away, and lives until GitHub said that it is gone.

use crate::store::GenericClient;
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::sealed::Place;
use super::{Store, StoreError};
use crate::vault::Vault;

/// How long one attempt may take before another process tries.
const LEASE_SECONDS: f64 = 60.0;

/// A credential that this process tries to revoke now.
pub struct Revocation {
    pub id: i64,
    pub token: Zeroizing<String>,
    /// Attempts that failed before this one.
    pub attempts: i32,
}

/// Queues a token; answers `revocations.id`, to be woken up after the commit.
pub async fn add(client: &impl GenericClient, vault: &Vault, token: &str) -> Result<i64, StoreError> {
    let row = client.query_one("SELECT nextval(pg_get_serial_sequence('revocations', 'id'))", &[]).await?;
    let id: i64 = row.try_get(0)?;
    let sealed = Place::revocation(id).seal(vault, token)?;
    client
        .execute("INSERT INTO revocations (id, token_enc) OVERRIDING SYSTEM VALUE VALUES ($1, $2)", &[&id, &sealed])
        .await?;
    Ok(id)
}

impl Store {
    /// Queues a token that never became an authorization.
    pub async fn add_revocation(&self, vault: &Vault, token: &str) -> Result<i64, StoreError> {
        add(&self.client().await?, vault, token).await
    }

    /// Claims the credential, unless somebody else is at it. One that is early does no harm.
    pub async fn claim_revocation(&self, vault: &Vault, id: i64) -> Result<Option<Revocation>, StoreError> {
        let client = self.client().await?;
        let claimed = client
            .query_opt(
                "UPDATE revocations SET lease_until = now() + $2 * interval '1 second'
                 WHERE id = $1 AND (lease_until IS NULL OR lease_until < now())
                 RETURNING token_enc, attempts",
                &[&id, &LEASE_SECONDS],
            )
            .await?;
        let Some(row) = claimed else { return Ok(None) };
        let token = Place::revocation(id).open(vault, row.try_get("token_enc")?)?;
        Ok(Some(Revocation { id, token, attempts: row.try_get("attempts")? }))
    }

    /// GitHub said that the credential is gone.
    pub async fn revoked(&self, id: i64) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("DELETE FROM revocations WHERE id = $1", &[&id]).await?;
        Ok(())
    }

    /// GitHub could not be asked; try again at `at`. `counts`: waiting for a limit is no attempt.
    pub async fn revoke_later(&self, id: i64, at: DateTime<Utc>, counts: bool) -> Result<(), StoreError> {
        let client = self.client().await?;
        client
            .execute(
                "UPDATE revocations SET attempts = attempts + $3::bool::int, due_at = $2, lease_until = NULL WHERE id = $1",
                &[&id, &at, &counts],
            )
            .await?;
        Ok(())
    }
}
