//! What can go wrong with GitHub, named by what the caller does next.
//!
//! Which answer becomes which variant is decided in `verdict`, the one table.

use chrono::{DateTime, Utc};

use crate::model::Code;

/// Every failure of a call to GitHub. Never holds a token or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// The branch is not where the caller thought it was (or exists already): gather and plan again.
    #[error("the branch moved")]
    Stale,
    /// A limit: nothing was done, and nothing should be tried before this time.
    #[error("GitHub's limits allow no request before {at} ({reason})")]
    RetryAt { at: DateTime<Utc>, reason: Throttle },
    /// May pass by itself: network, timeout, 5xx, an answer that cannot be read or does not show the
    /// effect. `ambiguous`: a write may have been applied; look before trying again.
    #[error("GitHub is unavailable: {detail}")]
    Unavailable { detail: String, ambiguous: bool },
    /// GitHub understood and said no; `code` is what a person is told, `paths` the files it named.
    #[error("GitHub refused: {detail}")]
    Refused { code: Code, detail: String, paths: Vec<String> },
    /// There is nothing at this address, or nothing this token may see.
    #[error("not found at GitHub")]
    NotFound,
    /// The repository has no commit yet.
    #[error("the repository is empty")]
    Empty,
    /// The request (or the answer) is larger than GitHub (or this program) takes; smaller ones may pass.
    #[error("too large: {detail}")]
    TooLarge { detail: String },
    /// A person's token was refused: they have to authorize again.
    #[error("GitHub no longer accepts this user's authorization")]
    BadToken,
    /// GitHub says the request itself is wrong; sending it again is pointless.
    #[error("GitHub does not accept the request: {0}")]
    Invalid(String),
    /// There is no GitHub App yet.
    #[error("no GitHub App is configured")]
    NotConfigured,
}

/// Which limit made a request wait; the label of `lockstep_github_throttled_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Throttle {
    /// The hourly budget is used up.
    Primary,
    /// GitHub's secondary limit was hit.
    Secondary,
    /// GitHub named a time to wait.
    RetryAfter,
    /// 80 content-creating requests a minute or 500 an hour would be exceeded.
    Content,
    /// Others of the installation, or a person, go first.
    Share,
    /// Too many writes in flight.
    Concurrency,
    /// The points of a minute would be exceeded.
    Points,
}

impl Throttle {
    pub fn as_str(self) -> &'static str {
        match self {
            Throttle::Primary => "primary",
            Throttle::Secondary => "secondary",
            Throttle::RetryAfter => "retry_after",
            Throttle::Content => "content",
            Throttle::Share => "share",
            Throttle::Concurrency => "concurrency",
            Throttle::Points => "points",
        }
    }

    /// For people, as the beginning of a sentence.
    pub fn told(self) -> &'static str {
        match self {
            Throttle::Primary => "GitHub's hourly limit for this account is used up",
            Throttle::Secondary | Throttle::RetryAfter => "GitHub asks for a pause",
            Throttle::Content => "This account has as many commits as GitHub takes in so short a time",
            Throttle::Share => "Other projects of this account are syncing too, and each takes its turn",
            Throttle::Concurrency => "Other commits to this account are under way",
            Throttle::Points => "This account has as many requests as GitHub takes in so short a time",
        }
    }

    /// Lockstep keeps it so that GitHub never has to say it.
    pub fn is_own(self) -> bool {
        matches!(self, Throttle::Content | Throttle::Share | Throttle::Concurrency | Throttle::Points)
    }
}

impl std::fmt::Display for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl GithubError {
    /// Something that may pass, and that certainly changed nothing.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        GithubError::Unavailable { detail: detail.into(), ambiguous: false }
    }

    /// A write whose answer does not show its effect.
    pub(crate) fn unproven(detail: impl Into<String>) -> Self {
        GithubError::Unavailable { detail: detail.into(), ambiguous: true }
    }

    pub(crate) fn refused(code: Code, detail: impl Into<String>) -> Self {
        GithubError::Refused { code, detail: detail.into(), paths: Vec::new() }
    }

    /// The same refusal, naming these files when GitHub named none.
    pub(crate) fn about(self, paths: impl FnOnce() -> Vec<String>) -> Self {
        match self {
            GithubError::Refused { code, detail, paths: named } if named.is_empty() => {
                GithubError::Refused { code, detail, paths: paths() }
            }
            other => other,
        }
    }

    /// The same for a request that carried this one file: too large, it is the file that is.
    pub(crate) fn of_file(self, path: &str) -> Self {
        match self {
            GithubError::TooLarge { detail } => {
                GithubError::Refused { code: Code::FileTooLarge, detail, paths: vec![path.to_owned()] }
            }
            other => other.about(|| vec![path.to_owned()]),
        }
    }

    /// A later attempt can succeed without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, GithubError::RetryAt { .. } | GithubError::Unavailable { .. } | GithubError::Stale)
    }

    /// What a person is told: the code of the problem.
    pub fn code(&self) -> Code {
        match self {
            GithubError::Refused { code, .. } => *code,
            GithubError::RetryAt { .. } => Code::RateLimited,
            GithubError::Stale | GithubError::Unavailable { .. } => Code::GithubUnavailable,
            GithubError::NotFound => Code::RepositoryNotAccessible,
            GithubError::Empty => Code::BranchNotFound,
            GithubError::TooLarge { .. } => Code::FileTooLarge,
            GithubError::BadToken => Code::TokenExpired,
            GithubError::Invalid(_) => Code::Internal,
            GithubError::NotConfigured => Code::Unavailable,
        }
    }
}

pub type Result<T> = std::result::Result<T, GithubError>;
