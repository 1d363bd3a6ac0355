//! Conflicts: what waits for a person, and how the person decides.

use std::collections::{BTreeSet, HashMap, HashSet};

use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Project};
use super::body::{Json, Object, Query};
use super::edge::RequestId;
use super::failure::answer;
use super::paging::{self, List, PageQuery};
use super::problem::ApiError;
use super::syncs::{accepted, asker, pid_of};
use crate::engine::Engine;
use crate::engine::requests::{Choice, Resolutions};
use crate::engine::view::{ConflictView, SyncView};
use crate::model::{FilePath, Oid, UserId};

/// The body limit: contents of whole files may be in it.
const MAX_BODY: usize = 100 << 20;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    /// The host's own id of the person who decides.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    user: Option<UserId>,
    /// Path by path; paths left out stay held.
    #[serde(default)]
    #[schema(value_type = Option<Vec<ResolutionRequest>>)]
    resolutions: Option<Vec<Object<ResolutionRequest>>>,
    /// The same for all: `project`, `github` or `pull_request`.
    #[serde(default)]
    strategy: Option<Strategy>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolutionRequest {
    #[schema(value_type = String)]
    path: String,
    take: Take,
    /// With `take: content`: what both sides are to have.
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    encoding: Option<Encoding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    Project,
    Github,
    Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Project,
    Github,
    PullRequest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
pub enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "base64")]
    Base64,
}

#[derive(Debug, Serialize, Deserialize)]
struct AfterKey(Vec<u8>);

/// What changed on both sides and waits for a decision.
#[utoipa::path(get, path = "/v1/projects/{project}/conflicts", tag = "conflicts",
    params(("project" = String, Path, description = "The host's own id of the project"), PageQuery),
    responses((status = 200, body = List<ConflictView>)))]
pub async fn list(
    engine: web::Data<Engine>,
    Project(project): Project,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let limit = paging::limit(query.limit)?;
    let after: Option<AfterKey> = paging::position(query.cursor.as_deref())?;
    let pid = pid_of(&engine, &project).await?;
    let rows = engine.store.conflicts(pid, &after.map(|key| key.0).unwrap_or_default(), limit as i64 + 1).await?;
    let oids: BTreeSet<Oid> = rows
        .iter()
        .take(limit)
        .flat_map(|row| [row.base, row.project, row.github])
        .flatten()
        .map(|entry| entry.oid)
        .collect();
    let contents: HashMap<Oid, Bytes> = engine.store.blobs(pid, &oids).await?;
    let page = List::of(rows, limit, |row| AfterKey(row.path.key()), |row| ConflictView::new(&row, &contents))?;
    Ok(HttpResponse::Ok().json(page))
}

/// Decides held paths.
#[utoipa::path(post, path = "/v1/projects/{project}/conflicts/resolve", tag = "conflicts",
    params(("project" = String, Path, description = "The host's own id of the project")),
    request_body = ResolveRequest, responses((status = 202, body = SyncView)))]
pub async fn resolve(
    engine: web::Data<Engine>,
    caller: Caller,
    request_id: RequestId,
    Project(project): Project,
    Json(body): Json<ResolveRequest, MAX_BODY>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.user(body.user);
    let asker = asker(&caller, user, &request_id);
    let sync = match (body.resolutions, body.strategy) {
        (Some(each), None) => engine.resolve(project.as_str(), resolutions(each)?, &asker).await.map_err(answer)?,
        (None, Some(Strategy::Project)) => {
            engine.resolve(project.as_str(), Resolutions::All(Choice::Project), &asker).await.map_err(answer)?
        }
        (None, Some(Strategy::Github)) => {
            engine.resolve(project.as_str(), Resolutions::All(Choice::Github), &asker).await.map_err(answer)?
        }
        (None, Some(Strategy::PullRequest)) => {
            engine.resolve_by_pull_request(project.as_str(), &asker).await.map_err(answer)?
        }
        _ => return Err(ApiError::field("resolutions", "give either resolutions or strategy")),
    };
    accepted(&engine, sync).await
}

fn resolutions(each: Vec<Object<ResolutionRequest>>) -> Result<Resolutions, ApiError> {
    if each.is_empty() {
        return Err(ApiError::field("resolutions", "has at least one entry"));
    }
    let mut list = Vec::with_capacity(each.len());
    let mut named = HashSet::with_capacity(each.len());
    for (index, Object(item)) in each.into_iter().enumerate() {
        let field = format!("resolutions[{index}]");
        let path = FilePath::parse(item.path.clone()).map_err(|why| ApiError::field(format!("{field}.path"), why.0))?;
        if !named.insert(path.clone()) {
            return Err(ApiError::field(format!("{field}.path"), "is there twice"));
        }
        list.push((path, choice(item, &field)?));
    }
    Ok(Resolutions::Each(list))
}

fn choice(item: ResolutionRequest, field: &str) -> Result<Choice, ApiError> {
    let content = || format!("{field}.content");
    match (item.take, item.content) {
        (Take::Project, None) => Ok(Choice::Project),
        (Take::Github, None) => Ok(Choice::Github),
        (Take::Content, Some(text)) => match item.encoding.unwrap_or_default() {
            Encoding::Utf8 => Ok(Choice::Content(text.into_bytes())),
            Encoding::Base64 => STANDARD
                .decode(text)
                .map(Choice::Content)
                .map_err(|why| ApiError::field(content(), format!("is not base64: {why}"))),
        },
        (Take::Content, None) => Err(ApiError::field(content(), "is missing")),
        (_, Some(_)) => Err(ApiError::field(content(), "goes with take content only")),
    }
}
