//! Every error that a person can see: its code, status and title, and what to do next.
//!
//! One table, so that the API, the panel, history rows and notifications say the same thing.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($variant:ident $status:literal $code:literal $title:literal $action:literal;)*) => {
        /// The `code` of a problem. The contract's table (section 5) lists them by status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code { $(#[serde(rename = $code)] $variant,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The HTTP status this code is answered with.
            pub fn status(self) -> u16 { match self { $(Code::$variant => $status,)* } }
            pub fn as_str(self) -> &'static str { match self { $(Code::$variant => $code,)* } }
            /// A few words that fit every occurrence.
            pub fn title(self) -> &'static str { match self { $(Code::$variant => $title,)* } }
            /// What a person should do next, when the occurrence has nothing better to say.
            pub fn action(self) -> &'static str { match self { $(Code::$variant => $action,)* } }
        }
    };
}

codes! {
    Malformed 400 "malformed" "The request cannot be read" "Send a JSON document with at most 64 levels.";
    Unauthorized 401 "unauthorized" "Not authenticated" "Send a valid key or session token in the Authorization header.";
    Forbidden 403 "forbidden" "Not allowed" "Ask somebody with a higher role, or use a key with the scope this needs.";
    AuthorizationRequired 403 "authorization_required" "GitHub authorization is needed" "Connect to GitHub again to authorize.";
    RepositoryNotAccessible 403 "repository_not_accessible" "The repository is not accessible" "Check that the GitHub App is installed on the repository and that you may push to it.";
    PermissionMissing 403 "permission_missing" "The GitHub App lacks a permission" "Ask an owner of the GitHub account to install the App or to accept its new permissions.";
    TokenExpired 403 "token_expired" "The GitHub authorization has expired" "Connect to GitHub again to authorize.";
    NotFound 404 "not_found" "Not found" "Check the address; the thing may have been deleted.";
    MethodNotAllowed 405 "method_not_allowed" "Method not allowed" "Use one of the methods in the Allow header.";
    RequestTimeout 408 "request_timeout" "The request made no progress" "Send the request again, without pauses in its body.";
    RevisionConflict 409 "revision_conflict" "The project has moved on" "Read the present version, apply your change to it and send it again.";
    NotConnected 409 "not_connected" "The project is not connected to a repository" "Connect the project to a GitHub repository first.";
    AlreadyConnected 409 "already_connected" "Already connected" "Disconnect first, or choose another repository or branch.";
    RepositoryNameTaken 409 "repository_name_taken" "The repository name is taken" "Choose another name.";
    RepositoryArchived 409 "repository_archived" "The repository is archived" "Unarchive the repository on GitHub, or connect another one.";
    RepositoryGone 409 "repository_gone" "The repository no longer exists" "Connect the project to another repository.";
    BranchNotFound 409 "branch_not_found" "The branch does not exist" "Create the branch on GitHub, or choose another one.";
    BranchProtected 409 "branch_protected" "The branch is protected" "Open a pull request with the changes, or let the App bypass the branch's protection.";
    InstallationSuspended 409 "installation_suspended" "The GitHub App is suspended" "Unsuspend the App in the GitHub account's settings.";
    InstallationRemoved 409 "installation_removed" "The GitHub App is not installed any more" "Install the App again and reconnect.";
    PushProtection 409 "push_protection" "GitHub found a secret" "Remove the secret from the file, or allow it on GitHub, then sync again.";
    SyncConflict 409 "sync_conflict" "Changed on both sides" "Resolve the conflicts, then sync again.";
    ConfirmationRequired 409 "confirmation_required" "This would delete many files" "Check the deletions, then confirm the sync.";
    NothingToSync 409 "nothing_to_sync" "There is nothing to sync" "Change a file first.";
    PullRequestExists 409 "pull_request_exists" "The branch already has a pull request" "Choose another branch, or edit the files: the open pull request follows.";
    BlobsMissing 409 "blobs_missing" "Some content is not known" "Send the content of the listed object ids.";
    PayloadTooLarge 413 "payload_too_large" "The request is too large" "Send smaller requests.";
    FileTooLarge 413 "file_too_large" "A file is too large" "Keep files at or below 50 MiB, or exclude them.";
    UnsupportedMediaType 415 "unsupported_media_type" "Unsupported content type" "Send application/json.";
    ValidationFailed 422 "validation_failed" "The request is not valid" "Correct the named fields and send the request again.";
    RateLimited 429 "rate_limited" "Too many requests" "Wait until the time given and try again.";
    Internal 500 "internal" "Something went wrong inside Lockstep" "Try again; if it happens again, give the request id to your operator.";
    GithubUnavailable 503 "github_unavailable" "GitHub does not answer" "Nothing is lost: it is tried again automatically. See githubstatus.com.";
    Unavailable 503 "unavailable" "Temporarily unavailable" "Try again in a few seconds.";
}

impl Code {
    /// Whether the same request can succeed later without anybody doing anything.
    pub fn retryable(self) -> bool {
        matches!(self, Code::RateLimited | Code::GithubUnavailable | Code::Unavailable | Code::Internal)
    }
}

impl std::str::FromStr for Code {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Code::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(())
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One wrong field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Where: a path such as `changes[3].path`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// A problem as RFC 9457 has it, without what only an HTTP answer knows (`request_id`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    pub code: Code,
    /// What happened this time, in words for a person. Never a secret.
    pub detail: String,
    /// What the person should do next.
    pub action: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem { code, detail: detail.into(), action: code.action().to_owned(), errors: Vec::new() }
    }

    pub fn with_action(mut self, action: impl Into<String>) -> Self {
        self.action = action.into();
        self
    }

    pub fn with_error(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldError { field: field.into(), message: message.into() });
        self
    }

    /// A request whose one field is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        Problem::new(Code::ValidationFailed, format!("{field}: {message}")).with_error(field, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert!(!code.action().is_empty() && !code.title().is_empty());
        }
    }

    #[test]
    fn only_what_passes_by_itself_is_retryable() {
        let retryable: Vec<_> = Code::ALL.iter().filter(|c| c.retryable()).map(|c| c.as_str()).collect();
        assert_eq!(retryable, ["rate_limited", "internal", "github_unavailable", "unavailable"]);
    }
}
