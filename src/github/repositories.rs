//! Making repositories: an organisation's as the App or as a person, a person's own as that person.
//! <https://docs.github.com/en/rest/repos/repos#create-an-organization-repository>

use http::Method;
use serde_json::json;

use super::budget::Priority;
use super::error::{GithubError, Result};
use super::repo::{RepositoryInfo, RestRepository, encode};
use super::run::{Account, Effect};
use super::tokens::{Access, Reach};
use super::transport::{Answer, Call, bearer};
use super::verdict::{About, Subject};
use super::{GitHub, InstallationId};
use crate::model::RepoName;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRepository {
    pub name: RepoName,
    pub description: String,
    pub private: bool,
}

impl GitHub {
    /// In an organisation, as the App (needs `administration: write`). Refusal `repository_name_taken`.
    pub async fn create_org_repo(
        &self,
        installation: InstallationId,
        organization: &str,
        new: &NewRepository,
    ) -> Result<RepositoryInfo> {
        let account = Account {
            installation,
            reach: Reach::Installation,
            party: "repositories".to_owned(),
            priority: Priority::Person,
        };
        let answer =
            self.run(&account, Access::Administration, Effect::Writes, self.org_call(organization, new)?).await?;
        made(&answer, new)
    }

    /// In an organisation, as this person: GitHub itself decides whether they may.
    pub async fn create_org_repo_as_user(
        &self,
        token: &str,
        organization: &str,
        new: &NewRepository,
    ) -> Result<RepositoryInfo> {
        self.as_user(token, self.org_call(organization, new)?, new).await
    }

    /// Among the person's own repositories.
    pub async fn create_user_repo(&self, token: &str, new: &NewRepository) -> Result<RepositoryInfo> {
        self.as_user(token, self.rest(Method::POST, "POST /user/repos", "/user/repos").with_json(&body(new))?, new)
            .await
    }

    fn org_call(&self, organization: &str, new: &NewRepository) -> Result<Call> {
        let path = format!("/orgs/{}/repos", encode(organization));
        self.rest(Method::POST, "POST /orgs/{org}/repos", &path).with_json(&body(new))
    }

    async fn as_user(&self, token: &str, call: Call, new: &NewRepository) -> Result<RepositoryInfo> {
        let answer = self.plain(&call, Some(&bearer(token)?), About { subject: Subject::User, writes: true }).await?;
        made(&answer, new)
    }
}

fn body(new: &NewRepository) -> serde_json::Value {
    json!({"name": new.name, "description": new.description, "private": new.private, "auto_init": false})
}

/// The answer's name is believed, not the request's; its visibility must be what was asked for.
fn made(answer: &Answer, new: &NewRepository) -> Result<RepositoryInfo> {
    let made: RestRepository = answer.json(true)?;
    if made.private != new.private {
        return Err(GithubError::unproven("the new repository has another visibility"));
    }
    Ok(made.into())
}
