//! Repositories, and everything in them.

use serde_json::{Value, json};

use super::{control, text};
use crate::call::Call;
use crate::change::Change;
use crate::http::message::{Answer, Refusal, Reply, not_found, refuse};
use crate::http::router::{Route, route};
use crate::pulls::MergeMethod;
use crate::push::Push;
use crate::sim::Repo;

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/_sim/repos", create),
    route("GET", "/_sim/repos/{owner}/{repo}", show),
    route("PATCH", "/_sim/repos/{owner}/{repo}", update),
    route("DELETE", "/_sim/repos/{owner}/{repo}", delete),
    route("GET", "/_sim/repos/{owner}/{repo}/files", files),
    route("GET", "/_sim/repos/{owner}/{repo}/log", log),
    route("POST", "/_sim/repos/{owner}/{repo}/push", push),
    route("POST", "/_sim/repos/{owner}/{repo}/branches", create_branch),
    route("DELETE", "/_sim/repos/{owner}/{repo}/branches/{name*}", delete_branch),
    route("POST", "/_sim/repos/{owner}/{repo}/merge", merge),
    route("POST", "/_sim/repos/{owner}/{repo}/collaborators", collaborator),
    route("POST", "/_sim/repos/{owner}/{repo}/protection", protect),
    route("DELETE", "/_sim/repos/{owner}/{repo}/protection", unprotect),
    route("POST", "/_sim/repos/{owner}/{repo}/secrets", forbid_secret),
    route("DELETE", "/_sim/repos/{owner}/{repo}/secrets", allow_secrets),
    route("POST", "/_sim/repos/{owner}/{repo}/pulls", open_pull),
    route("GET", "/_sim/repos/{owner}/{repo}/pulls/{number}", show_pull),
    route("POST", "/_sim/repos/{owner}/{repo}/pulls/{number}/{verb}", change_pull),
    route("POST", "/_sim/repos/{owner}/{repo}/checks", check),
    route("POST", "/_sim/repos/{owner}/{repo}/statuses", status),
];

fn done() -> Answer {
    Ok(Reply::empty(204))
}

fn repo(call: &Call<'_>) -> Result<Repo, Refusal> {
    let name = format!("{}/{}", call.param("owner"), call.param("repo"));
    control(call).find_repo(&name).ok_or_else(not_found)
}

/// The changes in a body's field.
pub(super) fn changes(value: &Value) -> Result<Vec<Change>, Refusal> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let parsed = serde_json::from_value(value.clone());
    parsed.map_err(|error| refuse(422, &format!("changes: {error}")))
}

fn repo_json(repo: &Repo) -> Value {
    json!({
        "id": repo.id(),
        "full_name": repo.full_name(),
        "git_dir": repo.git_dir(),
        "description": repo.description(),
        "private": repo.is_private(),
        "default_branch": repo.default_branch(),
        "branches": repo.branches(),
        "pulls": repo.pulls(),
    })
}

fn create(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let name = text(&body, "name")?;
    let control = control(call);
    let repo = match body["private"].as_bool() {
        Some(false) => control.public_repo(name),
        _ => control.repo(name),
    };
    let files = changes(&body["files"])?;
    if !files.is_empty() {
        repo.push(&repo.default_branch(), &files);
    }
    Ok(Reply::json(200, &repo_json(&repo)))
}

fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::json(200, &repo_json(&repo(call)?)))
}

fn update(call: &Call<'_>) -> Answer {
    let repo = repo(call)?;
    let body = call.request.json()?;
    if let Some(name) = body["name"].as_str() {
        repo.rename(name);
    }
    if let Some(owner) = body["owner"].as_str() {
        repo.transfer(owner);
    }
    if let Some(private) = body["private"].as_bool() {
        repo.set_private(private);
    }
    if let Some(archived) = body["archived"].as_bool() {
        repo.archive(archived);
    }
    Ok(Reply::json(200, &repo_json(&repo)))
}

fn delete(call: &Call<'_>) -> Answer {
    repo(call)?.delete();
    done()
}

fn reference(call: &Call<'_>, repo: &Repo) -> String {
    let asked = call.request.query("ref").map(str::to_owned);
    asked.unwrap_or_else(|| repo.default_branch())
}

