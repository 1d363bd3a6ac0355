//! From `connect` to the callback: tickets, states and the browser's cookie, only as hashes, the
//! PKCE verifier sealed. Each is good once: taking one is a single statement that no second caller
//! can win.
//!
//! A row is a ticket first (no state), then a state bound to a browser. The state of an installation
//! page has neither cookie nor verifier, so it can never finish an authorization.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::events::{self, Event};
use super::linking::{Asked, lock_or_create};
use super::sealed::Place;
use super::{Store, StoreError};
use crate::model::ProjectId;
use crate::vault::Vault;

/// How long a ticket, and after it a state, can be used.
pub const MINUTES: i32 = 10;
/// How long a person may take to install the App; an owner's approval takes its time.
const INSTALL_MINUTES: i32 = 60;

/// Somebody on the way to GitHub, for a project and a user of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    pub pid: i64,
    /// The host's id of the project.
    pub project: String,
    pub user: String,
    pub return_to: Option<String>,
}

/// A visit that came back, with the verifier of its code challenge.
pub struct Finished {
    pub visit: Visit,
    /// The row, which stays until the tokens are kept: a disconnect meanwhile takes it away.
    pub ticket_hash: Vec<u8>,
    pub verifier: Zeroizing<String>,
}

/// Hashes of what the browser and GitHub are given when a visit starts.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    pub state_hash: &'a [u8],
    pub cookie_hash: &'a [u8],
    pub verifier: &'a str,
}

impl Store {
    /// Stores a ticket for a project (made when it is new) and a user, with the audit row; answers
    /// when it ends. Also clears away what ended without being used.
    pub async fn add_ticket(
        &self,
        ticket_hash: &[u8],
        project: &ProjectId,
        user: &str,
        return_to: Option<&str>,
        asked: Asked<'_>,
    ) -> Result<DateTime<Utc>, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let pid = lock_or_create(&tx, project).await?;
        tx.execute("DELETE FROM oauth_states WHERE expires_at < now()", &[]).await?;
        let row = tx
            .query_one(
                "INSERT INTO oauth_states (ticket_hash, pid, user_id, return_to, expires_at)
                 VALUES ($1, $2, $3, $4, now() + make_interval(mins => $5)) RETURNING expires_at",
                &[&ticket_hash, &pid, &user, &return_to, &MINUTES],
            )
            .await?;
        let event = Event::audit("connect.started", asked.actor).of(pid, project.as_str()).target(user);
        events::append(&tx, event.request(asked.request_id)).await?;
        tx.commit().await?;
        Ok(row.try_get(0)?)
    }

    /// Turns a ticket into a state bound to a browser. None: unknown, used or too old.
    pub async fn start_visit(
        &self,
        vault: &Vault,
        ticket_hash: &[u8],
        binding: Binding<'_>,
    ) -> Result<Option<Visit>, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let taken = tx
            .query_opt(
                "UPDATE oauth_states o SET state_hash = $2, cookie_hash = $3, expires_at = now() + make_interval(mins => $4)
                 FROM projects p
                 WHERE ticket_hash = $1 AND state_hash IS NULL AND expires_at > now() AND p.pid = o.pid
                 RETURNING o.pid, p.id AS project, o.user_id, o.return_to",
                &[&ticket_hash, &binding.state_hash, &binding.cookie_hash, &MINUTES],
            )
            .await?;
        let Some(row) = taken else { return Ok(None) };
        let visit = visit(&row)?;
        let sealed = Place::verifier(ticket_hash, &visit.user).seal(vault, binding.verifier)?;
        tx.execute("UPDATE oauth_states SET verifier_enc = $2 WHERE ticket_hash = $1", &[&ticket_hash, &sealed])
            .await?;
        tx.commit().await?;
        Ok(Some(visit))
    }

    /// Takes the state that this browser was given, once. None: unknown, used, too old, or another
    /// browser's; then nothing is changed, and the right browser can still come.
    pub async fn finish_visit(
        &self,
        vault: &Vault,
        state_hash: &[u8],
        cookie_hash: &[u8],
    ) -> Result<Option<Finished>, StoreError> {
        let client = self.client().await?;
        let taken = client
            .query_opt(
                "WITH taken AS (
                     SELECT ticket_hash, verifier_enc FROM oauth_states
                     WHERE state_hash = $1 AND cookie_hash = $2 AND verifier_enc IS NOT NULL AND expires_at > now()
                     FOR UPDATE)
                 UPDATE oauth_states o SET verifier_enc = NULL, expires_at = now() + make_interval(mins => $3)
                 FROM taken, projects p WHERE o.ticket_hash = taken.ticket_hash AND p.pid = o.pid
                 RETURNING o.pid, p.id AS project, o.user_id, o.return_to, o.ticket_hash, taken.verifier_enc",
                &[&state_hash, &cookie_hash, &MINUTES],
            )
            .await?;
        let Some(row) = taken else { return Ok(None) };
        let visit = visit(&row)?;
        let ticket_hash: Vec<u8> = row.try_get("ticket_hash")?;
        let verifier = Place::verifier(&ticket_hash, &visit.user).open(vault, row.try_get("verifier_enc")?)?;
        Ok(Some(Finished { visit, ticket_hash, verifier }))
    }

    /// The visit led to nothing.
    pub async fn end_visit(&self, ticket_hash: &[u8]) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("DELETE FROM oauth_states WHERE ticket_hash = $1", &[&ticket_hash]).await?;
        Ok(())
    }

    /// The state for a trip to the App's installation page.
    pub async fn add_install_state(
        &self,
        state_hash: &[u8],
        pid: i64,
        user: &str,
        return_to: Option<&str>,
    ) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("DELETE FROM oauth_states WHERE expires_at < now()", &[]).await?;
        client
            .execute(
                "INSERT INTO oauth_states (ticket_hash, state_hash, pid, user_id, return_to, expires_at)
                 VALUES ($1, $1, $2, $3, $4, now() + make_interval(mins => $5))",
                &[&state_hash, &pid, &user, &return_to, &INSTALL_MINUTES],
            )
            .await?;
        Ok(())
    }

    /// Takes the state of an installation page, once.
    pub async fn finish_install(&self, state_hash: &[u8]) -> Result<Option<Visit>, StoreError> {
        let client = self.client().await?;
        let taken = client
            .query_opt(
                "DELETE FROM oauth_states o USING projects p
                 WHERE state_hash = $1 AND cookie_hash IS NULL AND expires_at > now() AND p.pid = o.pid
                 RETURNING o.pid, p.id AS project, o.user_id, o.return_to",
                &[&state_hash],
            )
            .await?;
        taken.as_ref().map(visit).transpose()
    }
}

fn visit(row: &tokio_postgres::Row) -> Result<Visit, StoreError> {
    Ok(Visit {
        pid: row.try_get("pid")?,
        project: row.try_get("project")?,
        user: row.try_get("user_id")?,
        return_to: row.try_get("return_to")?,
    })
}
