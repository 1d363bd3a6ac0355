//! What is forgotten by age, in small steps: each statement takes at most `limit` rows, so that nobody
//! waits for it. What a pending thing needs stays, however old it is.

use std::time::Duration;

use super::{Store, StoreError};

/// The newest history rows of a project that stay whatever their age: the panel is never empty, and a
/// failure that repeats is still recognised.
const ALWAYS_KEPT: i64 = 20;

impl Store {
    /// Up to `limit` finished syncs of the project that ended longer ago than `kept`. The syncs that an
    /// integration, an unfinished pull request or a dead letter points to stay.
    pub async fn forget_history(&self, pid: i64, kept: Duration, limit: i64) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let delete = "DELETE FROM syncs WHERE id IN (
                SELECT s.id FROM syncs s
                WHERE s.pid = $1 AND s.finished_at < now() - $2 * interval '1 second'
                    AND s.id < (SELECT id FROM syncs WHERE pid = $1 ORDER BY id DESC OFFSET $4::bigint - 1 LIMIT 1)
                    AND NOT EXISTS (SELECT 1 FROM integrations i WHERE i.pid = $1 AND i.sync_id = s.id)
                    AND NOT EXISTS (SELECT 1 FROM pull_requests p WHERE p.pid = $1 AND p.sync_id = s.id AND p.number IS NULL)
                    AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.pid = $1 AND d.payload->>'sync' = s.id::text)
                ORDER BY s.id LIMIT $3)";
        Ok(client.execute(delete, &[&pid, &kept.as_secs_f64(), &limit, &ALWAYS_KEPT]).await?)
    }

    /// Up to `limit` old values of the project's files that no snapshot of the history left needs. The
    /// project's newest snapshot may still be at work.
    pub async fn forget_undo(&self, pid: i64, limit: i64) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let delete = "DELETE FROM undo WHERE (pid, key, upto) IN (
                SELECT u.pid, u.key, u.upto FROM undo u
                WHERE u.pid = $1 AND u.upto < (SELECT least(p.snapshot, (SELECT min(s.snapshot) FROM syncs s WHERE s.pid = $1))
                                               FROM projects p WHERE p.pid = $1)
                LIMIT $2)";
        Ok(client.execute(delete, &[&pid, &limit]).await?)
    }

    /// Up to `limit` outcomes of deliveries, the oldest first.
    pub async fn forget_deliveries(&self, kept: Duration, limit: i64) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let delete = "DELETE FROM deliveries WHERE id IN (
                SELECT id FROM deliveries WHERE done_at < now() - $1 * interval '1 second' ORDER BY done_at LIMIT $2)";
        Ok(client.execute(delete, &[&kept.as_secs_f64(), &limit]).await?)
    }

    /// Up to `limit` audit rows, the oldest first.
    pub async fn forget_audit(&self, kept: Duration, limit: i64) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let delete = "DELETE FROM events WHERE id IN (
                SELECT id FROM (SELECT id, at FROM events WHERE action IS NOT NULL ORDER BY id LIMIT $2) oldest
                WHERE at < now() - $1 * interval '1 second')";
        Ok(client.execute(delete, &[&kept.as_secs_f64(), &limit]).await?)
    }
}
