//! The one way of every request: token, budget, transport, verdict.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, Method};
use serde::Serialize;
use serde_json::Value;

use super::budget::{Ask, Primary, Priority, Seen};
use super::error::{GithubError, Result, Throttle};
use super::patience;
use super::tokens::{Access, Reach, Token, Wanted};
use super::transport::{Answer, Call, JSON, Lost, weight};
use super::verdict::{self, About, Subject, number};
use super::{GitHub, InstallationId};
use crate::model::Code;

/// On whose account a request of an installation runs.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub installation: InstallationId,
    pub reach: Reach,
    /// Who shares the budget.
    pub party: String,
    pub priority: Priority,
}

/// What a request does, for the budget and for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    /// REST POST, PUT, PATCH, DELETE, or a mutation: content-creating.
    Writes,
    /// As `Writes`, but doing it twice is the same as once (blobs, trees): never ambiguous.
    Adds,
}

impl Call {
    pub fn with_json(mut self, body: &impl Serialize) -> Result<Call> {
        let bytes = serde_json::to_vec(body).map_err(|_| GithubError::Invalid("a body that is no JSON".to_owned()))?;
        self.body = Some(Bytes::from(bytes));
        Ok(self)
    }

    pub fn accepting(mut self, accept: &'static str) -> Call {
        self.accept = accept;
        self
    }

    pub fn up_to(mut self, limit: usize) -> Call {
        self.limit = limit;
        self
    }

    pub fn within(mut self, timeout: Duration) -> Call {
        self.timeout = timeout;
        self
    }
}

impl GitHub {
    /// A call to the REST API; `path` starts with a slash and is encoded.
    pub(crate) fn rest(&self, method: Method, endpoint: &'static str, path: &str) -> Call {
        Call {
            method,
            endpoint,
            url: format!("{}{path}", self.inner.settings.api_url),
            accept: JSON,
            body: None,
            content_type: "application/json",
            timeout: self.inner.settings.timeout,
            limit: weight::SMALL,
        }
    }

    /// Runs a call as the App.
    pub(crate) async fn as_app(&self, call: Call, about: About) -> Result<Answer> {
        let authorization = self.required_app()?.bearer(Utc::now())?;
        self.plain(&call, Some(&authorization), about).await
    }

    /// Runs a call with these credentials, outside every installation's budget.
    pub(crate) async fn plain(&self, call: &Call, authorization: Option<&HeaderValue>, about: About) -> Result<Answer> {
        let checked = checked(self.any_answer(call, authorization, about.writes).await?, about);
        if let Err(GithubError::RetryAt { reason, .. }) = &checked {
            self.inner.meter.throttled(*reason);
        }
        checked
    }

    /// The same, whatever the answer's status.
    pub(crate) async fn any_answer(
        &self,
        call: &Call,
        authorization: Option<&HeaderValue>,
        writes: bool,
    ) -> Result<Answer> {
        self.send(call, authorization).await.map_err(|lost| lost.into_error(writes))
    }

    /// Runs a call with an installation's token, within its budget.
    pub(crate) async fn run(&self, account: &Account, access: Access, effect: Effect, call: Call) -> Result<Answer> {
        let wanted = Wanted { installation: account.installation.0, reach: account.reach.clone(), access };
        let mut pauses = patience::FRESH_TOKEN.iter();
        let mut replaced = false;
        loop {
            let token = self.token(&wanted).await?;
            let answer = match self.budgeted(account, effect, &call, &token).await {
                Ok(answer) if answer.status == 401 => answer,
                Err(error) => {
                    // What was granted may have changed since: the next token says.
                    if matches!(error, GithubError::Refused { code: Code::PermissionMissing, .. }) {
                        self.drop_token(&wanted, &token).await;
                    }
                    return Err(error);
                }
                answered => return answered,
            };
            tracing::debug!(status = answer.status, endpoint = call.endpoint, "the installation token was refused");
            match pauses.next() {
                Some(pause) if token.is_fresh(Utc::now()) => patience::pause(*pause).await,
                _ if !replaced => {
                    self.drop_token(&wanted, &token).await;
                    replaced = true;
                }
                _ => return Err(GithubError::unavailable("GitHub does not accept the installation token")),
            }
        }
    }

