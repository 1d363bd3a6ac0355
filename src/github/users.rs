//! What GitHub says to a person's own token: who they are, what they may reach.

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::{GithubError, Result};
use super::repo::{RepositoryInfo, RestRepository, encode, encode_path};
use super::transport::{Answer, bearer};
use super::verdict::{About, Subject};
use super::{GitHub, InstallationId};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GithubUser {
    pub id: i64,
    pub login: String,
}

/// An account an App is installed at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    pub id: i64,
    pub login: String,
    /// `User` or `Organization`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// An installation that a person sees: they may be able to do no more than read there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInstallation {
    pub id: i64,
    pub account: Account,
    /// `all` or `selected`.
    pub repository_selection: String,
    pub suspended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    Read,
    Write,
    Admin,
}

impl Permission {
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::Read => "read",
            Permission::Write => "write",
            Permission::Admin => "admin",
        }
    }
}

/// A repository within both the person's and the installation's reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRepository {
    pub repository: RepositoryInfo,
    /// The person's own.
    pub permission: Permission,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRepositoryPage {
    pub items: Vec<UserRepository>,
    pub next: Option<u32>,
}

/// A person's place in an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub active: bool,
    pub admin: bool,
}

#[derive(Deserialize)]
struct RestInstallation {
    id: i64,
    account: Account,
    #[serde(default)]
    repository_selection: String,
    #[serde(default)]
    suspended_at: Option<String>,
}

#[derive(Deserialize)]
struct InstallationPage {
    installations: Vec<RestInstallation>,
}

#[derive(Deserialize)]
struct RepositoryPage {
    repositories: Vec<ReachableRepository>,
}

#[derive(Deserialize)]
struct ReachableRepository {
    #[serde(flatten)]
    repository: RestRepository,
    #[serde(default)]
    permissions: Permissions,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Permissions {
    admin: bool,
    push: bool,
}

/// Pages that are read of a list without end.
const PAGES: u32 = 100;

impl GitHub {
    pub async fn user(&self, token: &str) -> Result<GithubUser> {
        self.user_get(token, "GET /user", "/user").await?.json(false)
    }

    /// All installations that the person sees. Seeing one proves nothing about its repositories.
    pub async fn installations(&self, token: &str) -> Result<Vec<UserInstallation>> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let path = format!("/user/installations?per_page=100&page={page}");
            let answer = self.user_get(token, "GET /user/installations", &path).await?;
            let found: InstallationPage = answer.json(false)?;
            all.extend(found.installations.into_iter().map(UserInstallation::from));
            if next_page(&answer).is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// One page (from 1, 100 a page) of the repositories that both may reach.
    /// `NotFound`: no such installation for this person.
    pub async fn installation_repositories(
        &self,
        token: &str,
        installation: InstallationId,
        page: u32,
    ) -> Result<UserRepositoryPage> {
        let path = format!("/user/installations/{}/repositories?per_page=100&page={page}", installation.0);
        let answer = self.user_get(token, "GET /user/installations/{id}/repositories", &path).await?;
        let found: RepositoryPage = answer.json(false)?;
        let items = found.repositories.into_iter().map(UserRepository::from).collect();
        Ok(UserRepositoryPage { items, next: next_page(&answer) })
    }

    /// The one repository with this name among those both may reach, read page by page: the proof of
    /// what a person may do there.
    pub async fn find_repository(
        &self,
        token: &str,
        installation: InstallationId,
        full_name: &str,
    ) -> Result<Option<UserRepository>> {
        let mut page = Some(1);
        while let Some(number) = page.filter(|number| *number <= PAGES) {
            let found = self.installation_repositories(token, installation, number).await?;
            let hit = found.items.into_iter().find(|one| one.repository.full_name.eq_ignore_ascii_case(full_name));
            if hit.is_some() {
                return Ok(hit);
            }
            page = found.next;
        }
        Ok(None)
    }

