//! Trees: <https://docs.github.com/rest/git/trees>.

use serde::Serialize;
use serde_json::Value;

use super::blobs::no_secret;
use super::{is_path, is_workflow, not_empty};
use crate::access::{inaccessible, read, write};
use crate::auth::Caller;
use crate::call::{Call, Target};
use crate::git::edit::Edit;
use crate::git::{Kind, Mode, Oid};
use crate::http::message::{Answer, Refusal, Reply, malformed, not_found, refuse};
use crate::http::router::{Route, route};
use crate::options::Limits;
use crate::world::permissions::Level;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/git/trees/{sha*}", get),
    route("POST", "/repos/{owner}/{repo}/git/trees", create),
];

#[derive(Serialize)]
struct Listing {
    sha: String,
    url: String,
    tree: Vec<Item>,
    truncated: bool,
}

#[derive(Serialize)]
struct Item {
    path: String,
    mode: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    sha: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

fn get(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    not_empty(&target)?;
    let named = target.git.resolve(call.param("sha"), &target.default_branch);
    let oid = named.ok_or_else(not_found)?;
    let object = target.git.store.read(&oid).ok_or_else(not_found)?;
    let tree = match object.kind {
        Kind::Tree => oid,
        Kind::Commit => target.git.store.commit(&oid).ok_or_else(not_found)?.tree,
        _ => return Err(not_found()),
    };
    let recursive = call.request.query("recursive").is_some();
    let limits = call.world().limits.clone();
    Ok(Reply::json(200, &listing(&target, tree, recursive, &limits)))
}

fn listing(target: &Target, tree: Oid, recursive: bool, limits: &Limits) -> Listing {
    let mut items = Vec::new();
    let mut bytes = 0;
    let mut add = |path: &str, mode: Mode, oid: Oid| {
        let item = item(target, path, mode, oid);
        bytes += 90 + path.len() + item.url.as_ref().map_or(0, String::len);
        let fits = items.len() < limits.tree_entries && bytes <= limits.tree_bytes;
        if fits {
            items.push(item);
        }
        fits
    };
    let store = &target.git.store;
    let whole = match recursive {
        true => store.walk(&tree, &mut add),
        false => store.entries(&tree).iter().all(|entry| add(&entry.name, entry.mode, entry.oid)),
    };
    Listing { sha: tree.hex(), url: format!("{}/git/trees/{tree}", target.url), tree: items, truncated: !whole }
}

fn item(target: &Target, path: &str, mode: Mode, oid: Oid) -> Item {
    let kind = mode.kind();
    let blob = kind == Kind::Blob;
    let size = blob.then(|| target.git.store.size(&oid).unwrap_or_default());
    let url = match kind {
        Kind::Commit => None,
        kind => Some(format!("{}/git/{}s/{oid}", target.url, kind.name())),
    };
    Item { path: path.to_owned(), mode: mode.text(), kind: kind.name(), sha: oid.hex(), size, url }
}

fn create(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    not_empty(&target)?;
    let body = call.request.json()?;
    let limits = call.world().limits.clone();
    let empty = Vec::new();
    let entries = match &body["tree"] {
        Value::Array(entries) => entries,
        Value::Null => &empty,
        _ => return Err(malformed("tree must be an array.")),
    };
    if entries.is_empty() {
        return Err(refuse(422, "Invalid tree info"));
    }
    let too_much = call.request.body.len() > limits.new_tree_bytes;
    if entries.len() > limits.new_tree_entries || too_much {
        return Err(timed_out());
    }
    let base = base_tree(&target, &body)?;
    let mut edits = Vec::with_capacity(entries.len());
    for entry in entries {
        edits.push(edit(call, &target, entry)?);
    }
    may_touch_workflows(call, edits.iter().map(|(path, _)| path.as_str()))?;
    let tree = target.git.store.edit(base, &edits);
    let tree = tree.map_err(|_| refuse(422, "GitRPC::BadObjectState"))?;
    target.git.touch();
    let reply = Reply::json(201, &listing(&target, tree, false, &limits));
    Ok(reply.with("location", format!("{}/git/trees/{tree}", target.url)))
}

/// What GitHub's front answers when the back end takes too long.
fn timed_out() -> Refusal {
    let page = "<html><head><title>502 Bad Gateway</title></head><body>\
                <center><h1>502 Bad Gateway</h1></center></body></html>";
    Refusal(Box::new(Reply::html(502, page.to_owned())))
}

fn base_tree(target: &Target, body: &Value) -> Result<Option<Oid>, Refusal> {
    let Some(text) = body["base_tree"].as_str() else {
        return Ok(None);
    };
    let oid = Oid::parse(text).filter(|it| target.git.store.tree(it).is_some());
    match oid {
        Some(oid) => Ok(Some(oid)),
        None => Err(refuse(422, "base_tree is not a valid tree")),
    }
}

fn edit(call: &Call<'_>, target: &Target, entry: &Value) -> Result<(String, Edit), Refusal> {
    let path = entry["path"].as_str().unwrap_or_default();
    if !is_path(path) {
        return Err(refuse(422, "tree.path contains a malformed path component"));
    }
    let mode = entry["mode"].as_str().and_then(Mode::parse);
    let mode = mode.ok_or_else(|| refuse(422, "Must supply a valid tree.mode"))?;
    let path = path.to_owned();
    if let Some(content) = entry["content"].as_str() {
        let data = content.as_bytes().to_vec();
        no_secret(&call.world(), target.id, &data, 422)?;
        let oid = target.git.store.write(Kind::Blob, data);
        return Ok((path, Edit::Put(mode, oid)));
    }
    match &entry["sha"] {
        Value::Null if entry.get("sha").is_some() => Ok((path, Edit::Delete { strict: true })),
        Value::String(sha) => Ok((path, Edit::Put(mode, existing(target, mode, sha)?))),
        _ => Err(refuse(422, "Must supply either tree.sha or tree.content")),
    }
}

fn existing(target: &Target, mode: Mode, sha: &str) -> Result<Oid, Refusal> {
    let kind = mode.kind();
    let refusal = || refuse(422, &format!("tree.sha {sha} is not a valid {}", kind.name()));
    let oid = Oid::parse(sha).ok_or_else(refusal)?;
    if kind == Kind::Commit {
        return Ok(oid);
    }
    let object = target.git.store.read(&oid).ok_or_else(refusal)?;
    (object.kind == kind).then_some(oid).ok_or_else(refusal)
}

/// `.github/workflows/**` asks for a permission of its own.
pub(crate) fn may_touch_workflows<'a>(
    call: &Call<'_>,
    mut paths: impl Iterator<Item = &'a str>,
) -> Result<(), Refusal> {
    if !paths.any(is_workflow) {
        return Ok(());
    }
    let allowed = match &call.caller {
        Caller::Installation { permissions, .. } => permissions.allow("workflows", Level::Write),
        Caller::User { app, .. } => {
            let world = call.world();
            let app = world.apps.get(app);
            app.is_some_and(|it| it.permissions.allow("workflows", Level::Write))
        }
        _ => false,
    };
    if allowed { Ok(()) } else { Err(inaccessible()) }
}
