//! The ledger of webhook deliveries: an id is in it when its effect is committed, in the same
//! transaction. Effects only say that something is to be looked at, so doing one twice is harmless.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Store, StoreError, Transaction, holds};
use crate::job::Wake;
use crate::model::{Code, Oid};

/// What a delivery asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Nothing,
    Push(Push),
    Look(Place),
    /// GitHub deleted these repositories.
    Gone {
        repositories: Vec<i64>,
    },
    /// The status of the pull requests with any of these numbers, head commits or branches.
    PullRequests {
        repository: i64,
        numbers: Vec<i64>,
        commits: Vec<Oid>,
        branches: Vec<String>,
    },
    /// A person took the App's authorization back. Which of theirs are gone GitHub has been asked, and
    /// they were dropped, before this is recorded: no connection is held during a call to GitHub.
    Deauthorize {
        github_id: i64,
    },
}

/// A branch moved, came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    pub repository: i64,
    pub branch: String,
    /// Its new head; none when it was deleted, or is not told.
    pub after: Option<Oid>,
    /// The new head need not be newer than the old one.
    pub rewritten: bool,
}

/// Integrations to look at: of the installation, or of any of the repositories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub installation: Option<i64>,
    pub repositories: Vec<i64>,
    /// The installation that now reaches the repositories; those that are out of reach take it up.
    pub reached_by: Option<i64>,
    /// They went to another owner: the old one's installation does not reach them any more. Should
    /// this be old news, the look asks GitHub who does.
    pub moved: bool,
}

/// A delivery, as the ledger has it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub id: &'a str,
    pub event: &'a str,
    /// Unix milliseconds.
    pub received_at: i64,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// `applied`, `echo` (of a commit of our own), `ignored`, or `duplicate` (it was there before).
    pub outcome: &'static str,
    /// To be woken up after the commit.
    pub wakes: Vec<Wake>,
}

