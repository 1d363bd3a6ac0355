//! Commits, in the four ways GitHub writes them, and changed files.

use serde_json::{Value, json};

use super::node_id::NodeId;
use crate::call::Target;
use crate::git::diff::Changed;
use crate::git::{Commit, Oid, Person, patch};
use crate::world::World;

fn person(it: &Person) -> Value {
    json!({ "name": it.name, "email": it.email, "date": it.date() })
}

/// `verification`.
pub(crate) fn verification(commit: &Commit) -> Value {
    let verified = commit.is_verified();
    let reason = match (&commit.signature, verified) {
        (_, true) => "valid",
        (Some(_), false) => "unknown_key",
        (None, false) => "unsigned",
    };
    json!({
        "verified": verified,
        "reason": reason,
        "signature": commit.signature,
        "payload": commit.signature.as_ref().map(|_| commit.payload()),
        "verified_at": verified.then(|| commit.committer.date()),
    })
}

impl Target {
    fn parents(&self, commit: &Commit, api: &str) -> Value {
        let parents = commit.parents.iter().map(|parent| {
            json!({
                "sha": parent.hex(),
                "url": format!("{}/{api}/{parent}", self.url),
                "html_url": format!("{}/commit/{parent}", self.html),
            })
        });
        parents.collect()
    }

    /// `git-commit`.
    pub(crate) fn git_commit_json(&self, oid: Oid, commit: &Commit) -> Value {
        json!({
            "sha": oid.hex(),
            "node_id": NodeId::Object(self.id, oid).text(),
            "url": format!("{}/git/commits/{oid}", self.url),
            "html_url": format!("{}/commit/{oid}", self.html),
            "author": person(&commit.author),
            "committer": person(&commit.committer),
            "tree": {
                "sha": commit.tree.hex(),
                "url": format!("{}/git/trees/{}", self.url, commit.tree),
            },
            "message": commit.message,
            "parents": self.parents(commit, "git/commits"),
            "verification": verification(commit),
        })
    }

    /// `commit`, without `stats` and `files`.
    pub(crate) fn commit_json(&self, world: &World, oid: Oid, commit: &Commit) -> Value {
        json!({
            "sha": oid.hex(),
            "node_id": NodeId::Object(self.id, oid).text(),
            "url": format!("{}/commits/{oid}", self.url),
            "html_url": format!("{}/commit/{oid}", self.html),
            "comments_url": format!("{}/commits/{oid}/comments", self.url),
            "commit": {
                "author": person(&commit.author),
                "committer": person(&commit.committer),
                "message": commit.message,
                "tree": {
                    "sha": commit.tree.hex(),
                    "url": format!("{}/git/trees/{}", self.url, commit.tree),
                },
                "url": format!("{}/git/commits/{oid}", self.url),
                "comment_count": 0,
                "verification": verification(commit),
            },
            "author": account_of(world, &commit.author),
            "committer": account_of(world, &commit.committer),
            "parents": self.parents(commit, "commits"),
        })
    }

    /// A commit as `push` lists it.
    pub(crate) fn pushed_commit_json(&self, world: &World, oid: Oid, commit: &Commit) -> Value {
        let who = |it: &Person| {
            let mut value = json!({ "name": it.name, "email": it.email });
            if let Some(login) = login_of(world, &it.email) {
                value["username"] = json!(login);
            }
            value
        };
        let before = commit.parents.first();
        let before = before.and_then(|it| self.git.store.commit(it));
        let changes = self.git.store.diff(before.map(|it| it.tree), Some(commit.tree));
        let paths = |wanted: fn(&Changed) -> bool| -> Vec<&str> {
            let fitting = changes.iter().filter(|it| wanted(it));
            fitting.take(PUSH_FILES).map(|it| it.path.as_str()).collect()
        };
        json!({
            "id": oid.hex(),
            "tree_id": commit.tree.hex(),
            "distinct": true,
            "message": commit.message,
            "timestamp": commit.committer.at.to_rfc3339(),
            "url": format!("{}/commit/{oid}", self.html),
            "author": who(&commit.author),
            "committer": who(&commit.committer),
            "added": paths(|it| it.old.is_none()),
            "removed": paths(|it| it.new.is_none()),
            "modified": paths(|it| it.old.is_some() && it.new.is_some()),
        })
    }

    /// `diff-entry`.
    pub(crate) fn file_json(&self, head: Oid, change: &Changed) -> Value {
        let status = match (&change.old, &change.new) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some((_, old)), Some((_, new))) if old == new => "changed",
            _ => "modified",
        };
        let content = |side: &crate::git::diff::Side| match side {
            Some((_, oid)) => self.git.store.blob(oid).unwrap_or_default(),
            None => bytes::Bytes::new(),
        };
        let patch = patch::compare(&content(&change.old), &content(&change.new));
        let path = &change.path;
        let mut file = json!({
            "sha": change.new.or(change.old).map(|(_, oid)| oid.hex()),
            "filename": path,
            "status": status,
            "additions": patch.additions,
            "deletions": patch.deletions,
            "changes": patch.additions + patch.deletions,
            "blob_url": format!("{}/blob/{head}/{}", self.html, url_path(path)),
            "raw_url": format!("{}/raw/{head}/{}", self.html, url_path(path)),
            "contents_url": format!("{}/contents/{}?ref={head}", self.url, url_path(path)),
        });
        if let Some(text) = patch.text.filter(|text| !text.is_empty()) {
            file["patch"] = json!(text);
        }
        file
    }
}

/// How many paths of each kind a `push` lists.
const PUSH_FILES: usize = 3_000;

/// A path as it stands in URLs.
pub(crate) fn url_path(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
    utf8_percent_encode(path, KEPT).to_string()
}

/// The login behind one of GitHub's own no-reply addresses.
pub(crate) fn login_of<'a>(world: &'a World, email: &str) -> Option<&'a str> {
    if email == "noreply@github.com" {
        return Some("web-flow");
    }
    let local = email.strip_suffix("@users.noreply.github.com")?;
    let login = local.split_once('+').map_or(local, |(_, login)| login);
    world.account(login).map(|it| it.login.as_str())
}

fn account_of(world: &World, person: &Person) -> Value {
    match login_of(world, &person.email).and_then(|login| world.account_id(login)) {
        Some(id) => world.user_json(id),
        None => Value::Null,
    }
}
