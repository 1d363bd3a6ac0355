//! The one way a ref changes: checked against history, protection and rules, then announced.

use crate::core::Core;
use crate::git::diff::Changed;
use crate::git::refs::{RefError, is_valid};
use crate::git::{Kind, Oid};
use crate::world::World;
use crate::world::repository::Repository;
use crate::world::rules::{Rule, fits};

/// A change of one ref.
#[derive(Clone, Debug)]
pub(crate) struct RefChange {
    pub(crate) repository: u64,
    /// `refs/heads/main`.
    pub(crate) name: String,
    /// What it must point to now; the outer nothing: whatever it does.
    pub(crate) expect: Option<Option<Oid>>,
    /// Where it goes; nothing deletes it.
    pub(crate) to: Option<Oid>,
    /// Take what is not a fast-forward too.
    pub(crate) force: bool,
    /// The account that pushes.
    pub(crate) actor: u64,
    /// Past protection and rules, as administrators may and merges do.
    pub(crate) bypass: bool,
}

/// Why a ref did not change.
#[derive(Clone, Debug)]
pub(crate) enum RefRefusal {
    Missing,
    Exists,
    /// It points here, which is not what was expected.
    Stale(Option<Oid>),
    NotFastForward,
    /// Classic branch protection, with its message.
    Protected(&'static str),
    /// Rulesets, with their messages.
    Rules(Vec<String>),
    /// Another ref stands in the way.
    InTheWay,
    BadName,
    NoSuchObject,
    Archived,
}

impl Core {
    /// Changes a ref and lets the world know. Answers where it pointed before.
    pub(crate) fn change_ref(&self, world: &mut World, change: &RefChange) -> Result<Option<Oid>, RefRefusal> {
        let repo = world.repositories.get(&change.repository);
        let repo = repo.ok_or(RefRefusal::Missing)?;
        let git = repo.git.clone();
        let now = git.refs.get(&change.name);
        check(repo, change, now)?;
        if world.lies > 0 {
            world.lies -= 1;
            return Ok(now);
        }
        if now == change.to {
            return Ok(now);
        }
        let is_first = !git.refs.any("refs/heads/");
        git.refs.swap(&change.name, now, change.to).map_err(|error| match error {
            RefError::Moved(at) => RefRefusal::Stale(at),
            RefError::InTheWay => RefRefusal::InTheWay,
        })?;
        if is_first {
            first_branch_is_default(world, change);
        }
        git.touch();
        self.after_ref_change(world, change, now);
        Ok(now)
    }

    fn after_ref_change(&self, world: &mut World, change: &RefChange, before: Option<Oid>) {
        let at = world.now();
        if let Some(repo) = world.repositories.get_mut(&change.repository) {
            repo.pushed_at = at;
            repo.updated_at = at;
        }
        self.announce_push(world, change, before);
        self.pulls_follow(world, change);
    }
}

/// Whether a change would be taken, without making it.
pub(crate) fn check_ref_change(world: &World, change: &RefChange) -> Result<(), RefRefusal> {
    let repo = world.repositories.get(&change.repository);
    let repo = repo.ok_or(RefRefusal::Missing)?;
    check(repo, change, repo.git.refs.get(&change.name))
}

/// While the default branch is not there, the first one that comes takes its place.
fn first_branch_is_default(world: &mut World, change: &RefChange) {
    let Some(branch) = change.name.strip_prefix("refs/heads/") else {
        return;
    };
    if let Some(repo) = world.repositories.get_mut(&change.repository) {
        repo.default_branch = branch.to_owned();
        repo.git.refs.set_head(branch);
    }
}

/// Everything that can be said without touching anything.
fn check(repo: &Repository, change: &RefChange, now: Option<Oid>) -> Result<(), RefRefusal> {
    if let Some(expected) = change.expect
        && expected != now
    {
        return Err(match (expected, now) {
            (None, Some(_)) => RefRefusal::Exists,
            (Some(_), None) => RefRefusal::Missing,
            _ => RefRefusal::Stale(now),
        });
    }
    if repo.archived && !change.bypass {
        return Err(RefRefusal::Archived);
    }
    match change.to {
        None if now.is_none() => return Err(RefRefusal::Missing),
        Some(_) if now.is_none() && !is_valid(&change.name) => return Err(RefRefusal::BadName),
        Some(_) if now.is_none() && repo.git.refs.is_blocked(&change.name) => {
            return Err(RefRefusal::InTheWay);
        }
        Some(to) => check_target(repo, change, now, to)?,
        None => {}
    }
    if change.bypass || now == change.to {
        return Ok(());
    }
    check_rules(repo, change, now)
}

fn check_target(repo: &Repository, change: &RefChange, now: Option<Oid>, to: Oid) -> Result<(), RefRefusal> {
    let store = &repo.git.store;
    let object = store.read(&to).ok_or(RefRefusal::NoSuchObject)?;
    let is_branch = change.name.starts_with("refs/heads/");
    if is_branch && object.kind != Kind::Commit {
        return Err(RefRefusal::NoSuchObject);
    }
    match now {
        Some(now) if !change.force && is_branch && !store.is_ancestor(&now, &to) => Err(RefRefusal::NotFastForward),
        _ => Ok(()),
    }
}

fn check_rules(repo: &Repository, change: &RefChange, now: Option<Oid>) -> Result<(), RefRefusal> {
    let Some(branch) = change.name.strip_prefix("refs/heads/") else {
        return Ok(());
    };
    if let Some(protection) = repo.protection(branch).filter(|_| now.is_some()) {
        return Err(RefRefusal::Protected(protection.kind.message()));
    }
    let broken: Vec<String> = repo
        .rulesets
        .iter()
        .filter(|it| fits(&it.pattern, branch))
        .filter(|it| breaks(repo, &it.rule, now, change.to))
        .map(|it| it.rule.message())
        .collect();
    match broken.is_empty() {
        true => Ok(()),
        false => Err(RefRefusal::Rules(broken)),
    }
}

fn breaks(repo: &Repository, rule: &Rule, now: Option<Oid>, to: Option<Oid>) -> bool {
    let Some(to) = to else {
        return *rule == Rule::Deletion;
    };
    let store = &repo.git.store;
    let new = || store.between(now.as_ref(), to);
    match rule {
        Rule::PullRequest | Rule::Update => now.is_some(),
        Rule::Creation => now.is_none(),
        Rule::Deletion => false,
        Rule::Signatures => new().iter().any(|(_, it)| !it.is_verified()),
        Rule::MessagePattern(text) => new().iter().any(|(_, it)| !it.message.contains(text)),
        Rule::Path(prefix) => {
            let tree = |oid: Option<Oid>| oid.and_then(|it| store.commit(&it)).map(|it| it.tree);
            let changed: Vec<Changed> = store.diff(tree(now), tree(Some(to)));
            changed.iter().any(|it| it.path.starts_with(prefix))
        }
    }
}
