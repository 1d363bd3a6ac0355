//! Changing a project's settings: which of them matter to what is pending, and who has to look.

use crate::store::Transaction;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;

use crate::model::path::key_of;
use crate::model::{Code, ConflictPolicy, ProjectId, Settings};

use super::changes::{Excludes, begin, schedule};
use super::events::{self, Actor, Event};
use super::projects::{self, ProjectRow};
use super::{Store, StoreError, holds, pull_edits};

/// Paths written by one statement.
const STEP: usize = 10_000;

/// The settings that a request names; the others stay. The branch is the integration's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    pub auto_sync: Option<bool>,
    pub batch_seconds: Option<u32>,
    pub commit_template: Option<String>,
    pub exclude: Option<Vec<String>>,
    pub conflict_policy: Option<ConflictPolicy>,
    pub pull: Option<bool>,
    pub max_delete_percent: Option<u32>,
}

/// Who changes what.
#[derive(Debug, Clone, Copy)]
pub struct PatchRequest<'a> {
    pub project: &'a ProjectId,
    pub patch: &'a Patch,
    pub actor: &'a Actor,
    pub request_id: Option<&'a str>,
    pub excludes: Excludes,
}

/// The project after it.
#[derive(Debug)]
pub struct Updated {
    pub pid: i64,
    pub project: ProjectRow,
    pub wake_at: Option<DateTime<Utc>>,
}

impl Patch {
    fn applied(&self, old: &Settings) -> Settings {
        let patch = self.clone();
        Settings {
            auto_sync: patch.auto_sync.unwrap_or(old.auto_sync),
            batch_seconds: patch.batch_seconds.unwrap_or(old.batch_seconds),
            commit_template: patch.commit_template.unwrap_or_else(|| old.commit_template.clone()),
            exclude: patch.exclude.unwrap_or_else(|| old.exclude.clone()),
            conflict_policy: patch.conflict_policy.unwrap_or(old.conflict_policy),
            pull: patch.pull.unwrap_or(old.pull),
            max_delete_percent: patch.max_delete_percent.unwrap_or(old.max_delete_percent),
        }
    }
}

impl Store {
    /// Changes the settings; makes the project when it is new.
    pub async fn patch_settings(&self, request: PatchRequest<'_>) -> Result<Updated, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let Some(locked) = begin::lock(&tx, request.project, true).await? else {
            return Err(StoreError::Internal("a project that was made is not there".to_owned()));
        };
        let (pid, old) = (locked.pid, locked.settings);
        let new = request.patch.applied(&old);
        let mut wake_at = None;
        if new != old {
            save(&tx, pid, &new).await?;
            if new.exclude != old.exclude {
                exclude_again(&tx, pid, &new.exclude, request.excludes).await?;
            }
            wake_at = reschedule(&tx, pid, &old, &new).await?;
            let target = changed(&old, &new).join(" ");
            let event = Event::audit("settings.updated", request.actor).of(pid, request.project.as_str());
            events::append(&tx, event.target(&target).request(request.request_id)).await?;
        }
        let project = projects::read(&tx, pid).await?;
        tx.commit().await?;
        let project = project.ok_or(StoreError::Internal("a locked project is not there".to_owned()))?;
        Ok(Updated { pid, project, wake_at })
    }
}

async fn save(tx: &Transaction<'_>, pid: i64, settings: &Settings) -> Result<(), StoreError> {
    let settings = serde_json::to_value(settings).map_err(projects::internal)?;
    tx.execute("UPDATE projects SET settings = $2, updated_at = now() WHERE pid = $1", &[&pid, &settings]).await?;
    Ok(())
}

