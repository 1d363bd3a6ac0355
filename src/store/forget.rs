//! Forgetting a project: one transaction that leaves its audit rows and nothing else.

use crate::model::ProjectId;
use crate::vault::Vault;

use super::events::{self, Actor, CHANNEL, Event};
use super::{Store, StoreError, authorizations};

impl Store {
    /// Deletes the project; work on it is given up, because its lease goes too. Answers the
    /// `revocations.id` of its tokens; none: no such project.
    pub async fn delete_project(
        &self,
        vault: &Vault,
        project: &ProjectId,
        actor: &Actor,
        request_id: Option<&str>,
    ) -> Result<Option<Vec<i64>>, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let row = tx.query_opt("SELECT pid FROM projects WHERE id = $1 FOR UPDATE", &[&project.as_str()]).await?;
        let Some(row) = row else { return Ok(None) };
        let pid: i64 = row.try_get(0)?;
        let revocations = authorizations::retire_all(&tx, vault, pid).await?;
        events::append(&tx, Event::audit("project.deleted", actor).of(pid, project.as_str()).request(request_id))
            .await?;
        for statement in [
            "DELETE FROM notifications n USING events e WHERE e.id = n.event_id AND e.pid = $1",
            "DELETE FROM dead_letters WHERE pid = $1",
            "DELETE FROM events WHERE pid = $1 AND action IS NULL",
            "UPDATE events SET kind = NULL, data = NULL WHERE pid = $1 AND (kind IS NOT NULL OR data IS NOT NULL)",
            "DELETE FROM projects WHERE pid = $1",
        ] {
            tx.execute(statement, &[&pid]).await?;
        }
        tx.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &pid.to_string()]).await?;
        tx.commit().await?;
        Ok(Some(revocations))
    }
}
