//! The audit trail: who did what, newest first.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};

/// One row of the trail. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor_type: String,
    pub actor_id: Option<String>,
    pub action: String,
    pub project: Option<String>,
    pub target: Option<String>,
    pub request_id: Option<String>,
}

/// Which rows; what is none does not matter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub project: Option<String>,
    /// An id, or one of `host user github operator system`.
    pub actor: Option<String>,
    pub action: Option<String>,
}

impl Store {
    /// Up to `limit` rows before the row `before`.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let client = self.client().await?;
        // Conditions that are not asked for are left out, so that each combination finds its index.
        let select = format!(
            "SELECT id, at, actor_type, actor_id, action, project, target, request_id FROM events
             WHERE action IS NOT NULL AND id < $1 AND {} AND {} AND {} ORDER BY id DESC LIMIT $2",
            if filter.project.is_some() { "project = $3" } else { "$3::text IS NULL" },
            if filter.actor.is_some() { "(actor_id = $4 OR actor_type = $4)" } else { "$4::text IS NULL" },
            if filter.action.is_some() { "action = $5" } else { "$5::text IS NULL" },
        );
        let select = client.prepare_cached(&select).await?;
        let before = before.unwrap_or(i64::MAX);
        let rows = client.query(&select, &[&before, &limit, &filter.project, &filter.actor, &filter.action]).await?;
        rows.iter()
            .map(|row| {
                Ok(AuditRow {
                    id: row.try_get(0)?,
                    at: row.try_get(1)?,
                    actor_type: row.try_get(2)?,
                    actor_id: row.try_get(3)?,
                    action: row.try_get(4)?,
                    project: row.try_get(5)?,
                    target: row.try_get(6)?,
                    request_id: row.try_get(7)?,
                })
            })
            .collect()
    }
}
