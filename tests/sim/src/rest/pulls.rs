//! Pull requests: <https://docs.github.com/rest/pulls/pulls>.

use serde_json::{Value, json};

use super::refs::ref_refusal;
use crate::access::{read, write};
use crate::auth::Caller;
use crate::call::{Call, Target};
use crate::http::message::{Answer, Refusal, Reply, malformed, not_found, refuse, refuse_with, required};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::pulls::{MergeMethod, MergeOrder, MergeRefusal, NewPull, PullRefusal};
use crate::world::pull::Pull;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/pulls", list),
    route("POST", "/repos/{owner}/{repo}/pulls", create),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}", get),
    route("PATCH", "/repos/{owner}/{repo}/pulls/{number}", update),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}/commits", commits),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}/files", files),
    route("GET", "/repos/{owner}/{repo}/pulls/{number}/merge", is_merged),
    route("PUT", "/repos/{owner}/{repo}/pulls/{number}/merge", merge),
];

/// A copy of the pull request named by the path.
pub(super) fn find(call: &Call<'_>, target: &Target) -> Result<Pull, Refusal> {
    let number = call.number("number")?;
    let world = call.world();
    world.pull(target.id, number).cloned().ok_or_else(not_found)
}

fn list(call: &Call<'_>) -> Answer {
    let target = call.repo(read("pull_requests"))?;
    let state = call.request.query("state").unwrap_or("open");
    let head = call.request.query("head").map(|it| it.rsplit(':').next().unwrap_or(it));
    let base = call.request.query("base");
    let world = call.world();
    let all = world.pulls.get(&target.id).into_iter().flatten();
    let mut fitting: Vec<&Pull> = all
        .map(|(_, pull)| pull)
        .filter(|it| state == "all" || it.state() == state)
        .filter(|it| head.is_none_or(|head| it.head == head))
        .filter(|it| base.is_none_or(|base| it.base == base))
        .collect();
    if call.request.query("direction") != Some("asc") {
        fitting.reverse();
    }
    let page = Page::of(call.request);
    let shown: Vec<Value> = page.slice(&fitting).into_iter().map(|it| world.pull_json(&target, it)).collect();
    let reply = Reply::json(200, &shown);
    Ok(page.linked(reply, &call.core.url, call.request, fitting.len()))
}

fn create(call: &Call<'_>) -> Answer {
    let target = call.repo(write("pull_requests"))?;
    let body = call.request.json()?;
    let mut world = call.world();
    let new = NewPull {
        repository: target.id,
        title: required(&body, "title")?.to_owned(),
        body: body["body"].as_str().map(str::to_owned),
        head: required(&body, "head")?.to_owned(),
        base: required(&body, "base")?.to_owned(),
        draft: body["draft"].as_bool().unwrap_or(false),
        author: call.actor(&world),
    };
    let number = call.core.open_pull(&mut world, new);
    let number = number.map_err(|refusal| pull_refusal(&refusal))?;
    let pull = world.pull(target.id, number).ok_or_else(not_found)?;
    let body = world.full_pull_json(&target, pull);
    let location = format!("{}/pulls/{number}", target.url);
    Ok(Reply::json(201, &body).with("location", location))
}

/// What REST says when a pull request cannot be opened.
fn pull_refusal(refusal: &PullRefusal) -> Refusal {
    let mut error = json!({ "resource": "PullRequest", "code": refusal.code() });
    if let Some(field) = refusal.field() {
        error["field"] = json!(field);
    }
    if let Some(message) = refusal.message() {
        error["message"] = json!(message);
    }
    refuse_with(422, "Validation Failed", json!({ "errors": [error] }))
}

fn get(call: &Call<'_>) -> Answer {
    let target = call.repo(read("pull_requests"))?;
    let pull = find(call, &target)?;
    Ok(Reply::json(200, &call.world().full_pull_json(&target, &pull)))
}

