//! Files by path: <https://docs.github.com/rest/repos/contents>.

use serde_json::{Value, json};

use super::blobs::{base64_lines, decode_base64, no_secret};
use super::git_commits::Authorship;
use super::is_path;
use super::refs::ref_refusal;
use super::trees::may_touch_workflows;
use crate::access::{read, write};
use crate::call::{Call, Target};
use crate::events::refs::{RefChange, RefRefusal};
use crate::git::edit::Edit;
use crate::git::tree::Entry;
use crate::git::{Kind, Mode, Oid};
use crate::http::message::{Answer, Refusal, Reply, malformed, not_found, refuse, required};
use crate::http::router::{Route, route};
use crate::render::commit::url_path;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/readme", readme),
    route("GET", "/repos/{owner}/{repo}/contents", get),
    route("GET", "/repos/{owner}/{repo}/contents/", get),
    route("GET", "/repos/{owner}/{repo}/contents/{path*}", get),
    route("PUT", "/repos/{owner}/{repo}/contents/{path*}", put),
    route("DELETE", "/repos/{owner}/{repo}/contents/{path*}", delete),
];

fn get(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    if target.git.is_empty() {
        return Err(refuse(404, "This repository is empty."));
    }
    let reference = call.request.query("ref").unwrap_or(&target.default_branch);
    let commit = target.git.resolve_commit(reference, &target.default_branch);
    let missing = || refuse(404, &format!("No commit found for the ref {reference}"));
    let commit = commit.and_then(|oid| target.git.store.commit(&oid));
    let tree = commit.ok_or_else(missing)?.tree;
    let path = call.param("path").trim_matches('/');
    show(call, &target, reference, tree, path)
}

fn readme(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    let reference = call.request.query("ref").unwrap_or(&target.default_branch);
    let commit = target.git.resolve_commit(reference, &target.default_branch);
    let commit = commit.and_then(|oid| target.git.store.commit(&oid));
    let tree = commit.ok_or_else(not_found)?.tree;
    let entries = target.git.store.entries(&tree);
    let found = entries.iter().find(|it| it.name.to_ascii_lowercase().starts_with("readme"));
    show(call, &target, reference, tree, &found.ok_or_else(not_found)?.name)
}

fn show(call: &Call<'_>, target: &Target, reference: &str, tree: Oid, path: &str) -> Answer {
    let (mode, oid) = target.git.store.lookup(&tree, path).ok_or_else(not_found)?;
    if mode == Mode::Tree {
        let entries = target.git.store.entries(&oid);
        let list = entries.iter().map(|entry| {
            let full = format!("{path}/{}", entry.name);
            short(target, reference, full.trim_start_matches('/'), entry)
        });
        return Ok(Reply::json(200, &list.collect::<Vec<Value>>()));
    }
    let data = target.git.store.blob(&oid).unwrap_or_default();
    if call.request.accepts("raw") {
        return Ok(Reply::raw(200, "application/vnd.github.raw+json; charset=utf-8", data));
    }
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    let mut file = short(target, reference, path, &Entry { mode, name, oid });
    match mode {
        Mode::Symlink => file["target"] = json!(String::from_utf8_lossy(&data)),
        Mode::Submodule => file["submodule_git_url"] = submodule_url(target, &tree, path),
        _ if data.len() > 1 << 20 => {
            file["content"] = json!("");
            file["encoding"] = json!("none");
        }
        _ => {
            file["content"] = json!(base64_lines(&data));
            file["encoding"] = json!("base64");
        }
    }
    Ok(Reply::json(200, &file))
}

/// What `.gitmodules` says of the submodule at this path.
fn submodule_url(target: &Target, tree: &Oid, path: &str) -> Value {
    let modules = target.git.store.lookup(tree, ".gitmodules");
    let modules = modules.and_then(|(_, oid)| target.git.store.blob(&oid));
    let text = String::from_utf8_lossy(&modules.unwrap_or_default()).into_owned();
    let mut sections = text.split("[submodule").filter(|section| {
        let mut pairs = section.lines().filter_map(|line| line.split_once('='));
        pairs.any(|(key, value)| key.trim() == "path" && value.trim() == path)
    });
    let section = sections.next().unwrap_or_default();
    let mut pairs = section.lines().filter_map(|line| line.split_once('='));
    let url = pairs.find(|(key, _)| key.trim() == "url");
    json!(url.map(|(_, value)| value.trim()))
}

/// An entry without its content.
fn short(target: &Target, reference: &str, path: &str, entry: &Entry) -> Value {
    let (kind, git, page) = match entry.mode {
        Mode::Tree => ("dir", "trees", "tree"),
        Mode::Symlink => ("symlink", "blobs", "blob"),
        Mode::Submodule => ("submodule", "trees", "tree"),
        Mode::File | Mode::Executable => ("file", "blobs", "blob"),
    };
    let encoded = url_path(path);
    let api = format!("{}/contents/{encoded}?ref={reference}", target.url);
    let git = format!("{}/git/{git}/{}", target.url, entry.oid);
    let html = format!("{}/{page}/{reference}/{encoded}", target.html);
    let is_file = entry.mode.kind() == Kind::Blob;
    let size = is_file.then(|| target.git.store.size(&entry.oid)).flatten();
    let download = is_file.then(|| format!("{}/raw/{reference}/{encoded}", target.html));
    json!({
        "type": kind,
        "size": size.unwrap_or_default(),
        "name": entry.name,
        "path": path,
        "sha": entry.oid.hex(),
        "url": api,
        "git_url": git,
        "html_url": html,
        "download_url": download,
        "_links": { "self": api, "git": git, "html": html },
    })
}