    /// One attempt. A 401 is an answer here: the caller knows how old the token is.
    async fn budgeted(&self, account: &Account, effect: Effect, call: &Call, token: &Token) -> Result<Answer> {
        let ask = Ask {
            installation: account.installation.0,
            party: &account.party,
            priority: account.priority,
            graphql: call.url == self.inner.settings.graphql_url,
            content: effect != Effect::Reads,
        };
        let graphql = ask.graphql;
        let admission = self.inner.budget.admit(ask).await.inspect_err(|error| self.note_own(error))?;
        let about = About { subject: Subject::Installation, writes: effect == Effect::Writes };
        let sent = self.send(call, Some(&token.header)).await;
        let now = Utc::now();
        let (seen, outcome) = judge(sent, about, now);
        if let Some(primary) = seen.primary {
            self.inner.meter.remaining(account.installation.0, graphql, primary, now);
        }
        let blocked = self.inner.budget.settle(admission, seen).await;
        let outcome = match (outcome, blocked) {
            (Err(GithubError::RetryAt { at, reason }), Some(until)) => {
                Err(GithubError::RetryAt { at: at.max(until), reason })
            }
            (outcome, _) => outcome,
        };
        outcome.inspect_err(|error| self.note(error))
    }

    /// Before anything is sent: that GitHub said so earlier was counted then, once, whoever waits for it.
    fn note_own(&self, error: &GithubError) {
        if let GithubError::RetryAt { reason, .. } = error
            && reason.is_own()
        {
            self.inner.meter.throttled(*reason);
        }
    }

    fn note(&self, error: &GithubError) {
        if let GithubError::RetryAt { reason, .. } = error {
            self.inner.meter.throttled(*reason);
        }
    }

    /// Whether GitHub sends who asks for this elsewhere: nothing is followed.
    pub(crate) async fn is_redirected(&self, call: &Call, token: &Token) -> Result<bool> {
        let answer =
            self.inner.transport.send(call, Some(&token.header)).await.map_err(|lost| lost.into_error(false))?;
        Ok(answer.location().is_some())
    }

    /// Sends, following at most two redirects that stay at GitHub's API: renamed repositories.
    async fn send(&self, call: &Call, authorization: Option<&HeaderValue>) -> std::result::Result<Answer, Lost> {
        let mut answer = self.inner.transport.send(call, authorization).await?;
        for _ in 0..2 {
            let Some(next) = answer.location().and_then(|to| self.within_api(to)) else { break };
            let next = Call { url: next, ..call.clone() };
            answer = self.inner.transport.send(&next, authorization).await?;
        }
        Ok(answer)
    }

    /// A redirect's target, if credentials may follow it.
    fn within_api(&self, location: &str) -> Option<String> {
        let base = &self.inner.settings.api_url;
        let target = if location.starts_with('/') { format!("{base}{location}") } else { location.to_owned() };
        target.starts_with(&format!("{base}/")).then_some(target)
    }
}

/// What an outcome says about the budget, and the outcome itself.
fn judge(sent: std::result::Result<Answer, Lost>, about: About, now: DateTime<Utc>) -> (Seen, Result<Answer>) {
    match sent {
        Err(lost) => {
            let seen = Seen { sent: !matches!(lost, Lost::NotSent(_)), ..Seen::default() };
            (seen, Err(lost.into_error(about.writes)))
        }
        Ok(answer) => {
            let primary = primary(&answer.headers);
            let outcome = if answer.status == 401 { Ok(answer) } else { check(answer, about, now) };
            let wait = match &outcome {
                Err(GithubError::RetryAt { at, reason }) if *reason != Throttle::Primary => Some((*at, *reason)),
                _ => None,
            };
            (Seen { sent: true, primary, wait }, outcome)
        }
    }
}

/// What an answer means that came just now.
pub(crate) fn checked(answer: Answer, about: About) -> Result<Answer> {
    check(answer, about, Utc::now())
}

/// Anything but a success is an error; so is a GraphQL answer that says «rate limited» under 200.
fn check(answer: Answer, about: About, now: DateTime<Utc>) -> Result<Answer> {
    if !answer.is_success() {
        return Err(verdict::of_answer(about, answer.status, &answer.headers, &answer.body, now));
    }
    rate_limited(&answer, about, now).map_or(Ok(answer), Err)
}

fn rate_limited(answer: &Answer, about: About, now: DateTime<Utc>) -> Option<GithubError> {
    if answer.body.len() > 8192 || !answer.body.windows(8).any(|part| part == b"\"errors\"") {
        return None;
    }
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let errors = body.get("errors")?.as_array()?;
    let verdicts = errors.iter().map(|error| {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("");
        verdict::of_graphql(about, text("type"), text("message"), &answer.headers, now)
    });
    verdicts.into_iter().find(|error| matches!(error, GithubError::RetryAt { .. }))
}

fn primary(headers: &HeaderMap) -> Option<Primary> {
    Some(Primary {
        remaining: number(headers, "x-ratelimit-remaining")?,
        limit: number(headers, "x-ratelimit-limit")?,
        reset: DateTime::from_timestamp(number(headers, "x-ratelimit-reset")?, 0)?,
    })
}
