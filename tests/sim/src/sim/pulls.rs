//! Pull requests, reviews, checks and statuses, as other people make them.

use serde_json::Value;

use super::repos::Repo;
use super::{Control, must};
use crate::call::Target;
use crate::events::checks::Report;
use crate::git::Oid;
use crate::pulls::{MergeMethod, MergeOrder, NewPull};
use crate::world::checks::Status;
use crate::world::pull::ReviewState;

impl Repo {
    #[track_caller]
    fn user(&self, login: &str) -> u64 {
        let control = Control { core: self.core.clone() };
        control.user(login)
    }

    /// Somebody opens a pull request; answers its number.
    #[track_caller]
    pub fn open_pull(&self, login: &str, title: &str, head: &str, base: &str) -> u64 {
        let author = self.user(login);
        let mut world = self.core.world();
        let new = NewPull {
            repository: self.id,
            title: title.to_owned(),
            body: None,
            head: head.to_owned(),
            base: base.to_owned(),
            draft: false,
            author,
        };
        let opened = self.core.open_pull(&mut world, new);
        must(opened.map_err(|refusal| format!("{refusal:?}")))
    }

    /// Somebody merges a pull request, whatever protects its base; answers the commit.
    #[track_caller]
    pub fn merge_pull(&self, number: u64, method: MergeMethod) -> String {
        let by = self.owner();
        let mut world = self.core.world();
        let order = MergeOrder { method, expected: None, title: None, message: None, by, bypass: true };
        let merged = self.core.merge_pull(&mut world, self.id, number, order);
        must(merged.map_err(|refusal| format!("{refusal:?}"))).hex()
    }

    /// Somebody closes a pull request without merging it.
    pub fn close_pull(&self, number: u64) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.close_pull(&mut world, self.id, number, by);
    }

    /// Somebody opens a closed pull request again.
    #[track_caller]
    pub fn reopen_pull(&self, number: u64) {
        let by = self.owner();
        let mut world = self.core.world();
        let reopened = self.core.reopen_pull(&mut world, self.id, number, by);
        must(reopened.map_err(|refusal| format!("{refusal:?}")));
    }

    /// Makes a draft of a pull request, or ends that.
    pub fn set_draft(&self, number: u64, draft: bool) {
        let by = self.owner();
        let mut world = self.core.world();
        self.core.set_draft(&mut world, self.id, number, draft, by);
    }

    /// Somebody changes a pull request's title.
    pub fn retitle_pull(&self, number: u64, title: &str) {
        let by = self.owner();
        let mut world = self.core.world();
        let edits = (Some(title.to_owned()), None, None);
        self.core.edit_pull(&mut world, self.id, number, edits, by);
    }

    /// A review: `approve`, `request_changes` or `comment`; answers its id.
    #[track_caller]
    pub fn review(&self, login: &str, number: u64, verdict: &str) -> u64 {
        let author = self.user(login);
        let state = must(ReviewState::parse(verdict).ok_or("there is no such verdict"));
        let mut world = self.core.world();
        let id = self.core.review_pull(&mut world, self.id, number, (author, state, ""));
        must(id.ok_or("there is no such pull request"))
    }

    /// The reviewer changes what the review says.
    #[track_caller]
    pub fn edit_review(&self, number: u64, review: u64, body: &str) {
        let mut world = self.core.world();
        let edited = self.core.edit_review(&mut world, self.id, number, (review, body));
        must(edited.ok_or("there is no such review"));
    }

    /// Takes a review's force away.
    #[track_caller]
    pub fn dismiss_review(&self, number: u64, review: u64) {
        let by = self.owner();
        let mut world = self.core.world();
        let dismissed = self.core.dismiss_review(&mut world, self.id, number, review, by);
        must(dismissed.ok_or("there is no such review"));
    }

    /// GitHub does not know (any more) whether a pull request can be merged.
    pub fn set_mergeable_unknown(&self, number: u64, unknown: bool) {
        let mut world = self.core.world();
        if let Some(pull) = world.pull_mut(self.id, number) {
            pull.mergeable_unknown = unknown;
        }
    }

    /// GraphQL fails at a pull request, as it does at one that takes too long, or reads it again.
    pub fn set_pull_unreadable(&self, number: u64, unreadable: bool) {
        let mut world = self.core.world();
        if let Some(pull) = world.pull_mut(self.id, number) {
            pull.unreadable = unreadable;
        }
    }

    /// A pull request as REST shows it; null when there is none.
    pub fn pull(&self, number: u64) -> Value {
        let world = self.core.world();
        match (Target::of(&world, self.id), world.pull(self.id, number)) {
            (Some(target), Some(pull)) => world.full_pull_json(&target, pull),
            _ => Value::Null,
        }
    }

    /// The numbers of all pull requests.
    pub fn pulls(&self) -> Vec<u64> {
        let world = self.core.world();
        let pulls = world.pulls.get(&self.id).into_iter().flatten();
        pulls.map(|(number, _)| *number).collect()
    }

    /// A check run of a commit: `queued`, `in_progress`, or a conclusion such as `success`,
    /// `failure`, `neutral`. Its check suite follows.
    #[track_caller]
    pub fn check_run(&self, sha: &str, name: &str, result: &str) {
        let (status, conclusion) = match result {
            "queued" | "in_progress" => (result, None),
            conclusion => ("completed", Some(conclusion.to_owned())),
        };
        let report = Report {
            sha: must(Oid::parse(sha).ok_or("that is no commit")),
            name: name.to_owned(),
            status: status.to_owned(),
            conclusion,
        };
        let mut world = self.core.world();
        self.core.report_check(&mut world, self.id, &report);
    }

    /// A commit status: `pending`, `success`, `failure`, `error`.
    #[track_caller]
    pub fn status(&self, sha: &str, context: &str, state: &str) {
        let sha = must(Oid::parse(sha).ok_or("that is no commit"));
        let creator = self.owner();
        let mut world = self.core.world();
        let status = Status {
            id: world.ids.status(),
            sha,
            context: context.to_owned(),
            state: state.to_owned(),
            description: None,
            target_url: None,
            creator,
            at: world.now(),
        };
        self.core.add_status(&mut world, self.id, status);
    }
}
