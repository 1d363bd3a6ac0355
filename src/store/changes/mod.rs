//! Changes of a project's side: change requests, whole trees, restoring. Each is one transaction
//! that holds the project's row, does its work by sets, and answers once for each `event_id`.

pub mod apply;
pub(in crate::store) mod begin;
mod clash;
mod edits;
mod restore;
pub(in crate::store) mod schedule;
mod tree;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::model::problem::FieldError;
use crate::model::{Author, FilePath, Oid, ProjectId};

use super::blobs::{self, Contents, NewBlob};
use super::events::Actor;
use super::files::{self, Version};
use super::{Store, StoreError};
use apply::{Op, Refusal, Stale};
use begin::{Begin, begin};

pub use restore::Restore;
pub use tree::{TreeContent, TreeFile, TreeRequest, no_symlink};

/// Who asks, and how the request is known.
#[derive(Debug, Clone)]
pub struct Asking {
    pub project: ProjectId,
    /// The idempotency key.
    pub event_id: String,
    pub expected_revision: Option<i64>,
    /// Named in the commit that carries the change.
    pub author: Option<Author>,
    pub actor: Actor,
    pub request_id: Option<String>,
    pub excludes: Excludes,
}

/// Which of the paths these patterns exclude: `sync`'s to say, and handed in by whoever asks.
///
/// Errors: a pattern is wrong, which stored ones are not.
pub type Excludes = fn(patterns: &[String], paths: &[&str]) -> Result<Vec<bool>, String>;

/// A change request whose fields are valid one by one.
#[derive(Debug, Clone)]
pub struct ChangeRequest {
    pub asking: Asking,
    pub ops: Vec<Op>,
}

/// The answer to an accepted request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub pid: i64,
    pub revision: i64,
    pub pending: i64,
    /// The event id was known: nothing happened, this is the first answer.
    pub duplicate: bool,
    /// When the project is to be looked at; none: nobody waits for it, or it is scheduled already.
    pub wake_at: Option<DateTime<Utc>>,
}

/// Why a request is refused. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no such project")]
    NoProject,
    #[error("no such sync")]
    NoSync,
    #[error("the project is at revision {0}")]
    Revision(i64),
    #[error("another version is there by now")]
    Stale { revision: i64, stale: Vec<Stale> },
    #[error("invalid")]
    Invalid(Vec<FieldError>),
    #[error("content is missing")]
    BlobsMissing(Vec<Oid>),
}

impl From<tokio_postgres::Error> for ChangeError {
    fn from(error: tokio_postgres::Error) -> Self {
        ChangeError::Store(error.into())
    }
}

impl From<deadpool_postgres::PoolError> for ChangeError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        ChangeError::Store(error.into())
    }
}

impl Store {
    /// The first answer to this event id, when there was one.
    pub async fn first_answer(&self, project: &ProjectId, event_id: &str) -> Result<Option<Answer>, StoreError> {
        begin::first_answer(&self.client().await?, project, event_id).await
    }

    /// Applies a change request, all or none. Reads and writes rows for the touched paths only.
    pub async fn change(&self, request: &ChangeRequest, contents: &impl Contents) -> Result<Answer, ChangeError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let project = match begin(&tx, &request.asking, true).await? {
            Begin::Answered(answer) => return Ok(answer),
            Begin::Open(project) => project,
        };
        let rows = files::load(&tx, project.pid, apply::touched(&request.ops)).await?;
        let before = sides(&rows);
        let applied = apply::apply(&request.ops, &before).map_err(|refusal| refused(refusal, project.revision))?;
        let mut edits = edits::of_applied(&applied, &before, rows);
        edits::mark_excluded(&project, request.asking.excludes, &mut edits)?;
        blobs::write(&tx, project.pid, &new_blobs(&request.ops), contents).await?;
        edits::write(&tx, &project, &request.asking, &edits).await?;
        if let Some((file, below)) = clash::clash_with_others(&tx, &project, &edits).await? {
            return Err(named(&applied, &file, &below));
        }
        let answer = begin::finish(&tx, &project, &request.asking, "project.changed", &edits).await?;
        tx.commit().await?;
        self.followers.tell(project.pid);
        Ok(answer)
    }
}

fn sides(rows: &HashMap<FilePath, files::FileRow>) -> HashMap<FilePath, Version> {
    rows.iter().filter_map(|(path, row)| row.project.map(|version| (path.clone(), version))).collect()
}

fn new_blobs(ops: &[Op]) -> Vec<NewBlob> {
    let puts = ops.iter().filter_map(|op| match op {
        Op::Put { content, .. } => Some(content),
        _ => None,
    });
    puts.map(|put| NewBlob { oid: put.oid, size: put.size, content: put.content }).collect()
}

fn refused(refusal: Refusal, revision: i64) -> ChangeError {
    match refusal {
        Refusal::Invalid(errors) => ChangeError::Invalid(errors),
        Refusal::Stale(stale) => ChangeError::Stale { revision, stale },
    }
}

/// Names the operation that made the clash: the one of the file, or of what is below it.
fn named(applied: &apply::Applied, file: &FilePath, below: &FilePath) -> ChangeError {
    let touched = if applied.files.contains_key(below) { below } else { file };
    let field = format!("changes[{}].path", applied.index_of(touched));
    let message = apply::both_file_and_folder(file.as_str(), below.as_str());
    ChangeError::Invalid(vec![FieldError { field, message }])
}
