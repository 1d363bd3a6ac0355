//! `POST /webhooks/github`: GitHub's deliveries on their way to the queue. Contract section 4.
//!
//! The signature is checked over the raw body before anything else of it is looked at. What the
//! delivery means is the worker's business: here it is only taken over. PostgreSQL is not asked; a
//! delivery whose outcome is recorded goes onto the stream once more and has no effect there.

use std::borrow::Cow;

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use chrono::Utc;
use serde_json::json;

use super::body;
use super::json::is_json;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::engine::signature::Signed;
use crate::job::Delivery;
use crate::model::Code;
use crate::queue::Ingested;
use crate::telemetry::log;

/// GitHub sends no larger ones: 25 MiB.
const MAX_BODY: usize = 25 << 20;
/// Ids are UUIDs and events are words; the ledger's key has to fit its index.
const MAX_HEADER: usize = 256;
/// Seconds after which a delivery that Redis could not take may be sent again.
const RETRY_AFTER: u64 = 5;

/// Takes one delivery over: 202 once Redis has it.
pub async fn receive(
    engine: web::Data<Engine>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let event = text(request.headers(), "x-github-event").unwrap_or("");
    let taken = take(&engine, &request, payload).await;
    engine.metrics.webhook(event, result_of(&taken));
    let answer = match taken? {
        Ingested::Queued => "queued",
        Ingested::Duplicate => "duplicate",
    };
    Ok(HttpResponse::Accepted().json(json!({ "delivery": answer })))
}

/// The checks, in the contract's order.
async fn take(engine: &Engine, request: &HttpRequest, payload: web::Payload) -> Result<Ingested, ApiError> {
    let body = body::read(request, payload.into_inner(), MAX_BODY).await?;
    match engine.signed_by_github(text(request.headers(), "x-hub-signature-256"), &body) {
        Signed::Yes => {}
        Signed::No => return Err(ApiError::new(Code::Unauthorized, "The signature is missing or wrong.")),
        Signed::NoApp => return Err(unavailable("No GitHub App is configured yet.")),
    }
    let kind = Kind::of(request.headers())?;
    let event = required(request.headers(), "X-GitHub-Event")?;
    let id = required(request.headers(), "X-GitHub-Delivery")?;
    log::takes_delivery(&id);
    let body = kind.json(body)?;
    let delivery = Delivery { id, event, received_at: Utc::now().timestamp_millis(), body };
    engine.queue.ingest(&delivery).await.map_err(|error| {
        let mut refused = unavailable("The delivery cannot be taken at the moment.");
        refused.cause = Some(error.to_string());
        refused
    })
}

fn unavailable(why: &str) -> ApiError {
    ApiError::new(Code::Unavailable, why).retry_after(RETRY_AFTER)
}

/// How the JSON stands in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    /// `payload=` and the JSON, URL-encoded.
    Form,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let essence = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or("").split(';').next().unwrap_or("");
        match essence.trim().to_ascii_lowercase().as_str() {
            "application/json" => Ok(Kind::Json),
            "application/x-www-form-urlencoded" => Ok(Kind::Form),
            _ => Err(ApiError::new(
                Code::UnsupportedMediaType,
                "A delivery is application/json or application/x-www-form-urlencoded.",
            )),
        }
    }

    /// The JSON itself, known to be some.
    fn json(self, body: Bytes) -> Result<Bytes, ApiError> {
        let malformed = || ApiError::new(Code::Malformed, "The delivery holds no valid JSON.");
        let json = match self {
            Kind::Json => body,
            Kind::Form => payload_of(&body).ok_or_else(malformed)?,
        };
        if is_json(&json) { Ok(json) } else { Err(malformed()) }
    }
}

fn payload_of(form: &[u8]) -> Option<Bytes> {
    let (_, value) = url::form_urlencoded::parse(form).find(|(name, _)| name == "payload")?;
    Some(match value {
        Cow::Borrowed(text) => Bytes::copy_from_slice(text.as_bytes()),
        Cow::Owned(text) => text.into(),
    })
}

fn required(headers: &HeaderMap, name: &str) -> Result<String, ApiError> {
    let value = text(headers, name).filter(|value| (1..=MAX_HEADER).contains(&value.len()));
    value.map(str::to_owned).ok_or_else(|| {
        ApiError::new(Code::Malformed, format!("The header {name} is missing, or longer than {MAX_HEADER} bytes."))
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// A word for the metric.
fn result_of(taken: &Result<Ingested, ApiError>) -> &'static str {
    match taken {
        Ok(Ingested::Queued) => "accepted",
        Ok(Ingested::Duplicate) => "duplicate",
        Err(error) => error.code().as_str(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn kind(content_type: &str) -> Result<Kind, Code> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        Kind::of(&headers).map_err(|error| error.code())
    }

    #[test]
    fn content_types() {
        assert_eq!(kind("application/json"), Ok(Kind::Json));
        assert_eq!(kind("Application/JSON; charset=utf-8"), Ok(Kind::Json));
        assert_eq!(kind("application/x-www-form-urlencoded"), Ok(Kind::Form));
        for other in ["", "text/plain", "application/jsonp", "multipart/form-data; boundary=x"] {
            assert_eq!(kind(other), Err(Code::UnsupportedMediaType), "{other}");
        }
    }

    #[test]
    fn forms_hold_json() {
        let json = |kind: Kind, body: &'static str| kind.json(Bytes::from(body)).map_err(|error| error.code());
        assert_eq!(json(Kind::Form, "payload=%7B%22a%22%3A+%22%C3%A4%22%7D"), Ok(Bytes::from("{\"a\": \"ä\"}")));
        assert_eq!(json(Kind::Form, "x=1&payload=[]"), Ok(Bytes::from("[]")));
        assert_eq!(json(Kind::Json, "7"), Ok(Bytes::from("7")));
        for (kind, body) in [(Kind::Form, "{}"), (Kind::Form, "payload="), (Kind::Json, ""), (Kind::Json, "{} x")] {
            assert_eq!(json(kind, body), Err(Code::Malformed), "{body}");
        }
    }
}
