//! Repositories that Lockstep made, or was about to make: written before GitHub is asked, so that a
//! repeated request takes up its own and no other.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::events::{self, Event};
use super::linking::{Asked, lock};
use super::{Store, StoreError};

/// How long a claim lasts that is not renewed.
const CLAIM_SECONDS: f64 = 15.0;

/// Which repository, for whom. `owner` and `name` as GitHub compares them: in small letters.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub pid: i64,
    pub user: &'a str,
    pub owner: &'a str,
    pub name: &'a str,
}

/// What is known of an earlier attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// GitHub's answer; none when it never arrived.
    pub repository_id: Option<i64>,
    /// The attempt, so that a later one is not mistaken for it.
    pub marker: String,
    /// When GitHub was about to be asked.
    pub asked_at: DateTime<Utc>,
    /// The answer was lost, and the repository was not there right after.
    pub looked: bool,
}

impl Store {
    /// The repository that the project is connected to, and whether it is private.
    pub async fn connected_repository(&self, pid: i64) -> Result<Option<(i64, bool)>, StoreError> {
        let client = self.client().await?;
        let row = client.query_opt("SELECT repository_id, private FROM integrations WHERE pid = $1", &[&pid]).await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }

    /// Claims the making of this project's repository; false while somebody else has the claim.
    pub async fn claim_creation(&self, pid: i64, token: Uuid) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let claimed = client
            .execute(
                "INSERT INTO creation_claims AS c (pid, token, claimed_until)
                 SELECT pid, $2, now() + $3 * interval '1 second' FROM projects WHERE pid = $1
                 ON CONFLICT (pid) DO UPDATE SET token = excluded.token, claimed_until = excluded.claimed_until
                     WHERE c.token = $2 OR c.claimed_until < now()",
                &[&pid, &token, &CLAIM_SECONDS],
            )
            .await?;
        Ok(claimed == 1)
    }

    /// Somebody else may.
    pub async fn release_creation(&self, pid: i64, token: Uuid) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("DELETE FROM creation_claims WHERE pid = $1 AND token = $2", &[&pid, &token]).await?;
        Ok(())
    }

    /// What an earlier request left.
    pub async fn creation(&self, wanted: Wanted<'_>) -> Result<Option<Creation>, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "SELECT repository_id, marker, created_at, looked FROM created_repositories
                 WHERE pid = $1 AND user_id = $2 AND owner = $3 AND name = $4",
                &[&wanted.pid, &wanted.user, &wanted.owner, &wanted.name],
            )
            .await?;
        row.map(|row| {
            Ok(Creation {
                repository_id: row.try_get(0)?,
                marker: row.try_get(1)?,
                asked_at: row.try_get(2)?,
                looked: row.try_get(3)?,
            })
        })
        .transpose()
    }

    /// Writes down that GitHub is about to be asked, and answers what is then known. An earlier attempt
    /// is forgotten: the name was free just now, so whatever it made is not there any more.
    pub async fn intend_creation(&self, wanted: Wanted<'_>, marker: &str) -> Result<Creation, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_one(
                "INSERT INTO created_repositories (pid, user_id, owner, name, marker) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (pid, user_id, owner, name) DO UPDATE
                     SET repository_id = NULL, marker = $5, created_at = now(), looked = false
                 RETURNING created_at",
                &[&wanted.pid, &wanted.user, &wanted.owner, &wanted.name, &marker],
            )
            .await?;
        Ok(Creation { repository_id: None, marker: marker.to_owned(), asked_at: row.try_get(0)?, looked: false })
    }

    /// GitHub's answer was lost, and the repository was not there: it may still come.
    pub async fn doubt_creation(&self, wanted: Wanted<'_>, marker: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        client
            .execute(
                "UPDATE created_repositories SET looked = true
                 WHERE pid = $1 AND user_id = $2 AND owner = $3 AND name = $4 AND marker = $5 AND repository_id IS NULL",
                &[&wanted.pid, &wanted.user, &wanted.owner, &wanted.name, &marker],
            )
            .await?;
        Ok(())
    }

    /// GitHub did not make it: nothing is left to be taken up.
    pub async fn forget_creation(&self, wanted: Wanted<'_>, marker: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        client
            .execute(
                "DELETE FROM created_repositories
                 WHERE pid = $1 AND user_id = $2 AND owner = $3 AND name = $4 AND marker = $5 AND repository_id IS NULL",
                &[&wanted.pid, &wanted.user, &wanted.owner, &wanted.name, &marker],
            )
            .await?;
        Ok(())
    }

    /// GitHub made it, under this id; audited once. Whatever another request of this person's wrote
    /// down meanwhile, GitHub's answer counts.
    pub async fn record_creation(
        &self,
        wanted: Wanted<'_>,
        marker: &str,
        repository_id: i64,
        full_name: &str,
        asked: Asked<'_>,
    ) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let project = lock(&tx, wanted.pid).await?;
        let recorded = tx
            .execute(
                "INSERT INTO created_repositories AS made (pid, user_id, owner, name, marker, repository_id)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (pid, user_id, owner, name) DO UPDATE SET repository_id = $6, marker = $5
                     WHERE made.repository_id IS DISTINCT FROM $6",
                &[&wanted.pid, &wanted.user, &wanted.owner, &wanted.name, &marker, &repository_id],
            )
            .await?;
        if recorded > 0 {
            let event = Event::audit("repository.created", asked.actor).of(wanted.pid, &project).target(full_name);
            events::append(&tx, event.request(asked.request_id)).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
