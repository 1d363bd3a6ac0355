//! Pushes by people: what tests change behind Lockstep's back. Past protection and rules, as
//! administrators are.

use crate::change::Change;
use crate::core::Core;
use crate::events::refs::RefChange;
use crate::git::edit::Edit;
use crate::git::{Commit, Git, Kind, Mode, Oid, Person};
use crate::world::World;

/// One pushed commit.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) repository: u64,
    pub(crate) branch: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) message: String,
    /// Who wrote and pushed it; somebody with access when not given.
    pub(crate) by: Option<u64>,
    /// What it starts from instead of the branch's head; the inner nothing: an orphan.
    pub(crate) onto: Option<Option<Oid>>,
    /// Further parents, of a merge.
    pub(crate) merges: Vec<Oid>,
}

impl Push {
    pub(crate) fn to(repository: u64, branch: &str, changes: Vec<Change>) -> Push {
        Push {
            repository,
            branch: branch.to_owned(),
            message: describe(&changes),
            changes,
            by: None,
            onto: None,
            merges: Vec::new(),
        }
    }
}

fn describe(changes: &[Change]) -> String {
    match changes {
        [] => "Empty commit".to_owned(),
        [only] => format!("Change {}", only.path()),
        [first, rest @ ..] => format!("Change {} and {} more", first.path(), rest.len()),
    }
}

impl Core {
    /// Commits and moves the branch, by force when the commit does not continue it. A branch
    /// that is not there starts from the default branch, or from nothing.
    pub(crate) fn push(&self, world: &mut World, push: &Push) -> Result<Oid, String> {
        let repo = world.repositories.get(&push.repository);
        let repo = repo.ok_or("no such repository")?;
        let git = repo.git.clone();
        let owner = repo.owner;
        let head = git.branch(&push.branch);
        let default = git.branch(&repo.default_branch);
        let start = push.onto.unwrap_or(head.or(default));
        let by = push.by.or_else(|| somebody(world, owner));
        let by = by.ok_or("nobody could push there")?;
        let base = start.and_then(|oid| git.store.commit(&oid));
        let tree = write_tree(&git, base.map(|it| it.tree), &push.changes)?;
        let person = person_of(world, by);
        let commit = Commit {
            tree,
            parents: start.into_iter().chain(push.merges.iter().copied()).collect(),
            author: person.clone(),
            committer: person,
            message: push.message.clone(),
            signature: None,
        };
        let oid = git.write_commit(&commit);
        let change = RefChange {
            repository: push.repository,
            name: format!("refs/heads/{}", push.branch),
            expect: None,
            to: Some(oid),
            force: true,
            actor: by,
            bypass: true,
        };
        let lies = std::mem::take(&mut world.lies);
        let moved = self.change_ref(world, &change);
        world.lies = lies;
        moved.map_err(|refusal| format!("{refusal:?}"))?;
        Ok(oid)
    }
}

/// The account's owner, or one of an organization's people.
pub(crate) fn somebody(world: &World, account: u64) -> Option<u64> {
    let account = world.accounts.get(&account)?;
    match account.is_organization() {
        true => account.members.keys().next().copied(),
        false => Some(account.id),
    }
}

/// How an account signs its commits, now.
pub(crate) fn person_of(world: &World, id: u64) -> Person {
    let account = world.accounts.get(&id);
    let name = account.map_or("nobody", |it| it.display_name());
    let email = account.map(|it| it.email()).unwrap_or_default();
    Person::new(name, &email, world.now())
}

fn write_tree(git: &Git, base: Option<Oid>, changes: &[Change]) -> Result<Oid, String> {
    let mut edits = Vec::with_capacity(changes.len());
    for change in changes {
        edits.push((change.path().to_owned(), edit_of(git, change)?));
    }
    let tree = git.store.edit(base, &edits);
    tree.map_err(|missing| format!("{} is not there", missing.0))
}

fn edit_of(git: &Git, change: &Change) -> Result<Edit, String> {
    match change {
        Change::Put { mode, content, .. } => {
            let mode = Mode::parse(mode).ok_or_else(|| format!("{mode} is no mode"))?;
            let oid = git.store.write(Kind::Blob, content.clone());
            Ok(Edit::Put(mode, oid))
        }
        Change::Submodule { oid, .. } => {
            let oid = Oid::parse(oid).ok_or_else(|| format!("{oid} is no object id"))?;
            Ok(Edit::Put(Mode::Submodule, oid))
        }
        Change::Delete { .. } => Ok(Edit::Delete { strict: true }),
    }
}
