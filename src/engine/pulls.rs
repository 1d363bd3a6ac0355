//! Proposing: what a new pull request carries, where it goes, and what its branch is called. How it
//! is then made is in `pull_making`.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::Engine;
use super::boxed::boxed;
use super::failure::Failure;
use super::requests::Asker;
use crate::github::{GithubError, HeadState, Priority, PullState, Repo};
use crate::model::{BranchName, Code, Entry, FilePath, Problem};
use crate::queue::heartbeat;
use crate::store::integrations::{Acquired, Integration, Lease, Recorded, State};
use crate::store::pulls::{self, Carried, Carries, Pull};
use crate::store::snapshot::{Sides, Snapshot, Want};
use crate::store::{StoreError, holds};

/// What a person proposes.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub title: String,
    pub body: String,
    /// The sync branch when it is left out.
    pub base: Option<BranchName>,
    /// `lockstep/` and a slug of the title when it is left out.
    pub branch: Option<BranchName>,
    pub draft: bool,
}

/// How long a person waits for a sync that is running.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_NAMES: usize = 50;

impl Engine {
    /// `createPullRequest`.
    pub async fn propose(&self, project: &str, proposal: Proposal, asker: &Asker) -> Result<Pull, Failure> {
        let pid = self.connected_pid(project).await?;
        let (lease, recovering) = self.lease_for_person(pid).await?;
        let beat = || async move {
            drop(self.store.renew_lease(lease).await);
        };
        let proposing = async {
            // What the branch has already is no longer pending.
            boxed(|| self.find_out(lease, recovering)).await?;
            boxed(|| self.propose_under(lease, &proposal, asker)).await
        };
        let made = heartbeat::while_beating(Duration::from_secs(4), beat, proposing).await;
        self.let_go(lease).await?;
        made
    }

    async fn connected_pid(&self, project: &str) -> Result<i64, Failure> {
        let gone = || Failure::Problem(Problem::new(Code::NotFound, "There is no project of this id."));
        let id = crate::model::ProjectId::parse(project).map_err(|_| gone())?;
        self.store.pid_of(&id).await?.ok_or_else(gone)
    }

    /// The lease, waiting a while for whoever has it.
    async fn lease_for_person(&self, pid: i64) -> Result<(Lease, bool), Failure> {
        let token = Uuid::new_v4();
        let taken = heartbeat::until(PATIENCE, Duration::from_millis(100), || async move {
            match self.store.acquire_lease(pid, token).await {
                Ok(Acquired::Busy) => None,
                other => Some(other),
            }
        });
        match taken.await {
            Some(Ok(Acquired::Lease { lease, recovering, .. })) => Ok((lease, recovering)),
            Some(Ok(_)) => Err(not_connected()),
            Some(Err(error)) => Err(error.into()),
            None => Err(Problem::new(Code::Unavailable, "A sync of this project is still running.").into()),
        }
    }

    pub(super) async fn let_go(&self, lease: Lease) -> Result<(), StoreError> {
        self.store.drop_lease(lease).await?;
        if let Some(at) = self.store.integration(lease.pid).await?.and_then(|on| on.due_at) {
            self.wake_project(lease.pid, at).await;
        }
        Ok(())
    }

