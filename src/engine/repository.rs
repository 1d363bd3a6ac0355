//! Making a repository for a project, in the person's own account or an organization's.
//!
//! An answer can get lost after GitHub made the repository. So the name is looked up before GitHub
//! is asked, the intent is written down, and a repository that appears is taken for ours only when
//! - GitHub answered with its id, or
//! - the name was free just before, the answer was lost, and it is there when we look at once, or
//! - we died in between, and it was made within the time our request can have been under way.
//!
//! Whatever it is, it is only taken up while it is empty.

use chrono::TimeDelta;
use uuid::Uuid;

use super::Engine;
use super::connect::{Connected, already_connected, default_branch, suspended};
use super::failure::{Failure, no_app, not_accessible};
use crate::github::{
    GithubError, HeadState, Installation, InstallationId, NewRepository, Priority, RepoRef, RepositoryInfo,
};
use crate::model::{BranchName, Code, Problem, ProjectId, RepoName, UserId};
use crate::store::authorizations::Authorization;
use crate::store::created_repositories::{Creation, Wanted};
use crate::store::linking::{Asked, Link};

/// A request that was under way when this process died can have been answered so much later; the
/// clocks may be apart a little.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(20);
const CLOCKS: TimeDelta = TimeDelta::seconds(5);

/// The repository that a person asks for.
#[derive(Debug, Clone)]
pub struct ToMake {
    pub owner: String,
    pub name: RepoName,
    pub description: Option<String>,
    pub private: bool,
    /// None: what GitHub names the first branch.
    pub branch: Option<BranchName>,
}

/// What is known of a person's right to make repositories in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MayCreate {
    Proved,
    AskGithub,
}

/// One request for one repository.
struct Making<'a> {
    key: Wanted<'a>,
    to_make: &'a ToMake,
    asked: Asked<'a>,
}

impl Engine {
    /// `createRepository`: makes it, or takes up the one that an earlier request of this user for
    /// this project made, and connects the project to it.
    pub async fn create_repository(
        &self,
        project: &ProjectId,
        user: &UserId,
        to_make: &ToMake,
        asked: Asked<'_>,
    ) -> Result<Connected, Failure> {
        self.github.app().ok_or_else(no_app)?;
        let pid = self.store.ensure_project(project).await?;
        let (owner, name) = (to_make.owner.to_ascii_lowercase(), to_make.name.as_str().to_ascii_lowercase());
        let key = Wanted { pid, user: user.as_str(), owner: &owner, name: &name };
        let making = Making { key, to_make, asked };
        if let Some(connected) = self.store.connected_repository(pid).await? {
            let made = self.store.creation(key).await?.and_then(|creation| creation.repository_id);
            return if made == Some(connected) { Ok(Connected::Same) } else { Err(already_connected().into()) };
        }
        let (installation, made) = self.as_user(pid, key.user, async |person| self.make(person, &making).await).await?;
        let branch = match &to_make.branch {
            Some(branch) => branch.clone(),
            None => default_branch(&made.default_branch)?,
        };
        let link = Link {
            installation_id: installation.id,
            repository_id: made.id,
            full_name: made.full_name,
            private: made.private,
            default_branch: made.default_branch,
            url: made.url,
            branch: branch.into(),
        };
        self.link(pid, user, &link, asked).await
    }

    async fn make(
        &self,
        person: &Authorization,
        making: &Making<'_>,
    ) -> Result<(Installation, RepositoryInfo), Failure> {
        let installation = self.installation_for(person, making).await?;
        let organization = is_organization(&installation);
        let who = if organization { self.may_create(person, making).await? } else { MayCreate::AskGithub };
        let found = match self.find(person, making).await? {
            Some(found) => self.take_up(&installation, found, making).await?,
            None => self.ask(&installation, who, person, making).await?,
        };
        Ok((installation, found))
    }

    /// Where the App may make it. An account of somebody else's is refused here.
    async fn installation_for(&self, person: &Authorization, making: &Making<'_>) -> Result<Installation, Failure> {
        let owner = &making.to_make.owner;
        let Some(installation) = self.github.installation_of_owner(owner).await? else {
            return Err(self.not_installed(making).await?.into());
        };
        if installation.suspended_at.is_some() {
            return Err(suspended(owner).into());
        }
        let own = installation.account.id == person.github_id;
        if own || is_organization(&installation) { Ok(installation) } else { Err(may_not(owner).into()) }
    }

    /// Who is to ask GitHub for a repository of an organization: the App, when this person's own
    /// token shows that they may make one there; the person, when GitHub does not tell.
    async fn may_create(&self, person: &Authorization, making: &Making<'_>) -> Result<MayCreate, Failure> {
        let (token, to_make) = (&person.tokens.access, making.to_make);
        let member = self.github.membership(token, &to_make.owner).await?.filter(|member| member.active);
        match member {
            None => Err(may_not(&to_make.owner).into()),
            Some(member) if member.admin => Ok(MayCreate::Proved),
            Some(_) => match self.github.members_may_create(token, &to_make.owner, to_make.private).await? {
                Some(true) => Ok(MayCreate::Proved),
                Some(false) => Err(may_not(&to_make.owner).into()),
                None => Ok(MayCreate::AskGithub),
            },
        }
    }

    async fn not_installed(&self, making: &Making<'_>) -> Result<Problem, Failure> {
        let owner = &making.to_make.owner;
        let user = UserId::parse(making.key.user).map_err(|why| Problem::field("user", why.0))?;
        let url = self.install_url(making.key.pid, &user, None).await?;
        Ok(Problem::new(Code::PermissionMissing, format!("the GitHub App is not installed at {owner}"))
            .with_action(format!("Install the GitHub App at {owner}: {url}")))
    }