fn put(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    let body = call.request.json()?;
    let message = required(&body, "message")?.to_owned();
    let data = decode_base64(required(&body, "content")?).ok_or_else(|| malformed("content is not valid Base64"))?;
    let path = call.param("path").to_owned();
    if !is_path(&path) {
        return Err(malformed("path contains a malformed path component"));
    }
    may_touch_workflows(call, std::iter::once(path.as_str()))?;
    no_secret(&call.world(), target.id, &data, 409)?;
    let start = Start::find(&target, &body)?;
    let existing = start.lookup(&target, &path);
    check_sha(&body, &path, existing)?;
    let oid = target.git.store.write(Kind::Blob, data);
    let mode = existing.map_or(Mode::File, |(mode, _)| mode);
    let (commit, json) = start.commit(call, &target, &body, (path.clone(), Edit::Put(mode, oid)), message)?;
    let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
    let content = short(&target, &start.branch, &path, &Entry { mode, name, oid });
    let status = if existing.is_some() { 200 } else { 201 };
    let answer = json!({ "content": content, "commit": json });
    let location = format!("{}/commits/{commit}", target.url);
    Ok(Reply::json(status, &answer).with("location", location))
}

fn delete(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    let mut body = call.request.json()?;
    for name in ["message", "sha", "branch"] {
        if let Some(value) = call.request.query(name) {
            body[name] = json!(value);
        }
    }
    let message = required(&body, "message")?.to_owned();
    let path = call.param("path").to_owned();
    may_touch_workflows(call, std::iter::once(path.as_str()))?;
    let start = Start::find(&target, &body)?;
    let existing = start.lookup(&target, &path).ok_or_else(not_found)?;
    check_sha(&body, &path, Some(existing))?;
    let edit = (path, Edit::Delete { strict: true });
    let (_, json) = start.commit(call, &target, &body, edit, message)?;
    Ok(Reply::json(200, &json!({ "content": null, "commit": json })))
}

/// Changing what is there takes its present id.
fn check_sha(body: &Value, path: &str, existing: Option<(Mode, Oid)>) -> Result<(), Refusal> {
    let given = body["sha"].as_str().unwrap_or_default();
    match existing {
        Some((Mode::Tree, _)) => Err(malformed(&format!("\"{path}\" is a directory."))),
        Some(_) if given.is_empty() => Err(malformed("\"sha\" wasn't supplied.")),
        Some((_, oid)) if oid.hex() != given => Err(refuse(409, &format!("{path} does not match {given}"))),
        None if !given.is_empty() => Err(refuse(409, &format!("{path} does not match {given}"))),
        _ => Ok(()),
    }
}

/// The branch a change is made on, and where it stands.
struct Start {
    branch: String,
    head: Option<Oid>,
    tree: Option<Oid>,
}

impl Start {
    /// The branch must be there, unless there is none at all.
    fn find(target: &Target, body: &Value) -> Result<Start, Refusal> {
        let branch = body["branch"].as_str().unwrap_or(&target.default_branch);
        let branch = branch.trim_start_matches("refs/heads/").to_owned();
        let head = target.git.branch(&branch);
        if head.is_none() && !target.git.is_empty() {
            return Err(refuse(404, &format!("Branch {branch} not found")));
        }
        let commit = head.and_then(|oid| target.git.store.commit(&oid));
        Ok(Start { branch, head, tree: commit.map(|it| it.tree) })
    }

    fn lookup(&self, target: &Target, path: &str) -> Option<(Mode, Oid)> {
        target.git.store.lookup(&self.tree?, path)
    }

    fn commit(
        &self,
        call: &Call<'_>,
        target: &Target,
        body: &Value,
        edit: (String, Edit),
        message: String,
    ) -> Result<(Oid, Value), Refusal> {
        let authorship = Authorship::read(call, body)?;
        let tree = target.git.store.edit(self.tree, &[edit]);
        let tree = tree.map_err(|_| not_found())?;
        let commit = authorship.commit(tree, self.head.into_iter().collect(), message);
        let oid = target.git.write_commit(&commit);
        let mut world = call.world();
        let change = RefChange {
            repository: target.id,
            name: format!("refs/heads/{}", self.branch),
            expect: Some(self.head),
            to: Some(oid),
            force: false,
            actor: call.actor(&world),
            bypass: false,
        };
        call.core.change_ref(&mut world, &change).map_err(|refusal| self.refusal(&refusal))?;
        Ok((oid, target.git_commit_json(oid, &commit)))
    }

    /// This endpoint calls conflicts what others call invalid.
    fn refusal(&self, refusal: &RefRefusal) -> Refusal {
        match refusal {
            RefRefusal::Protected(message) => refuse(409, message),
            RefRefusal::Stale(Some(at)) => {
                let expected = self.head.unwrap_or(Oid::ZERO);
                let branch = &self.branch;
                refuse(409, &format!("{branch} is at {at} but expected {expected}"))
            }
            other => {
                let mut reply = ref_refusal(other);
                if matches!(other, RefRefusal::Rules(_)) {
                    reply.0.status = 409;
                }
                reply
            }
        }
    }
}
