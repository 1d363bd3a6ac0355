//! Pull requests and reviews.

use serde_json::json;

use super::super::arguments::Arguments;
use super::super::connection::connection;
use super::super::query;
use super::super::value::{Field, Plain, Resolved};
use super::Node;
use super::git::rollup;
use crate::call::{Call, Target};
use crate::git::Kind;
use crate::render::node_id::NodeId;
use crate::world::pull::Pull;
use crate::world::stamp;

impl Node {
    pub(super) fn pull(&self, call: &Call<'_>, id: u64, number: u64, name: &str, arguments: &Arguments) -> Field {
        let world = call.world();
        let (Some(pull), Some(target)) = (world.pull(id, number), Target::of(&world, id)) else {
            return Ok(Resolved::Null);
        };
        Ok(match name {
            "id" => Resolved::scalar(NodeId::Pull(id, number).text()),
            "fullDatabaseId" => Resolved::scalar(pull.id.to_string()),
            "number" => Resolved::scalar(number),
            "title" => Resolved::scalar(pull.title.clone()),
            "body" => Resolved::scalar(pull.body.clone().unwrap_or_default()),
            "url" => Resolved::scalar(format!("{}/pull/{number}", target.html)),
            "state" => Resolved::scalar(pull_state(pull)),
            "isDraft" => Resolved::scalar(pull.draft),
            "merged" => Resolved::scalar(pull.merged.is_some()),
            "closed" => Resolved::scalar(!pull.is_open()),
            "mergedAt" => Resolved::scalar(json!(pull.merged.as_ref().map(|it| stamp(it.at)))),
            "closedAt" => Resolved::scalar(json!(pull.closed_at.map(stamp))),
            "createdAt" => Resolved::scalar(stamp(pull.created_at)),
            "updatedAt" => Resolved::scalar(stamp(pull.updated_at)),
            "mergeable" => Resolved::scalar(match pull.mergeable(&target.git) {
                Some(true) => "MERGEABLE",
                Some(false) => "CONFLICTING",
                None => "UNKNOWN",
            }),
            "mergeStateStatus" => {
                let mergeable = pull.mergeable(&target.git);
                let state = world.mergeable_state(&target, pull, mergeable);
                Resolved::scalar(state.to_ascii_uppercase())
            }
            "reviewDecision" => Resolved::scalar(json!(world.review_decision(id, pull))),
            "headRefOid" => Resolved::scalar(pull.head_sha.hex()),
            "baseRefOid" => Resolved::scalar(pull.base_sha.hex()),
            "headRefName" => Resolved::scalar(pull.head.clone()),
            "baseRefName" => Resolved::scalar(pull.base.clone()),
            "isCrossRepository" => Resolved::scalar(false),
            "headRef" => {
                let full = format!("refs/heads/{}", pull.head);
                Resolved::maybe(target.git.refs.get(&full).map(|_| Node::Ref(id, full)))
            }
            "baseRef" => {
                let full = format!("refs/heads/{}", pull.base);
                Resolved::maybe(target.git.refs.get(&full).map(|_| Node::Ref(id, full)))
            }
            "headRepository" | "baseRepository" | "repository" => Resolved::Object(Node::Repository(id)),
            "author" => Resolved::maybe(query::account(&world, pull.author)),
            "mergedBy" => {
                let by = pull.merged.as_ref().map(|it| it.by);
                Resolved::maybe(by.and_then(|by| query::account(&world, by)))
            }
            "mergeCommit" => {
                let commit = pull.merged.as_ref().map(|it| it.commit);
                Resolved::maybe(commit.map(|oid| Node::Object(id, oid, Kind::Commit)))
            }
            "commits" => {
                let store = &target.git.store;
                let start = store.merge_base(&pull.base_sha, &pull.head_sha);
                let mut all = store.between(start.as_ref(), pull.head_sha);
                all.reverse();
                let nodes = all.into_iter().map(|(oid, _)| {
                    let commit = Node::Object(id, oid, Kind::Commit);
                    Plain::new("PullRequestCommit").with("commit", Resolved::Object(commit)).node()
                });
                connection("PullRequestCommitConnection", nodes.collect(), arguments)?
            }
            "reviews" | "latestReviews" | "latestOpinionatedReviews" => {
                let all: Vec<_> = match name {
                    "reviews" => pull.reviews.iter().collect(),
                    _ => pull.latest_reviews(),
                };
                let nodes = all.iter().map(|it| Node::Review(id, number, it.id)).collect();
                connection("PullRequestReviewConnection", nodes, arguments)?
            }
            "statusCheckRollup" => {
                let sha = pull.head_sha;
                drop(world);
                rollup(call, id, &sha)?
            }
            _ => return Err(self.unknown(name)),
        })
    }

    pub(super) fn review(&self, call: &Call<'_>, id: u64, number: u64, review: u64, name: &str) -> Field {
        let world = call.world();
        let pull = world.pull(id, number);
        let found = pull.and_then(|it| it.reviews.iter().find(|it| it.id == review));
        let Some(found) = found else {
            return Ok(Resolved::Null);
        };
        Ok(match name {
            "id" => Resolved::scalar(NodeId::Other("PRR", review).text()),
            "fullDatabaseId" => Resolved::scalar(review.to_string()),
            "state" => Resolved::scalar(found.state.name()),
            "body" => Resolved::scalar(found.body.clone()),
            "submittedAt" | "createdAt" | "updatedAt" => Resolved::scalar(stamp(found.at)),
            "author" => Resolved::maybe(query::account(&world, found.author)),
            "commit" => Resolved::Object(Node::Object(id, found.commit, Kind::Commit)),
            _ => return Err(self.unknown(name)),
        })
    }
}

/// `PullRequestState`.
pub(super) fn pull_state(pull: &Pull) -> &'static str {
    match (pull.is_open(), pull.merged.is_some()) {
        (true, _) => "OPEN",
        (false, true) => "MERGED",
        (false, false) => "CLOSED",
    }
}
