//! From a use case's failure to an answer.

use chrono::Utc;

use super::problem::ApiError;
use crate::engine::failure::Failure;
use crate::model::Code;

/// The answer to somebody who waits. A limit of GitHub's says when to come back.
pub fn answer(failure: Failure) -> ApiError {
    match failure {
        Failure::Problem(problem) if problem.code == Code::GithubUnavailable => ApiError::from(problem).retry_after(5),
        Failure::Problem(problem) => problem.into(),
        Failure::Later(problem, at) => {
            let seconds = (at - Utc::now()).num_seconds().max(1);
            ApiError::from(problem).retry_after(seconds.unsigned_abs())
        }
        Failure::Store(error) => error.into(),
    }
}