    async fn propose_under(&self, lease: Lease, proposal: &Proposal, asker: &Asker) -> Result<Pull, Failure> {
        let on = self.store.integration(lease.pid).await?.ok_or_else(not_connected)?;
        if on.state != State::Connected {
            let problem = on.error.clone();
            return Err(problem
                .unwrap_or_else(|| Problem::new(Code::RepositoryNotAccessible, "The connection is broken."))
                .into());
        }
        let live = self.store.live_pulls(on.pid, on.connection).await?;
        if let Some(begun) =
            live.iter().find(|pull| pull.state == "creating" && pull.title == proposal.title && !pull.proposed)
            && (!begun.given_up || self.store.under_lease(lease, async |tx| pulls::take_up(tx, begun.id).await).await?)
        {
            return self.make_pull(lease, &on, Pull { attempts: 0, given_up: false, ..begun.clone() }, asker).await;
        }
        if let Some(branch) = &proposal.branch
            && live.iter().any(|pull| pull.branch == branch.as_str() && !pull.given_up)
        {
            return Err(
                Problem::new(Code::PullRequestExists, format!("{branch} already has an open pull request.")).into()
            );
        }
        let repo = self.repo(&on).with_priority(Priority::Person);
        let (base, head) = base_of(&on, &repo, proposal.base.as_ref()).await?;
        // A person asks: what was refused is tried again.
        self.store.under_lease(lease, async |tx| holds::forget_refusals(tx, on.pid).await).await?;
        let mut refused: Option<(usize, Failure)> = None;
        loop {
            let snapshot = self.store.gather(lease, Want::Paths(&Default::default()), false).await?;
            let carries = self.carries(&repo, &snapshot, &on, head).await?;
            match refused {
                // Files that GitHub refuses are held, and the others go without them.
                Some((before, failure)) if carries.is_empty() || carries.len() >= before => return Err(failure),
                None if carries.is_empty() => {
                    return Err(Problem::new(Code::NothingToSync, "No change waits to be proposed.").into());
                }
                _ => {}
            }
            let is_new = |path: &FilePath| carries.get(path).is_some_and(|carried| carried.old.is_none());
            if let Some(refusal) = self.in_the_way(&repo, head, &versions(&carries), is_new).await? {
                let problem = Problem::new(refusal.code, refusal.detail);
                let held =
                    self.store.under_lease(lease, async |tx| holds::refuse(tx, on.pid, &refusal.paths, &problem).await);
                held.await?;
                refused = Some((carries.len(), problem.into()));
                continue;
            }
            let branch = match &proposal.branch {
                Some(branch) => given_branch(&repo, branch).await?,
                None => self.free_branch(&repo, &proposal.title).await?,
            };
            let mut pull = blank(&on, proposal, branch, base.clone(), head, asker);
            let message = self.pull_message(&on, &snapshot, &carries, &pull.title).await?;
            self.begin(lease, &on, &mut pull, &carries, &message, snapshot.revision, asker).await?;
            match self.make_pull(lease, &on, pull, asker).await {
                Ok(pull) => return Ok(pull),
                Err(failure) => refused = Some((carries.len(), failure)),
            }
        }
    }

    /// The first free name after the title. One that an earlier pull request had is not free, though
    /// its branch be gone: GitHub would show both under it.
    async fn free_branch(&self, repo: &Repo, title: &str) -> Result<String, Failure> {
        let slug = slug(title);
        // A branch of that name leaves no room for others below it.
        let prefix =
            if matches!(repo.head("lockstep").await?, HeadState::Branch(_)) { "lockstep-" } else { "lockstep/" };
        let numbered = (2..=MAX_NAMES).map(|number| format!("{prefix}{slug}-{number}"));
        let names: Vec<String> = std::iter::once(format!("{prefix}{slug}")).chain(numbered).collect();
        let had = self.store.names_of_pulls(repo.id(), &names).await?;
        for name in names.into_iter().filter(|name| !had.contains(name)) {
            if !matches!(repo.head(&name).await?, HeadState::Branch(_)) && repo.branch_inside(&name).await?.is_none() {
                return Ok(name);
            }
        }
        Ok(format!("{prefix}{slug}-{}", Uuid::new_v4().simple()))
    }

    /// What is pending, against what the base has.
    async fn carries(
        &self,
        repo: &Repo,
        snapshot: &Snapshot,
        on: &Integration,
        head: Recorded,
    ) -> Result<Carries, Failure> {
        let waiting = snapshot.paths.iter().filter(|(_, sides)| {
            let held = sides.held.as_ref().is_some_and(|held| match held.reason.as_str() {
                "pull_request" => true,
                "refused" => held.version == sides.project,
                _ => false,
            });
            sides.github == sides.base && !held
        });
        let carried = |sides: &Sides| Carried { entry: sides.project, old: sides.github, came_in: false };
        let mut carries: Carries = waiting.map(|(path, sides)| (path.clone(), carried(sides))).collect();
        if on.head != Some(head) && !carries.is_empty() {
            // Another base: what it has there decides what is a change, and what can be deleted.
            let there: BTreeMap<String, Entry> = repo
                .diff_trees(None, head.tree)
                .await?
                .into_iter()
                .filter_map(|delta| Some((delta.path, delta.new.map(|new| Entry { oid: new.oid, mode: new.mode })?)))
                .collect();
            for (path, carried) in &mut carries {
                carried.old = there.get(path.as_str()).copied();
            }
            carries.retain(|_, carried| carried.entry != carried.old);
        }
        Ok(carries)
    }
}

