//! What drafts of settings would do, and what a pending path would change. Nothing here changes anything.

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::{Engine, check_settings, diff, excluded};
use crate::model::{Author, ChangeKind, FilePath, ProjectId};
use crate::store::StoreError;
use crate::store::pending::PendingRow;
use crate::store::settings::Patch;
use crate::sync::message::{Changed, Facts, render};
use crate::sync::template::Template;

/// Pending paths that a message is tried on.
const TRIED_ON: i64 = 1_000;
/// Excluded paths that are named.
const NAMED: usize = 50;

/// Settings that nobody has saved yet.
#[derive(Debug, Default)]
pub struct Draft {
    pub commit_template: Option<String>,
    pub exclude: Option<Vec<String>>,
}

/// What a draft would do now.
#[derive(Debug)]
pub struct Preview {
    /// The message of a commit of what is pending, or of an example where nothing is.
    pub message: String,
    pub excluded: usize,
    pub included: usize,
    /// Some of the excluded paths.
    pub paths: Vec<String>,
}

impl Engine {
    /// None: no such project. A draft that would be refused is refused as `PATCH …/settings` does.
    pub async fn preview(
        &self,
        project: &ProjectId,
        draft: Draft,
        author: Option<Author>,
        now: DateTime<Utc>,
    ) -> Result<Option<Preview>, Failure> {
        let patch = Patch { commit_template: draft.commit_template, exclude: draft.exclude, ..Patch::default() };
        check_settings(&patch).await?;
        let Some(row) = self.store.project(project).await? else { return Ok(None) };
        let Some((paths, revision)) = self.store.all_paths(project).await? else { return Ok(None) };
        let pending = self.store.pending(project, false, None, TRIED_ON).await?.unwrap_or_default().rows;
        let template = patch.commit_template.unwrap_or(row.settings.commit_template);
        let patterns = patch.exclude.unwrap_or(row.settings.exclude);
        let project = project.clone();
        let tried = tokio::task::spawn_blocking(move || {
            let (left_out, included) = split(paths, &patterns)?;
            let message = message(&project, &template, &pending, author, revision, now);
            let excluded = left_out.len();
            Ok(Preview { message, excluded, included, paths: left_out.into_iter().take(NAMED).collect() })
        });
        tried.await.map_err(|error| StoreError::Internal(error.to_string()))?.map(Some)
    }

    /// The patch of one pending path; empty where it does not differ. None: nothing there.
    pub async fn pending_patch(
        &self,
        project: &ProjectId,
        path: &FilePath,
        from: Option<&FilePath>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((pid, file)) = self.store.changed_path(project, path, from).await? else { return Ok(None) };
        diff::patch_of(self, pid, &file).await.map(Some)
    }
}

/// The excluded paths, and how many others there are.
fn split(paths: Vec<String>, patterns: &[String]) -> Result<(Vec<String>, usize), Failure> {
    let names: Vec<&str> = paths.iter().map(String::as_str).collect();
    let marks = excluded(patterns, &names).map_err(StoreError::Internal)?;
    let all = paths.len();
    let left_out: Vec<String> = paths.into_iter().zip(marks).filter_map(|(path, out)| out.then_some(path)).collect();
    let included = all - left_out.len();
    Ok((left_out, included))
}

fn message(
    project: &ProjectId,
    template: &str,
    pending: &[PendingRow],
    author: Option<Author>,
    revision: i64,
    now: DateTime<Utc>,
) -> String {
    let mut changes: Vec<_> = pending.iter().filter(|row| row.held.is_none()).map(changed).collect();
    if changes.is_empty() {
        changes = EXAMPLE.iter().map(|(path, kind)| Changed { path, kind: *kind }).collect();
    }
    let facts = Facts {
        project: project.as_str(),
        changes: &changes,
        authors: author.as_slice(),
        timestamp: &now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        revision,
    };
    render(Template::of_setting(template).ok().flatten().as_ref(), &facts).full()
}

const EXAMPLE: [(&str, ChangeKind); 2] = [("docs/example.md", ChangeKind::Modified), ("logo.png", ChangeKind::Added)];

fn changed(row: &PendingRow) -> Changed<'_> {
    let kind = match (row.file.base, row.file.project) {
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Deleted,
        _ => ChangeKind::Modified,
    };
    Changed { path: row.file.path.as_str(), kind }
}
