//! Repositories as tests hold them: what other people do there.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Control, must};
use crate::change::Change;
use crate::core::Core;
use crate::events::refs::RefChange;
use crate::git::{Git, Oid};
use crate::push::{Push, somebody};
use crate::world::names;
use crate::world::repository::NewRepository;

/// A repository, held by its id: it stays the same through renames and transfers.
#[derive(Clone)]
pub struct Repo {
    pub(super) core: Arc<Core>,
    pub(super) id: u64,
}

impl Control {
    /// A private repository `owner/name`, made empty when there is none; its owner too, as an
    /// organization whose admin is `octocat`.
    #[track_caller]
    pub fn repo(&self, full_name: &str) -> Repo {
        self.repo_with_visibility(full_name, true)
    }

    /// The same, made by this person, as its webhook says.
    #[track_caller]
    pub fn repo_made_by(&self, full_name: &str, login: &str) -> Repo {
        let by = self.user(login);
        self.repo_of(full_name, true, Some(by))
    }

    /// The same, public.
    #[track_caller]
    pub fn public_repo(&self, full_name: &str) -> Repo {
        self.repo_with_visibility(full_name, false)
    }

    #[track_caller]
    fn repo_with_visibility(&self, full_name: &str, private: bool) -> Repo {
        self.repo_of(full_name, private, None)
    }

    #[track_caller]
    fn repo_of(&self, full_name: &str, private: bool, by: Option<u64>) -> Repo {
        if let Some(found) = self.find_repo(full_name) {
            return found;
        }
        let (owner, name) = must(full_name.split_once('/').ok_or("a name is owner/name"));
        let known = self.core.world().account_id(owner);
        let owner = known.unwrap_or_else(|| self.org(owner, &[("octocat", "admin")]));
        let mut world = self.core.world();
        let new = NewRepository {
            owner,
            name: names::rewrite(name),
            description: None,
            private,
            default_branch: "main".to_owned(),
        };
        let by = by.or_else(|| somebody(&world, owner)).unwrap_or(owner);
        let id = self.core.create_repository(&mut world, new, by);
        Repo { core: self.core.clone(), id }
    }

    /// The repository of that name, if there is one.
    pub fn find_repo(&self, full_name: &str) -> Option<Repo> {
        let id = self.core.world().repository(full_name)?.id;
        Some(Repo { core: self.core.clone(), id })
    }

    /// The repository of that id, if there is one.
    pub fn repo_by_id(&self, id: u64) -> Option<Repo> {
        let known = self.core.world().repositories.contains_key(&id);
        known.then(|| Repo { core: self.core.clone(), id })
    }
}

fn changes_of<C: Into<Change> + Clone>(changes: &[C]) -> Vec<Change> {
    changes.iter().cloned().map(Into::into).collect()
}

impl Repo {
    /// The numeric id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// `owner/name`, as it is now.
    pub fn full_name(&self) -> String {
        self.core.world().full_name(self.id).unwrap_or_default()
    }

    /// The bare repository on disk, for `git` itself to read: everything up to this call is in
    /// it, and later changes come within seconds, or with the next call.
    #[track_caller]
    pub fn git_dir(&self) -> PathBuf {
        must(self.git().dir().map(ToOwned::to_owned))
    }

    #[track_caller]
    pub(super) fn git(&self) -> Arc<Git> {
        let world = self.core.world();
        let found = world.repositories.get(&self.id);
        must(found.ok_or("the repository is gone")).git.clone()
    }

    /// What was said of it when it was made; none for a repository that is gone.
    pub fn description(&self) -> Option<String> {
        self.core.world().repositories.get(&self.id)?.description.clone()
    }

    /// Whether only its people can see it.
    pub fn is_private(&self) -> bool {
        self.core.world().repositories.get(&self.id).is_some_and(|it| it.private)
    }

    /// The default branch's name.
    pub fn default_branch(&self) -> String {
        let world = self.core.world();
        let found = world.repositories.get(&self.id);
        found.map(|it| it.default_branch.clone()).unwrap_or_default()
    }

    /// Commits these files to the default branch; for setting the scene.
    #[track_caller]
    pub fn with<C: Into<Change> + Clone>(self, files: &[C]) -> Repo {
        self.push(&self.default_branch(), files);
        self
    }