fn not_connected() -> Failure {
    Problem::new(Code::NotConnected, "The project is not connected to a repository.").into()
}

/// Where the pull request goes, and the commit its branch starts from. On the sync branch that is
/// the head which is agreed on, so that it changes what the person saw changed, and nothing else.
async fn base_of(on: &Integration, repo: &Repo, base: Option<&BranchName>) -> Result<(String, Recorded), Failure> {
    let name = base.map_or(on.branch.as_str(), BranchName::as_str);
    if let Some(head) = on.head.filter(|_| name == on.branch) {
        return Ok((name.to_owned(), head));
    }
    match repo.head(name).await? {
        HeadState::Branch(head) => Ok((name.to_owned(), Recorded { commit: head.commit, tree: head.tree })),
        HeadState::Missing | HeadState::EmptyRepository => {
            let detail = format!("The branch {name} does not exist on GitHub.");
            Err(Problem::new(Code::BranchNotFound, detail).into())
        }
    }
}

/// The branch that is called like a folder of this one's name: git takes no both.
pub(super) async fn branch_above(repo: &Repo, branch: &str) -> Result<Option<String>, GithubError> {
    for (at, _) in branch.match_indices('/') {
        let above = &branch[..at];
        if matches!(repo.head(above).await?, HeadState::Branch(_)) {
            return Ok(Some(above.to_owned()));
        }
    }
    Ok(None)
}

/// The branch that a person asked for.
async fn given_branch(repo: &Repo, branch: &BranchName) -> Result<String, Failure> {
    let name = branch.as_str();
    if !matches!(repo.head(name).await?, HeadState::Branch(_)) {
        let in_the_way = match branch_above(repo, name).await? {
            None => repo.branch_inside(name).await?,
            above => above,
        };
        return in_the_way.map_or_else(|| Ok(name.to_owned()), |other| Err(no_room(name, &other).into()));
    }
    match repo.find_pull(branch.as_str()).await? {
        Some(pull) if matches!(pull.state, PullState::Open | PullState::Draft) => {
            Err(Problem::new(Code::PullRequestExists, format!("{branch} already has an open pull request.")).into())
        }
        _ => Err(Problem::field("branch", "is there already: choose another name").into()),
    }
}

/// Git keeps no branch `b` beside a branch `b/x`.
fn no_room(branch: &str, other: &str) -> Problem {
    Problem::field("branch", format!("GitHub has a branch {other}, which leaves no room for a branch {branch}"))
        .with_action(format!("Choose another name for the branch, or delete {other} on GitHub."))
}

/// Small letters, digits and hyphens; never empty, at most 60 characters.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
        if slug.len() >= 60 {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "changes".to_owned() } else { slug.to_owned() }
}

fn blank(on: &Integration, proposal: &Proposal, branch: String, base: String, head: Recorded, asker: &Asker) -> Pull {
    Pull {
        id: 0,
        pid: on.pid,
        connection: on.connection,
        repository_id: on.repository_id,
        number: None,
        sync_id: None,
        url: None,
        title: proposal.title.clone(),
        body: proposal.body.clone(),
        state: "creating".to_owned(),
        branch,
        base,
        base_commit: Some(head.commit),
        head_commit: None,
        checks: "none".to_owned(),
        review: "none".to_owned(),
        mergeable: None,
        merge_commit: None,
        draft: proposal.draft,
        proposed: false,
        released: false,
        given_up: false,
        problem: None,
        attempts: 0,
        created_by: asker.author.as_ref().map(|author| author.id.clone()),
        created_at: on.now,
        updated_at: on.now,
    }
}

/// The version of each path that the branch is to hold.
pub(super) fn versions(carries: &Carries) -> BTreeMap<FilePath, Option<Entry>> {
    carries.iter().map(|(path, carried)| (path.clone(), carried.entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn slugs() {
        for (title, expected) in [
            ("Fix the header", "fix-the-header"),
            ("  Ünïcode & more!! ", "n-code-more"),
            ("日本語", "changes"),
            ("---", "changes"),
        ] {
            assert_eq!(slug(title), expected, "{title}");
        }
        assert!(slug(&"long title ".repeat(20)).len() <= 60);
    }
}