    /// What has this name now, as far as this person sees. One that was renamed away is not it.
    async fn find(&self, person: &Authorization, making: &Making<'_>) -> Result<Option<RepositoryInfo>, Failure> {
        let full_name = format!("{}/{}", making.to_make.owner, making.to_make.name);
        match self.github.repository_as_user(&person.tokens.access, &full_name).await {
            Ok(found) => Ok(Some(found.repository).filter(|found| found.full_name.eq_ignore_ascii_case(&full_name))),
            Err(GithubError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The name was free just now: asks GitHub for the repository.
    async fn ask(
        &self,
        installation: &Installation,
        who: MayCreate,
        person: &Authorization,
        making: &Making<'_>,
    ) -> Result<RepositoryInfo, Failure> {
        let marker = Uuid::now_v7().to_string();
        self.store.intend_creation(making.key, &marker).await?;
        let (owner, token) = (&making.to_make.owner, &person.tokens.access);
        let new = NewRepository {
            name: making.to_make.name.clone(),
            description: making.to_make.description.clone().unwrap_or_default(),
            private: making.to_make.private,
        };
        let answer = match (is_organization(installation), who) {
            (true, MayCreate::Proved) => {
                self.github.create_org_repo(InstallationId(installation.id), owner, &new).await
            }
            (true, MayCreate::AskGithub) => self.github.create_org_repo_as_user(token, owner, &new).await,
            (false, _) => self.github.create_user_repo(token, &new).await,
        };
        match answer {
            Ok(made) => self.ours(made, making, &marker).await,
            Err(error @ GithubError::Unavailable { ambiguous: true, .. }) => match self.find(person, making).await? {
                // Free a moment ago, and there now.
                Some(made) => self.ours(made, making, &marker).await,
                None => self.not_made(error, making, &marker).await,
            },
            Err(error) => self.not_made(error, making, &marker).await,
        }
    }

    async fn ours(&self, made: RepositoryInfo, making: &Making<'_>, marker: &str) -> Result<RepositoryInfo, Failure> {
        self.store.record_creation(making.key, marker, made.id, &made.full_name, making.asked).await?;
        Ok(made)
    }

    async fn not_made<T>(&self, error: GithubError, making: &Making<'_>, marker: &str) -> Result<T, Failure> {
        self.store.forget_creation(making.key, marker).await?;
        Err(match error {
            GithubError::Refused { code: Code::RepositoryNameTaken, .. } => name_taken(making).into(),
            other => other.into(),
        })
    }

    /// There is one of this name: ours from an earlier request, and still empty, or somebody's.
    async fn take_up(
        &self,
        installation: &Installation,
        found: RepositoryInfo,
        making: &Making<'_>,
    ) -> Result<RepositoryInfo, Failure> {
        let Some(creation) = self.store.creation(making.key).await? else { return Err(name_taken(making).into()) };
        if !is_ours(&creation, &found, making.to_make.private) {
            return Err(name_taken(making).into());
        }
        let reference = RepoRef { id: found.id, full_name: found.full_name.clone() };
        let repo = self.github.repo(InstallationId(installation.id), reference).with_priority(Priority::Person);
        let branch = if found.default_branch.is_empty() { "main" } else { &found.default_branch };
        match repo.head(branch).await {
            Ok(HeadState::EmptyRepository) => self.ours(found, making, &creation.marker).await,
            Ok(_) => Err(name_taken(making).into()),
            Err(GithubError::NotFound) => Err(not_accessible().into()),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_organization(installation: &Installation) -> bool {
    installation.account.kind == "Organization"
}

/// See the module's head.
fn is_ours(creation: &Creation, found: &RepositoryInfo, private: bool) -> bool {
    match creation.repository_id {
        Some(id) => found.id == id,
        None => {
            let asked = creation.asked_at;
            let then = asked - CLOCKS..asked + UNDER_WAY + CLOCKS;
            found.private == private && found.created_at.is_some_and(|made| then.contains(&made))
        }
    }
}

fn name_taken(making: &Making<'_>) -> Problem {
    let ToMake { owner, name, .. } = making.to_make;
    Problem::new(Code::RepositoryNameTaken, format!("{owner} has a repository named {name} already"))
}

fn may_not(owner: &str) -> Problem {
    Problem::new(Code::PermissionMissing, format!("this user may not make repositories at {owner}"))
        .with_action(format!("Ask an owner of {owner} to let you make repositories there, or use your own account."))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn found(id: i64, created: DateTime<Utc>) -> RepositoryInfo {
        RepositoryInfo {
            id,
            full_name: "acme/site".to_owned(),
            private: true,
            archived: false,
            default_branch: "main".to_owned(),
            url: String::new(),
            created_at: Some(created),
        }
    }

    fn creation(repository_id: Option<i64>, asked_at: DateTime<Utc>) -> Creation {
        Creation { repository_id, marker: String::new(), asked_at }
    }

    #[test]
    fn a_known_id_is_believed_and_no_other() {
        let now = Utc::now();
        assert!(is_ours(&creation(Some(7), now), &found(7, now - TimeDelta::days(9)), true));
        assert!(!is_ours(&creation(Some(7), now), &found(8, now), true));
    }

    #[test]
    fn a_lost_answer_is_believed_for_as_long_as_the_request_can_have_lasted() {
        let now = Utc::now();
        let ours = |seconds: i64, private| {
            is_ours(&creation(None, now), &found(7, now + TimeDelta::seconds(seconds)), private)
        };
        assert!(ours(0, true) && ours(15, true) && ours(-2, true));
        assert!(!ours(0, false) && !ours(60, true) && !ours(-60, true));
    }
}
