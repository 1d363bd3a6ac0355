//! What people and Apps do with pull requests: open, edit, close, reopen, merge, review.

use serde_json::json;

use crate::core::Core;
use crate::events::refs::{RefChange, RefRefusal};
use crate::git::{Commit, Git, Oid, Person};
use crate::push::person_of;
use crate::world::World;
use crate::world::pull::{Pull, Review, ReviewState};

/// What it takes to open a pull request.
#[derive(Clone, Debug)]
pub(crate) struct NewPull {
    pub(crate) repository: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    /// A branch, or `owner:branch`.
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) draft: bool,
    pub(crate) author: u64,
}

/// Why a pull request is not opened.
#[derive(Clone, Debug)]
pub(crate) enum PullRefusal {
    NoHead,
    NoBase,
    NoCommits { base: String, head: String },
    Exists { head: String },
}

impl PullRefusal {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            PullRefusal::NoHead | PullRefusal::NoBase => "invalid",
            PullRefusal::NoCommits { .. } | PullRefusal::Exists { .. } => "custom",
        }
    }

    pub(crate) fn field(&self) -> Option<&'static str> {
        match self {
            PullRefusal::NoHead => Some("head"),
            PullRefusal::NoBase => Some("base"),
            _ => None,
        }
    }

    pub(crate) fn message(&self) -> Option<String> {
        match self {
            PullRefusal::NoHead | PullRefusal::NoBase => None,
            PullRefusal::NoCommits { base, head } => Some(format!("No commits between {base} and {head}")),
            PullRefusal::Exists { head } => Some(format!("A pull request already exists for {head}.")),
        }
    }
}

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
    /// Opens a pull request and answers its number.
    pub(crate) fn open_pull(&self, world: &mut World, new: NewPull) -> Result<u64, PullRefusal> {
        let repo = world.repositories.get(&new.repository);
        let repo = repo.ok_or(PullRefusal::NoBase)?;
        let git = repo.git.clone();
        let head = new.head.rsplit(':').next().unwrap_or(&new.head).to_owned();
        let head_sha = git.branch(&head).ok_or(PullRefusal::NoHead)?;
        let base_sha = git.branch(&new.base).ok_or(PullRefusal::NoBase)?;
        self.may_open(world, &new, &head, (base_sha, head_sha))?;
        let now = world.now();
        let repo = world.repositories.get_mut(&new.repository);
        let repo = repo.ok_or(PullRefusal::NoBase)?;
        let number = repo.next_number;
        repo.next_number += 1;
        let pull = Pull {
            id: world.ids.pull(),
            number,
            title: new.title,
            body: new.body,
            author: new.author,
            head,
            base: new.base,
            head_sha,
            base_sha,
            draft: new.draft,
            closed_at: None,
            merged: None,
            created_at: now,
            updated_at: now,
            reviews: Vec::new(),
            mergeable_unknown: false,
        };
        world.pulls.entry(new.repository).or_default().insert(number, pull);
        self.announce_pull(world, new.repository, number, "opened", new.author, json!({}));
        Ok(number)
    }

    fn may_open(
        &self,
        world: &World,
        new: &NewPull,
        head: &str,
        (base_sha, head_sha): (Oid, Oid),
    ) -> Result<(), PullRefusal> {
        let existing = world.pulls.get(&new.repository).into_iter().flatten();
        let twin = existing.map(|(_, pull)| pull).find(|it| it.is_open() && it.head == head && it.base == new.base);
        if twin.is_some() {
            let name = world.full_name(new.repository).unwrap_or_default();
            let owner = name.split('/').next().unwrap_or_default();
            return Err(PullRefusal::Exists { head: format!("{owner}:{head}") });
        }
        let repo = world.repositories.get(&new.repository);
        let nothing_new = repo.is_some_and(|repo| repo.git.store.is_ancestor(&head_sha, &base_sha));
        if nothing_new {
            let (base, head) = (new.base.clone(), head.to_owned());
            return Err(PullRefusal::NoCommits { base, head });
        }
        Ok(())
    }

    /// Changes title, body or base.
    pub(crate) fn edit_pull(
        &self,
        world: &mut World,
        repository: u64,
        number: u64,
        (title, body, base): (Option<String>, Option<String>, Option<String>),
        by: u64,
    ) {
        let now = world.now();
        let repo = world.repositories.get(&repository);
        let base_sha = base.as_ref().and_then(|it| repo?.git.branch(it));
        let Some(pull) = world.pull_mut(repository, number) else {
            return;
        };
        let mut changes = json!({});
        if let Some(title) = title {
            changes["title"] = json!({ "from": pull.title });
            pull.title = title;
        }
        if let Some(body) = body {
            changes["body"] = json!({ "from": pull.body });
            pull.body = Some(body);
        }
        if let (Some(base), Some(sha)) = (base, base_sha) {
            changes["base"] = json!({
                "ref": { "from": pull.base }, "sha": { "from": pull.base_sha.hex() },
            });
            pull.base = base;
            pull.base_sha = sha;
        }
        pull.updated_at = now;
        let more = json!({ "changes": changes });
        self.announce_pull(world, repository, number, "edited", by, more);
    }

    /// Opens a closed pull request again, if its branch is there.
    pub(crate) fn reopen_pull(
        &self,
        world: &mut World,
        repository: u64,
        number: u64,
        by: u64,
    ) -> Result<(), PullRefusal> {
        let now = world.now();
        let pull = world.pull(repository, number).ok_or(PullRefusal::NoHead)?;
        if pull.is_open() {
            return Ok(());
        }
        let repo = world.repositories.get(&repository);
        let head = repo.and_then(|it| it.git.branch(&pull.head));
        let head = head.filter(|_| pull.merged.is_none());
        let head = head.ok_or(PullRefusal::NoHead)?;
        if let Some(pull) = world.pull_mut(repository, number) {
            pull.closed_at = None;
            pull.head_sha = head;
            pull.updated_at = now;
        }
        self.announce_pull(world, repository, number, "reopened", by, json!({}));
        Ok(())
    }

    /// Makes a draft of it, or ends that.
    pub(crate) fn set_draft(&self, world: &mut World, repository: u64, number: u64, draft: bool, by: u64) {
        let now = world.now();
        if let Some(pull) = world.pull_mut(repository, number) {
            pull.draft = draft;
            pull.updated_at = now;
        }
        let action = if draft { "converted_to_draft" } else { "ready_for_review" };
        self.announce_pull(world, repository, number, action, by, json!({}));
    }

    /// Adds somebody's review; answers its id.
    pub(crate) fn review_pull(
        &self,
        world: &mut World,
        repository: u64,
        number: u64,
        (author, state, body): (u64, ReviewState, &str),
    ) -> Option<u64> {
        let now = world.now();
        let id = world.ids.review();
        let pull = world.pull_mut(repository, number)?;
        pull.updated_at = now;
        let commit = pull.head_sha;
        let body = body.to_owned();
        pull.reviews.push(Review { id, author, state, body, commit, at: now });
        self.announce_review(world, repository, number, id, ("submitted", author, json!({})));
        Some(id)
    }

    /// Changes what a review says.
    pub(crate) fn edit_review(
        &self,
        world: &mut World,
        repository: u64,
        number: u64,
        (id, body): (u64, &str),
    ) -> Option<()> {
        let pull = world.pull_mut(repository, number)?;
        let review = pull.reviews.iter_mut().find(|it| it.id == id)?;
        let author = review.author;
        let before = std::mem::replace(&mut review.body, body.to_owned());
        let changes = json!({ "changes": { "body": { "from": before } } });
        self.announce_review(world, repository, number, id, ("edited", author, changes));
        Some(())
    }

    /// Takes a review's force away.
    pub(crate) fn dismiss_review(
        &self,
        world: &mut World,
        repository: u64,
        number: u64,
        id: u64,
        by: u64,
    ) -> Option<()> {
        let pull = world.pull_mut(repository, number)?;
        let review = pull.reviews.iter_mut().find(|it| it.id == id)?;
        review.state = ReviewState::Dismissed;
        self.announce_review(world, repository, number, id, ("dismissed", by, json!({})));
        Some(())
    }

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
            let tree = self.git.merge_trees(&onto, &oid).ok_or(MergeRefusal::Conflicts)?;
            let again = Commit { tree, parents: vec![onto], committer: self.github.clone(), signature: None, ..commit };
            onto = self.git.write_commit(&again);
        }
        Ok(onto)
    }
}
