//! Making a repository for a project, in the person's own account or an organization's.
//!
//! An answer can get lost after GitHub made the repository. So the name is looked up before GitHub
//! is asked, and the intent is written down. A repository that appears is ours when GitHub answered
//! with its id; otherwise GitHub's log of webhooks says who made it:
//! - the App's bot, after the intent: nobody else can act as it, so it is ours;
//! - somebody who is neither the App nor this person: it is not;
//! - this person (their own account's repositories are made with their token), or the log does not
//!   have it yet: it is ours when it was made within the time that our request can have been under
//!   way, unless it was not there when we looked after that request had ended.
//!
//! Whatever it is, it is only taken up while it is empty.
//!
//! Requests of one project wait for each other: the same one sent twice at once finds what the first
//! made, as it would a moment later.

use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::Engine;
use super::connect::{Connected, already_connected, default_branch, suspended};
use super::failure::{Failure, no_app, not_accessible};
use super::may_create::{MayCreate, may_have, may_not};
use crate::github::{
    GithubError, HeadState, Installation, InstallationId, NewRepository, Priority, RepoRef, RepositoryInfo,
    UserRepository,
};
use crate::model::{BranchName, Code, Problem, ProjectId, RepoName, UserId};
use crate::queue::heartbeat;
use crate::store::authorizations::Authorization;
use crate::store::created_repositories::{Creation, Wanted};
use crate::store::linking::{Asked, Link};

