//! What became of a repository that this installation no longer sees.

use http::Method;

use super::error::{GithubError, Result};
use super::repo::Repo;
use super::tokens::{Access, Reach, Wanted};
use crate::model::Code;

impl Repo {
    /// Whether GitHub still grants a token that may write here; else its refusal.
    pub async fn may_write(&self) -> Result<()> {
        let reach = self.account.reach.clone();
        self.github.forget_tokens(&reach).await;
        let wanted = Wanted { installation: self.account.installation.0, reach, access: Access::Write };
        self.github.token(&wanted).await.map(drop)
    }

    /// The refusal that fits: the installation suspended or removed, the repository gone, or out of
    /// its reach. Err: GitHub could not be asked. `NotFound`: it is within reach after all.
    ///
    /// GitHub answers 404 for all of these. An installation for all repositories loses one only when
    /// it is deleted or moves away; of one that moved the old name redirects, if it may be seen. One
    /// that is private and moved out of sight looks deleted: only a person's own token can tell
    /// (`GitHub::repository_as_user`).
    pub async fn fate(&self) -> Result<GithubError> {
        let wanted = |reach| Wanted { installation: self.account.installation.0, reach, access: Access::Metadata };
        self.github.forget_tokens(&self.account.reach).await;
        match self.github.token(&wanted(self.account.reach.clone())).await {
            Ok(_) => return Ok(GithubError::NotFound),
            Err(GithubError::Refused { code: Code::RepositoryNotAccessible, .. }) => {}
            Err(refused @ GithubError::Refused { .. }) => return Ok(refused),
            Err(error) => return Err(error),
        }
        let selected = self.github.installation(self.account.installation).await?.repository_selection != "all";
        let token = self.github.token(&wanted(Reach::Installation)).await?;
        let call = self.call(Method::GET, "GET /repos/{owner}/{repo}", "");
        Ok(if selected || self.github.is_redirected(&call, &token).await? {
            GithubError::refused(Code::RepositoryNotAccessible, "The GitHub App may not reach the repository any more.")
        } else {
            GithubError::refused(Code::RepositoryGone, "The repository was deleted.")
        })
    }
}
