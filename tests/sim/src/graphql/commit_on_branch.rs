//! `createCommitOnBranch`:
//! <https://docs.github.com/graphql/reference/mutations#createcommitonbranch>.

use std::collections::HashSet;

use serde_json::Value;

use super::mutations::{payload, ref_failure};
use super::objects::{Node, may};
use super::query::repository_by_id;
use super::value::{Failure, Field, Resolved};
use crate::access::write;
use crate::call::{Call, Target};
use crate::events::refs::{RefChange, RefRefusal};
use crate::git::edit::Edit;
use crate::git::{Kind, Mode, Oid};
use crate::render::node_id::NodeId;
use crate::rest::{authorship, decode_base64, is_path, may_touch_workflows, no_secret};

/// One file change, decoded.
struct Parts {
    additions: Vec<(String, Vec<u8>)>,
    deletions: Vec<String>,
}

pub(super) fn run(call: &Call<'_>, input: &Value) -> Field {
    let (target, name) = branch(call, &input["branch"])?;
    let expected = input["expectedHeadOid"].as_str().and_then(Oid::parse);
    let expected = expected.ok_or_else(|| invalid("expectedHeadOid is not a GitObjectID"))?;
    let head = target.git.refs.get(&name).ok_or_else(|| {
        let branch = name.trim_start_matches("refs/heads/");
        Failure::new("NOT_FOUND", format!("No such branch in {}: {branch}", target.full_name))
    })?;
    if head != expected {
        return Err(stale(expected));
    }
    let parts = Parts::read(&input["fileChanges"])?;
    parts.check(call, &target)?;
    let commit = target.git.store.commit(&head);
    let base = commit.ok_or_else(|| stale(expected))?.tree;
    let tree = parts.tree(&target, base)?;
    let message = message(&input["message"])?;
    let commit = authorship(call).commit(tree, vec![head], message);
    let oid = target.git.write_commit(&commit);
    let mut world = call.world();
    let change = RefChange {
        repository: target.id,
        name: name.clone(),
        expect: Some(Some(expected)),
        to: Some(oid),
        force: false,
        actor: call.actor(&world),
        bypass: false,
    };
    let moved = call.core.change_ref(&mut world, &change);
    moved.map_err(|refusal| match refusal {
        RefRefusal::Stale(_) | RefRefusal::Missing => stale(expected),
        other => ref_failure(&other),
    })?;
    let commit = Node::Object(target.id, oid, Kind::Commit);
    Ok(Resolved::Object(
        payload("CreateCommitOnBranchPayload", input)
            .with("commit", Resolved::Object(commit))
            .with("ref", Resolved::Object(Node::Ref(target.id, name)))
            .node(),
    ))
}

fn stale(expected: Oid) -> Failure {
    let message = format!("Expected branch to point to \"{expected}\" but it did not.  Pull and try again.");
    Failure::new("STALE_DATA", message)
}

fn invalid(message: &str) -> Failure {
    Failure::new("ARGUMENT", message)
}

/// By repository and branch name, or by the ref's id.
fn branch(call: &Call<'_>, input: &Value) -> Result<(Target, String), Failure> {
    let (id, name) = match (input["id"].as_str(), input["repositoryNameWithOwner"].as_str()) {
        (Some(id), _) => match NodeId::parse(id) {
            Some(NodeId::Ref(repository, name)) => (repository, name),
            _ => return Err(Failure::no_node(id)),
        },
        (None, Some(full)) => {
            let world = call.world();
            let found = world.repository(full).map(|it| it.id);
            let id = found.ok_or_else(|| Failure::no_repository(full))?;
            let branch = input["branchName"].as_str().unwrap_or_default();
            let branch = branch.trim_start_matches("refs/heads/");
            (id, format!("refs/heads/{branch}"))
        }
        (None, None) => {
            return Err(invalid("branch must be given by id, or by repository and name"));
        }
    };
    Ok((open(call, id)?, name))
}

/// The repository, if the caller may write its contents.
pub(super) fn open(call: &Call<'_>, id: u64) -> Result<Target, Failure> {
    let world = call.world();
    may(call, &world, id, write("contents"))?;
    Target::of(&world, id).ok_or_else(|| Failure::no_repository(""))
}

/// The repository behind a `repositoryId`.
pub(super) fn open_by_id(call: &Call<'_>, id: &Value) -> Result<Target, Failure> {
    open(call, repository_by_id(id.as_str().unwrap_or_default())?)
}

fn message(input: &Value) -> Result<String, Failure> {
    let headline = input["headline"].as_str().unwrap_or_default();
    if headline.trim().is_empty() {
        return Err(invalid("message.headline can't be blank"));
    }
    Ok(match input["body"].as_str().filter(|it| !it.is_empty()) {
        Some(body) => format!("{headline}\n\n{body}"),
        None => headline.to_owned(),
    })
}

impl Parts {
    fn read(input: &Value) -> Result<Parts, Failure> {
        let list = |name: &str| input[name].as_array().cloned().unwrap_or_default();
        let path = |entry: &Value| entry["path"].as_str().unwrap_or_default().to_owned();
        let mut additions = Vec::new();
        for entry in list("additions") {
            let contents = entry["contents"].as_str().unwrap_or_default();
            let data = decode_base64(contents).ok_or_else(|| {
                let path = path(&entry);
                Failure::unprocessable(format!("The contents of {path} are not valid Base64."))
            })?;
            additions.push((path(&entry), data));
        }
        let deletions = list("deletions").iter().map(path).collect();
        Ok(Parts { additions, deletions })
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        let added = self.additions.iter().map(|(path, _)| path.as_str());
        added.chain(self.deletions.iter().map(String::as_str))
    }

    fn check(&self, call: &Call<'_>, target: &Target) -> Result<(), Failure> {
        let mut seen = HashSet::new();
        for path in self.paths() {
            if !is_path(path) {
                return Err(Failure::unprocessable(format!("A path was requested that is not valid: {path}")));
            }
            if !seen.insert(path) {
                return Err(Failure::unprocessable(format!("A path was requested for change more than once: {path}")));
            }
        }
        may_touch_workflows(call, self.paths()).map_err(|_| Failure::forbidden())?;
        let world = call.world();
        for (_, data) in &self.additions {
            no_secret(&world, target.id, data, 422).map_err(|_| {
                Failure::unprocessable("Repository rule violations found\n\nSecret detected in content\n\n")
            })?;
        }
        Ok(())
    }

    /// Every file becomes an ordinary one, whatever mode the path had before.
    fn tree(self, target: &Target, base: Oid) -> Result<Oid, Failure> {
        let store = &target.git.store;
        let mut edits = Vec::with_capacity(self.additions.len() + self.deletions.len());
        for (path, data) in self.additions {
            let oid = store.write(Kind::Blob, data);
            edits.push((path, Edit::Put(Mode::File, oid)));
        }
        for path in self.deletions {
            edits.push((path, Edit::Delete { strict: true }));
        }
        store.edit(Some(base), &edits).map_err(|_| {
            let message = "A path was requested for deletion which does not exist as of commit oid";
            Failure::unprocessable(message)
        })
    }
}
