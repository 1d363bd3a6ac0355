//! Syncs and conflicts as the API, live events and notifications show it.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::{Author, Direction, Entry, Oid, Problem, SyncKind, SyncStatus};
use crate::store::conflicts::Conflict;
use crate::store::pulls::Pull;
use crate::store::syncs::{Sync, SyncFile};
use crate::sync::merge;

/// How many files a list, an event or a notification names at most; one sync alone names all.
pub const MAX_LISTED: usize = 1000;

/// The contract's «Sync».
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SyncView {
    pub id: Uuid,
    #[schema(value_type = String, example = "auto")]
    pub kind: SyncKind,
    #[schema(value_type = String, example = "push")]
    pub direction: Direction,
    #[schema(value_type = String, example = "succeeded")]
    pub status: SyncStatus,
    pub commit_sha: Option<String>,
    pub commit_url: Option<String>,
    pub message: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub author: Option<Author>,
    pub branch: String,
    /// The number of the pull request it made, or committed to.
    pub pull_request: Option<i64>,
    pub files_changed: i64,
    pub files: Vec<SyncFileView>,
    pub revision: i64,
    pub attempts: i32,
    #[schema(value_type = Option<Object>)]
    pub error: Option<Value>,
    pub queued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub progress: Option<Progress>,
}

#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// Files done.
    pub done: i64,
    /// Files in all.
    pub total: i64,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SyncFileView {
    pub path: String,
    /// `added modified deleted renamed mode_changed`
    pub change: String,
    /// The path before, of a rename.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl SyncView {
    pub fn new(sync: &Sync, files: &[SyncFile]) -> Self {
        SyncView {
            id: sync.id,
            kind: sync.kind,
            direction: sync.direction,
            status: sync.status,
            commit_sha: sync.commit.map(|oid| oid.to_string()),
            commit_url: sync.commit_url.clone(),
            message: sync.message.clone(),
            author: sync.author.clone(),
            branch: sync.branch.clone(),
            pull_request: sync.pull_request,
            files_changed: sync.files_changed,
            files: files.iter().map(SyncFileView::new).collect(),
            revision: sync.revision,
            attempts: sync.attempts,
            error: sync.error.as_ref().map(problem),
            queued_at: sync.queued_at,
            started_at: sync.started_at,
            finished_at: sync.finished_at,
            progress: sync.progress.map(|(done, total)| Progress { done, total }),
        }
    }
}

impl SyncFileView {
    fn new(file: &SyncFile) -> Self {
        SyncFileView {
            path: file.path.to_string(),
            change: file.change.to_string(),
            from: file.from.as_ref().map(ToString::to_string),
        }
    }
}

/// A problem inside an answer: as an answer of its own would be, without a request's id.
pub fn problem(problem: &Problem) -> Value {
    let mut value = json!({
        "type": format!("urn:lockstep:problem:{}", problem.code),
        "title": problem.code.title(),
        "status": problem.code.status(),
        "detail": problem.detail,
        "code": problem.code,
        "action": problem.action,
        "retryable": problem.code.retryable(),
    });
    if !problem.errors.is_empty() {
        value["errors"] = json!(problem.errors);
    }
    value
}

/// A file in `project.files_changed`.
pub fn changed_file(file: &SyncFile) -> Value {
    json!({ "path": file.path, "change": file.change, "oid": file.new.map(|entry: crate::model::Entry| entry.oid) })
}

/// A held path as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ConflictView {
    pub path: String,
    /// `both_modified both_added deleted_on_github deleted_in_project`
    pub kind: &'static str,
    pub base: Option<SideView>,
    pub project: Option<SideView>,
    pub github: Option<SideView>,
    /// The text with diff3 markers, where all sides are files with text.
    pub merged: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// One side's version.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SideView {
    pub oid: String,
    pub mode: String,
    /// Bytes; null for what the project does not have, such as a submodule.
    pub size: Option<usize>,
    /// The content, where it is UTF-8 text of at most 1 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Longer texts are not shown beside each other.
const MAX_TEXT: usize = 1 << 20;

impl ConflictView {
    pub fn new(conflict: &Conflict, contents: &HashMap<Oid, Bytes>) -> Self {
        let side = |entry: Option<Entry>| entry.map(|entry| SideView::new(entry, contents));
        ConflictView {
            path: conflict.path.to_string(),
            kind: kind_of(conflict),
            base: side(conflict.base),
            project: side(conflict.project),
            github: side(conflict.github),
            merged: merged(conflict, contents),
            detail: conflict.problem.as_ref().filter(|_| conflict.collision).map(|problem| problem.detail.clone()),
        }
    }
}

impl SideView {
    fn new(entry: Entry, contents: &HashMap<Oid, Bytes>) -> Self {
        let bytes = contents.get(&entry.oid);
        SideView {
            oid: entry.oid.to_string(),
            mode: entry.mode.to_string(),
            size: bytes.map(Bytes::len),
            text: bytes.and_then(text),
        }
    }
}

fn text(bytes: &Bytes) -> Option<String> {
    let shown = bytes.len() <= MAX_TEXT && merge::is_text(bytes);
    shown.then(|| String::from_utf8(bytes.to_vec()).ok()).flatten()
}

fn kind_of(conflict: &Conflict) -> &'static str {
    match (conflict.collision, conflict.base, conflict.project, conflict.github) {
        (true, ..) => "both_added",
        (_, _, None, _) => "deleted_in_project",
        (_, _, _, None) => "deleted_on_github",
        (_, None, ..) => "both_added",
        _ => "both_modified",
    }
}

fn merged(conflict: &Conflict, contents: &HashMap<Oid, Bytes>) -> Option<String> {
    // A symlink's target with markers in it is nothing anybody could take.
    if [conflict.base, conflict.project, conflict.github].iter().flatten().any(|entry| !entry.mode.is_file()) {
        return None;
    }
    let bytes = |entry: Option<Entry>| contents.get(&entry?.oid).filter(|bytes| bytes.len() <= MAX_TEXT);
    let (ours, theirs) = (bytes(conflict.project)?, bytes(conflict.github)?);
    let base = bytes(conflict.base).map(AsRef::as_ref);
    match merge::merge(base, ours, theirs) {
        merge::Merged::Clean(text) | merge::Merged::Conflict { marked: text } => String::from_utf8(text).ok(),
        merge::Merged::Binary => None,
    }
}

/// The contract's pull request.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PullView {
    pub number: Option<i64>,
    pub url: Option<String>,
    pub title: String,
    /// `open draft merged closed`
    pub state: String,
    pub branch: String,
    pub base: String,
    /// `none pending success failure`
    pub checks: String,
    /// `none required approved changes_requested`
    pub review: String,
    /// Null while GitHub does not know yet.
    pub mergeable: Option<bool>,
    pub paths: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl PullView {
    pub fn new(pull: &Pull, paths: Vec<String>) -> Self {
        PullView {
            number: pull.number,
            url: pull.url.clone(),
            title: pull.title.clone(),
            state: pull.state.clone(),
            branch: pull.branch.clone(),
            base: pull.base.clone(),
            checks: pull.checks.clone(),
            review: pull.review.clone(),
            mergeable: pull.mergeable,
            paths,
            created_at: pull.created_at,
            updated_at: pull.updated_at,
        }
    }
}
