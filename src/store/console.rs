//! What operators look at: counts, syncs over time, how long they take, and who is in trouble.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Store, StoreError};

/// How far back the plots go, and how wide one point is.
const PLOT: TimeDelta = TimeDelta::hours(24);
const STEP_MINUTES: i32 = 30;
const TROUBLED: i64 = 100;
const DELIVERIES: i64 = 30;
const INSTALLATIONS: i64 = 200;

/// How many there are of what.
#[derive(Debug, Default, Serialize)]
pub struct Counts {
    pub projects: i64,
    pub connected: i64,
    pub suspended: i64,
    pub broken: i64,
    /// Connected projects that somebody should look at by now.
    pub due: i64,
    /// Seconds since the oldest of them was due.
    pub due_seconds: f64,
    pub dead_letters: i64,
    /// On their way to the host.
    pub notifications: i64,
}

/// Syncs that ended within one step of the plot.
#[derive(Debug, Serialize)]
pub struct Step {
    pub at: DateTime<Utc>,
    pub succeeded: i64,
    pub failed: i64,
    pub conflict: i64,
    /// Seconds from asking to the commit, of those that made one.
    pub p50: Option<f64>,
    pub p95: Option<f64>,
}

/// Seconds from asking to the commit over the whole plot.
#[derive(Debug, Default, Serialize)]
pub struct Latency {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

/// A connection that does not work.
#[derive(Debug, Serialize)]
pub struct Troubled {
    pub project: String,
    pub repository: String,
    pub branch: String,
    pub state: String,
    pub attempts: i32,
    pub due_at: Option<DateTime<Utc>>,
    pub last_sync_at: Option<DateTime<Utc>>,
    /// A problem as it is stored.
    pub error: Option<Value>,
    pub pending: i64,
}

/// One webhook delivery that was dealt with.
#[derive(Debug, Serialize)]
pub struct Delivered {
    pub id: String,
    pub event: String,
    pub outcome: String,
    pub received_at: DateTime<Utc>,
    pub done_at: DateTime<Utc>,
}

/// An installation of the App, and how many projects it carries.
#[derive(Debug, Serialize)]
pub struct Carried {
    pub installation: i64,
    pub owner: String,
    pub projects: i64,
}

/// One look at the database.
#[derive(Debug)]
pub struct Overview {
    pub counts: Counts,
    pub steps: Vec<Step>,
    pub latency: Latency,
    pub troubled: Vec<Troubled>,
    pub deliveries: Vec<Delivered>,
    pub installations: Vec<Carried>,
}

const COUNTS: &str = "
    SELECT (SELECT count(*) FROM projects), count(*) FILTER (WHERE state = 'connected'),
           count(*) FILTER (WHERE state = 'suspended'), count(*) FILTER (WHERE state = 'broken'),
           count(*) FILTER (WHERE due_at < $1),
           coalesce(extract(epoch FROM $1 - min(due_at) FILTER (WHERE due_at < $1)), 0)::float8,
           (SELECT count(*) FROM dead_letters), (SELECT count(*) FROM notifications)
    FROM integrations";

/// A sync's id begins with its time, so that the primary key finds the recent ones.
const STEPS: &str = "
    SELECT date_bin(make_interval(mins => $3), finished_at, $2) AS step,
           count(*) FILTER (WHERE status IN ('succeeded', 'no_changes')),
           count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'conflict'),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - queued_at)::float8)
               FILTER (WHERE commit_sha IS NOT NULL AND kind <> 'initial'),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - queued_at)::float8)
               FILTER (WHERE commit_sha IS NOT NULL AND kind <> 'initial')
    FROM syncs WHERE id >= $1 AND finished_at >= $2 GROUP BY step ORDER BY step";

const LATENCY: &str = "
    SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]::float8[])
           WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - queued_at)::float8)
    FROM syncs WHERE id >= $1 AND finished_at >= $2 AND commit_sha IS NOT NULL AND kind <> 'initial'";

const TROUBLE: &str = "
    SELECT p.id, i.full_name, i.branch, i.state, i.attempts, i.due_at, i.last_sync_at, i.error, p.pending
    FROM integrations i JOIN projects p USING (pid)
    WHERE i.error IS NOT NULL OR i.state <> 'connected' ORDER BY i.last_sync_at DESC NULLS LAST, p.id LIMIT $1";

