//! A project's sync settings: what a person changes is checked as a whole before any of it counts.

use super::Engine;
use super::failure::Failure;
use crate::model::problem::FieldError;
use crate::model::settings::{MAX_BATCH_SECONDS, MAX_PATTERNS};
use crate::model::{Code, Problem, ProjectId};
use crate::store::StoreError;
use crate::store::events::Actor;
use crate::store::settings::{Patch, PatchRequest, Updated};
use crate::sync::exclude::Excluder;
use crate::sync::template::Template;

/// Which of the paths these patterns exclude.
pub fn excluded(patterns: &[String], paths: &[&str]) -> Result<Vec<bool>, String> {
    let excluder = Excluder::new(patterns).map_err(|errors| format!("{errors:?}"))?;
    Ok(excluder.excluded_many(paths.iter().copied()))
}

/// Checks every field. Templates are tried, which takes a while.
pub async fn check_settings(patch: &Patch) -> Result<(), Failure> {
    let patch = patch.clone();
    let errors = tokio::task::spawn_blocking(move || wrong_fields(&patch));
    let errors = errors.await.map_err(|error| StoreError::Internal(error.to_string()))?;
    let Some(first) = errors.first() else { return Ok(()) };
    let mut problem = Problem::new(Code::ValidationFailed, format!("{}: {}", first.field, first.message));
    problem.errors = errors;
    Err(problem.into())
}

fn wrong_fields(patch: &Patch) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut wrong = |field: String, message: String| errors.push(FieldError { field, message });
    if patch.batch_seconds.is_some_and(|seconds| seconds > MAX_BATCH_SECONDS) {
        wrong("batch_seconds".to_owned(), format!("is a number from 0 to {MAX_BATCH_SECONDS}"));
    }
    if patch.max_delete_percent.is_some_and(|percent| percent > 100) {
        wrong("max_delete_percent".to_owned(), "is a number from 0 to 100".to_owned());
    }
    match patch.commit_template.as_deref() {
        Some(text) if text.contains('\0') => wrong("commit_template".to_owned(), "has no NUL".to_owned()),
        Some(text) => {
            Template::of_setting(text).err().into_iter().for_each(|why| wrong("commit_template".to_owned(), why))
        }
        None => {}
    }
    if let Some(Err(patterns)) = patch.exclude.as_deref().map(Excluder::new) {
        for (index, why) in patterns {
            let field = if index >= MAX_PATTERNS { "exclude".to_owned() } else { format!("exclude[{index}]") };
            wrong(field, why);
        }
    }
    errors
}

impl Engine {
    /// Changes settings that were checked, and wakes whoever acts on them. Makes the project when it is new.
    pub async fn patch_settings(
        &self,
        project: &ProjectId,
        patch: &Patch,
        actor: &Actor,
        request_id: Option<&str>,
    ) -> Result<Updated, StoreError> {
        let request = PatchRequest { project, patch, actor, request_id, excludes: excluded };
        let updated = self.store.patch_settings(request).await?;
        if let Some(at) = updated.wake_at {
            self.wake_project(updated.pid, at).await;
        }
        Ok(updated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(patch: Patch) -> Vec<String> {
        wrong_fields(&patch).into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn every_wrong_field_is_named() {
        let patch = Patch {
            batch_seconds: Some(3601),
            max_delete_percent: Some(101),
            commit_template: Some("{{ nope".to_owned()),
            exclude: Some(vec!["ok".to_owned(), "x".repeat(501)]),
            ..Patch::default()
        };
        assert_eq!(fields(patch), ["batch_seconds", "max_delete_percent", "commit_template", "exclude[1]"]);
        let many = Patch { exclude: Some(vec!["a".to_owned(); 501]), ..Patch::default() };
        assert_eq!(fields(many), ["exclude"]);
    }

    #[test]
    fn bounds_are_inclusive() {
        let patch = Patch {
            batch_seconds: Some(3600),
            max_delete_percent: Some(100),
            commit_template: Some(String::new()),
            exclude: Some(vec!["a".to_owned(); 500]),
            ..Patch::default()
        };
        assert_eq!(fields(patch), [""; 0]);
    }
}
