//! Projects and integrations as answers show them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::view::problem as shown;
use crate::model::{Code, ConflictPolicy, Problem, Settings};
use crate::store::projects::{LinkRow, ProjectRow};

#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectView {
    pub project: String,
    pub revision: i64,
    pub files: i64,
    /// Of all files together.
    pub bytes: i64,
    pub pending_changes: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub integration: IntegrationView,
}

/// A project's connection to one repository and one branch.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntegrationView {
    pub project: String,
    #[schema(example = "connected")]
    pub state: String,
    pub repository: Option<RepositoryView>,
    pub branch: Option<String>,
    /// The user who connected it.
    pub connected_by: Option<String>,
    pub connected_at: Option<DateTime<Utc>>,
    pub sync_status: Status,
    pub last_sync_at: Option<DateTime<Utc>>,
    pub last_commit_sha: Option<String>,
    pub last_commit_url: Option<String>,
    pub pending_changes: i64,
    pub conflicts: i64,
    /// A problem, while there is one.
    #[schema(value_type = Option<Object>)]
    pub error: Option<Value>,
    pub settings: SettingsView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RepositoryView {
    pub id: i64,
    pub full_name: String,
    pub url: String,
    pub private: bool,
    pub default_branch: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Idle,
    Syncing,
    Success,
    Error,
    Conflict,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsView {
    pub auto_sync: bool,
    /// Null while the project is not connected.
    pub branch: Option<String>,
    pub batch_seconds: u32,
    pub commit_template: String,
    pub exclude: Vec<String>,
    #[schema(value_type = String, example = "ask")]
    pub conflict_policy: ConflictPolicy,
    pub pull: bool,
    pub max_delete_percent: u32,
}

impl ProjectView {
    pub fn of(row: ProjectRow) -> Self {
        ProjectView {
            project: row.id.clone(),
            revision: row.revision,
            files: row.files,
            bytes: row.bytes,
            pending_changes: row.pending,
            created_at: row.created_at,
            updated_at: row.updated_at,
            integration: IntegrationView::of(row),
        }
    }
}

impl IntegrationView {
    pub fn of(row: ProjectRow) -> Self {
        let settings = SettingsView::of(row.settings.clone(), row.link.as_ref().map(|link| link.branch.clone()));
        let error = row.link.as_ref().and_then(error_of);
        let sync_status = status_of(&row, error.as_ref());
        let mut view = IntegrationView {
            project: row.id,
            state: "disconnected".to_owned(),
            repository: None,
            branch: None,
            connected_by: None,
            connected_at: None,
            sync_status,
            last_sync_at: None,
            last_commit_sha: None,
            last_commit_url: None,
            pending_changes: row.pending,
            conflicts: row.conflicts,
            error: error.as_ref().map(shown),
            settings,
        };
        if let Some(link) = row.link {
            view.connect(link);
        }
        view
    }

    fn connect(&mut self, link: LinkRow) {
        let sha = link.last_commit.map(|oid| oid.to_string());
        self.last_commit_url = sha.as_ref().map(|sha| format!("{}/commit/{sha}", link.url));
        self.last_commit_sha = sha;
        self.last_sync_at = link.last_sync_at;
        self.state = link.state;
        self.branch = Some(link.branch);
        self.connected_by = Some(link.connected_by);
        self.connected_at = Some(link.connected_at);
        self.repository = Some(RepositoryView {
            id: link.repository_id,
            full_name: link.full_name,
            url: link.url,
            private: link.private,
            default_branch: link.default_branch,
        });
    }
}

/// A sync that waits to be confirmed shows as a problem too.
fn error_of(link: &LinkRow) -> Option<Problem> {
    let waits = || Problem::new(Code::ConfirmationRequired, "A sync that would delete many files waits for a person.");
    link.error.clone().or_else(|| link.to_confirm.then(waits))
}

/// What runs now shows first, then what needs somebody, then what has been.
fn status_of(row: &ProjectRow, error: Option<&Problem>) -> Status {
    let Some(link) = &row.link else { return Status::Idle };
    match error {
        _ if row.syncing => Status::Syncing,
        Some(problem) if problem.code == Code::ConfirmationRequired => Status::Conflict,
        Some(_) => Status::Error,
        None if row.conflicts > 0 => Status::Conflict,
        None if link.last_sync_at.is_some() => Status::Success,
        None => Status::Idle,
    }
}

impl SettingsView {
    pub fn of(settings: Settings, branch: Option<String>) -> Self {
        SettingsView {
            auto_sync: settings.auto_sync,
            branch,
            batch_seconds: settings.batch_seconds,
            commit_template: settings.commit_template,
            exclude: settings.exclude,
            conflict_policy: settings.conflict_policy,
            pull: settings.pull,
            max_delete_percent: settings.max_delete_percent,
        }
    }
}
