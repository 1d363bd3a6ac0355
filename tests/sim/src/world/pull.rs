//! Pull requests and their reviews.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::World;
use crate::git::{Git, Oid};

/// A pull request within one repository.
#[derive(Clone, Debug)]
pub(crate) struct Pull {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) author: u64,
    pub(crate) head: String,
    pub(crate) base: String,
    /// Where the branch last stood; kept when it is gone.
    pub(crate) head_sha: Oid,
    pub(crate) base_sha: Oid,
    pub(crate) draft: bool,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) merged: Option<Merged>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) reviews: Vec<Review>,
    /// GitHub has not worked out yet whether it can be merged.
    pub(crate) mergeable_unknown: bool,
    /// GraphQL fails whenever it is asked for it, and for nothing else.
    pub(crate) unreadable: bool,
}

/// How a pull request was merged.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: u64,
    pub(crate) commit: Oid,
}

/// One person's verdict.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) author: u64,
    pub(crate) state: ReviewState,
    pub(crate) body: String,
    pub(crate) commit: Oid,
    pub(crate) at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReviewState {
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
}

impl ReviewState {
    /// As REST and GraphQL write it; webhooks have it in lower case.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ReviewState::Approved => "APPROVED",
            ReviewState::ChangesRequested => "CHANGES_REQUESTED",
            ReviewState::Commented => "COMMENTED",
            ReviewState::Dismissed => "DISMISSED",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<ReviewState> {
        Some(match name.to_ascii_uppercase().as_str() {
            "APPROVE" | "APPROVED" => ReviewState::Approved,
            "REQUEST_CHANGES" | "CHANGES_REQUESTED" => ReviewState::ChangesRequested,
            "COMMENT" | "COMMENTED" => ReviewState::Commented,
            "DISMISS" | "DISMISSED" => ReviewState::Dismissed,
            _ => return None,
        })
    }
}

impl Pull {
    pub(crate) fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// `open` or `closed`.
    pub(crate) fn state(&self) -> &'static str {
        if self.is_open() { "open" } else { "closed" }
    }

    /// Whether it can be merged; nothing while that is not known, or when it is closed.
    pub(crate) fn mergeable(&self, git: &Arc<Git>) -> Option<bool> {
        if self.mergeable_unknown || !self.is_open() {
            return None;
        }
        let base = git.branch(&self.base)?;
        Some(git.merge_trees(&base, &self.head_sha).is_some())
    }

    /// The last review of each person that counts.
    pub(crate) fn latest_reviews(&self) -> Vec<&Review> {
        let mut latest: Vec<&Review> = Vec::new();
        for review in &self.reviews {
            if review.state == ReviewState::Commented {
                continue;
            }
            latest.retain(|it| it.author != review.author);
            latest.push(review);
        }
        latest
    }
}

impl World {
    pub(crate) fn pull(&self, repository: u64, number: u64) -> Option<&Pull> {
        self.pulls.get(&repository)?.get(&number)
    }

    pub(crate) fn pull_mut(&mut self, repository: u64, number: u64) -> Option<&mut Pull> {
        self.pulls.get_mut(&repository)?.get_mut(&number)
    }
}
