//! Connecting a project to a repository's branch, and disconnecting it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::events::{self, Actor, Appended, Event};
use super::projects::ProjectRow;
use super::{Store, StoreError, authorizations, projects, pull_holds, syncs};
use crate::model::{ProjectId, SyncKind};
use crate::store::Transaction;
use crate::vault::Vault;

/// The repository and branch that a project is to be connected to, as GitHub named them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub installation_id: i64,
    pub repository_id: i64,
    pub full_name: String,
    pub private: bool,
    pub default_branch: String,
    pub url: String,
    pub branch: String,
}

/// Who asks, and in which request.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub actor: &'a Actor,
    pub request_id: Option<&'a str>,
}

/// The integration as events carry it: the API's shape, handed in by whoever asks.
pub type Shown = fn(ProjectRow) -> Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked {
    /// Connected now. Wake the project and, if there is one, the notification.
    New { notification: Option<i64> },
    /// This project had exactly this connection already.
    Same,
    /// This project is connected to something else.
    Otherwise,
    /// Another project has this repository and branch.
    Taken,
}

/// What a disconnect leaves to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unlinked {
    /// `revocations.id` of the credentials to be revoked at GitHub.
    pub revocations: Vec<i64>,
    pub notification: Option<i64>,
    /// The syncs that were given up.
    pub canceled: Vec<SyncKind>,
}

/// Connects the project.
async fn link(
    tx: &Transaction<'_>,
    pid: i64,
    user: &str,
    link: &Link,
    asked: Asked<'_>,
    shown: Shown,
) -> Result<Linked, StoreError> {
    let project = lock(tx, pid).await?;
    if let Some(row) =
        tx.query_opt("SELECT installation_id, repository_id, branch FROM integrations WHERE pid = $1", &[&pid]).await?
    {
        let same = row.try_get::<_, i64>(0)? == link.installation_id
            && row.try_get::<_, i64>(1)? == link.repository_id
            && row.try_get::<_, String>(2)? == link.branch;
        return Ok(if same { Linked::Same } else { Linked::Otherwise });
    }
    if insert(tx, pid, user, link).await? == 0 {
        return Ok(Linked::Taken);
    }
    forget_base(tx, pid).await?;
    pull_holds::reconnected(tx, pid).await?;
    let event = Event {
        data: Some(described(tx, pid, shown).await?),
        kind: Some("integration.connected"),
        ..Event::audit("integration.connected", asked.actor)
    };
    let target = format!("{}@{}", link.full_name, link.branch);
    let Appended { notification, .. } =
        events::append(tx, event.of(pid, &project).target(&target).request(asked.request_id)).await?;
    Ok(Linked::New { notification })
}

/// The first look is due at once, at GitHub's side too, over whole trees.
async fn insert(tx: &Transaction<'_>, pid: i64, user: &str, link: &Link) -> Result<u64, StoreError> {
    let inserted = tx
        .execute(
            "INSERT INTO integrations (pid, connection, installation_id, repository_id, full_name, private, default_branch,
                 url, branch, state, connected_by, rescan, due_at, remote_due, window_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'connected', $10, true, now(), true, now())
             ON CONFLICT (repository_id, branch) DO NOTHING",
            &[
                &pid,
                &Uuid::now_v7(),
                &link.installation_id,
                &link.repository_id,
                &link.full_name,
                &link.private,
                &link.default_branch,
                &link.url,
                &link.branch,
                &user,
            ],
        )
        .await?;
    Ok(inserted)
}

/// What notifications and live events say of a connection that began or ended.
async fn described(tx: &Transaction<'_>, pid: i64, shown: Shown) -> Result<Value, StoreError> {
    Ok(json!({ "integration": projects::read(tx, pid).await?.map(shown) }))
}

impl Store {
    /// The project's `pid`; it is made when it is new, with an audit row of its own, because what was
    /// asked may be refused afterwards.
    pub async fn ensure_project(&self, project: &ProjectId, asked: Asked<'_>) -> Result<i64, StoreError> {
        if let Some(pid) = self.pid_of(project).await? {
            return Ok(pid);
        }
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let made = projects::create(&tx, project).await?;
        let pid = lock_or_create(&tx, project).await?;
        if made {
            let event = Event::audit("project.created", asked.actor).of(pid, project.as_str());
            events::append(&tx, event.request(asked.request_id)).await?;
        }
        tx.commit().await?;
        Ok(pid)
    }

