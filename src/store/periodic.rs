//! What is looked for every so often: work that nobody was woken up for, and tasks that one of all
//! replicas does at a time.

use std::time::Duration;

use serde_json::Value;

use super::{Store, StoreError};
use crate::job::Wake;
use crate::model::Oid;

/// A connected branch, as the rows have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    pub pid: i64,
    pub installation_id: i64,
    pub repository_id: i64,
    pub full_name: String,
    pub private: bool,
    pub default_branch: String,
    pub branch: String,
    /// None: nothing is agreed on yet.
    pub head: Option<Oid>,
}

/// An integration with a cause that may have gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhealed {
    pub pid: i64,
    pub installation_id: i64,
    pub full_name: String,
    /// Suspended or broken.
    pub stopped: bool,
}

impl Store {
    /// Takes the task when nobody else has it and it was not done within `every`; answers its state.
    /// After `lease` without [`Store::task_done`] another replica takes it.
    pub async fn take_task(&self, name: &str, every: Duration, lease: Duration) -> Result<Option<Value>, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "INSERT INTO periodic AS p (name, lease_until) VALUES ($1, now() + $3 * interval '1 second')
                 ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until
                 WHERE (p.lease_until IS NULL OR p.lease_until < now())
                     AND (p.done_at IS NULL OR p.done_at <= now() - $2 * interval '1 second')
                 RETURNING coalesce(p.state, 'null'::jsonb)",
                &[&name, &every.as_secs_f64(), &lease.as_secs_f64()],
            )
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Whoever has the task is still at it.
    pub async fn keep_task(&self, name: &str, lease: Duration) -> Result<(), StoreError> {
        let client = self.client().await?;
        let keep = "UPDATE periodic SET lease_until = now() + $2 * interval '1 second'
                    WHERE name = $1 AND lease_until IS NOT NULL";
        client.execute(keep, &[&name, &lease.as_secs_f64()]).await?;
        Ok(())
    }

    /// The task is over for this time; `state` is for the next one.
    pub async fn task_done(&self, name: &str, state: &Value) -> Result<(), StoreError> {
        let client = self.client().await?;
        let done = "UPDATE periodic SET done_at = now(), lease_until = NULL, state = $2 WHERE name = $1";
        client.execute(done, &[&name, &state]).await?;
        Ok(())
    }

    /// The task did not get through: whoever looks next takes it up.
    pub async fn task_failed(&self, name: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("UPDATE periodic SET lease_until = NULL WHERE name = $1", &[&name]).await?;
        Ok(())
    }

    /// Work that is due and that nobody is at, the longest due first.
    pub async fn work_due(&self, limit: i64) -> Result<Vec<Wake>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "(SELECT 'project', pid FROM integrations WHERE (due_at <= now() OR lease_token IS NOT NULL)
                     AND (lease_until IS NULL OR lease_until < now()) ORDER BY due_at NULLS FIRST LIMIT $1)
                 UNION ALL
                 (SELECT 'revocation', id FROM revocations WHERE due_at <= now()
                     AND (lease_until IS NULL OR lease_until < now()) ORDER BY due_at LIMIT $1)
                 UNION ALL
                 (SELECT 'pull_request', id FROM pull_requests
                     WHERE (status_due AND number IS NOT NULL AND (due_at IS NULL OR due_at <= now()))
                         OR (number IS NULL AND due_at <= now()) ORDER BY id LIMIT $1)",
                &[&limit],
            )
            .await?;
        rows.iter().map(|row| Ok(wake(row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Notifications that are due and that nobody sends.
    pub async fn notifications_due(&self, limit: i64) -> Result<Vec<Wake>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT id FROM notifications WHERE due_at <= now() AND (lease_until IS NULL OR lease_until < now())
                 ORDER BY due_at LIMIT $1",
                &[&limit],
            )
            .await?;
        rows.iter().map(|row| Ok(Wake::Notification { id: row.try_get(0)? })).collect()
    }

    /// Projects whose work is due (somebody is at them, or should be), and how long the first has been:
    /// those of a holder that died since its lease ran out.
    pub async fn projects_due(&self) -> Result<(i64, Duration), StoreError> {
        let client = self.client().await?;
        let select = "SELECT count(*), coalesce(extract(epoch FROM now() - min(since)), 0)::float8 FROM (
                          SELECT CASE WHEN due_at <= now() THEN due_at ELSE lease_until END AS since FROM integrations
                          WHERE due_at <= now() OR (lease_token IS NOT NULL AND lease_until < now())) due";
        let row = client.query_one(select, &[]).await?;
        let oldest: f64 = row.try_get(1)?;
        Ok((row.try_get(0)?, Duration::try_from_secs_f64(oldest).unwrap_or_default()))
    }

    /// Connected branches after this installation and project, in that order.
    pub async fn connected_after(&self, after: (i64, i64), limit: i64) -> Result<Vec<Connected>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT pid, installation_id, repository_id, full_name, private, default_branch, branch, head_commit
                 FROM integrations WHERE state = 'connected' AND (installation_id, pid) > ($1, $2)
                 ORDER BY installation_id, pid LIMIT $3",
                &[&after.0, &after.1, &limit],
            )
            .await?;
        rows.iter().map(connected).collect()
    }

    /// Integrations that show an error and wait for nothing.
    pub async fn unhealed_after(&self, after: i64, limit: i64) -> Result<Vec<Unhealed>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT pid, installation_id, full_name, state <> 'connected' AS stopped FROM integrations
                 WHERE (state <> 'connected' OR error IS NOT NULL) AND due_at IS NULL AND pid > $1 ORDER BY pid LIMIT $2",
                &[&after, &limit],
            )
            .await?;
        let unhealed = |row: &tokio_postgres::Row| {
            Ok(Unhealed {
                pid: row.try_get(0)?,
                installation_id: row.try_get(1)?,
                full_name: row.try_get(2)?,
                stopped: row.try_get(3)?,
            })
        };
        rows.iter().map(unhealed).collect()
    }

    /// Another installation reaches the repository of an integration that is out of reach.
    pub async fn move_installation(&self, pid: i64, from: i64, to: i64) -> Result<(), StoreError> {
        let client = self.client().await?;
        let update = "UPDATE integrations SET installation_id = $3
                      WHERE pid = $1 AND installation_id = $2 AND state <> 'connected'";
        client.execute(update, &[&pid, &from, &to]).await?;
        Ok(())
    }

    /// GitHub's side of these projects is to be looked at now.
    pub async fn look_at_remotes(&self, pids: &[i64]) -> Result<Vec<Wake>, StoreError> {
        let client = self.client().await?;
        let update = "UPDATE integrations SET remote_due = true, due_at = least(due_at, now())
                      WHERE pid = ANY($1) RETURNING pid";
        let rows = client.query(update, &[&pids]).await?;
        rows.iter().map(|row| Ok(Wake::Project { pid: row.try_get(0)? })).collect()
    }
}

fn wake(kind: &str, id: i64) -> Wake {
    match kind {
        "revocation" => Wake::Revocation { id },
        "pull_request" => Wake::PullRequest { id },
        _ => Wake::Project { pid: id },
    }
}

fn connected(row: &tokio_postgres::Row) -> Result<Connected, StoreError> {
    let head: Option<&[u8]> = row.try_get("head_commit")?;
    let head = head.map(Oid::from_slice).transpose().map_err(|why| StoreError::Internal(why.to_string()))?;
    Ok(Connected {
        pid: row.try_get("pid")?,
        installation_id: row.try_get("installation_id")?,
        repository_id: row.try_get("repository_id")?,
        full_name: row.try_get("full_name")?,
        private: row.try_get("private")?,
        default_branch: row.try_get("default_branch")?,
        branch: row.try_get("branch")?,
        head,
    })
}
