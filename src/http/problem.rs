//! Errors as answers: RFC 9457 problems, and a page for browsers on the public listener.
//!
//! Handlers answer `Result<_, ApiError>`; the edge (`edge.rs`) writes the body, because only there
//! the request's id and what the client accepts are known.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::model::{Code, Problem};
use crate::store::StoreError;

/// Seconds that a client waits before it tries again when nothing better is known.
const RETRY_AFTER: u64 = 2;

/// A problem on its way to a client.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}")]
pub struct ApiError {
    /// Boxed, so that results stay small.
    pub problem: Box<Problem>,
    /// Seconds, for 429 and 503.
    pub retry_after: Option<u64>,
    /// Further members, such as `revision` or `missing`.
    pub extra: Map<String, Value>,
    /// For 405: the methods there are.
    pub allow: Option<String>,
    /// For the log only: what was behind an `internal` or `unavailable`.
    pub cause: Option<String>,
}

impl ApiError {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    pub fn not_found(what: &str) -> Self {
        ApiError::new(Code::NotFound, format!("There is no such {what}."))
    }

    /// One wrong field of a request: 422.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Problem::field(field, message).into()
    }

    /// A bug or a hand in the database; the cause goes to the log, not to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let mut error = ApiError::new(Code::Internal, "An unexpected error stopped this request.");
        error.cause = Some(cause.to_string());
        error
    }

    /// A further member of the problem.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    pub fn code(&self) -> Code {
        self.problem.code
    }

    /// The problem for an answer that the framework made: a wrong path, a body that broke off.
    pub fn from_status(status: StatusCode, headers: &HeaderMap) -> Self {
        match status.as_u16() {
            400 => ApiError::new(Code::Malformed, "The request could not be read."),
            401 => ApiError::new(Code::Unauthorized, "No valid key or session came with the request."),
            403 => ApiError::new(Code::Forbidden, "This is not allowed."),
            404 => ApiError::new(Code::NotFound, "There is nothing at this address."),
            405 => ApiError::method_not_allowed(headers.get(header::ALLOW).and_then(|v| v.to_str().ok()).unwrap_or("")),
            408 => ApiError::new(Code::RequestTimeout, "The request made no progress for 30 seconds."),
            413 => ApiError::new(Code::PayloadTooLarge, "The request is too large."),
            415 => ApiError::new(Code::UnsupportedMediaType, "This content type is not understood here."),
            422 => ApiError::new(Code::ValidationFailed, "The request is not valid."),
            429 => ApiError::new(Code::RateLimited, "Too many requests."),
            503 => ApiError::new(Code::Unavailable, "The service is not available at the moment."),
            other if other < 500 => ApiError::new(Code::Malformed, "The request could not be understood."),
            other => ApiError::internal(format!("a handler answered {other}")),
        }
    }

    pub fn method_not_allowed(allow: &str) -> Self {
        let mut error = ApiError::new(Code::MethodNotAllowed, format!("The methods here are: {allow}."));
        error.allow = Some(allow.to_owned());
        error
    }

    /// The members of the problem, `request_id` included.
    pub fn document(&self, request_id: &str) -> Value {
        let mut members = members_of(&self.problem);
        members.insert("request_id".to_owned(), json!(request_id));
        members.extend(self.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(members)
    }

    /// The headers that belong to this problem.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        if self.code() == Code::Unauthorized {
            headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lockstep\"")));
        }
        if matches!(self.problem.code.status(), 429 | 503) {
            headers.push((header::RETRY_AFTER, HeaderValue::from(self.retry_after.unwrap_or(RETRY_AFTER))));
        }
        if let Some(Ok(allow)) = self.allow.as_deref().map(HeaderValue::from_str) {
            headers.push((header::ALLOW, allow));
        }
        headers
    }
}

/// A problem as it stands in histories and integrations: without `request_id`.
pub fn shown(problem: &Problem) -> Value {
    Value::Object(members_of(problem))
}

fn members_of(problem: &Problem) -> Map<String, Value> {
    let code = problem.code;
    let mut members = Map::new();
    members.insert("type".to_owned(), json!(format!("urn:lockstep:problem:{code}")));
    members.insert("title".to_owned(), json!(code.title()));
    members.insert("status".to_owned(), json!(code.status()));
    members.insert("detail".to_owned(), json!(problem.detail));
    members.insert("code".to_owned(), json!(code.as_str()));
    members.insert("action".to_owned(), json!(problem.action));
    members.insert("retryable".to_owned(), json!(code.retryable()));
    if !problem.errors.is_empty() {
        members.insert("errors".to_owned(), json!(problem.errors));
    }
    members
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        ApiError { problem: Box::new(problem), retry_after: None, extra: Map::new(), allow: None, cause: None }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let cause = error.to_string();
        match error {
            StoreError::Unavailable(_) | StoreError::Contended(_) => {
                let mut answer = ApiError::new(Code::Unavailable, "The database does not answer at the moment.");
                answer.cause = Some(cause);
                answer
            }
            StoreError::Sealed(_) => {
                let detail = "A stored secret cannot be opened with the encryption keys of this deployment.";
                let action = "Ask your operator to look for «sealed» in the log: it names the key that is missing.";
                let mut answer = ApiError::from(Problem::new(Code::Internal, detail).with_action(action));
                answer.cause = Some(cause);
                answer
            }
            StoreError::Conflict(_) | StoreError::LeaseLost | StoreError::Internal(_) => ApiError::internal(cause),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Only a stand-in: the edge writes the answer.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// What a browser is shown.
pub fn page(error: &ApiError, request_id: &str) -> String {
    let problem = &error.problem;
    super::page::with_small_print(
        problem.code.title(),
        &[&problem.detail, &problem.action],
        &format!("Request {request_id}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_every_member() {
        let error = ApiError::field("changes[3].path", "is empty").with("revision", 7);
        let document = error.document("r-1");
        for member in ["type", "title", "status", "detail", "code", "action", "retryable", "request_id"] {
            assert!(!document[member].is_null(), "{member}");
        }
        assert_eq!(document["errors"][0]["field"], "changes[3].path");
        assert_eq!(document["revision"], 7);
        assert_eq!(document["status"], 422);
    }

    #[test]
    fn headers_follow_the_status() {
        let names = |error: ApiError| error.headers().into_iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(ApiError::new(Code::Unauthorized, "")), ["www-authenticate"]);
        assert_eq!(names(ApiError::new(Code::RateLimited, "")), ["retry-after"]);
        assert_eq!(names(ApiError::new(Code::Unavailable, "")), ["retry-after"]);
        assert_eq!(names(ApiError::method_not_allowed("GET")), ["allow"]);
        assert_eq!(names(ApiError::not_found("sync")), Vec::<String>::new());
    }

    #[test]
    fn causes_stay_inside() {
        let error = ApiError::from(StoreError::Internal("relation secret does not exist".to_owned()));
        assert!(!error.document("r").to_string().contains("secret"));
        assert!(!page(&error, "r").contains("secret"));
    }
}
