//! What people and Apps do with pull requests: open, edit, close, reopen, review; merging has a
//! file of its own.

mod merge;

use serde_json::json;

pub use self::merge::MergeMethod;
pub(crate) use self::merge::{MergeOrder, MergeRefusal};
use crate::core::Core;
use crate::git::Oid;
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
            unreadable: false,
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
}
