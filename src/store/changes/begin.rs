//! How every change of a project begins and ends: the project's row is locked, the event id looked
//! up, the expected revision compared; then the revision, the answer and the event are written.

use crate::store::{GenericClient, Transaction};

use crate::model::{ProjectId, Settings};
use crate::store::StoreError;
use crate::store::events::{self, Event};
use crate::store::projects;

use super::edits::Edit;
use super::schedule;
use super::{Answer, Asking, ChangeError};

/// The locked project.
#[derive(Debug, Clone)]
pub struct Locked {
    pub pid: i64,
    /// Before this change.
    pub revision: i64,
    /// The number of the newest snapshot: 0 before the first.
    pub snapshot: i64,
    /// Files of the project before this change.
    pub files: i64,
    pub settings: Settings,
}

pub enum Begin {
    /// Answered before: nothing is done.
    Answered(Answer),
    Open(Locked),
}

/// Locks the project (making it, when `create` says so) and looks the event id up.
pub async fn begin(tx: &Transaction<'_>, asking: &Asking, create: bool) -> Result<Begin, ChangeError> {
    let Some(project) = lock(tx, &asking.project, create).await? else { return Err(ChangeError::NoProject) };
    if let Some(answer) = first_answer(tx, &asking.project, &asking.event_id).await? {
        return Ok(Begin::Answered(answer));
    }
    match asking.expected_revision {
        Some(expected) if expected != project.revision => Err(ChangeError::Revision(project.revision)),
        _ => Ok(Begin::Open(project)),
    }
}

pub async fn lock(tx: &Transaction<'_>, project: &ProjectId, create: bool) -> Result<Option<Locked>, StoreError> {
    if let Some(found) = find_and_lock(tx, project).await? {
        return Ok(Some(found));
    }
    if !create {
        return Ok(None);
    }
    projects::create(tx, project).await?;
    find_and_lock(tx, project).await
}

async fn find_and_lock(tx: &Transaction<'_>, project: &ProjectId) -> Result<Option<Locked>, StoreError> {
    let select = tx
        .prepare_cached("SELECT pid, revision, snapshot, files, settings FROM projects WHERE id = $1 FOR NO KEY UPDATE")
        .await?;
    let Some(row) = tx.query_opt(&select, &[&project.as_str()]).await? else { return Ok(None) };
    Ok(Some(Locked {
        pid: row.get(0),
        revision: row.get(1),
        snapshot: row.get(2),
        files: row.get(3),
        settings: projects::settings_of(row.get(4))?,
    }))
}

/// What was answered to this event id.
pub async fn first_answer(
    client: &impl GenericClient,
    project: &ProjectId,
    event_id: &str,
) -> Result<Option<Answer>, StoreError> {
    let select = client
        .prepare_cached(
            "SELECT c.pid, c.revision, c.pending FROM change_requests c JOIN projects p USING (pid)
             WHERE p.id = $1 AND c.event_id = $2",
        )
        .await?;
    let row = client.query_opt(&select, &[&project.as_str(), &event_id]).await?;
    Ok(row.map(|row| Answer {
        pid: row.get(0),
        revision: row.get(1),
        pending: row.get(2),
        duplicate: true,
        wake_at: None,
    }))
}

/// Raises the revision, keeps the answer, says when to sync, appends the event.
pub async fn finish(
    tx: &Transaction<'_>,
    project: &Locked,
    asking: &Asking,
    action: &str,
    edits: &[Edit],
) -> Result<Answer, ChangeError> {
    let update = tx
        .prepare_cached(
            "UPDATE projects SET revision = revision + 1, updated_at = now() WHERE pid = $1
             RETURNING revision, pending",
        )
        .await?;
    let row = tx.query_one(&update, &[&project.pid]).await?;
    let (revision, pending): (i64, i64) = (row.get(0), row.get(1));
    let keep = tx
        .prepare_cached("INSERT INTO change_requests (pid, event_id, revision, pending) VALUES ($1, $2, $3, $4)")
        .await?;
    tx.execute(&keep, &[&project.pid, &asking.event_id, &revision, &pending]).await?;
    let touched = edits.iter().any(|edit| !edit.excluded);
    let wake_at = schedule::after_change(tx, project.pid, &project.settings, pending, touched).await?;
    let event = Event::audit(action, &asking.actor)
        .of(project.pid, asking.project.as_str())
        .target(&asking.event_id)
        .request(asking.request_id.as_deref());
    events::append(tx, event).await?;
    Ok(Answer { pid: project.pid, revision, pending, duplicate: false, wake_at })
}
