//! Repositories as tests hold them: what other people do there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Control, must};
use crate::change::Change;
use crate::core::Core;
use crate::events::refs::RefChange;
use crate::git::{Commit, Git, Oid};
use crate::push::{Push, somebody};
use crate::world::names;
use crate::world::repository::NewRepository;
use crate::world::role::Role;
use crate::world::rules::{Protection, ProtectionKind, Rule, Ruleset};

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

    /// The same, public.
    #[track_caller]
    pub fn public_repo(&self, full_name: &str) -> Repo {
        self.repo_with_visibility(full_name, false)
    }

    #[track_caller]
    fn repo_with_visibility(&self, full_name: &str, private: bool) -> Repo {
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
        let by = somebody(&world, owner).unwrap_or(owner);
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

    /// A branch's head.
    pub fn head(&self, branch: &str) -> Option<String> {
        Some(self.git().branch(branch)?.hex())
    }

    /// All branches with their heads.
    pub fn branches(&self) -> BTreeMap<String, String> {
        let refs = self.git().refs.list("refs/heads/");
        refs.into_iter().map(|(name, oid)| (name.trim_start_matches("refs/heads/").to_owned(), oid.hex())).collect()
    }

    fn tree(&self, reference: &str) -> Option<(Arc<Git>, Oid)> {
        let git = self.git();
        let commit = git.resolve_commit(reference, &self.default_branch())?;
        let tree = git.store.commit(&commit)?.tree;
        Some((git, tree))
    }

    /// A file's bytes at a branch or commit.
    pub fn file(&self, reference: &str, path: &str) -> Option<Vec<u8>> {
        let (git, tree) = self.tree(reference)?;
        let (_, oid) = git.store.lookup(&tree, path)?;
        git.store.blob(&oid).map(|data| data.to_vec())
    }

    /// A file's text at a branch or commit.
    pub fn text(&self, reference: &str, path: &str) -> Option<String> {
        String::from_utf8(self.file(reference, path)?).ok()
    }

    /// All files at a branch or commit: path → (mode, oid).
    pub fn files(&self, reference: &str) -> BTreeMap<String, (String, String)> {
        let Some((git, tree)) = self.tree(reference) else {
            return BTreeMap::new();
        };
        let leaves = git.store.leaves(&tree).into_iter();
        leaves.map(|leaf| (leaf.path, (leaf.mode.text().to_owned(), leaf.oid.hex()))).collect()
    }

    /// All files with their texts (what is no text, with replacement characters).
    pub fn texts(&self, reference: &str) -> BTreeMap<String, String> {
        let Some((git, tree)) = self.tree(reference) else {
            return BTreeMap::new();
        };
        let leaves = git.store.leaves(&tree).into_iter();
        leaves
            .filter_map(|leaf| {
                let data = git.store.blob(&leaf.oid)?;
                Some((leaf.path, String::from_utf8_lossy(&data).into_owned()))
            })
            .collect()
    }

    /// The history of a branch or commit, newest first.
    pub fn log(&self, reference: &str) -> Vec<LogEntry> {
        let git = self.git();
        let Some(start) = git.resolve_commit(reference, &self.default_branch()) else {
            return Vec::new();
        };
        git.store.log(start).map(|(oid, commit)| entry(&git, oid, &commit)).collect()
    }

    /// Makes it archived, or ends that.
    pub fn archive(&self, archived: bool) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.archive_repository(&mut world, self.id, archived, by);
    }

    /// Makes it private or public.
    pub fn set_private(&self, private: bool) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.set_visibility(&mut world, self.id, private, by);
    }

    /// Gives it another name.
    pub fn rename(&self, name: &str) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.rename_repository(&mut world, self.id, name, by);
    }

    /// Gives it another owner, who must exist.
    #[track_caller]
    pub fn transfer(&self, owner: &str) {
        let by = self.owner();
        let mut world = self.core.world();
        let owner = must(world.account_id(owner).ok_or("there is no such account"));
        self.core.transfer_repository(&mut world, self.id, owner, by);
    }

    /// Deletes it.
    pub fn delete(&self) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.delete_repository(&mut world, self.id, by);
    }

    pub(super) fn owner(&self) -> u64 {
        let world = self.core.world();
        let owner = world.repositories.get(&self.id).map(|it| it.owner);
        owner.and_then(|owner| somebody(&world, owner)).unwrap_or_default()
    }

    /// Lets a person `read`, `write` or `admin` it; with `none` no more.
    pub fn collaborator(&self, login: &str, role: &str) {
        let control = Control { core: self.core.clone() };
        let user = control.user(login);
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            match Role::parse(role) {
                Some(role) => repo.collaborators.insert(user, role),
                None => repo.collaborators.remove(&user),
            };
        }
    }

    /// Protects branches by pattern: `pull_request`, `status_checks`, `locked`, `restricted`.
    #[track_caller]
    pub fn protect(&self, pattern: &str, kind: &str) {
        let kind = must(ProtectionKind::parse(kind).ok_or("there is no such protection"));
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            let pattern = pattern.to_owned();
            repo.protections.push(Protection { pattern, kind });
        }
    }

    /// Adds a ruleset over branches by pattern: `pull_request`, `creation`, `update`,
    /// `deletion`, `signatures`, `message:TEXT`, `path:PREFIX`.
    #[track_caller]
    pub fn ruleset(&self, pattern: &str, rule: &str) {
        let rule = must(Rule::parse(rule).ok_or("there is no such rule"));
        let mut world = self.core.world();
        let id = world.ids.rule();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            let pattern = pattern.to_owned();
            repo.rulesets.push(Ruleset { id, pattern, rule });
        }
    }

    /// Ends all protection and all rulesets.
    pub fn unprotect(&self) {
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            repo.protections.clear();
            repo.rulesets.clear();
        }
    }

    /// Push protection refuses content that holds this text.
    pub fn forbid_secret(&self, text: &str) {
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            repo.secrets.push(text.to_owned());
        }
    }

    /// Ends push protection.
    pub fn allow_secrets(&self) {
        let mut world = self.core.world();
        if let Some(repo) = world.repositories.get_mut(&self.id) {
            repo.secrets.clear();
        }
    }
}

/// A commit in a branch's history.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LogEntry {
    /// The commit's id.
    pub oid: String,
    /// Its tree's id.
    pub tree: String,
    /// Its parents' ids.
    pub parents: Vec<String>,
    /// The whole message.
    pub message: String,
    /// `Name <email>`.
    pub author: String,
    /// `Name <email>`.
    pub committer: String,
    /// Whether GitHub shows it as verified.
    pub verified: bool,
    /// What changed since the first parent: added, modified and deleted paths.
    pub files: Vec<String>,
}

fn entry(git: &Git, oid: Oid, commit: &Commit) -> LogEntry {
    let before = commit.parents.first().and_then(|it| git.store.commit(it));
    let changes = git.store.diff(before.map(|it| it.tree), Some(commit.tree));
    let person = |it: &crate::git::Person| format!("{} <{}>", it.name, it.email);
    LogEntry {
        oid: oid.hex(),
        tree: commit.tree.hex(),
        parents: commit.parents.iter().map(Oid::hex).collect(),
        message: commit.message.clone(),
        author: person(&commit.author),
        committer: person(&commit.committer),
        verified: commit.is_verified(),
        files: changes.into_iter().map(|it| it.path).collect(),
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