impl Store {
    /// Does what the delivery asks for and records that, or finds that it is recorded.
    pub async fn apply_delivery(&self, entry: Entry<'_>, effect: &Effect) -> Result<Applied, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        if !record(&tx, entry, "applied").await? {
            return Ok(Applied { outcome: "duplicate", wakes: Vec::new() });
        }
        let (outcome, wakes) = carry_out(&tx, effect).await?;
        if outcome != "applied" {
            let change = tx.prepare_cached("UPDATE deliveries SET outcome = $2 WHERE id = $1").await?;
            tx.execute(&change, &[&entry.id, &outcome]).await?;
        }
        tx.commit().await?;
        Ok(Applied { outcome, wakes })
    }

    /// Which of these delivery ids have a recorded outcome.
    pub async fn recorded_deliveries(&self, ids: &[String]) -> Result<Vec<String>, StoreError> {
        let client = self.client().await?;
        let rows = client.query("SELECT id FROM deliveries WHERE id = ANY($1)", &[&ids]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

/// False: the ledger has it already.
pub(super) async fn record(tx: &Transaction<'_>, entry: Entry<'_>, outcome: &str) -> Result<bool, StoreError> {
    let insert = tx
        .prepare_cached(
            "INSERT INTO deliveries (id, event, outcome, received_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .await?;
    let received = DateTime::from_timestamp_millis(entry.received_at).unwrap_or_else(Utc::now);
    Ok(tx.execute(&insert, &[&entry.id, &entry.event, &outcome, &received]).await? == 1)
}

async fn carry_out(tx: &Transaction<'_>, effect: &Effect) -> Result<(&'static str, Vec<Wake>), StoreError> {
    match effect {
        Effect::Nothing => Ok(("ignored", Vec::new())),
        Effect::Push(push) => pushed(tx, push).await,
        Effect::Look(place) => Ok(done(look(tx, place).await?)),
        Effect::Gone { repositories } => Ok(done(gone(tx, repositories).await?)),
        Effect::PullRequests { repository, numbers, commits, branches } => {
            Ok(done(status_due(tx, *repository, numbers, commits, branches).await?))
        }
        Effect::Deauthorize { .. } => Ok(("applied", Vec::new())),
    }
}

fn done(wakes: Vec<Wake>) -> (&'static str, Vec<Wake>) {
    (if wakes.is_empty() { "ignored" } else { "applied" }, wakes)
}

/// A commit of our own is an echo, unless the branch was put back to it. One that is not recorded yet
/// is looked at, and found to be ours.
async fn pushed(tx: &Transaction<'_>, push: &Push) -> Result<(&'static str, Vec<Wake>), StoreError> {
    let after = push.after.as_ref().map(|oid| oid.as_bytes());
    let update = tx
        .prepare_cached(
            "WITH here AS (
                 SELECT pid, state = 'connected' AND $3::bytea IS NOT NULL AND (i.head_commit IS NOT DISTINCT FROM $3 OR NOT $4
                     AND EXISTS (SELECT 1 FROM syncs s WHERE s.pid = i.pid AND s.commit_sha = $3)) AS echo
                 FROM integrations i WHERE repository_id = $1 AND branch = $2),
             due AS (
                 UPDATE integrations i SET remote_due = true, due_at = least(due_at, now())
                 FROM here WHERE i.pid = here.pid AND NOT here.echo)
             SELECT pid, echo FROM here",
        )
        .await?;
    let found = tx.query_opt(&update, &[&push.repository, &push.branch, &after, &push.rewritten]).await?;
    let mut wakes = Vec::new();
    let mut echo = false;
    if let Some(row) = found {
        echo = row.try_get(1)?;
        if !echo {
            wakes.push(Wake::Project { pid: row.try_get(0)? });
        }
    }
    let of_pulls = tx
        .prepare_cached(
            "UPDATE pull_requests SET status_due = true, due_at = NULL WHERE repository_id = $1 AND branch = $2 AND number IS NOT NULL
                 AND ($3::bytea IS NULL OR head_commit IS DISTINCT FROM $3) RETURNING id",
        )
        .await?;
    for row in tx.query(&of_pulls, &[&push.repository, &push.branch, &after]).await? {
        wakes.push(Wake::PullRequest { id: row.try_get(0)? });
    }
    Ok(if echo && wakes.is_empty() { ("echo", wakes) } else { done(wakes) })
}

async fn look(tx: &Transaction<'_>, place: &Place) -> Result<Vec<Wake>, StoreError> {
    let rows = tx
        .query(
            "UPDATE integrations SET remote_due = true, due_at = least(due_at, now()), installation_id = CASE
                 WHEN (state <> 'connected' OR $4) AND repository_id = ANY($2) THEN coalesce($3, installation_id)
                 ELSE installation_id END
             WHERE installation_id = $1 OR repository_id = ANY($2) RETURNING pid",
            &[&place.installation, &place.repositories, &place.reached_by, &place.moved],
        )
        .await?;
    if place.installation.is_some() {
        // What the installation may do has perhaps changed: what it was not let do is tried again.
        let pids: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        holds::forget_refusals_for(tx, &pids, Code::PermissionMissing).await?;
    }
    rows.iter().map(|row| Ok(Wake::Project { pid: row.try_get(0)? })).collect()
}

/// No look can tell a deleted repository from one out of reach, so it is noted for the look.
async fn gone(tx: &Transaction<'_>, repositories: &[i64]) -> Result<Vec<Wake>, StoreError> {
    let rows = tx
        .query(
            "UPDATE integrations SET remote_due = true, due_at = least(due_at, now()), gone = true
             WHERE repository_id = ANY($1) RETURNING pid",
            &[&repositories],
        )
        .await?;
    rows.iter().map(|row| Ok(Wake::Project { pid: row.try_get(0)? })).collect()
}

async fn status_due(
    tx: &Transaction<'_>,
    repository: i64,
    numbers: &[i64],
    commits: &[Oid],
    branches: &[String],
) -> Result<Vec<Wake>, StoreError> {
    let commits: Vec<&[u8]> = commits.iter().map(Oid::as_bytes).collect();
    let update = tx
        .prepare_cached(
            "UPDATE pull_requests SET status_due = true, due_at = NULL WHERE repository_id = $1 AND number IS NOT NULL
                 AND (number = ANY($2) OR state IN ('open', 'draft') AND (head_commit = ANY($3) OR branch = ANY($4)))
             RETURNING id",
        )
        .await?;
    // One that is being made has no number yet: word of it is followed when it has.
    let making = "UPDATE pull_requests SET status_due = true WHERE repository_id = $1 AND number IS NULL";
    tx.execute(making, &[&repository]).await?;
    let rows = tx.query(&update, &[&repository, &numbers, &commits, &branches]).await?;
    rows.iter().map(|row| Ok(Wake::PullRequest { id: row.try_get(0)? })).collect()
}

/// What a dead letter keeps of a delivery besides its body.
pub(super) fn payload_of(entry: Entry<'_>) -> Value {
    json!({ "delivery": entry.id, "event": entry.event, "received_at": entry.received_at })
}
