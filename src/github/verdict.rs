//! The one table from GitHub's answers to `GithubError`.
//!
//! Answers may be JSON, HTML or empty; `errors` may hold strings, objects or be missing. What is
//! read: status, headers, `message`, `errors[]`, `metadata.secret_scanning`. Rate limits first:
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately>

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use serde_json::Value;

use super::error::{GithubError, Throttle};
use crate::model::Code;

/// Whose credentials a request carried, and what it was about: the same status means another thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Asking for an installation token.
    Mint,
    /// With an installation token.
    Installation,
    /// With a person's token.
    User,
    /// With the App's own JWT, or its client secret.
    App,
}

/// What the table needs to know of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    pub subject: Subject,
    /// The request changes something, so that a 5xx leaves its effect unknown.
    pub writes: bool,
}

/// An answer with a status of 300 or more.
pub(crate) fn of_answer(
    about: About,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> GithubError {
    let said = Said::read(body);
    if let Some(limited) = limit(status, headers, &said.text, now) {
        return limited;
    }
    match status {
        401 => unauthorized(about, &said),
        403 => forbidden(about, said),
        404 | 410 => not_found(about),
        405 if said.is_html => GithubError::TooLarge { detail: "GitHub answered 405 with a page".to_owned() },
        409 => conflict(said),
        413 => GithubError::TooLarge { detail: said.short() },
        422 => unprocessable(about, said),
        451 => GithubError::refused(Code::RepositoryNotAccessible, said.short()),
        408 | 500.. => {
            GithubError::Unavailable { detail: format!("{status}: {}", said.short()), ambiguous: about.writes }
        }
        _ => GithubError::Invalid(format!("{status}: {}", said.short())),
    }
}

/// One error of a GraphQL answer: `type` (may be missing) and `message`.
/// `limited` is what the headers say about waiting.
pub(crate) fn of_graphql(
    about: About,
    kind: &str,
    message: &str,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> GithubError {
    let said = Said::of_message(message);
    if kind == "RATE_LIMITED" || is_limit(&said.text) {
        return limit(403, headers, &said.text, now)
            .unwrap_or(GithubError::RetryAt { at: now + TimeDelta::seconds(60), reason: Throttle::Primary });
    }
    match kind {
        "STALE_DATA" => GithubError::Stale,
        "NOT_FOUND" => GithubError::NotFound,
        "BRANCH_PROTECTION_RULE_VIOLATION" => refused_by_rule(said),
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" | "UNAUTHORIZED" => forbidden(about, said),
        "SERVICE_UNAVAILABLE" | "INTERNAL" | "TIMEOUT" | "LOADING_TIMEOUT" | "RESOURCE_LIMITS_EXCEEDED" => {
            GithubError::Unavailable { detail: said.short(), ambiguous: about.writes }
        }
        _ if said.has("something went wrong while executing") || said.has("timeout") || said.has("timedout") => {
            GithubError::Unavailable { detail: said.short(), ambiguous: about.writes }
        }
        _ if said.has("expected branch to point to") => GithubError::Stale,
        _ => unprocessable(about, said),
    }
}

/// `retry-after`, else an empty hourly budget, else the secondary limit's minute.
fn limit(status: u16, headers: &HeaderMap, text: &str, now: DateTime<Utc>) -> Option<GithubError> {
    if !matches!(status, 403 | 429 | 503) {
        return None;
    }
    if let Some(seconds) = number(headers, "retry-after") {
        return Some(wait(now + TimeDelta::seconds(seconds.clamp(1, 3600)), Throttle::RetryAfter));
    }
    if status == 503 {
        return None;
    }
    if number(headers, "x-ratelimit-remaining") == Some(0) {
        let reset = number(headers, "x-ratelimit-reset").and_then(|at| DateTime::from_timestamp(at, 0));
        let at =
            reset.unwrap_or(now + TimeDelta::seconds(60)).clamp(now + TimeDelta::seconds(1), now + TimeDelta::hours(2));
        return Some(wait(at, Throttle::Primary));
    }
    let reason = if text.contains(USED_UP) { Throttle::Primary } else { Throttle::Secondary };
    (status == 429 || is_limit(text)).then(|| wait(now + TimeDelta::seconds(60), reason))
}

fn wait(at: DateTime<Utc>, reason: Throttle) -> GithubError {
    GithubError::RetryAt { at, reason }
}

/// How GitHub says that the hourly budget is used up.
const USED_UP: &str = "api rate limit exceeded";

fn is_limit(text: &str) -> bool {
    [USED_UP, "secondary rate limit", "abuse detection", "submitted too quickly"].iter().any(|mark| text.contains(mark))
}

pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn unauthorized(about: About, said: &Said) -> GithubError {
    match about.subject {
        // A page comes from what stands in between.
        Subject::User if said.is_html => GithubError::unavailable("401 with a page"),
        Subject::User => GithubError::BadToken,
        Subject::Installation => GithubError::unavailable("GitHub does not accept the installation token"),
        Subject::Mint | Subject::App => {
            GithubError::unavailable(format!("GitHub does not accept the App's credentials: {}", said.short()))
        }
    }
}

fn not_found(about: About) -> GithubError {
    match about.subject {
        Subject::Mint => {
            GithubError::refused(Code::InstallationRemoved, "The GitHub App is not installed there any more.")
        }
        _ => GithubError::NotFound,
    }
}

fn forbidden(about: About, said: Said) -> GithubError {
    let code = if said.has("suspended") {
        Code::InstallationSuspended
    } else if said.has("archived") {
        Code::RepositoryArchived
    } else if said.has("repository rule violations") || said.has("protected branch") || said.secrets {
        return refused_by_rule(said);
    } else if said.has("saml")
        || said.has("repository access blocked")
        || said.has("repository has been locked")
        || (about.subject == Subject::User && said.has("not accessible by integration"))
    {
        Code::RepositoryNotAccessible
    } else {
        Code::PermissionMissing
    };
    said.refused(code)
}

fn conflict(said: Said) -> GithubError {
    if said.has("repository is empty") {
        return GithubError::Empty;
    }
    if said.has("rule violations") || said.secrets {
        return refused_by_rule(said);
    }
    if said.has("does not match") || said.has("but expected") || said.has("is at ") {
        return GithubError::Stale;
    }
    GithubError::Unavailable { detail: format!("409: {}", said.short()), ambiguous: false }
}

/// 422, and GraphQL errors without a telling type: only the words say what is meant.
fn unprocessable(about: About, said: Said) -> GithubError {
    if said.secrets || said.has("rule violations") || said.has("protected branch") {
        return refused_by_rule(said);
    }
    for (mark, code) in REFUSALS {
        if said.has(mark) {
            return said.refused(*code);
        }
    }
    if STALE.iter().any(|mark| said.has(mark)) {
        return GithubError::Stale;
    }
    if said.has("reference does not exist") || said.has("could not resolve to") {
        return GithubError::NotFound;
    }
    if said.has("repository is empty") {
        return GithubError::Empty;
    }
    if TOO_LARGE.iter().any(|mark| said.has(mark)) {
        return GithubError::TooLarge { detail: said.short() };
    }
    if about.subject == Subject::Mint {
        return said.refused(Code::PermissionMissing);
    }
    GithubError::Invalid(said.short())
}

/// Words of a 422 and what a person is told. The first that fits counts.
const REFUSALS: &[(&str, Code)] = &[
    ("not accessible to the parent installation", Code::RepositoryNotAccessible),
    ("permissions requested are not granted", Code::PermissionMissing),
    ("without `workflows` permission", Code::PermissionMissing),
    ("not accessible by integration", Code::PermissionMissing),
    ("archived", Code::RepositoryArchived),
    ("reference update failed", Code::BranchProtected),
    ("changes must be made through a pull request", Code::BranchProtected),
    ("name already exists on this account", Code::RepositoryNameTaken),
    ("no commits between", Code::NothingToSync),
    ("a pull request already exists", Code::PullRequestExists),
    ("malformed path", Code::ValidationFailed),
    ("path contains", Code::ValidationFailed),
    ("path cannot", Code::ValidationFailed),
    ("path is invalid", Code::ValidationFailed),
    ("invalid path", Code::ValidationFailed),
];

const STALE: &[&str] = &[
    "not a fast forward",
    "expected branch to point to",
    "reference already exists",
    "\"sha\" wasn't supplied",
    "but expected",
    "does not match",
    "is no longer",
];

const TOO_LARGE: &[&str] =
    &["too large", "too big", "timed out", "exceeds", "exceeded a maximum", "too_large", "larger than", "too many"];

/// A ruleset, a protected branch, or push protection, which rulesets report the same way.
fn refused_by_rule(said: Said) -> GithubError {
    let about_names = ["file path", "file size", "file extension", "path length"].iter().any(|mark| said.has(mark));
    let code = if said.secrets || (said.has("secret") && !about_names) {
        Code::PushProtection
    } else if about_names {
        Code::ValidationFailed
    } else {
        Code::BranchProtected
    };
    said.refused(code)
}

/// What an answer said, whatever its shape.
struct Said {
    /// Everything readable, lower case, for matching.
    text: String,
    /// The same as it was written, for people.
    original: String,
    /// `metadata.secret_scanning` was there.
    secrets: bool,
    is_html: bool,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Said::of_json(&value),
            Err(_) => Said::of_page(body),
        }
    }

    fn of_message(message: &str) -> Self {
        Said { text: message.to_lowercase(), original: message.to_owned(), secrets: false, is_html: false }
    }

    fn of_json(value: &Value) -> Self {
        let mut parts = Vec::new();
        parts.extend(value.get("message").and_then(Value::as_str).map(str::to_owned));
        for error in value.get("errors").and_then(Value::as_array).into_iter().flatten() {
            parts.extend(words(error));
        }
        let secrets = value.pointer("/metadata/secret_scanning").is_some_and(|found| !found.is_null());
        let original = parts.join(" · ");
        Said { text: original.to_lowercase(), original, secrets, is_html: false }
    }

    fn of_page(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&body[..body.len().min(512)]).trim_start().to_lowercase();
        let is_html = text.starts_with('<');
        let original = if body.is_empty() {
            "an empty answer"
        } else if is_html {
            "an HTML page"
        } else {
            "an unreadable answer"
        };
        Said { text, original: original.to_owned(), secrets: false, is_html }
    }

    fn has(&self, mark: &str) -> bool {
        self.text.contains(mark)
    }

    /// At most 300 characters on one line, for a person.
    fn short(&self) -> String {
        let line: String = self.original.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= 300 { line } else { line.chars().take(299).chain(['…']).collect() }
    }

    fn refused(self, code: Code) -> GithubError {
        GithubError::Refused { code, detail: self.short(), paths: named_paths(&self.original) }
    }
}

/// The words of one element of `errors`: a string, or an object with a message or code and field.
fn words(error: &Value) -> Option<String> {
    if let Some(text) = error.as_str() {
        return Some(text.to_owned());
    }
    let of = |name: &str| error.get(name).and_then(Value::as_str);
    match (of("message"), of("code"), of("field")) {
        (Some(message), _, _) => Some(message.to_owned()),
        (None, Some(code), Some(field)) => Some(format!("{field}: {code}")),
        (None, Some(code), None) => Some(code.to_owned()),
        _ => None,
    }
}

/// The files a refusal names: `path: src/key.txt:3`, or a workflow in backquotes.
fn named_paths(text: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("path: ") {
            let path = rest.trim().trim_end_matches(|c: char| c.is_ascii_digit());
            paths.push(path.strip_suffix(':').unwrap_or(rest.trim()).to_owned());
        }
    }
    for quoted in text.split('`').skip(1).step_by(2).filter(|part| part.starts_with(".github/workflows/")) {
        paths.push(quoted.to_owned());
    }
    paths.sort();
    paths.dedup();
    paths
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
