//! The log of requests that tests count with.

use http::Method;
use serde::Serialize;

/// One answered (or dropped) request.
#[derive(Clone, Debug, Serialize)]
pub struct Logged {
    /// `GET`, `POST` …
    pub method: String,
    /// The endpoint's template, `/repos/{owner}/{repo}/git/trees`.
    pub route: String,
    /// The path as sent, with its query.
    pub path: String,
    /// The top fields of a GraphQL operation, such as `createCommitOnBranch`.
    pub operations: Vec<String>,
    /// The status sent; 0 when the connection was closed without an answer.
    pub status: u16,
    /// Whose token it was, when it was an installation's.
    pub installation: Option<u64>,
    /// Whose token it was, when it was a person's.
    pub user: Option<String>,
    /// Counts against the limits for creating content.
    pub content_creating: bool,
    /// Milliseconds since this server began.
    pub at_ms: u64,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
}

impl Logged {
    /// `METHOD route operations path`, what filters are looked for in.
    pub fn label(&self) -> String {
        label(&self.method, &self.route, &self.operations, &self.path)
    }
}

/// What fault filters and counts search for their text.
pub(crate) fn label(method: &str, route: &str, operations: &[String], path: &str) -> String {
    format!("{method} {route} {} {path}", operations.join(" "))
}

/// Whether GitHub counts it as creating content: every REST write but those for tokens, and
/// every mutation.
pub(crate) fn is_content_creating(method: &Method, route: &str, is_mutation: bool) -> bool {
    if route == "/graphql" {
        return is_mutation;
    }
    let about_tokens = route.ends_with("/access_tokens")
        || route.starts_with("/applications/")
        || route == "/installation/token"
        || route.starts_with("/app/hook")
        || route.starts_with("/app-manifests")
        || route.starts_with("/login/");
    let writes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
    writes && !about_tokens
}
