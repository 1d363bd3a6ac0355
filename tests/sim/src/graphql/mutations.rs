//! The fields of `Mutation`.

use serde_json::Value;

use super::arguments::Arguments;
use super::commit_on_branch::{self, open, open_by_id};
use super::objects::{Node, may};
use super::query::{is_person, repository_by_id};
use super::value::{Failure, Field, Plain, Resolved};
use crate::access::write;
use crate::call::{Call, Target};
use crate::events::refs::{RefChange, RefRefusal, check_ref_change};
use crate::git::Oid;
use crate::pulls::{MergeMethod, MergeOrder, MergeRefusal, NewPull, PullRefusal};
use crate::render::node_id::NodeId;
use crate::rest::rules_message;

pub(crate) fn field(call: &Call<'_>, name: &str, arguments: &Arguments) -> Field {
    let input = arguments.input();
    match name {
        "createCommitOnBranch" => commit_on_branch::run(call, input),
        "updateRefs" => update_refs(call, input),
        "createRef" => create_ref(call, input),
        "updateRef" => update_ref(call, input),
        "deleteRef" => delete_ref(call, input),
        "createPullRequest" => create_pull(call, input),
        "updatePullRequest" => update_pull(call, input),
        "closePullRequest" => close_pull(call, input),
        "reopenPullRequest" => reopen_pull(call, input),
        "mergePullRequest" => merge_pull(call, input),
        "markPullRequestReadyForReview" => set_draft(call, input, false),
        "convertPullRequestToDraft" => set_draft(call, input, true),
        _ => Err(Node::Mutation.unknown(name)),
    }
}

/// A payload with the client's own mark.
pub(super) fn payload(typename: &'static str, input: &Value) -> Plain {
    let mark = input["clientMutationId"].clone();
    Plain::new(typename).with("clientMutationId", Resolved::scalar(mark))
}

/// What GraphQL says when a ref may not change.
pub(super) fn ref_failure(refusal: &RefRefusal) -> Failure {
    match refusal {
        RefRefusal::Missing => Failure::new("NOT_FOUND", "Reference does not exist"),
        RefRefusal::Exists => Failure::unprocessable("A ref with the given name already exists"),
        RefRefusal::Stale(_) => Failure::new("STALE_DATA", "The ref's before value has changed"),
        RefRefusal::NotFastForward => Failure::unprocessable("Update is not a fast forward"),
        RefRefusal::Protected(message) => Failure::new("BRANCH_PROTECTION_RULE_VIOLATION", *message),
        RefRefusal::Rules(messages) => Failure::unprocessable(rules_message(messages)),
        RefRefusal::InTheWay => Failure::unprocessable("Reference update failed"),
        RefRefusal::BadName => Failure::unprocessable("Reference name is not valid"),
        RefRefusal::NoSuchObject => Failure::unprocessable("Object does not exist"),
        RefRefusal::Archived => Failure::new("FORBIDDEN", "Repository was archived so is read-only."),
    }
}

fn oid(value: &Value) -> Result<Oid, Failure> {
    let text = value.as_str().unwrap_or_default();
    Oid::parse(text).ok_or_else(|| Failure::new("ARGUMENT", format!("Could not coerce value {text:?} to GitObjectID")))
}

/// All or none, each compared with what it was before where that is given; a zero id means
/// «is not there».
fn update_refs(call: &Call<'_>, input: &Value) -> Field {
    let target = open_by_id(call, &input["repositoryId"])?;
    let mut world = call.world();
    let actor = call.actor(&world);
    let mut changes = Vec::new();
    for update in input["refUpdates"].as_array().into_iter().flatten() {
        let before = match &update["beforeOid"] {
            Value::Null => None,
            value => Some(Some(oid(value)?).filter(|it| !it.is_zero())),
        };
        let after = Some(oid(&update["afterOid"])?).filter(|it| !it.is_zero());
        let change = RefChange {
            repository: target.id,
            name: update["name"].as_str().unwrap_or_default().to_owned(),
            expect: before,
            to: after,
            force: update["force"].as_bool().unwrap_or(false),
            actor,
            bypass: false,
        };
        check_ref_change(&world, &change).map_err(|refusal| ref_failure(&refusal))?;
        if changes.iter().any(|other| are_nested(other, &change)) {
            return Err(ref_failure(&RefRefusal::InTheWay));
        }
        changes.push(change);
    }
    for change in &changes {
        let changed = call.core.change_ref(&mut world, change);
        changed.map_err(|refusal| ref_failure(&refusal))?;
    }
    Ok(Resolved::Object(payload("UpdateRefsPayload", input).node()))
}

