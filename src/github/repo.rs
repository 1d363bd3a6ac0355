//! One repository as an installation sees it: where its branches are, and what it is called now.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::budget::Priority;
use super::error::{GithubError, Result};
use super::graphql::{Document, Graph};
use super::run::{Account, Effect};
use super::shown::Shown;
use super::tokens::{Access, Reach};
use super::transport::{Answer, Call};
use super::{GitHub, InstallationId, RepoRef};
use crate::model::{Code, Oid};

/// Cheap to clone. Calls take tokens narrowed to this repository.
#[derive(Clone)]
pub struct Repo {
    pub(crate) github: GitHub,
    pub(crate) account: Account,
    id: i64,
    /// Follows renames that were noticed.
    name: Arc<RwLock<String>>,
    /// Clones share it.
    pub(crate) shown: Arc<Shown>,
}

/// The newest commit of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub commit: Oid,
    pub tree: Oid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadState {
    Branch(Head),
    /// The repository has commits, but no such branch.
    Missing,
    /// The repository has no commit at all.
    EmptyRepository,
}

/// A repository as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryInfo {
    pub id: i64,
    pub full_name: String,
    pub private: bool,
    pub archived: bool,
    pub default_branch: String,
    /// For people.
    pub url: String,
    /// REST tells, GraphQL is not asked.
    pub created_at: Option<DateTime<Utc>>,
}

/// A branch and its repository, from one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub head: HeadState,
    pub repository: RepositoryInfo,
}

/// What is asked of a repository whenever a branch of it is looked at.
pub(crate) const REPOSITORY: &str =
    "databaseId nameWithOwner url isPrivate isArchived isEmpty defaultBranchRef { name }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GraphRepository {
    pub database_id: i64,
    pub name_with_owner: String,
    pub url: String,
    pub is_private: bool,
    pub is_archived: bool,
    pub is_empty: bool,
    #[serde(default)]
    pub default_branch_ref: Option<Named>,
    #[serde(default, rename = "ref")]
    pub branch: Option<GraphRef>,
}

#[derive(Deserialize)]
pub(crate) struct Named {
    pub name: String,
}

#[derive(Deserialize)]
pub(crate) struct GraphRef {
    #[serde(default)]
    pub target: Option<GraphTarget>,
}

#[derive(Deserialize)]
pub(crate) struct GraphTarget {
    pub oid: Oid,
    #[serde(default)]
    pub tree: Option<GraphTree>,
    #[serde(default)]
    pub message: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct GraphTree {
    pub oid: Oid,
}

/// A repository in REST's words.
#[derive(Deserialize)]
pub(crate) struct RestRepository {
    pub id: i64,
    pub full_name: String,
    pub html_url: String,
    #[serde(default)]
    pub private: bool,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub default_branch: Option<String>,
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
}

impl Repo {
    pub(super) fn new(github: GitHub, installation: InstallationId, repository: RepoRef) -> Self {
        let account = Account {
            installation,
            reach: Reach::Repository(repository.id),
            party: repository.id.to_string(),
            priority: Priority::Background,
        };
        Repo {
            github,
            account,
            id: repository.id,
            name: Arc::new(RwLock::new(repository.full_name)),
            shown: Arc::default(),
        }
    }

    /// The same repository, its requests counted for somebody who waits, or not.
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.account.priority = priority;
        self
    }

