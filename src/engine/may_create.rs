//! Who may make repositories in an organization, as far as GitHub says.

use super::Engine;
use super::failure::Failure;
use super::repository::ToMake;
use crate::github::{GithubError, Permission, UserRepository};
use crate::model::{Code, Problem};
use crate::store::authorizations::Authorization;

/// What is known of a person's right to make repositories in an organization. Without proof they are
/// made with the person's own token, so that GitHub itself decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MayCreate {
    Proved,
    AskGithub,
}

impl Engine {
    /// Who is to ask GitHub for a repository of an organization: the App, when this person's own
    /// token shows that they may make one there; the person, when GitHub does not tell. It tells nobody
    /// through an App without the organization permission `members: read`, which ours does not ask for:
    /// 403 «Resource not accessible by integration».
    /// <https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps#organization-permissions-for-members>
    pub(super) async fn may_create(&self, person: &Authorization, to_make: &ToMake) -> Result<MayCreate, Failure> {
        let token = &person.tokens.access;
        let member = match self.github.membership(token, &to_make.owner).await {
            Err(error) if is_not_told(&error) => return Ok(MayCreate::AskGithub),
            found => found?.filter(|member| member.active),
        };
        match member {
            None => Err(may_not(&to_make.owner).into()),
            Some(member) if member.admin => Ok(MayCreate::Proved),
            Some(_) => match self.github.members_may_create(token, &to_make.owner, to_make.private).await {
                Ok(Some(true)) => Ok(MayCreate::Proved),
                Ok(Some(false)) => Err(may_not(&to_make.owner).into()),
                Ok(None) => Ok(MayCreate::AskGithub),
                Err(error) if is_not_told(&error) => Ok(MayCreate::AskGithub),
                Err(error) => Err(error.into()),
            },
        }
    }
}

/// GitHub does not say what a person is in an organization.
fn is_not_told(error: &GithubError) -> bool {
    matches!(error, GithubError::Refused { code: Code::RepositoryNotAccessible | Code::PermissionMissing, .. })
}

/// Whether a repository that is there already may become this person's, as far as is known.
pub(super) fn may_have(who: MayCreate, found: &UserRepository) -> bool {
    who == MayCreate::Proved || found.permission >= Permission::Write
}

pub(super) fn may_not(owner: &str) -> Problem {
    Problem::new(Code::PermissionMissing, format!("this user may not make repositories at {owner}"))
        .with_action(format!("Ask an owner of {owner} to let you make repositories there, or use your own account."))
}