fn files(call: &Call<'_>) -> Answer {
    let repo = repo(call)?;
    Ok(Reply::json(200, &repo.texts(&reference(call, &repo))))
}

fn log(call: &Call<'_>) -> Answer {
    let repo = repo(call)?;
    Ok(Reply::json(200, &repo.log(&reference(call, &repo))))
}

fn push(call: &Call<'_>) -> Answer {
    let repo = repo(call)?;
    let body = call.request.json()?;
    let default = repo.default_branch();
    let branch = body["branch"].as_str().unwrap_or(&default);
    let mut push = Push::to(repo.id(), branch, changes(&body["changes"])?);
    if let Some(message) = body["message"].as_str() {
        push.message = message.to_owned();
    }
    push.by = body["by"].as_str().map(|login| control(call).user(login));
    if body["force"].as_bool() == Some(true) {
        let parent = body["parent"].as_str();
        push.onto = Some(parent.and_then(crate::git::Oid::parse));
    }
    let oid = repo.try_push(&push).map_err(|problem| refuse(422, &problem))?;
    Ok(Reply::json(200, &json!({ "oid": oid })))
}

fn create_branch(call: &Call<'_>) -> Answer {
    let repo = repo(call)?;
    let body = call.request.json()?;
    let default = repo.default_branch();
    let from = body["from"].as_str().unwrap_or(&default);
    repo.create_branch(text(&body, "name")?, from);
    done()
}

fn delete_branch(call: &Call<'_>) -> Answer {
    repo(call)?.delete_branch(call.param("name"));
    done()
}

fn merge(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let oid = repo(call)?.merge(text(&body, "into")?, text(&body, "from")?);
    Ok(Reply::json(200, &json!({ "oid": oid })))
}

fn collaborator(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    repo(call)?.collaborator(text(&body, "login")?, text(&body, "role")?);
    done()
}

fn protect(call: &Call<'_>) -> Answer {
    let repo = repo(call)?;
    let body = call.request.json()?;
    let pattern = text(&body, "pattern")?;
    if let Some(kind) = body["protection"].as_str() {
        repo.protect(pattern, kind);
    }
    if let Some(rule) = body["rule"].as_str() {
        repo.ruleset(pattern, rule);
    }
    done()
}

fn unprotect(call: &Call<'_>) -> Answer {
    repo(call)?.unprotect();
    done()
}

fn forbid_secret(call: &Call<'_>) -> Answer {
    repo(call)?.forbid_secret(text(&call.request.json()?, "text")?);
    done()
}

fn allow_secrets(call: &Call<'_>) -> Answer {
    repo(call)?.allow_secrets();
    done()
}

fn open_pull(call: &Call<'_>) -> Answer {
    let repo = repo(call)?;
    let body = call.request.json()?;
    let default = repo.default_branch();
    let number = repo.open_pull(
        body["by"].as_str().unwrap_or("octocat"),
        text(&body, "title")?,
        text(&body, "head")?,
        body["base"].as_str().unwrap_or(&default),
    );
    Ok(Reply::json(200, &repo.pull(number)))
}

fn show_pull(call: &Call<'_>) -> Answer {
    let pull = repo(call)?.pull(call.number("number")?);
    match pull {
        Value::Null => Err(not_found()),
        pull => Ok(Reply::json(200, &pull)),
    }
}

fn change_pull(call: &Call<'_>) -> Answer {
    let repo = repo(call)?;
    let number = call.number("number")?;
    let body = call.request.json()?;
    match call.param("verb") {
        "merge" => {
            let method = MergeMethod::parse(body["method"].as_str().unwrap_or("merge"));
            repo.merge_pull(number, method.ok_or_else(|| refuse(422, "no such method"))?);
        }
        "close" => repo.close_pull(number),
        "reopen" => repo.reopen_pull(number),
        "draft" => repo.set_draft(number, true),
        "ready" => repo.set_draft(number, false),
        "review" => {
            repo.review(text(&body, "by")?, number, text(&body, "verdict")?);
        }
        _ => return Err(not_found()),
    }
    Ok(Reply::json(200, &repo.pull(number)))
}

fn check(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    repo(call)?.check_run(text(&body, "sha")?, text(&body, "name")?, text(&body, "result")?);
    done()
}

fn status(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    repo(call)?.status(text(&body, "sha")?, text(&body, "context")?, text(&body, "state")?);
    done()
}