fn update(call: &Call<'_>) -> Answer {
    let target = call.repo(write("pull_requests"))?;
    let number = find(call, &target)?.number;
    let body = call.request.json()?;
    let mut world = call.world();
    let by = call.actor(&world);
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    if text("title").is_some() || text("body").is_some() || text("base").is_some() {
        if let Some(base) = text("base").filter(|it| target.git.branch(it).is_none()) {
            return Err(malformed(&format!("base branch {base} is not there.")));
        }
        call.core.edit_pull(&mut world, target.id, number, (text("title"), text("body"), text("base")), by);
    }
    match body["state"].as_str() {
        Some("closed") => call.core.close_pull(&mut world, target.id, number, by),
        Some("open") => {
            let reopened = call.core.reopen_pull(&mut world, target.id, number, by);
            reopened.map_err(|refusal| pull_refusal(&refusal))?;
        }
        _ => {}
    }
    let pull = world.pull(target.id, number).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.full_pull_json(&target, pull)))
}

fn commits(call: &Call<'_>) -> Answer {
    let target = call.repo(read("pull_requests"))?;
    let pull = find(call, &target)?;
    let store = &target.git.store;
    let start = store.merge_base(&pull.base_sha, &pull.head_sha);
    let mut all = store.between(start.as_ref(), pull.head_sha);
    all.reverse();
    let world = call.world();
    let all: Vec<Value> = all.iter().map(|(oid, commit)| target.commit_json(&world, *oid, commit)).collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

fn files(call: &Call<'_>) -> Answer {
    let target = call.repo(read("pull_requests"))?;
    let pull = find(call, &target)?;
    let store = &target.git.store;
    let tree = |oid| store.commit(&oid).map(|it| it.tree);
    let start = store.merge_base(&pull.base_sha, &pull.head_sha);
    let changes = store.diff(start.and_then(tree), tree(pull.head_sha));
    let page = Page::of(call.request);
    let shown: Vec<Value> = page.slice(&changes).iter().map(|it| target.file_json(pull.head_sha, it)).collect();
    let reply = Reply::json(200, &shown);
    Ok(page.linked(reply, &call.core.url, call.request, changes.len()))
}

fn is_merged(call: &Call<'_>) -> Answer {
    let target = call.repo(read("pull_requests"))?;
    match find(call, &target)?.merged {
        Some(_) => Ok(Reply::empty(204)),
        None => Err(not_found()),
    }
}

fn merge(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    let number = find(call, &target)?.number;
    let body = call.request.json()?;
    let method = body["merge_method"].as_str().unwrap_or("merge");
    let method = MergeMethod::parse(method).ok_or_else(|| malformed("Invalid merge method."))?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let mut world = call.world();
    let order = MergeOrder {
        method,
        expected: text("sha"),
        title: text("commit_title"),
        message: text("commit_message"),
        by: call.actor(&world),
        bypass: matches!(call.caller, Caller::User { .. }),
    };
    let merged = call.core.merge_pull(&mut world, target.id, number, order);
    let commit = merged.map_err(|refusal| merge_refusal(&refusal))?;
    let body = json!({
        "sha": commit.hex(), "merged": true, "message": "Pull Request successfully merged",
    });
    Ok(Reply::json(200, &body))
}

fn merge_refusal(refusal: &MergeRefusal) -> Refusal {
    match refusal {
        MergeRefusal::NotOpen => refuse(405, "Pull Request is not mergeable"),
        MergeRefusal::Draft => refuse(405, "Pull Request is still a draft"),
        MergeRefusal::Conflicts => refuse(405, "Pull Request is not mergeable"),
        MergeRefusal::HeadMoved => refuse(409, "Head branch was modified. Review and try the merge again."),
        MergeRefusal::Ref(refusal) => {
            let mut reply = ref_refusal(refusal);
            reply.0.status = 405;
            reply
        }
    }
}