    /// Somebody commits to a branch, whatever its protection; a branch that is not there starts
    /// from the default branch. Answers the commit's id.
    #[track_caller]
    pub fn push<C: Into<Change> + Clone>(&self, branch: &str, changes: &[C]) -> String {
        must(self.try_push(&Push::to(self.id, branch, changes_of(changes))))
    }

    /// The same by a certain person, with a message.
    #[track_caller]
    pub fn push_as<C: Into<Change> + Clone>(&self, login: &str, branch: &str, message: &str, changes: &[C]) -> String {
        let mut push = Push::to(self.id, branch, changes_of(changes));
        push.by = self.core.world().account_id(login);
        push.message = message.to_owned();
        must(self.try_push(&push))
    }

    /// Moves a branch by force: `parent` (a commit; nothing: an orphan) with these changes.
    #[track_caller]
    pub fn force_push<C: Into<Change> + Clone>(&self, branch: &str, parent: Option<&str>, changes: &[C]) -> String {
        let mut push = Push::to(self.id, branch, changes_of(changes));
        push.onto = Some(parent.and_then(Oid::parse));
        must(self.try_push(&push))
    }

    /// Merges one branch into another, as somebody would with `git merge`.
    #[track_caller]
    pub fn merge(&self, into: &str, from: &str) -> String {
        let git = self.git();
        let ours = must(git.branch(into).ok_or("the branch is not there"));
        let theirs = must(git.branch(from).ok_or("the branch is not there"));
        let tree = must(git.merge_trees(&ours, &theirs).ok_or("it does not merge"));
        let before = must(git.store.commit(&ours).ok_or("no commit")).tree;
        let mut push = Push::to(self.id, into, differences(&git, before, tree));
        push.merges = vec![theirs];
        push.message = format!("Merge branch '{from}'");
        must(self.try_push(&push))
    }

    pub(crate) fn try_push(&self, push: &Push) -> Result<String, String> {
        let mut world = self.core.world();
        self.core.push(&mut world, push).map(|oid| oid.hex())
    }

    /// Makes a branch at a branch, tag or commit.
    #[track_caller]
    pub fn create_branch(&self, name: &str, from: &str) {
        let git = self.git();
        let start = git.resolve_commit(from, &self.default_branch());
        let start = must(start.ok_or("there is nothing of that name"));
        must(self.move_ref(&format!("refs/heads/{name}"), Some(start)));
    }

    /// Moves a branch to a commit, by force.
    #[track_caller]
    pub fn reset_branch(&self, name: &str, to: &str) {
        let git = self.git();
        let to = git.resolve_commit(to, &self.default_branch());
        let to = must(to.ok_or("there is nothing of that name"));
        must(self.move_ref(&format!("refs/heads/{name}"), Some(to)));
    }

    /// Deletes a branch.
    #[track_caller]
    pub fn delete_branch(&self, name: &str) {
        must(self.move_ref(&format!("refs/heads/{name}"), None));
    }

    /// Makes a lightweight tag.
    #[track_caller]
    pub fn create_tag(&self, name: &str, at: &str) {
        let git = self.git();
        let at = git.resolve_commit(at, &self.default_branch());
        let at = must(at.ok_or("there is nothing of that name"));
        must(self.move_ref(&format!("refs/tags/{name}"), Some(at)));
    }

    pub(crate) fn move_ref(&self, name: &str, to: Option<Oid>) -> Result<(), String> {
        let mut world = self.core.world();
        let owner = world.repositories.get(&self.id).map(|it| it.owner);
        let actor = owner.and_then(|owner| somebody(&world, owner));
        let change = RefChange {
            repository: self.id,
            name: name.to_owned(),
            expect: None,
            to,
            force: true,
            actor: actor.unwrap_or_default(),
            bypass: true,
        };
        let moved = self.core.change_ref(&mut world, &change);
        moved.map(|_| ()).map_err(|refusal| format!("{refusal:?}"))
    }
}

/// One tree as changes of another.
fn differences(git: &Git, before: Oid, after: Oid) -> Vec<Change> {
    let changes = git.store.diff(Some(before), Some(after)).into_iter();
    changes
        .map(|it| match it.new {
            None => Change::delete(&it.path),
            Some((crate::git::Mode::Submodule, oid)) => Change::submodule(&it.path, &oid.hex()),
            Some((mode, oid)) => Change::Put {
                path: it.path,
                mode: mode.text().to_owned(),
                content: git.store.blob(&oid).unwrap_or_default().to_vec(),
            },
        })
        .collect()
}