const RECENT: &str = "SELECT id, event, outcome, received_at, done_at FROM deliveries ORDER BY done_at DESC LIMIT $1";

const CARRIED: &str = "
    SELECT installation_id, min(split_part(full_name, '/', 1)), count(*) FROM integrations
    GROUP BY installation_id ORDER BY count(*) DESC, installation_id LIMIT $1";

impl Store {
    /// Everything of the last day that the console shows.
    pub async fn console_overview(&self, now: DateTime<Utc>) -> Result<Overview, StoreError> {
        let client = self.client().await?;
        let since = now - PLOT;
        let first = first_id(since);
        let counts = client.query_one(COUNTS, &[&now]).await?;
        let steps = client.query(STEPS, &[&first, &since, &STEP_MINUTES]).await?;
        let latency = client.query_one(LATENCY, &[&first, &since]).await?;
        let troubled = client.query(TROUBLE, &[&TROUBLED]).await?;
        let deliveries = client.query(RECENT, &[&DELIVERIES]).await?;
        let installations = client.query(CARRIED, &[&INSTALLATIONS]).await?;
        Ok(Overview {
            counts: counts_of(&counts)?,
            steps: steps.iter().map(step_of).collect::<Result<_, _>>()?,
            latency: latency_of(&latency)?,
            troubled: troubled.iter().map(troubled_of).collect::<Result<_, _>>()?,
            deliveries: deliveries.iter().map(delivered_of).collect::<Result<_, _>>()?,
            installations: installations.iter().map(carried_of).collect::<Result<_, _>>()?,
        })
    }
}

/// The least UUIDv7 of this time.
fn first_id(at: DateTime<Utc>) -> Uuid {
    let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128((milliseconds << 80) | (0x7 << 76))
}

fn counts_of(row: &Row) -> Result<Counts, StoreError> {
    Ok(Counts {
        projects: row.try_get(0)?,
        connected: row.try_get(1)?,
        suspended: row.try_get(2)?,
        broken: row.try_get(3)?,
        due: row.try_get(4)?,
        due_seconds: row.try_get(5)?,
        dead_letters: row.try_get(6)?,
        notifications: row.try_get(7)?,
    })
}

fn step_of(row: &Row) -> Result<Step, StoreError> {
    Ok(Step {
        at: row.try_get(0)?,
        succeeded: row.try_get(1)?,
        failed: row.try_get(2)?,
        conflict: row.try_get(3)?,
        p50: row.try_get(4)?,
        p95: row.try_get(5)?,
    })
}

fn latency_of(row: &Row) -> Result<Latency, StoreError> {
    let all: Option<Vec<f64>> = row.try_get(0)?;
    let at = |index: usize| all.as_ref().and_then(|all| all.get(index).copied());
    Ok(Latency { p50: at(0), p95: at(1), p99: at(2) })
}

fn troubled_of(row: &Row) -> Result<Troubled, StoreError> {
    Ok(Troubled {
        project: row.try_get(0)?,
        repository: row.try_get(1)?,
        branch: row.try_get(2)?,
        state: row.try_get(3)?,
        attempts: row.try_get(4)?,
        due_at: row.try_get(5)?,
        last_sync_at: row.try_get(6)?,
        error: row.try_get(7)?,
        pending: row.try_get(8)?,
    })
}

fn delivered_of(row: &Row) -> Result<Delivered, StoreError> {
    Ok(Delivered {
        id: row.try_get(0)?,
        event: row.try_get(1)?,
        outcome: row.try_get(2)?,
        received_at: row.try_get(3)?,
        done_at: row.try_get(4)?,
    })
}

fn carried_of(row: &Row) -> Result<Carried, StoreError> {
    Ok(Carried { installation: row.try_get(0)?, owner: row.try_get(1)?, projects: row.try_get(2)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_time_begin_with_it() {
        let at = DateTime::from_timestamp_millis(1_767_225_600_123).unwrap_or_default();
        let first = first_id(at);
        assert_eq!(first.get_version_num(), 7);
        let made = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_767_225_600, 123_000_000));
        assert_eq!(first.as_bytes()[..6], made.as_bytes()[..6]);
        assert!(first <= made);
    }
}