/// The names of the settings that changed.
fn changed(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let all = [
        ("auto_sync", old.auto_sync != new.auto_sync),
        ("batch_seconds", old.batch_seconds != new.batch_seconds),
        ("commit_template", old.commit_template != new.commit_template),
        ("exclude", old.exclude != new.exclude),
        ("conflict_policy", old.conflict_policy != new.conflict_policy),
        ("pull", old.pull != new.pull),
        ("max_delete_percent", old.max_delete_percent != new.max_delete_percent),
    ];
    all.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// Settings that bear on what is decided lead to a look now; other patterns to one at whole trees.
/// Switched on, auto-sync takes up what is pending; switched off, it waits for nothing any more.
async fn reschedule(
    tx: &Transaction<'_>,
    pid: i64,
    old: &Settings,
    new: &Settings,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    if old.exclude != new.exclude {
        // What excluded files were in the way of is tried again.
        holds::forget_refusals_for(tx, &[pid], Code::ValidationFailed).await?;
    }
    if !new.auto_sync {
        tx.execute("UPDATE integrations SET window_at = NULL WHERE pid = $1", &[&pid]).await?;
    }
    let rescan = old.exclude != new.exclude;
    let look = rescan
        || (old.conflict_policy, old.pull, old.max_delete_percent)
            != (new.conflict_policy, new.pull, new.max_delete_percent);
    let mut wake_at = None;
    let pending: i64 = tx.query_one("SELECT pending FROM projects WHERE pid = $1", &[&pid]).await?.try_get(0)?;
    if new.auto_sync && (pending > 0 || pull_edits::any(tx, pid).await?) {
        wake_at = schedule::open_window(tx, pid, new.batch_seconds).await?;
    }
    if look {
        // Other rules make a look that is under way one at something else: it loses its lease.
        let update = "UPDATE integrations SET rescan = rescan OR $2,
            lease_token = CASE WHEN $2 THEN NULL ELSE lease_token END, lease_until = CASE WHEN $2 THEN NULL ELSE lease_until END, remote_due = true, due_at = least(due_at, now())
                      WHERE pid = $1 RETURNING due_at";
        let row = tx.query_opt(update, &[&pid, &rescan]).await?;
        wake_at = row.map(|row| row.try_get(0)).transpose()?.or(wake_at);
    }
    Ok(wake_at)
}

/// Decides every path anew and writes those that differ.
async fn exclude_again(
    tx: &Transaction<'_>,
    pid: i64,
    patterns: &[String],
    excludes: Excludes,
) -> Result<(), StoreError> {
    let rows = tx.query_raw("SELECT path, excluded FROM files WHERE pid = $1 ORDER BY key", [pid]).await?;
    let rows: Vec<(String, bool)> =
        rows.and_then(|row| async move { Ok((row.try_get(0)?, row.try_get(1)?)) }).try_collect().await?;
    let paths: Vec<&str> = rows.iter().map(|(path, _)| path.as_str()).collect();
    let now = excludes(patterns, &paths).map_err(|why| StoreError::Internal(format!("exclude patterns: {why}")))?;
    let keys_of = |becomes: bool| -> Vec<Vec<u8>> {
        let differ = rows.iter().zip(&now).filter(|((_, was), now)| *was != becomes && **now == becomes);
        differ.map(|((path, _), _)| key_of(path)).collect()
    };
    for step in keys_of(true).chunks(STEP) {
        hide(tx, pid, step).await?;
    }
    for step in keys_of(false).chunks(STEP) {
        let show = "UPDATE files SET excluded = false WHERE pid = $1 AND key = ANY ($2)";
        tx.execute(show, &[&pid, &step]).await?;
    }
    Ok(())
}

/// What becomes excluded is out of sight: nothing is agreed about it, nothing known of GitHub's side.
/// Only that a pull request carries it stays true, and holds it when it comes back into view.
async fn hide(tx: &Transaction<'_>, pid: i64, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    let held = "DELETE FROM holds WHERE pid = $1 AND key = ANY ($2) AND reason NOT LIKE 'pull_request%'";
    tx.execute(held, &[&pid, &keys]).await?;
    tx.execute("DELETE FROM files WHERE pid = $1 AND key = ANY ($2) AND oid IS NULL", &[&pid, &keys]).await?;
    tx.execute(
        "UPDATE files SET excluded = true, base_oid = NULL, base_mode = NULL, gh_changed = false, gh_oid = NULL,
                gh_mode = NULL, gh_size = NULL, authors = NULL
         WHERE pid = $1 AND key = ANY ($2)",
        &[&pid, &keys],
    )
    .await?;
    Ok(())
}
