//! `POST …/changes` and `PUT …/tree`: what the host changed in a project's files.

mod answer;
mod content;
mod object;
mod parse;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::auth::{Caller, Project};
use super::body::read_json;
use super::edge::RequestId;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::model::{Author, ProjectId};
use crate::store::changes::{Asking, ChangeRequest, TreeRequest};
use crate::store::events::Actor;
use content::Places;
use parse::{Draft, Read};

pub use answer::{Accepted, accepted};

/// The largest body, in bytes.
const MAX_BODY: usize = 100 << 20;
/// Larger bodies are read and hashed on a thread of their own.
const LARGE_BODY: usize = 256 << 10;

/// Changes files of a project, all or none.
#[utoipa::path(post, path = "/v1/projects/{project}/changes", tag = "files",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body(content = answer::ChangeRequestBody),
    responses((status = 202, body = Accepted), (status = 200, description = "The event id was known", body = Accepted)))]
pub async fn change(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let result = async {
        let body = read_json(&request, payload.into_inner(), MAX_BODY).await?;
        let read = off_thread(body, parse::changes).await?;
        let (event_id, draft) = match checked(&engine, &project, read).await? {
            Checked::Valid(event_id, draft) => (event_id, draft),
            Checked::Answered(answer) => return Ok(answer),
        };
        let (asking, ops, contents) = asking(&project, event_id, draft, &caller, request_id);
        let request = ChangeRequest { asking, ops };
        let answer = engine.store.change(&request, &contents).await;
        accepted(&engine, &project, &request.asking.event_id, answer).await
    };
    answer::counted(&engine, result.await)
}

/// Makes the project's files what is listed: what is left out is deleted.
#[utoipa::path(put, path = "/v1/projects/{project}/tree", tag = "files",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body(content = answer::TreeRequestBody),
    responses((status = 202, body = Accepted), (status = 200, description = "The event id was known", body = Accepted)))]
pub async fn tree(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let result = async {
        let body = read_json(&request, payload.into_inner(), MAX_BODY).await?;
        let read = off_thread(body, parse::tree).await?;
        let (event_id, draft) = match checked(&engine, &project, read).await? {
            Checked::Valid(event_id, draft) => (event_id, draft),
            Checked::Answered(answer) => return Ok(answer),
        };
        let (asking, files, contents) = asking(&project, event_id, draft, &caller, request_id);
        let request = TreeRequest { asking, files };
        let answer = engine.store.replace_tree(&request, &contents).await;
        accepted(&engine, &project, &request.asking.event_id, answer).await
    };
    answer::counted(&engine, result.await)
}

async fn off_thread<T: Send + 'static>(
    body: Bytes,
    parse: fn(Bytes) -> Result<Read<T>, ApiError>,
) -> Result<Read<T>, ApiError> {
    if body.len() < LARGE_BODY {
        return parse(body);
    }
    tokio::task::spawn_blocking(move || parse(body)).await.map_err(ApiError::internal)?
}

enum Checked<T> {
    Valid(String, Draft<T>),
    /// The first answer to this event id, whatever this body says.
    Answered(HttpResponse),
}

async fn checked<T>(engine: &Engine, project: &ProjectId, read: Read<T>) -> Result<Checked<T>, ApiError> {
    match (read.event_id, read.request) {
        (Some(event_id), Ok(draft)) => Ok(Checked::Valid(event_id, draft)),
        (None, Ok(_)) => Err(ApiError::internal("a valid request without an event id")),
        (None, Err(error)) => Err(*error),
        (Some(event_id), Err(error)) => match engine.store.first_answer(project, &event_id).await? {
            Some(answer) => Ok(Checked::Answered(accepted(engine, project, &event_id, Ok(answer)).await?)),
            None => Err(*error),
        },
    }
}

/// The host acts; a person does when the request names one.
fn asking<T>(
    project: &ProjectId,
    event_id: String,
    draft: Draft<T>,
    caller: &Caller,
    request_id: RequestId,
) -> (Asking, Vec<T>, Places) {
    let actor = match &draft.author {
        Some(Author { id, .. }) => Actor::User(id.clone()),
        None => caller.actor(),
    };
    let asking = Asking {
        project: project.clone(),
        event_id,
        expected_revision: draft.expected_revision,
        author: draft.author,
        actor,
        request_id: Some(request_id.0),
        excludes: crate::engine::excluded,
    };
    (asking, draft.items, draft.contents)
}
