//! Commits as GitHub shows them, and comparisons: <https://docs.github.com/rest/commits/commits>.

use serde_json::{Value, json};

use super::empty_repository;
use crate::access::read;
use crate::call::{Call, Target};
use crate::git::{Commit, Oid};
use crate::http::message::{Answer, Refusal, Reply, not_found, refuse};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::world::World;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/commits", list),
    route("GET", "/repos/{owner}/{repo}/compare/{basehead*}", compare),
];

fn list(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    if target.git.is_empty() {
        return Err(empty_repository());
    }
    let from = call.request.query("sha").unwrap_or(&target.default_branch);
    let from = target.git.resolve_commit(from, &target.default_branch);
    let from = from.ok_or_else(not_found)?;
    let path = call.request.query("path");
    let history = target.git.store.log(from);
    let history: Vec<(Oid, Commit)> =
        history.filter(|(_, commit)| path.is_none_or(|path| touches(&target, commit, path))).collect();
    let page = Page::of(call.request);
    let world = call.world();
    let shown: Vec<Value> =
        page.slice(&history).iter().map(|(oid, commit)| target.commit_json(&world, *oid, commit)).collect();
    let reply = Reply::json(200, &shown);
    Ok(page.linked(reply, &call.core.url, call.request, history.len()))
}

fn touches(target: &Target, commit: &Commit, path: &str) -> bool {
    let store = &target.git.store;
    let before = commit.parents.first();
    let before = before.and_then(|oid| store.commit(oid));
    let before = before.and_then(|it| store.lookup(&it.tree, path));
    before != store.lookup(&commit.tree, path)
}

/// One commit with its files. Reached through `commits/{ref}`, which `checks` routes.
pub(super) fn show(call: &Call<'_>, target: &Target, reference: &str) -> Answer {
    if target.git.is_empty() {
        return Err(empty_repository());
    }
    let oid = target.git.resolve_commit(reference, &target.default_branch);
    let missing = || refuse(422, &format!("No commit found for SHA: {reference}"));
    let oid = oid.ok_or_else(missing)?;
    let commit = target.git.store.commit(&oid).ok_or_else(missing)?;
    let before = commit.parents.first();
    let before = before.and_then(|oid| target.git.store.commit(oid));
    let changes = target.git.store.diff(before.map(|it| it.tree), Some(commit.tree));
    let limit = call.world().limits.compare_files;
    let files: Vec<Value> = changes.iter().take(limit).map(|it| target.file_json(oid, it)).collect();
    let sum = |field: &str| files.iter().filter_map(|it| it[field].as_u64()).sum::<u64>();
    let mut value = target.commit_json(&call.world(), oid, &commit);
    value["stats"] = json!({
        "additions": sum("additions"), "deletions": sum("deletions"), "total": sum("changes"),
    });
    value["files"] = json!(files);
    Ok(Reply::json(200, &value))
}

/// Three dots: from the merge base to the head.
fn compare(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    if target.git.is_empty() {
        return Err(empty_repository());
    }
    let named = call.param("basehead");
    let (base, head) = named.split_once("...").ok_or_else(not_found)?;
    let base = find(&target, base)?;
    let head = find(&target, head)?;
    let store = &target.git.store;
    let start = store.merge_base(&base.0, &head.0);
    let start = start.ok_or_else(|| refuse(404, "No common ancestor between the two commits."))?;
    let ahead = store.between(Some(&start), head.0);
    let behind = store.between(Some(&start), base.0);
    let status = match (ahead.is_empty(), behind.is_empty()) {
        (true, true) => "identical",
        (false, true) => "ahead",
        (true, false) => "behind",
        (false, false) => "diverged",
    };
    let start = (start, store.commit(&start).ok_or_else(not_found)?);
    let page = Page::of(call.request);
    let world = call.world();
    let oldest_first: Vec<_> = ahead.iter().rev().cloned().collect();
    let commits = page.slice(&oldest_first);
    let commits: Vec<Value> = commits.iter().map(|(oid, commit)| target.commit_json(&world, *oid, commit)).collect();
    let html = format!("{}/compare/{named}", target.html);
    let mut value = json!({
        "url": format!("{}/compare/{named}", target.url),
        "html_url": html,
        "permalink_url": format!("{}/compare/{}...{}", target.html, base.0.short(), head.0.short()),
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "base_commit": target.commit_json(&world, base.0, &base.1),
        "merge_base_commit": target.commit_json(&world, start.0, &start.1),
        "status": status,
        "ahead_by": ahead.len(),
        "behind_by": behind.len(),
        "total_commits": ahead.len(),
        "commits": commits,
    });
    value["files"] = files(call, &world, &target, &start.1, &head);
    let reply = Reply::json(200, &value);
    Ok(page.linked(reply, &call.core.url, call.request, ahead.len()))
}

fn find(target: &Target, name: &str) -> Result<(Oid, Commit), Refusal> {
    let name = name.rsplit_once(':').map_or(name, |(_, branch)| branch);
    let oid = target.git.resolve_commit(name, &target.default_branch);
    let oid = oid.ok_or_else(not_found)?;
    let commit = target.git.store.commit(&oid).ok_or_else(not_found)?;
    Ok((oid, commit))
}

/// At most 300, and on the first page only.
fn files(call: &Call<'_>, world: &World, target: &Target, start: &Commit, head: &(Oid, Commit)) -> Value {
    if call.request.query("page").is_some_and(|page| page != "1") {
        return json!([]);
    }
    let changes = target.git.store.diff(Some(start.tree), Some(head.1.tree));
    changes.iter().take(world.limits.compare_files).map(|it| target.file_json(head.0, it)).collect()
}
