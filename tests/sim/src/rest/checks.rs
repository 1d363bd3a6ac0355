//! Statuses and checks of commits: <https://docs.github.com/rest/checks>.

use serde_json::{Value, json};

use super::commits;
use crate::access::{read, write};
use crate::call::{Call, Target};
use crate::git::Oid;
use crate::http::message::{Answer, Refusal, Reply, not_found, refuse, required};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::world::checks::Status;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/commits/{ref*}", of_commit),
    route("POST", "/repos/{owner}/{repo}/statuses/{sha}", create_status),
    route("GET", "/repos/{owner}/{repo}/check-runs/{id}", one_run),
    route("GET", "/repos/{owner}/{repo}/check-suites/{id}", one_suite),
];

/// The commit itself, or one of the lists that hang below it; refs may hold slashes.
fn of_commit(call: &Call<'_>) -> Answer {
    let whole = call.param("ref");
    match whole.rsplit_once('/') {
        Some((reference, "status")) => combined(call, reference),
        Some((reference, "statuses")) => statuses(call, reference),
        Some((reference, "check-runs")) => runs(call, reference),
        Some((reference, "check-suites")) => suites(call, reference),
        Some((reference, "pulls")) => pulls(call, reference),
        _ => {
            let target = call.repo(read("contents"))?;
            commits::show(call, &target, whole)
        }
    }
}

fn resolve(target: &Target, reference: &str) -> Result<Oid, Refusal> {
    let found = target.git.resolve_commit(reference, &target.default_branch);
    found.ok_or_else(|| refuse(422, &format!("No commit found for SHA: {reference}")))
}

fn combined(call: &Call<'_>, reference: &str) -> Answer {
    let target = call.repo(read("statuses"))?;
    let sha = resolve(&target, reference)?;
    let world = call.world();
    let found = world.checks.statuses_of(target.id, &sha);
    let has = |state: &str| found.iter().any(|it| it.state == state);
    let state = match (has("failure") || has("error"), has("pending") || found.is_empty()) {
        (true, _) => "failure",
        (false, true) => "pending",
        (false, false) => "success",
    };
    let statuses = found.iter().map(|it| world.status_json(&target, it, true));
    let body = json!({
        "state": state,
        "statuses": statuses.collect::<Vec<Value>>(),
        "sha": sha.hex(),
        "total_count": found.len(),
        "repository": world.repository_json(target.id),
        "commit_url": format!("{}/commits/{sha}", target.url),
        "url": format!("{}/commits/{sha}/status", target.url),
    });
    Ok(Reply::json(200, &body))
}

fn statuses(call: &Call<'_>, reference: &str) -> Answer {
    let target = call.repo(read("statuses"))?;
    let sha = resolve(&target, reference)?;
    let world = call.world();
    let all = world.checks.statuses.get(&target.id).into_iter().flatten();
    let found = all.filter(|it| it.sha == sha).rev();
    let all: Vec<Value> = found.map(|it| world.status_json(&target, it, false)).collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

fn runs(call: &Call<'_>, reference: &str) -> Answer {
    let target = call.repo(read("checks"))?;
    let sha = resolve(&target, reference)?;
    let world = call.world();
    let found = world.checks.runs_of(target.id, &sha);
    let all: Vec<Value> = found.iter().map(|it| world.run_json(&target, it)).collect();
    let page = Page::of(call.request);
    let body = json!({ "total_count": all.len(), "check_runs": page.slice(&all) });
    Ok(page.linked(Reply::json(200, &body), &call.core.url, call.request, all.len()))
}

fn suites(call: &Call<'_>, reference: &str) -> Answer {
    let target = call.repo(read("checks"))?;
    let sha = resolve(&target, reference)?;
    let world = call.world();
    let found = world.checks.suites_of(target.id, &sha);
    let all: Vec<Value> = found.iter().map(|it| world.suite_json(&target, it)).collect();
    let page = Page::of(call.request);
    let body = json!({ "total_count": all.len(), "check_suites": page.slice(&all) });
    Ok(page.linked(Reply::json(200, &body), &call.core.url, call.request, all.len()))
}

/// Pull requests that hold a commit.
fn pulls(call: &Call<'_>, reference: &str) -> Answer {
    let target = call.repo(read("pull_requests"))?;
    let sha = resolve(&target, reference)?;
    let world = call.world();
    let all = world.pulls.get(&target.id).into_iter().flatten();
    let holding = all.filter(|(_, pull)| {
        let merged = pull.merged.as_ref().is_some_and(|it| it.commit == sha);
        merged || target.git.store.is_ancestor(&sha, &pull.head_sha)
    });
    let all: Vec<Value> = holding.map(|(_, it)| world.pull_json(&target, it)).collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

fn create_status(call: &Call<'_>) -> Answer {
    let target = call.repo(write("statuses"))?;
    let body = call.request.json()?;
    let sha = resolve(&target, call.param("sha"))?;
    let state = required(&body, "state")?.to_owned();
    if !["error", "failure", "pending", "success"].contains(&state.as_str()) {
        return Err(refuse(422, "Validation Failed"));
    }
    let mut world = call.world();
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    let status = Status {
        id: world.ids.status(),
        sha,
        context: text("context").unwrap_or_else(|| "default".to_owned()),
        state,
        description: text("description"),
        target_url: text("target_url"),
        creator: call.actor(&world),
        at: world.now(),
    };
    let answer = world.status_json(&target, &status, false);
    call.core.add_status(&mut world, target.id, status);
    Ok(Reply::json(201, &answer))
}

fn one_run(call: &Call<'_>) -> Answer {
    let target = call.repo(read("checks"))?;
    let id = call.number("id")?;
    let world = call.world();
    let mut runs = world.checks.runs.get(&target.id).into_iter().flatten();
    let found = runs.find(|it| it.id == id).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.run_json(&target, found)))
}

fn one_suite(call: &Call<'_>) -> Answer {
    let target = call.repo(read("checks"))?;
    let id = call.number("id")?;
    let world = call.world();
    let mut suites = world.checks.suites.get(&target.id).into_iter().flatten();
    let found = suites.find(|it| it.id == id).ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.suite_json(&target, found)))
}
