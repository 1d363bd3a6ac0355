//! What change, tree and restore requests are answered, and the shapes the document shows.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::parse::invalid;
use crate::engine::Engine;
use crate::http::problem::ApiError;
use crate::model::{Code, Problem, ProjectId};
use crate::store::changes::apply::Stale;
use crate::store::changes::{Answer, ChangeError};

/// A request that is committed: no crash loses it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    pub project: String,
    pub event_id: String,
    pub revision: i64,
    pub pending_changes: i64,
    /// The event id was known: this is the first answer, and nothing happened.
    pub duplicate: bool,
}

/// Answers a request; whoever has to look at the project is woken up.
pub async fn accepted(
    engine: &Engine,
    project: &ProjectId,
    event_id: &str,
    answer: Result<Answer, ChangeError>,
) -> Result<HttpResponse, ApiError> {
    let answer = answer.map_err(refused)?;
    if let Some(at) = answer.wake_at {
        engine.wake_project(answer.pid, at).await;
    }
    let body = Accepted {
        project: project.as_str().to_owned(),
        event_id: event_id.to_owned(),
        revision: answer.revision,
        pending_changes: answer.pending,
        duplicate: answer.duplicate,
    };
    let mut response = if answer.duplicate { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    Ok(response.json(body))
}

/// Counts how the request ended.
pub fn counted(engine: &Engine, result: Result<HttpResponse, ApiError>) -> Result<HttpResponse, ApiError> {
    engine.metrics.change(match &result {
        Ok(response) if response.status().as_u16() == 202 => "accepted",
        Ok(_) => "duplicate",
        Err(error) if error.code().status() < 500 => "refused",
        Err(_) => "failed",
    });
    result
}

fn refused(error: ChangeError) -> ApiError {
    match error {
        ChangeError::Store(error) => error.into(),
        ChangeError::NoProject => ApiError::not_found("project"),
        ChangeError::NoSync => ApiError::not_found("sync"),
        ChangeError::Revision(present) => {
            let detail = format!("The project is at revision {present}.");
            ApiError::new(Code::RevisionConflict, detail).with("revision", present)
        }
        ChangeError::Stale { revision, stale } => moved_on(revision, &stale),
        ChangeError::Invalid(errors) => invalid(errors),
        ChangeError::BlobsMissing(missing) => {
            let detail = format!("The project does not have {} of the listed object ids.", missing.len());
            ApiError::new(Code::BlobsMissing, detail).with("missing", json!(missing))
        }
    }
}

/// Each path that is another by now, with the oid it has (null: it is not there).
fn moved_on(revision: i64, stale: &[Stale]) -> ApiError {
    let errors: Vec<Value> = stale.iter().map(shown).collect();
    let detail = format!("{} of the files are not what the editor started from any more.", stale.len());
    let problem = Problem::new(Code::RevisionConflict, detail);
    ApiError::from(problem).with("revision", revision).with("errors", errors)
}

fn shown(stale: &Stale) -> Value {
    let message = match stale.present {
        Some(oid) => format!("{} is {oid} now", stale.path),
        None => format!("{} is not there now", stale.path),
    };
    json!({ "field": stale.field, "message": message, "path": stale.path, "oid": stale.present })
}

/// As the document shows it; the body is read by `parse`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub struct ChangeRequestBody {
    /// The idempotency key: 1 to 128 characters, kept as long as the project.
    event_id: String,
    /// Refuses the request unless the project is at this revision.
    expected_revision: Option<i64>,
    author: Option<AuthorBody>,
    /// 1 to 10,000, applied in order, all or none.
    changes: Vec<ChangeBody>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub struct AuthorBody {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = Change)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub struct ChangeBody {
    /// `put`, `delete` or `rename`.
    op: String,
    path: String,
    /// Of `rename`.
    from: Option<String>,
    /// Of `put`.
    content: Option<String>,
    /// Of `put`: `utf-8` (the default) or `base64`.
    encoding: Option<String>,
    /// Of `put`: `100644`, `100755` or `120000`; what the path had, else `100644`.
    mode: Option<String>,
    /// Of `put` and `delete`: the blob the editor started from, null for «not there».
    base_oid: Option<String>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub struct TreeRequestBody {
    event_id: String,
    expected_revision: Option<i64>,
    author: Option<AuthorBody>,
    /// Whether `files` may be empty.
    allow_empty: Option<bool>,
    files: Vec<TreeFileBody>,
}

#[derive(ToSchema)]
#[schema(as = TreeFile)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub struct TreeFileBody {
    path: String,
    mode: Option<String>,
    content: Option<String>,
    encoding: Option<String>,
    /// Instead of content: a blob that this project already has.
    oid: Option<String>,
}
