//! Why a use case that a person waits for did not do what was asked.

use chrono::{DateTime, Utc};

use super::look::Trouble;
use crate::github::GithubError;
use crate::model::{Code, Problem};
use crate::store::StoreError;

/// What the one who asked is told, or why that cannot be said.
#[derive(Debug)]
pub enum Failure {
    /// Refused, or not possible now; the problem says what to do.
    Problem(Problem),
    /// A limit of GitHub's: not before this time.
    Later(Problem, DateTime<Utc>),
    Store(StoreError),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Failure::Problem(problem)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => error.into(),
            Trouble::GitHub(error) => error.into(),
            Trouble::Again => GithubError::Stale.into(),
        }
    }
}

impl From<GithubError> for Failure {
    fn from(error: GithubError) -> Self {
        let code = error.code();
        match error {
            GithubError::RetryAt { at, .. } => {
                Failure::Later(Problem::new(code, "GitHub's limits allow no request now."), at)
            }
            GithubError::NotConfigured => no_app().into(),
            GithubError::Unavailable { .. } | GithubError::Stale => {
                Problem::new(code, "GitHub did not answer as it should.").into()
            }
            GithubError::BadToken => token_expired().into(),
            other => Problem::new(code, other.to_string()).into(),
        }
    }
}

/// There is no GitHub App yet.
pub fn no_app() -> Problem {
    Problem::new(Code::Unavailable, "no GitHub App is configured")
        .with_action("Ask your operator to open the setup page that `lockstep serve` printed when it started.")
}

/// The person has not authorized, or it was taken back.
pub fn authorization_required() -> Problem {
    Problem::new(Code::AuthorizationRequired, "this user has not authorized this project at GitHub")
}

/// GitHub no longer accepts what the person authorized.
pub fn token_expired() -> Problem {
    Problem::new(Code::TokenExpired, "GitHub no longer accepts this user's authorization")
}

/// Nothing says more than this about a repository that somebody may not push to: neither that it
/// exists nor who has it.
pub fn not_accessible() -> Problem {
    Problem::new(
        Code::RepositoryNotAccessible,
        "this user may not push to such a repository through this installation of the GitHub App",
    )
}

impl Failure {
    /// GitHub refused a person's token itself, not what was asked with it.
    pub(super) fn is_bad_token(&self) -> bool {
        self.has_code(Code::TokenExpired)
    }

    pub(super) fn has_code(&self, code: Code) -> bool {
        matches!(self, Failure::Problem(problem) if problem.code == code)
    }
}