/// A request that was under way when this process died can have been answered so much later; the
/// clocks may be apart a little.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(20);
const CLOCKS: TimeDelta = TimeDelta::seconds(5);
/// How often a claim is renewed: several times in its life.
const RENEW: Duration = Duration::from_secs(4);
/// How long, and how often, one who waits for a claim tries: longer than one that nobody renews lives.
const PATIENCE: Duration = Duration::from_secs(18);
const TRY_AGAIN: Duration = Duration::from_millis(150);

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
        let pid = self.store.ensure_project(project, asked).await?;
        let (owner, name) = (to_make.owner.to_ascii_lowercase(), to_make.name.as_str().to_ascii_lowercase());
        let key = Wanted { pid, user: user.as_str(), owner: &owner, name: &name };
        let making = Making { key, to_make, asked };
        let claim = self.claim_creation(pid).await?;
        let renew = || async move {
            if let Err(error) = self.store.claim_creation(pid, claim).await {
                tracing::warn!(pid, %error, "a claim could not be renewed");
            }
        };
        let done = heartbeat::while_beating(RENEW, renew, self.make_and_link(&making, user)).await;
        if let Err(error) = self.store.release_creation(pid, claim).await {
            tracing::warn!(pid, %error, "a claim is left to end by itself");
        }
        done
    }

    /// Waits for whoever makes a repository for this project just now.
    async fn claim_creation(&self, pid: i64) -> Result<Uuid, Failure> {
        let token = Uuid::new_v4();
        let claim = async || match self.store.claim_creation(pid, token).await {
            Ok(false) => None,
            other => Some(other),
        };
        match heartbeat::until(PATIENCE, TRY_AGAIN, claim).await {
            Some(claimed) => Ok(claimed.map(|_| token)?),
            None => {
                let detail = "another request makes a repository for this project just now";
                Err(Problem::new(Code::Unavailable, detail).into())
            }
        }
    }

    async fn make_and_link(&self, making: &Making<'_>, user: &UserId) -> Result<Connected, Failure> {
        let Making { key, to_make, asked } = *making;
        let pid = key.pid;
        if let Some((connected, private)) = self.store.connected_repository(pid).await? {
            let made = self.store.creation(key).await?.and_then(|creation| creation.repository_id);
            let is_same = made == Some(connected) && private == to_make.private;
            return if is_same { Ok(Connected::Same) } else { Err(already_connected().into()) };
        }
        let (installation, made) = self.as_user(pid, key.user, async |person| self.make(person, making).await).await?;
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
        let who = if organization { self.may_create(person, making.to_make).await? } else { MayCreate::AskGithub };
        let found = match self.find(person, making).await? {
            Some(found) => self.take_up(&installation, who, found, person, making).await?,
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

    async fn not_installed(&self, making: &Making<'_>) -> Result<Problem, Failure> {
        let owner = &making.to_make.owner;
        let user = UserId::parse(making.key.user).map_err(|why| Problem::field("user", why.0))?;
        let url = self.install_url(making.key.pid, &user, None).await?;
        Ok(Problem::new(Code::PermissionMissing, format!("the GitHub App is not installed at {owner}"))
            .with_action(format!("Install the GitHub App at {owner}: {url}")))
    }

    /// What has this name now, as far as this person sees. One that was renamed away is not it.
    async fn find(&self, person: &Authorization, making: &Making<'_>) -> Result<Option<UserRepository>, Failure> {
        let full_name = format!("{}/{}", making.to_make.owner, making.to_make.name);
        match self.github.repository_as_user(&person.tokens.access, &full_name).await {
            Ok(found) => Ok(Some(found).filter(|one| one.repository.full_name.eq_ignore_ascii_case(&full_name))),
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
        let creation = self.store.intend_creation(making.key, &Uuid::now_v7().to_string()).await?;
        let marker = &creation.marker;
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
            Ok(made) => self.ours(made, making, marker).await,
            Err(error @ GithubError::Unavailable { ambiguous: true, .. }) => {
                let found = self.find(person, making).await?;
                match found {
                    // Free a moment ago, and there now.
                    Some(made)
                        if may_have(who, &made)
                            && self.is_ours(&creation, &made.repository, person, making).await? =>
                    {
                        self.ours(made.repository, making, marker).await
                    }
                    _ => {
                        self.store.doubt_creation(making.key, marker).await?;
                        Err(error.into())
                    }
                }
            }
            Err(error) => self.not_made(error, making, marker).await,
        }
    }

    async fn ours(&self, made: RepositoryInfo, making: &Making<'_>, marker: &str) -> Result<RepositoryInfo, Failure> {
        self.store.record_creation(making.key, marker, made.id, &made.full_name, making.asked).await?;
        Ok(made)
    }

    async fn not_made<T>(&self, error: GithubError, making: &Making<'_>, marker: &str) -> Result<T, Failure> {
        self.store.forget_creation(making.key, marker).await?;
        let owner = &making.to_make.owner;
        Err(match error {
            GithubError::Refused { code: Code::RepositoryNameTaken, .. } => name_taken(making).into(),
            // To somebody who may not, an organization is not there.
            GithubError::NotFound => may_not(owner).into(),
            GithubError::Refused { code: Code::RepositoryNotAccessible, detail, .. } => {
                let action = may_not(owner).action;
                let detail = format!("GitHub makes no repository at {owner} for this user: {detail}");
                Problem::new(Code::PermissionMissing, detail).with_action(action).into()
            }
            other => other.into(),
        })
    }

    /// There is one of this name: ours from an earlier request, and still empty, or somebody's. The
    /// person can have lost their rights since: where GitHub is not asked to make one, it says that they
    /// may push to this one.
    async fn take_up(
        &self,
        installation: &Installation,
        who: MayCreate,
        found: UserRepository,
        person: &Authorization,
        making: &Making<'_>,
    ) -> Result<RepositoryInfo, Failure> {
        let may_have = may_have(who, &found);
        let found = found.repository;
        let Some(creation) = self.store.creation(making.key).await? else { return Err(name_taken(making).into()) };
        if !self.is_ours(&creation, &found, person, making).await? {
            return Err(name_taken(making).into());
        }
        if !may_have {
            return Err(not_accessible().into());
        }
        if found.private != making.to_make.private {
            return Err(other_visibility(making, found.private).into());
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

    /// See the module's head. GitHub is asked only where that can matter.
    async fn is_ours(
        &self,
        creation: &Creation,
        found: &RepositoryInfo,
        person: &Authorization,
        making: &Making<'_>,
    ) -> Result<bool, Failure> {
        if let Some(id) = creation.repository_id {
            return Ok(found.id == id);
        }
        if found.private != making.to_make.private || !made_since(creation, found) {
            return Ok(false);
        }
        let bot = self.github.app().map(|app| format!("{}[bot]", app.slug));
        let maker = match self.github.creator_of(found.id, creation.asked_at - CLOCKS).await? {
            None => Maker::Unknown,
            Some(creator) if Some(&creator.login) == bot.as_ref() => Maker::App,
            Some(creator) if creator.id == person.github_id => Maker::Person,
            Some(_) => Maker::Stranger,
        };
        Ok(shows(creation, found, maker))
    }
}

/// Who made a repository, as far as GitHub says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    App,
    Person,
    Stranger,
    Unknown,
}

fn is_organization(installation: &Installation) -> bool {
    installation.account.kind == "Organization"
}

fn made_since(creation: &Creation, found: &RepositoryInfo) -> bool {
    found.created_at.is_some_and(|made| made >= creation.asked_at - CLOCKS)
}

/// Whether what is known shows that our request made it; see the module's head.
fn shows(creation: &Creation, found: &RepositoryInfo, maker: Maker) -> bool {
    let until = creation.asked_at + UNDER_WAY + CLOCKS;
    match maker {
        Maker::App => true,
        Maker::Stranger => false,
        Maker::Person | Maker::Unknown => !creation.looked && found.created_at.is_some_and(|made| made < until),
    }
}

fn name_taken(making: &Making<'_>) -> Problem {
    let ToMake { owner, name, .. } = making.to_make;
    Problem::new(Code::RepositoryNameTaken, format!("{owner} has a repository named {name} already"))
}

fn other_visibility(making: &Making<'_>, private: bool) -> Problem {
    let ToMake { owner, name, .. } = making.to_make;
    let is = if private { "private" } else { "public" };
    let detail = format!("an earlier request made {owner}/{name}, and it is {is}");
    Problem::new(Code::RepositoryNameTaken, detail)
        .with_action(format!("Ask for the {is} repository again, or choose another name."))
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

    fn ours(asked: DateTime<Utc>, looked: bool, seconds: i64, maker: Maker) -> bool {
        let creation = Creation { repository_id: None, marker: String::new(), asked_at: asked, looked };
        let found = found(7, asked + TimeDelta::seconds(seconds));
        made_since(&creation, &found) && shows(&creation, &found, maker)
    }

    #[test]
    fn github_says_who_made_it() {
        let ours = |looked, seconds, maker| ours(Utc::now(), looked, seconds, maker);
        for looked in [false, true] {
            assert!(ours(looked, 0, Maker::App) && ours(looked, 3600, Maker::App));
            assert!(!ours(looked, 0, Maker::Stranger));
            assert!(!ours(looked, -60, Maker::App), "older than the request");
        }
    }

    #[test]
    fn a_lost_answer_is_believed_for_as_long_as_the_request_can_have_lasted() {
        for maker in [Maker::Person, Maker::Unknown] {
            let ours = |looked, seconds| ours(Utc::now(), looked, seconds, maker);
            assert!(ours(false, 0) && ours(false, 15) && ours(false, -2));
            assert!(!ours(false, 60) && !ours(false, -60));
            assert!(!ours(true, 0), "it was not there when the request had ended");
        }
    }
}