    /// The same repository, sharing the installation's budget as this project.
    pub fn for_project(mut self, pid: i64) -> Self {
        self.account.party = format!("p{pid}");
        self
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    pub fn installation(&self) -> InstallationId {
        self.account.installation
    }

    /// `owner/name`, as last learnt.
    pub fn full_name(&self) -> String {
        self.name.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rename(&self, full_name: &str) {
        *self.name.write().unwrap_or_else(PoisonError::into_inner) = full_name.to_owned();
    }

    /// Where the branch is, and the repository around it. One request, unless it was renamed.
    pub async fn look(&self, branch: &str) -> Result<Look> {
        match self.look_by_name(branch).await {
            Ok(Some(look)) => Ok(look),
            Ok(None) | Err(GithubError::NotFound) => {
                self.find_by_id().await?;
                self.look_by_name(branch).await?.ok_or(GithubError::NotFound)
            }
            Err(error) => Err(self.explained(error).await),
        }
    }

    /// Where the branch is.
    pub async fn head(&self, branch: &str) -> Result<HeadState> {
        Ok(self.look(branch).await?.head)
    }

    /// None: there is another repository under this name, or none.
    async fn look_by_name(&self, branch: &str) -> Result<Option<Look>> {
        let (owner, name) = self.owner_and_name()?;
        let variables = json!({"owner": owner, "name": name, "ref": format!("refs/heads/{branch}")});
        let text = format!(
            "query($owner: String!, $name: String!, $ref: String!) {{ repository(owner: $owner, name: $name) {{ {REPOSITORY}
             ref(qualifiedName: $ref) {{ target {{ oid ... on Commit {{ message tree {{ oid }} }} }} }} }} }}"
        );
        let data = self.query("graphql head", Access::Read, &text, variables).await?.complete()?;
        self.look_of(&owner, &data["repository"]).await
    }

    /// The answer to a look. None: there is another repository under this name, or none.
    pub(crate) async fn look_of(&self, owner: &str, answer: &Value) -> Result<Option<Look>> {
        let Some(found) = read_repository(answer)? else { return Ok(None) };
        if found.database_id != self.id {
            return Ok(None);
        }
        self.still_reached(owner, &found.name_with_owner).await?;
        self.rename(&found.name_with_owner);
        if let Some(GraphTarget { oid, message: Some(message), .. }) =
            found.branch.as_ref().and_then(|branch| branch.target.as_ref())
        {
            self.shown.add_message(*oid, message.clone());
        }
        found.look().map(Some)
    }

    /// A public repository can be read wherever it moved to; that the App is there is another matter.
    async fn still_reached(&self, owner: &str, full_name: &str) -> Result<()> {
        let is_same = full_name.split('/').next().is_some_and(|now| now.eq_ignore_ascii_case(owner));
        if is_same {
            return Ok(());
        }
        match self.fate().await? {
            GithubError::NotFound => Ok(()),
            refused => Err(refused),
        }
    }

    /// The repository as it is now, by its id. `NotFound`: gone, or out of the installation's reach.
    pub async fn info(&self) -> Result<RepositoryInfo> {
        let found: RestRepository = match self.get("GET /repos/{owner}/{repo}", Access::Metadata, "").await {
            Ok(answer) => answer.json(false)?,
            Err(GithubError::NotFound) => return self.find_by_id().await,
            Err(error) => return Err(self.explained(error).await),
        };
        if found.id != self.id {
            return self.find_by_id().await;
        }
        self.rename(&found.full_name);
        Ok(found.into())
    }

    /// By its id, whatever it is called. Not found: what became of it.
    async fn find_by_id(&self) -> Result<RepositoryInfo> {
        let found = match self.only_repository().await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(self.explained(GithubError::NotFound).await),
            Err(error) => return Err(self.explained(error).await),
        };
        self.rename(&found.full_name);
        Ok(found.into())
    }

    /// A token narrowed to one repository sees just that one.
    async fn only_repository(&self) -> Result<Option<RestRepository>> {
        #[derive(Deserialize)]
        struct Page {
            repositories: Vec<RestRepository>,
        }
        let path = "/installation/repositories?per_page=2";
        let call = self.github.rest(Method::GET, "GET /installation/repositories", path);
        let page: Page = self.github.run(&self.account, Access::Metadata, Effect::Reads, call).await?.json(false)?;
        Ok(page.repositories.into_iter().find(|one| one.id == self.id))
    }

    /// Why a repository is out of sight, where GitHub only says that it is.
    async fn explained(&self, error: GithubError) -> GithubError {
        match error {
            GithubError::NotFound | GithubError::Refused { code: Code::RepositoryNotAccessible, .. } => {
                self.fate().await.unwrap_or_else(|failed| failed)
            }
            other => other,
        }
    }

    pub(crate) fn owner_and_name(&self) -> Result<(String, String)> {
        let full = self.full_name();
        let (owner, name) = full.split_once('/').ok_or_else(|| GithubError::Invalid("no owner/name".to_owned()))?;
        Ok((owner.to_owned(), name.to_owned()))
    }

    /// A call below `/repos/{owner}/{repo}`; `tail` starts with a slash, or is empty.
    pub(crate) fn call(&self, method: Method, endpoint: &'static str, tail: &str) -> Call {
        let name = self.full_name();
        let encoded: Vec<_> = name.split('/').map(encode).collect();
        self.github.rest(method, endpoint, &format!("/repos/{}{tail}", encoded.join("/")))
    }

    pub(crate) async fn get(&self, endpoint: &'static str, access: Access, tail: &str) -> Result<Answer> {
        self.run(access, Effect::Reads, self.call(Method::GET, endpoint, tail)).await
    }

    pub(crate) async fn run(&self, access: Access, effect: Effect, call: Call) -> Result<Answer> {
        self.github.run(&self.account, access, effect, call).await
    }

    pub(crate) async fn query(
        &self,
        endpoint: &'static str,
        access: Access,
        text: &str,
        variables: impl Serialize,
    ) -> Result<Graph> {
        self.github.graphql(&self.account, access, Effect::Reads, Document { endpoint, text, variables }).await
    }

    pub(crate) async fn mutate(
        &self,
        endpoint: &'static str,
        access: Access,
        text: &str,
        variables: impl Serialize,
    ) -> Result<Graph> {
        self.github.graphql(&self.account, access, Effect::Writes, Document { endpoint, text, variables }).await
    }
}

impl GraphRepository {
    pub fn look(self) -> Result<Look> {
        let head = match self.branch.and_then(|branch| branch.target) {
            Some(GraphTarget { oid, tree: Some(tree), .. }) => HeadState::Branch(Head { commit: oid, tree: tree.oid }),
            Some(_) => return Err(GithubError::Invalid("the branch does not point to a commit".to_owned())),
            None if self.is_empty => HeadState::EmptyRepository,
            None => HeadState::Missing,
        };
        let repository = RepositoryInfo {
            id: self.database_id,
            full_name: self.name_with_owner,
            private: self.is_private,
            archived: self.is_archived,
            default_branch: self.default_branch_ref.map(|branch| branch.name).unwrap_or_default(),
            url: self.url,
            created_at: None,
        };
        Ok(Look { head, repository })
    }
}

impl From<RestRepository> for RepositoryInfo {
    fn from(found: RestRepository) -> Self {
        RepositoryInfo {
            id: found.id,
            full_name: found.full_name,
            private: found.private,
            archived: found.archived,
            default_branch: found.default_branch.unwrap_or_default(),
            url: found.html_url,
            created_at: found.created_at,
        }
    }
}

pub(crate) fn read_repository(value: &Value) -> Result<Option<GraphRepository>> {
    if value.is_null() {
        return Ok(None);
    }
    let read = GraphRepository::deserialize(value);
    read.map(Some).map_err(|_| GithubError::unavailable("an answer without a repository's fields"))
}

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One segment of a URL's path, or a value of its query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A path of several segments, its slashes kept.
pub(crate) fn encode_path(text: &str) -> String {
    text.split('/').map(encode).collect::<Vec<_>>().join("/")
}