    /// Connects the project to what GitHub proved. `described`: the integration as notifications carry it.
    pub async fn connect_repository(
        &self,
        pid: i64,
        user: &str,
        to: &Link,
        asked: Asked<'_>,
        shown: Shown,
    ) -> Result<Linked, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let linked = link(&tx, pid, user, to, asked, shown).await?;
        tx.commit().await?;
        Ok(linked)
    }

    /// Ends the connection: whoever works on it loses its lease with the row, its unfinished sync is
    /// canceled, nothing is agreed or held any more, and nobody's authorization remains.
    pub async fn disconnect_repository(
        &self,
        vault: &Vault,
        pid: i64,
        asked: Asked<'_>,
        shown: Shown,
    ) -> Result<Unlinked, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let project = lock(&tx, pid).await?;
        let row = tx.query_opt("DELETE FROM integrations WHERE pid = $1 RETURNING full_name, branch", &[&pid]).await?;
        let revocations = authorizations::retire_all(&tx, vault, pid).await?;
        tx.execute("DELETE FROM oauth_states WHERE pid = $1", &[&pid]).await?;
        let mut unlinked = Unlinked { revocations, ..Unlinked::default() };
        if let Some(row) = row {
            unlinked.canceled = syncs::cancel(&tx, pid, None).await?;
            tx.execute("DELETE FROM holds WHERE pid = $1", &[&pid]).await?;
            forget_base(&tx, pid).await?;
            let target = format!("{}@{}", row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?);
            let data = described(&tx, pid, shown).await?;
            unlinked.notification = disconnected(&tx, pid, &project, Some((&target, data)), asked).await?;
        } else if !unlinked.revocations.is_empty() {
            disconnected(&tx, pid, &project, None, asked).await?;
        }
        tx.commit().await?;
        Ok(unlinked)
    }
}

/// Without what it was connected to only credentials went, which the audit trail tells and nobody else
/// needs to know.
async fn disconnected(
    tx: &Transaction<'_>,
    pid: i64,
    project: &str,
    from: Option<(&str, Value)>,
    asked: Asked<'_>,
) -> Result<Option<i64>, StoreError> {
    let audit = Event::audit("integration.disconnected", asked.actor).of(pid, project).request(asked.request_id);
    let event = match from {
        Some((target, data)) => {
            Event { kind: Some("integration.disconnected"), target: Some(target), data: Some(data), ..audit }
        }
        None => audit,
    };
    Ok(events::append(tx, event).await?.notification)
}

/// Nothing is agreed with GitHub any more: a later connection begins with an empty base.
async fn forget_base(tx: &Transaction<'_>, pid: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM files WHERE pid = $1 AND oid IS NULL", &[&pid]).await?;
    tx.execute(
        "UPDATE files SET base_oid = NULL, base_mode = NULL, gh_changed = false, gh_oid = NULL, gh_mode = NULL, gh_size = NULL
         WHERE pid = $1 AND (base_oid IS NOT NULL OR gh_changed)",
        &[&pid],
    )
    .await?;
    Ok(())
}

/// Locks the project, making it when it is new; answers its `pid`.
pub(super) async fn lock_or_create(tx: &Transaction<'_>, project: &ProjectId) -> Result<i64, StoreError> {
    const FIND: &str = "SELECT pid FROM projects WHERE id = $1 FOR NO KEY UPDATE";
    if let Some(row) = tx.query_opt(FIND, &[&project.as_str()]).await? {
        return Ok(row.try_get(0)?);
    }
    projects::create(tx, project).await?;
    Ok(tx.query_one(FIND, &[&project.as_str()]).await?.try_get(0)?)
}

/// Locks the project and answers the host's id of it.
pub(super) async fn lock(tx: &Transaction<'_>, pid: i64) -> Result<String, StoreError> {
    let row = tx.query_opt("SELECT id FROM projects WHERE pid = $1 FOR NO KEY UPDATE", &[&pid]).await?;
    Ok(row.ok_or(StoreError::Contended("the project was deleted".to_owned()))?.try_get(0)?)
}
