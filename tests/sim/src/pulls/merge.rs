//! Merging: with a merge commit, squashed, rebased.

use crate::core::Core;
use crate::events::refs::{RefChange, RefRefusal};
use crate::git::{Commit, Git, Oid, Person};
use crate::push::person_of;
use crate::world::World;
use crate::world::pull::Pull;

/// How a merge is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMethod {
    /// A commit with two parents.
    Merge,
    /// One commit with everything.
    Squash,
    /// Each commit again on top of the base.
    Rebase,
}

impl MergeMethod {
    /// `merge`, `squash`, `rebase`; GraphQL has them in upper case.
    pub(crate) fn parse(name: &str) -> Option<MergeMethod> {
        match name.to_ascii_lowercase().as_str() {
            "merge" => Some(MergeMethod::Merge),
            "squash" => Some(MergeMethod::Squash),
            "rebase" => Some(MergeMethod::Rebase),
            _ => None,
        }
    }
}

/// A merge as it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct MergeOrder {
    pub(crate) method: MergeMethod,
    /// Where the head must be.
    pub(crate) expected: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) by: u64,
    /// Past protection, as administrators may.
    pub(crate) bypass: bool,
}

/// Why a pull request is not merged.
#[derive(Clone, Debug)]
pub(crate) enum MergeRefusal {
    NotOpen,
    Draft,
    Conflicts,
    HeadMoved,
    Ref(RefRefusal),
}

impl Core {
    /// Merges a pull request and answers the commit its base ends at.
    pub(crate) fn merge_pull(
        &self,
        world: &mut World,
        repository: u64,
        number: u64,
        order: MergeOrder,
    ) -> Result<Oid, MergeRefusal> {
        let pull = world.pull(repository, number).ok_or(MergeRefusal::NotOpen)?.clone();
        if !pull.is_open() {
            return Err(MergeRefusal::NotOpen);
        }
        if pull.draft {
            return Err(MergeRefusal::Draft);
        }
        let by = order.by;
        if order.expected.as_ref().is_some_and(|sha| *sha != pull.head_sha.hex()) {
            return Err(MergeRefusal::HeadMoved);
        }
        let repo = world.repositories.get(&repository).ok_or(MergeRefusal::NotOpen)?;
        let git = repo.git.clone();
        let base = git.branch(&pull.base).ok_or(MergeRefusal::NotOpen)?;
        let author = person_of(world, by);
        let github = Person::new("GitHub", "noreply@github.com", world.now());
        let merge = Merge { git: &git, pull: &pull, base, author, github, order: &order };
        let merged = merge.make()?;
        let change = RefChange {
            repository,
            name: format!("refs/heads/{}", pull.base),
            expect: Some(Some(base)),
            to: Some(merged),
            force: false,
            actor: by,
            bypass: order.bypass || world.review_decision(repository, &pull) == Some("APPROVED"),
        };
        self.change_ref(world, &change).map_err(MergeRefusal::Ref)?;
        let open = world.pull(repository, number).is_some_and(Pull::is_open);
        if open {
            self.mark_merged(world, repository, number, by, merged);
        }
        Ok(merged)
    }
}

/// A merge about to be made.
struct Merge<'a> {
    git: &'a Git,
    pull: &'a Pull,
    base: Oid,
    author: Person,
    github: Person,
    order: &'a MergeOrder,
}

impl Merge<'_> {
    fn make(&self) -> Result<Oid, MergeRefusal> {
        let tree = self.git.merge_trees(&self.base, &self.pull.head_sha);
        let tree = tree.ok_or(MergeRefusal::Conflicts)?;
        let (number, title) = (self.pull.number, &self.pull.title);
        match self.order.method {
            MergeMethod::Merge => {
                let headline = format!("Merge pull request #{number} from {}", self.pull.head);
                let message = self.message(headline, title);
                Ok(self.write(tree, vec![self.base, self.pull.head_sha], message))
            }
            MergeMethod::Squash => {
                let message = self.message(format!("{title} (#{number})"), "");
                Ok(self.write(tree, vec![self.base], message))
            }
            MergeMethod::Rebase => self.rebase(),
        }
    }

    /// As ordered, else as GitHub words it.
    fn message(&self, headline: String, body: &str) -> String {
        let headline = self.order.title.clone().unwrap_or(headline);
        let body = self.order.message.as_deref().unwrap_or(body);
        match body {
            "" => headline,
            body => format!("{headline}\n\n{body}"),
        }
    }

    fn write(&self, tree: Oid, parents: Vec<Oid>, message: String) -> Oid {
        let mut commit = Commit {
            tree,
            parents,
            author: self.author.clone(),
            committer: self.github.clone(),
            message,
            signature: None,
        };
        commit.sign();
        self.git.write_commit(&commit)
    }

    /// Each commit again, oldest first, each merged with what stands by then.
    fn rebase(&self) -> Result<Oid, MergeRefusal> {
        let store = &self.git.store;
        let start = store.merge_base(&self.base, &self.pull.head_sha);
        let mut onto = self.base;
        let mut commits = store.between(start.as_ref(), self.pull.head_sha);
        commits.retain(|(_, commit)| commit.parents.len() < 2);
        for (oid, commit) in commits.into_iter().rev() {
            let tree = self.git.picked_onto(&onto, &oid).ok_or(MergeRefusal::Conflicts)?;
            let again = Commit { tree, parents: vec![onto], committer: self.github.clone(), signature: None, ..commit };
            onto = self.git.write_commit(&again);
        }
        Ok(onto)
    }
}
