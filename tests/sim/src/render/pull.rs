//! Pull requests and reviews.

use serde_json::{Value, json};

use super::account::extend;
use super::node_id::NodeId;
use crate::call::Target;
use crate::world::World;
use crate::world::pull::{Pull, Review};
use crate::world::stamp;

impl World {
    /// `pull-request-simple`.
    pub(crate) fn pull_json(&self, target: &Target, pull: &Pull) -> Value {
        let number = pull.number;
        let api = format!("{}/pulls/{number}", target.url);
        let html = format!("{}/pull/{number}", target.html);
        let issue = format!("{}/issues/{number}", target.url);
        let statuses = format!("{}/statuses/{}", target.url, pull.head_sha);
        let link = |href: &str| json!({ "href": href });
        let mut value = json!({
            "url": api,
            "id": pull.id,
            "node_id": NodeId::Pull(target.id, number).text(),
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "issue_url": issue,
            "commits_url": format!("{api}/commits"),
            "review_comments_url": format!("{api}/comments"),
            "review_comment_url": format!("{}/pulls/comments{{/number}}", target.url),
            "comments_url": format!("{issue}/comments"),
            "statuses_url": statuses,
            "number": number,
            "state": pull.state(),
            "locked": false,
            "title": pull.title,
            "user": self.user_json(pull.author),
            "body": pull.body,
            "labels": [], "milestone": null, "active_lock_reason": null,
            "created_at": stamp(pull.created_at),
            "updated_at": stamp(pull.updated_at),
            "closed_at": pull.closed_at.map(stamp),
            "merged_at": pull.merged.as_ref().map(|it| stamp(it.at)),
            "merge_commit_sha": pull.merged.as_ref().map(|it| it.commit.hex()),
        });
        extend(
            &mut value,
            json!({
                "assignee": null, "assignees": [], "requested_reviewers": [],
                "requested_teams": [],
                "head": self.side_json(target, &pull.head, &pull.head_sha.hex()),
                "base": self.side_json(target, &pull.base, &pull.base_sha.hex()),
                "_links": {
                    "self": link(&api), "html": link(&html), "issue": link(&issue),
                    "comments": link(&format!("{issue}/comments")),
                    "review_comments": link(&format!("{api}/comments")),
                    "review_comment": link(&format!("{}/pulls/comments{{/number}}", target.url)),
                    "commits": link(&format!("{api}/commits")),
                    "statuses": link(&statuses),
                },
                "author_association": "CONTRIBUTOR",
                "auto_merge": null,
                "draft": pull.draft,
            }),
        );
        value
    }

    fn side_json(&self, target: &Target, branch: &str, sha: &str) -> Value {
        let owner = self.repositories.get(&target.id).map(|it| it.owner);
        let owner = owner.unwrap_or_default();
        let login = self.accounts.get(&owner).map(|it| it.login.as_str());
        json!({
            "label": format!("{}:{branch}", login.unwrap_or_default()),
            "ref": branch,
            "sha": sha,
            "user": self.user_json(owner),
            "repo": self.repository_json(target.id),
        })
    }

    /// `pull-request`.
    pub(crate) fn full_pull_json(&self, target: &Target, pull: &Pull) -> Value {
        let mut value = self.pull_json(target, pull);
        let mergeable = pull.mergeable(&target.git);
        let store = &target.git.store;
        let tree = |oid| store.commit(&oid).map(|it| it.tree);
        let start = store.merge_base(&pull.base_sha, &pull.head_sha);
        let changes = store.diff(start.and_then(tree), tree(pull.head_sha));
        let files = changes.iter().map(|it| target.file_json(pull.head_sha, it));
        let files: Vec<Value> = files.take(FILES).collect();
        let sum = |field: &str| files.iter().filter_map(|it| it[field].as_u64()).sum::<u64>();
        extend(
            &mut value,
            json!({
                "merged": pull.merged.is_some(),
                "mergeable": mergeable,
                "rebaseable": mergeable,
                "mergeable_state": self.mergeable_state(target, pull, mergeable),
                "merged_by": pull.merged.as_ref().map_or(Value::Null, |it| self.user_json(it.by)),
                "comments": 0,
                "review_comments": 0,
                "maintainer_can_modify": false,
                "commits": store.between(start.as_ref(), pull.head_sha).len(),
                "additions": sum("additions"),
                "deletions": sum("deletions"),
                "changed_files": changes.len(),
            }),
        );
        value
    }

    /// GraphQL's `MergeStateStatus`, in lower case as REST has it.
    pub(crate) fn mergeable_state(&self, target: &Target, pull: &Pull, mergeable: Option<bool>) -> &'static str {
        let repo = self.repositories.get(&target.id);
        let protected = repo.is_some_and(|it| it.protection(&pull.base).is_some());
        let approved = self.review_decision(target.id, pull) == Some("APPROVED");
        match mergeable {
            None => "unknown",
            Some(false) => "dirty",
            Some(true) if pull.draft => "draft",
            Some(true) if protected && !approved => "blocked",
            Some(true) => match self.checks.rollup(target.id, &pull.head_sha) {
                Some("FAILURE" | "ERROR" | "PENDING") => "unstable",
                _ => "clean",
            },
        }
    }

    /// GraphQL's `PullRequestReviewDecision`; nothing when no review is asked for or given.
    pub(crate) fn review_decision(&self, repository: u64, pull: &Pull) -> Option<&'static str> {
        use crate::world::pull::ReviewState::{Approved, ChangesRequested};
        let latest = pull.latest_reviews();
        if latest.iter().any(|it| it.state == ChangesRequested) {
            return Some("CHANGES_REQUESTED");
        }
        if latest.iter().any(|it| it.state == Approved) {
            return Some("APPROVED");
        }
        let repo = self.repositories.get(&repository)?;
        repo.protection(&pull.base).map(|_| "REVIEW_REQUIRED")
    }

    /// `pull-request-review`.
    pub(crate) fn review_json(&self, target: &Target, pull: &Pull, review: &Review) -> Value {
        let api = format!("{}/pulls/{}", target.url, pull.number);
        let html = format!("{}/pull/{}#pullrequestreview-{}", target.html, pull.number, review.id);
        json!({
            "id": review.id,
            "node_id": NodeId::Other("PRR", review.id).text(),
            "user": self.user_json(review.author),
            "body": review.body,
            "state": review.state.name(),
            "html_url": html,
            "pull_request_url": api,
            "author_association": "COLLABORATOR",
            "_links": { "html": { "href": html }, "pull_request": { "href": api } },
            "submitted_at": stamp(review.at),
            "commit_id": review.commit.hex(),
        })
    }
}

/// Files that are counted line by line.
const FILES: usize = 300;
