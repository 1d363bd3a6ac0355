//! `GET …/files` and `GET …/files/{path}`: a project's files and their bytes.

use actix_web::body::SizedStream;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Project;
use super::body::Query;
use super::paging::{self, PageQuery};
use super::problem::ApiError;
use crate::engine::Engine;
use crate::model::FilePath;
use crate::store::files::ListedFile;

#[derive(Debug, Serialize, ToSchema)]
pub struct FilesView {
    items: Vec<FileView>,
    next_cursor: Option<String>,
    /// The project's, when this page was read.
    revision: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FileView {
    path: String,
    /// git's id of the blob.
    oid: String,
    /// `100644`, `100755` or `120000`.
    mode: String,
    size: i64,
}

/// Lists a project's files by the bytes of their paths.
#[utoipa::path(get, path = "/v1/projects/{project}/files", tag = "files",
    params(("project" = String, Path, description = "The host's own id of the project"), PageQuery),
    responses((status = 200, body = FilesView)))]
pub async fn list(
    engine: web::Data<Engine>,
    Project(project): Project,
    Query(query): Query<PageQuery>,
) -> Result<web::Json<FilesView>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let after = paging::path(query.cursor.as_deref())?;
    let page = engine.store.files(&project, after.as_deref(), limit).await?;
    let page = page.ok_or_else(|| ApiError::not_found("project"))?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|file| paging::cursor(&file.path)).transpose()?;
    let items = page.items.into_iter().map(view).collect();
    Ok(web::Json(FilesView { items, next_cursor, revision: page.revision }))
}

fn view(file: ListedFile) -> FileView {
    FileView {
        path: file.path,
        oid: file.version.oid.to_string(),
        mode: file.version.mode.to_string(),
        size: file.version.size,
    }
}

/// Answers one file's bytes.
#[utoipa::path(get, path = "/v1/projects/{project}/files/{path}", tag = "files",
    params(("project" = String, Path, description = "The host's own id of the project"),
           ("path" = String, Path, description = "The file's path; its slashes may be encoded")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>,
               headers(("ETag", description = "The blob's oid, quoted"), ("X-Lockstep-Mode", description = "The file's mode"))),
              (status = 304, description = "The client has it")))]
pub async fn read(
    engine: web::Data<Engine>,
    Project(project): Project,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let missing = || ApiError::not_found("file");
    let path = path_of(&request).ok_or_else(missing)?;
    let file = engine.store.file(&project, &path).await?.ok_or_else(missing)?;
    let etag = format!("\"{}\"", file.version.oid);
    let answer = |mut response: HttpResponseBuilder| {
        response
            .insert_header((header::ETAG, etag.as_str()))
            .insert_header(("X-Lockstep-Mode", file.version.mode.as_str()))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        response
    };
    if known(&request, &etag) {
        return Ok(answer(HttpResponse::NotModified()).finish());
    }
    let mut response = answer(HttpResponse::Ok());
    response.content_type("application/octet-stream");
    if request.method() == Method::HEAD {
        let size = u64::try_from(file.version.size).unwrap_or_default();
        let nothing = futures_util::stream::empty::<Result<bytes::Bytes, actix_web::Error>>();
        return Ok(response.body(SizedStream::new(size, nothing)));
    }
    let bytes = engine.store.blob(file.pid, file.version.oid).await?.ok_or_else(missing)?;
    Ok(response.body(bytes))
}

/// What follows `files/` in the address as it was sent: slashes may be encoded there.
fn path_of(request: &HttpRequest) -> Option<FilePath> {
    let sent = request.uri().path().splitn(6, '/').nth(5)?;
    let text = percent_decode_str(sent).decode_utf8().ok()?;
    FilePath::parse(text).ok()
}

/// Whether `If-None-Match` names this version.
fn known(request: &HttpRequest, etag: &str) -> bool {
    let values = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
