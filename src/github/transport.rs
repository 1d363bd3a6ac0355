//! One request to GitHub and its answer, carried by octocrab over the shared pool.
//!
//! octocrab gets no credentials, no retries and no cache: tokens, budget and waiting are ours. What
//! every answer must pass through (time, size, metrics) is here; what it means is in `verdict`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tracing::Instrument as _;

use super::error::{GithubError, Result};
use super::http::{Http, describe};
use super::meter::Meter;
use super::patience;
use crate::telemetry::log;

/// What an answer may weigh, in bytes.
pub(crate) mod weight {
    pub const SMALL: usize = 2 << 20;
    pub const TREE: usize = 32 << 20;
    pub const BLOB: usize = 64 << 20;
}

pub(crate) const JSON: &str = "application/vnd.github+json";
pub(crate) const RAW: &str = "application/vnd.github.raw+json";
const API_VERSION: &str = "2022-11-28";

/// A request without its credentials.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub method: Method,
    /// The route's template: the label of the metrics. A literal, so that the list is closed.
    pub endpoint: &'static str,
    pub url: String,
    pub accept: &'static str,
    pub body: Option<Bytes>,
    /// Of the body, if there is one.
    pub content_type: &'static str,
    /// From the first byte sent to the last byte read.
    pub timeout: Duration,
    /// The largest answer that is read.
    pub limit: usize,
}

/// What GitHub answered, entirely read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A request that got no whole answer.
#[derive(Debug)]
pub(crate) enum Lost {
    /// Nothing was sent.
    NotSent(String),
    /// It may have arrived.
    Unknown(String),
    /// The answer is larger than `Call::limit`.
    TooLarge,
}

impl Lost {
    fn reason(&self) -> &str {
        match self {
            Lost::NotSent(detail) | Lost::Unknown(detail) => detail,
            Lost::TooLarge => "the answer is too large to read",
        }
    }

    pub fn into_error(self, writes: bool) -> GithubError {
        match self {
            Lost::NotSent(detail) => GithubError::unavailable(detail),
            Lost::Unknown(detail) => GithubError::Unavailable { detail, ambiguous: writes },
            Lost::TooLarge if writes => GithubError::unproven("the answer was too large to read"),
            Lost::TooLarge => GithubError::TooLarge { detail: "the answer is too large to read".to_owned() },
        }
    }
}

#[derive(Clone)]
pub(crate) struct Transport {
    crab: Octocrab,
    agent: HeaderValue,
    meter: Meter,
}

impl Transport {
    /// Spawns octocrab's buffer on the current runtime.
    pub fn new(http: &Http, user_agent: &str, meter: Meter) -> Self {
        let built = OctocrabBuilder::new_empty().with_service(http.pool()).with_auth(AuthState::None).build();
        let crab = match built {
            Ok(crab) => crab,
            Err(never) => match never {},
        };
        let agent = HeaderValue::from_str(user_agent).unwrap_or(HeaderValue::from_static("lockstep"));
        Transport { crab, agent, meter }
    }

    /// Sends the call with these credentials (`Bearer …`, `Basic …`) and reads the whole answer.
    pub async fn send(&self, call: &Call, authorization: Option<&HeaderValue>) -> std::result::Result<Answer, Lost> {
        let request = self.request(call, authorization)?;
        let started = Instant::now();
        let span = log::github_span(call.endpoint);
        let exchange = self.exchange(request, call.limit).instrument(span.clone());
        let outcome = patience::within(call.timeout, exchange).await;
        let outcome = outcome.unwrap_or_else(|| Err(Lost::Unknown("no answer in time".to_owned())));
        let status = outcome.as_ref().map_or(0, |answer| answer.status);
        let told = outcome.as_ref().map(|answer| answer.status).map_err(Lost::reason);
        self.meter.answered(call.endpoint, told, started.elapsed());
        span.record("status", status);
        tracing::debug!(endpoint = call.endpoint, status, ms = started.elapsed().as_millis() as u64, "github request");
        outcome
    }

    fn request(
        &self,
        call: &Call,
        authorization: Option<&HeaderValue>,
    ) -> std::result::Result<Request<OctoBody>, Lost> {
        let uri: Uri = call.url.parse().map_err(|_| Lost::NotSent("not a usable URL".to_owned()))?;
        let body = call.body.clone();
        let mut request = Request::new(body.clone().map_or_else(OctoBody::empty, OctoBody::from));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static(call.accept));
        headers.insert("x-github-api-version", HeaderValue::from_static(API_VERSION));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(call.content_type));
        }
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        Ok(request)
    }

    async fn exchange(&self, request: Request<OctoBody>, limit: usize) -> std::result::Result<Answer, Lost> {
        let answer = self.crab.execute(request).await.map_err(|error| lost(&error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { Lost::TooLarge } else { Lost::Unknown(describe(error.as_ref())) }
        })?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() })
    }
}

/// Only a failure to connect is certain to have changed nothing.
fn lost(error: &octocrab::Error) -> Lost {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(now) = cause {
        if now.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|inner| inner.is_connect()) {
            return Lost::NotSent(format!("no connection: {}", describe(now)));
        }
        cause = now.source();
    }
    Lost::Unknown(describe(error))
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Where a 301, 302, 307 or 308 points to.
    pub fn location(&self) -> Option<&str> {
        matches!(self.status, 301 | 302 | 307 | 308).then(|| self.headers.get(LOCATION)?.to_str().ok()).flatten()
    }

    /// A successful answer's JSON. Anything unreadable may hide an effect: `writes` makes it ambiguous.
    pub fn json<T: serde::de::DeserializeOwned>(&self, writes: bool) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| GithubError::Unavailable {
            detail: format!("an unreadable answer ({} bytes): {}", self.body.len(), shape(&error)),
            ambiguous: writes,
        })
    }
}

/// What was wrong with a document, without quoting its content.
fn shape(error: &serde_json::Error) -> String {
    format!("{:?} at line {}", error.classify(), error.line()).to_lowercase()
}

/// `Bearer TOKEN`, never shown by debug prints.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| GithubError::unavailable("a token that is no header value"))?;
    value.set_sensitive(true);
    Ok(value)
}