/// Two new refs of which one would have to be a folder of the other, or the same.
fn are_nested(a: &RefChange, b: &RefChange) -> bool {
    let within = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|it| it.starts_with('/'));
    a.name == b.name || within(&a.name, &b.name) || within(&b.name, &a.name)
}

fn create_ref(call: &Call<'_>, input: &Value) -> Field {
    let target = open_by_id(call, &input["repositoryId"])?;
    let name = input["name"].as_str().unwrap_or_default();
    let to = oid(&input["oid"])?;
    change(call, &target, name, Some(None), (Some(to), false))?;
    let node = Node::Ref(target.id, name.to_owned());
    let payload = payload("CreateRefPayload", input).with("ref", Resolved::Object(node));
    Ok(Resolved::Object(payload.node()))
}

fn update_ref(call: &Call<'_>, input: &Value) -> Field {
    let (target, name) = named_ref(call, input)?;
    let to = oid(&input["oid"])?;
    let force = input["force"].as_bool().unwrap_or(false);
    change(call, &target, &name, None, (Some(to), force))?;
    let node = Node::Ref(target.id, name);
    let payload = payload("UpdateRefPayload", input).with("ref", Resolved::Object(node));
    Ok(Resolved::Object(payload.node()))
}

fn delete_ref(call: &Call<'_>, input: &Value) -> Field {
    let (target, name) = named_ref(call, input)?;
    change(call, &target, &name, None, (None, true))?;
    Ok(Resolved::Object(payload("DeleteRefPayload", input).node()))
}

fn named_ref(call: &Call<'_>, input: &Value) -> Result<(Target, String), Failure> {
    let id = input["refId"].as_str().unwrap_or_default();
    match NodeId::parse(id) {
        Some(NodeId::Ref(repository, name)) => Ok((open(call, repository)?, name)),
        _ => Err(Failure::no_node(id)),
    }
}

fn change(
    call: &Call<'_>,
    target: &Target,
    name: &str,
    expect: Option<Option<Oid>>,
    (to, force): (Option<Oid>, bool),
) -> Result<(), Failure> {
    let mut world = call.world();
    let change = RefChange {
        repository: target.id,
        name: name.to_owned(),
        expect,
        to,
        force,
        actor: call.actor(&world),
        bypass: false,
    };
    let changed = call.core.change_ref(&mut world, &change);
    changed.map(|_| ()).map_err(|refusal| ref_failure(&refusal))
}

fn create_pull(call: &Call<'_>, input: &Value) -> Field {
    let id = repository_by_id(input["repositoryId"].as_str().unwrap_or_default())?;
    let mut world = call.world();
    may(call, &world, id, write("pull_requests"))?;
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let new = NewPull {
        repository: id,
        title: text("title"),
        body: input["body"].as_str().map(str::to_owned),
        head: text("headRefName"),
        base: text("baseRefName"),
        draft: input["draft"].as_bool().unwrap_or(false),
        author: call.actor(&world),
    };
    let number = call.core.open_pull(&mut world, new).map_err(|refusal| pull_failure(&refusal))?;
    Ok(pull_payload("CreatePullRequestPayload", input, (id, number)))
}

fn pull_failure(refusal: &PullRefusal) -> Failure {
    let message = refusal.message().unwrap_or_else(|| match refusal.field() {
        Some("head") => "Head sha can't be blank, Head ref must be a branch".to_owned(),
        _ => "Base ref must be a branch".to_owned(),
    });
    Failure::unprocessable(message)
}

