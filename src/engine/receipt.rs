//! Receipts: what GitHub's answer to a commit is held against before it is believed.
//!
//! An answer names a commit; that its tree holds what was sent, and that the branch leads to it, is
//! read from GitHub afterwards (contract 6.14).

use std::collections::{BTreeMap, HashMap};

use crate::github::{Committed, GithubError, HeadState, Repo};
use crate::model::{Entry, FilePath, Oid};

/// Others may have pushed onto our commit since.
const MAX_BACK: u32 = 100;

/// The versions that a commit is to give these paths.
pub(super) type Versions = BTreeMap<FilePath, Option<Entry>>;

/// Whether `branch` now leads to this commit, and its tree differs from `before` by these paths.
pub(super) async fn check(
    repo: &Repo,
    branch: &str,
    before: Option<Oid>,
    made: &Committed,
    paths: &Versions,
) -> Result<(), GithubError> {
    if !holds(repo, before, made.tree, paths).await? {
        return Err(unproven("GitHub's answer named a commit that does not hold what was sent"));
    }
    if !leads_to(repo, branch, made.commit).await? {
        return Err(unproven("GitHub's answer named a commit that the branch does not show"));
    }
    Ok(())
}

/// Whether `after` has these versions, and had to change for it.
pub(super) async fn holds(repo: &Repo, before: Option<Oid>, after: Oid, paths: &Versions) -> Result<bool, GithubError> {
    let deltas = repo.diff_trees(before, after).await?;
    let found: HashMap<String, Option<Entry>> = deltas
        .into_iter()
        .map(|delta| (delta.path, delta.new.map(|new| Entry { oid: new.oid, mode: new.mode })))
        .collect();
    Ok(paths.iter().all(|(path, version)| found.get(path.as_str()).is_some_and(|there| there == version)))
}

async fn leads_to(repo: &Repo, branch: &str, commit: Oid) -> Result<bool, GithubError> {
    match repo.head(branch).await? {
        HeadState::Branch(head) if head.commit == commit => Ok(true),
        HeadState::Branch(head) => {
            Ok(repo.commits_back(head.commit, MAX_BACK).await?.iter().any(|back| back.oid == commit))
        }
        HeadState::Missing | HeadState::EmptyRepository => Ok(false),
    }
}

/// The commit may be there all the same: looked for before it is made again.
fn unproven(detail: &str) -> GithubError {
    GithubError::Unavailable { detail: detail.to_owned(), ambiguous: true }
}