    /// A repository as this person sees it, under this name. `NotFound`: not there, or not for them.
    pub async fn repository_as_user(&self, token: &str, full_name: &str) -> Result<UserRepository> {
        let path = format!("/repos/{}", encode_path(full_name));
        let found: ReachableRepository = self.user_get(token, "GET /repos/{owner}/{repo}", &path).await?.json(false)?;
        Ok(found.into())
    }

    /// The person's place in an organisation; None: they are no member.
    pub async fn membership(&self, token: &str, organization: &str) -> Result<Option<Membership>> {
        #[derive(Deserialize)]
        struct Found {
            state: String,
            role: String,
        }
        let path = format!("/user/memberships/orgs/{}", encode(organization));
        match self.user_get_as::<Found>(token, "GET /user/memberships/orgs/{org}", &path).await {
            Ok(found) => Ok(Some(Membership { active: found.state == "active", admin: found.role == "admin" })),
            Err(GithubError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether members of the organisation may create such repositories, as far as it tells; None: it
    /// does not tell.
    pub async fn members_may_create(&self, token: &str, organization: &str, private: bool) -> Result<Option<bool>> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Found {
            members_can_create_repositories: Option<bool>,
            members_can_create_private_repositories: Option<bool>,
            members_can_create_public_repositories: Option<bool>,
        }
        let path = format!("/orgs/{}", encode(organization));
        let found: Found = self.user_get_as(token, "GET /orgs/{org}", &path).await?;
        let kind = if private {
            found.members_can_create_private_repositories
        } else {
            found.members_can_create_public_repositories
        };
        Ok(match (found.members_can_create_repositories, kind) {
            (Some(false), _) => Some(false),
            (all, kind) => kind.or(all),
        })
    }

    async fn user_get_as<T: DeserializeOwned>(&self, token: &str, endpoint: &'static str, path: &str) -> Result<T> {
        self.user_get(token, endpoint, path).await?.json(false)
    }

    async fn user_get(&self, token: &str, endpoint: &'static str, path: &str) -> Result<Answer> {
        let call = self.rest(Method::GET, endpoint, path).up_to(super::transport::weight::TREE);
        self.plain(&call, Some(&bearer(token)?), About { subject: Subject::User, writes: false }).await
    }
}

impl From<RestInstallation> for UserInstallation {
    fn from(found: RestInstallation) -> Self {
        UserInstallation {
            id: found.id,
            account: found.account,
            repository_selection: found.repository_selection,
            suspended: found.suspended_at.is_some(),
        }
    }
}

impl From<ReachableRepository> for UserRepository {
    fn from(found: ReachableRepository) -> Self {
        let permission = match found.permissions {
            Permissions { admin: true, .. } => Permission::Admin,
            Permissions { push: true, .. } => Permission::Write,
            _ => Permission::Read,
        };
        UserRepository { repository: found.repository.into(), permission }
    }
}

/// `<https://…?page=2>; rel="next"` in the Link header.
fn next_page(answer: &Answer) -> Option<u32> {
    link_parameter(answer, "page")?.parse().ok()
}

pub(crate) fn link_parameter(answer: &Answer, name: &str) -> Option<String> {
    let links = answer.headers.get("link")?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let address = next.split('<').nth(1)?.split('>').next()?;
    let query = address.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_next_page_is_in_the_link_header() {
        let answer = |link: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("link", link.parse().unwrap());
            Answer { status: 200, headers, body: bytes::Bytes::new() }
        };
        let both = "<https://api.github.com/x?per_page=100&page=3>; rel=\"next\", <https://api.github.com/x?page=9>; rel=\"last\"";
        assert_eq!(next_page(&answer(both)), Some(3));
        assert_eq!(next_page(&answer("<https://api.github.com/x?page=1>; rel=\"prev\"")), None);
        let cursor = "<https://api.github.com/app/hook/deliveries?per_page=2&cursor=v1_12%3D>; rel=\"next\"";
        assert_eq!(link_parameter(&answer(cursor), "cursor").unwrap(), "v1_12=");
    }
}