fn pull_payload(typename: &'static str, input: &Value, (id, number): (u64, u64)) -> Resolved {
    let pull = Resolved::Object(Node::Pull(id, number));
    Resolved::Object(payload(typename, input).with("pullRequest", pull).node())
}

/// The pull request an input names, if the caller may write there.
fn named_pull(call: &Call<'_>, input: &Value, permission: &'static str) -> Result<(u64, u64), Failure> {
    let id = input["pullRequestId"].as_str().unwrap_or_default();
    let Some(NodeId::Pull(repository, number)) = NodeId::parse(id) else {
        return Err(Failure::no_node(id));
    };
    let world = call.world();
    may(call, &world, repository, write(permission))?;
    let found = world.pull(repository, number);
    found.map(|_| (repository, number)).ok_or_else(|| Failure::no_node(id))
}

fn update_pull(call: &Call<'_>, input: &Value) -> Field {
    let (id, number) = named_pull(call, input, "pull_requests")?;
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let edits = (text("title"), text("body"), text("baseRefName"));
    let mut world = call.world();
    let by = call.actor(&world);
    call.core.edit_pull(&mut world, id, number, edits, by);
    match input["state"].as_str() {
        Some("CLOSED") => call.core.close_pull(&mut world, id, number, by),
        Some(_) => {
            let reopened = call.core.reopen_pull(&mut world, id, number, by);
            reopened.map_err(|refusal| pull_failure(&refusal))?;
        }
        None => {}
    }
    Ok(pull_payload("UpdatePullRequestPayload", input, (id, number)))
}

fn close_pull(call: &Call<'_>, input: &Value) -> Field {
    let (id, number) = named_pull(call, input, "pull_requests")?;
    let mut world = call.world();
    let by = call.actor(&world);
    call.core.close_pull(&mut world, id, number, by);
    Ok(pull_payload("ClosePullRequestPayload", input, (id, number)))
}

fn reopen_pull(call: &Call<'_>, input: &Value) -> Field {
    let (id, number) = named_pull(call, input, "pull_requests")?;
    let mut world = call.world();
    let by = call.actor(&world);
    let reopened = call.core.reopen_pull(&mut world, id, number, by);
    reopened.map_err(|refusal| pull_failure(&refusal))?;
    Ok(pull_payload("ReopenPullRequestPayload", input, (id, number)))
}

fn set_draft(call: &Call<'_>, input: &Value, draft: bool) -> Field {
    let (id, number) = named_pull(call, input, "pull_requests")?;
    let mut world = call.world();
    let by = call.actor(&world);
    call.core.set_draft(&mut world, id, number, draft, by);
    let typename = match draft {
        true => "ConvertPullRequestToDraftPayload",
        false => "MarkPullRequestReadyForReviewPayload",
    };
    Ok(pull_payload(typename, input, (id, number)))
}

fn merge_pull(call: &Call<'_>, input: &Value) -> Field {
    let (id, number) = named_pull(call, input, "contents")?;
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let method = MergeMethod::parse(input["mergeMethod"].as_str().unwrap_or("MERGE"));
    let mut world = call.world();
    let order = MergeOrder {
        method: method.unwrap_or(MergeMethod::Merge),
        expected: text("expectedHeadOid"),
        title: text("commitHeadline"),
        message: text("commitBody"),
        by: call.actor(&world),
        bypass: is_person(&call.caller),
    };
    let merged = call.core.merge_pull(&mut world, id, number, order);
    merged.map_err(|refusal| match refusal {
        MergeRefusal::NotOpen | MergeRefusal::Conflicts => Failure::unprocessable("Pull Request is not mergeable"),
        MergeRefusal::Draft => Failure::unprocessable("Pull Request is still a draft"),
        MergeRefusal::HeadMoved => Failure::unprocessable("Head branch was modified. Review and try the merge again."),
        MergeRefusal::Ref(refusal) => ref_failure(&refusal),
    })?;
    Ok(pull_payload("MergePullRequestPayload", input, (id, number)))
}
