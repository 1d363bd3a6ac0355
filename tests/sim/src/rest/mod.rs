//! The REST API: one file per area of GitHub's documentation.

mod apps;
mod blobs;
mod branches;
mod checks;
mod commits;
mod contents;
mod git_commits;
mod hooks;
mod installations;
mod meta;
mod oauth_apps;
mod organizations;
mod pulls;
mod refs;
mod repositories;
mod reviews;
mod trees;

use crate::git::Oid;
use crate::http::message::{Refusal, refuse};
use crate::http::router::Route;

/// All endpoints of the REST API.
pub(crate) const ROUTES: &[&[Route]] = &[
    apps::ROUTES,
    blobs::ROUTES,
    branches::ROUTES,
    checks::ROUTES,
    commits::ROUTES,
    contents::ROUTES,
    git_commits::ROUTES,
    hooks::ROUTES,
    installations::ROUTES,
    meta::ROUTES,
    oauth_apps::ROUTES,
    organizations::ROUTES,
    pulls::ROUTES,
    refs::ROUTES,
    repositories::ROUTES,
    reviews::ROUTES,
    trees::ROUTES,
];

/// What git's own endpoints say while there is not a single commit.
fn empty_repository() -> Refusal {
    refuse(409, "Git Repository is empty.")
}

/// Refuses empty repositories.
fn not_empty(target: &crate::call::Target) -> Result<(), Refusal> {
    match target.git.is_empty() {
        true => Err(empty_repository()),
        false => Ok(()),
    }
}

/// A path parameter that must be an object id.
fn oid(text: &str) -> Result<Oid, Refusal> {
    Oid::parse(text)
        .ok_or_else(|| refuse(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f]."))
}

/// Paths whose change asks for `workflows: write`.
pub(crate) fn is_workflow(path: &str) -> bool {
    path.starts_with(".github/workflows/")
}

/// Whether git takes this as a path in a tree.
pub(crate) fn is_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 4_096
        && !path.contains('\0')
        && path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git"))
}

/// What the GraphQL mutations share with their REST counterparts.
pub(crate) use blobs::{decode_base64, no_secret};
pub(crate) use refs::rules_message;
pub(crate) use trees::may_touch_workflows;

/// A commit by the caller, signed by GitHub.
pub(crate) fn authorship(call: &crate::call::Call<'_>) -> git_commits::Authorship {
    git_commits::Authorship::default_for(&call.caller, &call.world())
}
