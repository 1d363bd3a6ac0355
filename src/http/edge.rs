//! Around every request of both listeners: its id, its log span, its count, the security headers,
//! and problems in the contract's shape whoever answered them.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, web};
use std::future::{Ready, ready};
use tracing::Instrument;
use uuid::Uuid;

use super::problem::{self, ApiError};
use crate::model::Code;
use crate::telemetry::{Metrics, log};

/// Which listener a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    Public,
    Internal,
}

/// What the edge knows of its listener.
pub struct Edge {
    pub listener: Listener,
    pub metrics: Metrics,
    /// The public URL is https: browsers are told to stay there.
    pub https: bool,
    /// Origins that may frame the panel and call its API.
    pub panel_origins: Vec<String>,
}

/// The id of a request: in its problem, its header, its logs and its audit rows.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl FromRequest for RequestId {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(id_of(request)))
    }
}

/// The id that was given to this request at the edge.
pub fn id_of(request: &HttpRequest) -> RequestId {
    request.extensions().get::<RequestId>().cloned().unwrap_or_else(|| RequestId(String::new()))
}

/// The outermost middleware of both listeners.
pub async fn around<B: MessageBody + 'static>(
    edge: web::Data<Edge>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = choose_id(&edge, request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.match_pattern().unwrap_or_else(|| "-".to_owned());
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let traceparent = traceparent.filter(|_| edge.listener == Listener::Internal).map(str::to_owned);
    let span = log::request_span(&id, request.method().as_str(), &route, traceparent.as_deref());
    let answer = async {
        let answer = next.call(request).await?.map_into_boxed_body();
        let answer = finish(&edge, &id, answer);
        tracing::Span::current().record("status", answer.status().as_u16());
        Ok(answer)
    };
    answer.instrument(span).await
}

/// Hosts may bring an id of their own, so that their logs and ours tell of one request.
fn choose_id(edge: &Edge, headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    let plain = |text: &&str| {
        (8..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match given.filter(plain) {
        Some(text) if edge.listener == Listener::Internal => text.to_owned(),
        _ => Uuid::now_v7().to_string(),
    }
}

fn finish(edge: &Edge, id: &str, answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let mut answer = with_problem(edge, id, answer);
    let path = answer.request().path().to_owned();
    let name = if edge.listener == Listener::Public { "public" } else { "internal" };
    edge.metrics.http_request(name, answer.status().as_u16());
    add_headers(edge, id, &path, answer.headers_mut());
    answer
}

/// Replaces what the framework or an error answered by a problem; pages that handlers wrote stay.
fn with_problem(edge: &Edge, id: &str, answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return answer;
    }
    let known = answer.response().error().and_then(|error| error.as_error::<ApiError>()).cloned();
    let written = answer.headers().contains_key(header::CONTENT_TYPE) && answer.response().error().is_none();
    if known.is_none() && written {
        return answer;
    }
    let error = known.unwrap_or_else(|| ApiError::from_status(status, answer.headers()));
    tell(&error);
    let page = edge.listener == Listener::Public && wants_page(answer.request());
    let mut response = if page { html(&error, id) } else { json(&error, id) };
    copy_kept(answer.headers(), response.headers_mut());
    answer.into_response(response)
}

fn tell(error: &ApiError) {
    let cause = error.cause.as_deref().unwrap_or("");
    match error.code() {
        Code::Internal => tracing::error!(code = "internal", cause, "request failed"),
        Code::Unavailable => tracing::warn!(code = "unavailable", cause, "request refused"),
        code => tracing::debug!(code = code.as_str(), detail = error.problem.detail, "request refused"),
    }
}

/// Cookies and cross-origin permissions that were set further inside.
fn copy_kept(from: &HeaderMap, to: &mut HeaderMap) {
    let kept = |name: &HeaderName| {
        *name == header::SET_COOKIE || *name == header::VARY || name.as_str().starts_with("access-control-")
    };
    for (name, value) in from.iter().filter(|(name, _)| kept(name)) {
        to.append(name.clone(), value.clone());
    }
}

/// Browsers name `text/html` when they open a page; scripts of the panel never do.
pub(super) fn wants_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.contains("text/html")
}

fn json(error: &ApiError, id: &str) -> HttpResponse {
    let mut response = start(error);
    response.insert_header((header::CONTENT_TYPE, "application/problem+json")).body(error.document(id).to_string())
}

fn html(error: &ApiError, id: &str) -> HttpResponse {
    let mut response = start(error);
    response
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, super::page::policy("'none'")))
        .body(problem::page(error, id))
}

fn start(error: &ApiError) -> actix_web::HttpResponseBuilder {
    let status = StatusCode::from_u16(error.problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in error.headers() {
        response.insert_header(header);
    }
    if error.code() == Code::RequestTimeout {
        // The rest of the body may never come.
        response.force_close();
    }
    response
}

/// Contract section 10. What a handler set stays, but for who may frame it.
fn add_headers(edge: &Edge, id: &str, path: &str, headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(HeaderName::from_static("x-request-id"), id);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    if edge.https && edge.listener == Listener::Public {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok());
    let policy = policy.unwrap_or("default-src 'none'; base-uri 'none'; form-action 'none'");
    let policy = format!("{policy}; frame-ancestors {}", ancestors(edge, path));
    if let Ok(value) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

fn ancestors(edge: &Edge, path: &str) -> String {
    let panel = edge.listener == Listener::Public && path.starts_with("/panel/");
    if panel && !edge.panel_origins.is_empty() { edge.panel_origins.join(" ") } else { "'none'".to_owned() }
}

/// Lets the panel origins, and nobody else, call what lies inside from their pages.
pub async fn cross_origin<B: MessageBody + 'static>(
    edge: web::Data<Edge>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origin = request.headers().get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let allowed = origin.filter(|origin| edge.panel_origins.iter().any(|known| known == origin)).map(str::to_owned);
    let preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key("access-control-request-method");
    let mut answer = if preflight && allowed.is_some() {
        request.into_response(preflight_answer())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let headers = answer.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(Ok(origin)) = allowed.as_deref().map(HeaderValue::from_str) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let shown = HeaderValue::from_static("X-Request-Id, Retry-After, ETag, X-Lockstep-Mode");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, shown);
    }
    Ok(answer)
}

fn preflight_answer() -> HttpResponse<BoxBody> {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Last-Event-ID, If-None-Match",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}
