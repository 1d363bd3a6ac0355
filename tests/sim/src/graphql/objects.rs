//! The object types and their fields.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::value::{Failure, Field, Plain, Resolved};
use super::{mutations, query};
use crate::access::{Need, admit, read};
use crate::call::{Call, Target};
use crate::git::object::{Commit, Kind, Mode};
use crate::git::{Oid, Person, patch};
use crate::render::commit::login_of;
use crate::render::node_id::NodeId;
use crate::world::account::AccountKind;
use crate::world::role::Role;
use crate::world::stamp;

/// A typed object, before its fields are selected.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Query,
    Mutation,
    Account(u64, AccountKind),
    Repository(u64),
    Ref(u64, String),
    Object(u64, Oid, Kind),
    TreeEntry {
        repository: u64,
        path: String,
        mode: Mode,
        oid: Oid,
    },
    Pull(u64, u64),
    Review(u64, u64, u64),
    Plain(Plain),
    /// Stands in a list for an item that cannot be had.
    Failed(Failure),
}

impl Node {
    pub(crate) fn typename(&self) -> &'static str {
        match self {
            Node::Query => "Query",
            Node::Mutation => "Mutation",
            Node::Account(_, kind) => kind.name(),
            Node::Repository(_) => "Repository",
            Node::Ref(..) => "Ref",
            Node::Object(_, _, Kind::Commit) => "Commit",
            Node::Object(_, _, Kind::Tree) => "Tree",
            Node::Object(_, _, Kind::Blob) => "Blob",
            Node::Object(_, _, Kind::Tag) => "Tag",
            Node::TreeEntry { .. } => "TreeEntry",
            Node::Pull(..) => "PullRequest",
            Node::Review(..) => "PullRequestReview",
            Node::Plain(plain) => plain.typename,
            Node::Failed(_) => "Error",
        }
    }

    /// Resolves one field.
    pub(crate) fn field(&self, call: &Call<'_>, name: &str, arguments: &Arguments) -> Field {
        match self {
            Node::Query => query::field(call, name, arguments),
            Node::Mutation => mutations::field(call, name, arguments),
            Node::Account(id, _) => self.account(call, *id, name),
            Node::Repository(id) => self.repository(call, *id, name, arguments),
            Node::Ref(id, full) => self.reference(call, *id, full, name, arguments),
            Node::Object(id, oid, kind) => self.object(call, *id, *oid, *kind, (name, arguments)),
            Node::TreeEntry { repository, path, mode, oid } => self.tree_entry((*repository, path, *mode, *oid), name),
            Node::Pull(id, number) => self.pull(call, *id, *number, name, arguments),
            Node::Review(id, number, review) => self.review(call, *id, *number, *review, name),
            Node::Plain(plain) => match plain.fields.get(name) {
                Some(value) => Ok(value.clone()),
                None => Err(self.unknown(name)),
            },
            Node::Failed(failure) => Err(failure.clone()),
        }
    }

    /// GitHub's words for a field that a type has not.
    pub(crate) fn unknown(&self, name: &str) -> Failure {
        let typename = self.typename();
        Failure {
            kind: None,
            message: format!("Field '{name}' doesn't exist on type '{typename}'"),
            extensions: Some(json!({
                "code": "undefinedField", "typeName": typename, "fieldName": name,
            })),
        }
    }

    fn account(&self, call: &Call<'_>, id: u64, name: &str) -> Field {
        let world = call.world();
        let Some(account) = world.accounts.get(&id) else {
            return Ok(Resolved::Null);
        };
        Ok(match name {
            "login" => Resolved::scalar(account.login.clone()),
            "name" => Resolved::scalar(json!(account.name)),
            "id" => Resolved::scalar(NodeId::Account(id).text()),
            "databaseId" => Resolved::scalar(id),
            "email" => Resolved::scalar(""),
            "url" => Resolved::scalar(format!("{}/{}", world.url, account.login)),
            "resourcePath" => Resolved::scalar(format!("/{}", account.login)),
            "avatarUrl" => Resolved::scalar(format!("{}/avatars/{id}", world.url)),
            _ => return Err(self.unknown(name)),
        })
    }

    fn repository(&self, call: &Call<'_>, id: u64, name: &str, arguments: &Arguments) -> Field {
        let world = call.world();
        let (Some(repo), Some(target)) = (world.repositories.get(&id), Target::of(&world, id)) else {
            return Ok(Resolved::Null);
        };
        let git = &target.git;
        Ok(match name {
            "id" => Resolved::scalar(NodeId::Repository(id).text()),
            "databaseId" => Resolved::scalar(id),
            "name" => Resolved::scalar(repo.name.clone()),
            "nameWithOwner" => Resolved::scalar(target.full_name.clone()),
            "description" => Resolved::scalar(json!(repo.description)),
            "url" => Resolved::scalar(target.html.clone()),
            "isPrivate" => Resolved::scalar(repo.private),
            "isArchived" => Resolved::scalar(repo.archived),
            "isDisabled" | "isFork" | "isLocked" | "isMirror" | "isTemplate" => Resolved::scalar(false),
            "isEmpty" => Resolved::scalar(git.is_empty()),
            "visibility" => Resolved::scalar(if repo.private { "PRIVATE" } else { "PUBLIC" }),
            "createdAt" => Resolved::scalar(stamp(repo.created_at)),
            "updatedAt" => Resolved::scalar(stamp(repo.updated_at)),
            "pushedAt" => Resolved::scalar(stamp(repo.pushed_at)),
            "diskUsage" => Resolved::scalar(0),
            "viewerPermission" => viewer_permission(call, &world, id),
            "owner" => Resolved::maybe(query::account(&world, repo.owner)),
            "defaultBranchRef" => {
                let full = format!("refs/heads/{}", repo.default_branch);
                Resolved::maybe(git.refs.get(&full).map(|_| Node::Ref(id, full)))
            }
            "ref" => {
                may(call, &world, id, read("contents"))?;
                let asked = arguments.required("qualifiedName")?;
                let candidates = [asked.to_owned(), format!("refs/heads/{asked}"), format!("refs/tags/{asked}")];
                let found = candidates.into_iter().find(|it| git.refs.get(it).is_some());
                Resolved::maybe(found.map(|full| Node::Ref(id, full)))
            }
            "refs" => {
                may(call, &world, id, read("contents"))?;
                let all = git.refs.list(arguments.required("refPrefix")?);
                let nodes = all.into_iter().map(|(full, _)| Node::Ref(id, full));
                connection("RefConnection", nodes.collect(), arguments)?
            }
            "object" => {
                may(call, &world, id, read("contents"))?;
                let oid = match (arguments.text("oid"), arguments.text("expression")) {
                    (Some(oid), _) => Oid::parse(oid),
                    (None, Some(expression)) => git.resolve(expression, &repo.default_branch),
                    (None, None) => None,
                };
                Resolved::maybe(oid.and_then(|oid| object_node(&target, oid)))
            }
            "pullRequest" => {
                may(call, &world, id, read("pull_requests"))?;
                let number = arguments.value("number").as_u64().unwrap_or_default();
                if world.pull(id, number).is_none() {
                    let message = format!("Could not resolve to a PullRequest with the number of {number}.");
                    return Err(Failure::new("NOT_FOUND", message));
                }
                Resolved::Object(Node::Pull(id, number))
            }
            "pullRequests" => {
                may(call, &world, id, read("pull_requests"))?;
                let all = world.pulls.get(&id).into_iter().flatten();
                let head = arguments.text("headRefName");
                let base = arguments.text("baseRefName");
                let states = arguments.value("states");
                let fits = |pull: &crate::world::pull::Pull| {
                    let state = pull_state(pull);
                    let wanted = match states {
                        Value::Array(list) => list.iter().any(|it| it == state),
                        Value::String(one) => one == state,
                        _ => true,
                    };
                    wanted && head.is_none_or(|head| pull.head == head) && base.is_none_or(|base| pull.base == base)
                };
                let fitting = all.filter(|(_, pull)| fits(pull));
                let nodes = fitting.map(|(number, _)| Node::Pull(id, *number)).collect();
                connection("PullRequestConnection", nodes, arguments)?
            }
            _ => return Err(self.unknown(name)),
        })
    }

    fn reference(&self, call: &Call<'_>, id: u64, full: &str, name: &str, arguments: &Arguments) -> Field {
        let world = call.world();
        let Some(target) = Target::of(&world, id) else {
            return Ok(Resolved::Null);
        };
        let prefixes = ["refs/heads/", "refs/tags/"];
        let prefix = prefixes.into_iter().find(|it| full.starts_with(it)).unwrap_or("refs/");
        let branch = full.trim_start_matches(prefix);
        Ok(match name {
            "id" => Resolved::scalar(NodeId::Ref(id, full.to_owned()).text()),
            "name" => Resolved::scalar(branch),
            "prefix" => Resolved::scalar(prefix),
            "repository" => Resolved::Object(Node::Repository(id)),
            "target" => {
                may(call, &world, id, read("contents"))?;
                let oid = target.git.refs.get(full);
                Resolved::maybe(oid.and_then(|oid| object_node(&target, oid)))
            }
            "associatedPullRequests" => {
                let all = world.pulls.get(&id).into_iter().flatten();
                let own = all.filter(|(_, pull)| pull.head == branch);
                let nodes = own.map(|(number, _)| Node::Pull(id, *number)).collect();
                connection("PullRequestConnection", nodes, arguments)?
            }
            _ => return Err(self.unknown(name)),
        })
    }

    fn object(&self, call: &Call<'_>, id: u64, oid: Oid, kind: Kind, (name, arguments): (&str, &Arguments)) -> Field {
        let world = call.world();
        let Some(target) = Target::of(&world, id) else {
            return Ok(Resolved::Null);
        };
        match name {
            "id" => return Ok(Resolved::scalar(NodeId::Object(id, oid).text())),
            "oid" => return Ok(Resolved::scalar(oid.hex())),
            "abbreviatedOid" => return Ok(Resolved::scalar(oid.short())),
            "repository" => return Ok(Resolved::Object(Node::Repository(id))),
            "commitUrl" => {
                return Ok(Resolved::scalar(format!("{}/commit/{oid}", target.html)));
            }
            _ => {}
        }
        match kind {
            Kind::Commit => match target.git.store.commit(&oid) {
                Some(commit) => {
                    drop(world);
                    self.commit(call, &target, (oid, &commit), name, arguments)
                }
                None => Ok(Resolved::Null),
            },
            Kind::Tree => self.tree(&target, oid, name),
            Kind::Blob => self.blob(&target, oid, name),
            Kind::Tag => Err(self.unknown(name)),
        }
    }

    fn commit(
        &self,
        call: &Call<'_>,
        target: &Target,
        (oid, commit): (Oid, &Commit),
        name: &str,
        arguments: &Arguments,
    ) -> Field {
        let id = target.id;
        let object = |oid: Oid, kind: Kind| Node::Object(id, oid, kind);
        let body = commit.message.split_once('\n').map_or("", |(_, rest)| rest);
        Ok(match name {
            "url" => Resolved::scalar(format!("{}/commit/{oid}", target.html)),
            "message" => Resolved::scalar(commit.message.trim_end()),
            "messageHeadline" => Resolved::scalar(commit.headline()),
            "messageBody" => Resolved::scalar(body.trim()),
            "committedDate" => Resolved::scalar(commit.committer.date()),
            "authoredDate" => Resolved::scalar(commit.author.date()),
            "committedViaWeb" => Resolved::scalar(commit.is_verified()),
            "tree" => Resolved::Object(object(commit.tree, Kind::Tree)),
            "parents" => {
                let parents = commit.parents.iter();
                let nodes = parents.map(|it| object(*it, Kind::Commit)).collect();
                connection("CommitConnection", nodes, arguments)?
            }
            "history" => {
                let log = target.git.store.log(oid).map(|(oid, _)| object(oid, Kind::Commit));
                connection("CommitHistoryConnection", log.take(1_000).collect(), arguments)?
            }
            "author" => Resolved::Object(actor(call, &commit.author)),
            "committer" => Resolved::Object(actor(call, &commit.committer)),
            "signature" => match commit.is_verified() {
                true => Resolved::Object(
                    Plain::new("GpgSignature")
                        .text("isValid", true)
                        .text("state", "VALID")
                        .text("wasSignedByGitHub", true)
                        .text("signature", commit.signature.clone())
                        .text("payload", commit.payload())
                        .text("email", "noreply@github.com")
                        .node(),
                ),
                false => Resolved::Null,
            },
            "statusCheckRollup" => rollup(call, id, &oid)?,
            "file" => {
                let path = arguments.required("path")?;
                match target.git.store.lookup(&commit.tree, path) {
                    Some((_, oid)) if target.git.store.size(&oid) > Some(10 << 20) => {
                        let message = "The requested blob is too large to be shown.";
                        return Err(Failure::unprocessable(message));
                    }
                    Some((mode, oid)) => {
                        let path = path.to_owned();
                        Resolved::Object(Node::TreeEntry { repository: id, path, mode, oid })
                    }
                    None => Resolved::Null,
                }
            }
            _ => return Err(self.unknown(name)),
        })
    }

    fn tree(&self, target: &Target, oid: Oid, name: &str) -> Field {
        if name != "entries" {
            return Err(self.unknown(name));
        }
        let entries = target.git.store.entries(&oid).into_iter();
        Ok(Resolved::list(entries.map(|entry| Node::TreeEntry {
            repository: target.id,
            path: entry.name,
            mode: entry.mode,
            oid: entry.oid,
        })))
    }

    fn tree_entry(&self, (id, path, mode, oid): (u64, &str, Mode, Oid), name: &str) -> Field {
        let last = path.rsplit('/').next().unwrap_or(path);
        Ok(match name {
            "name" => Resolved::scalar(last),
            "path" => Resolved::scalar(path),
            "mode" => Resolved::scalar(mode.number()),
            "type" => Resolved::scalar(mode.kind().name()),
            "oid" => Resolved::scalar(oid.hex()),
            "object" if mode == Mode::Submodule => Resolved::Null,
            "object" => Resolved::Object(Node::Object(id, oid, mode.kind())),
            "repository" => Resolved::Object(Node::Repository(id)),
            _ => return Err(self.unknown(name)),
        })
    }

    fn blob(&self, target: &Target, oid: Oid, name: &str) -> Field {
        let data = target.git.store.blob(&oid).unwrap_or_default();
        let binary = patch::is_binary(&data);
        Ok(match name {
            "byteSize" => Resolved::scalar(data.len()),
            "isBinary" => Resolved::scalar(binary),
            "isTruncated" => Resolved::scalar(!binary && data.len() > TEXT_BYTES),
            "text" if binary => Resolved::Null,
            "text" => {
                let part = &data[..data.len().min(TEXT_BYTES)];
                Resolved::scalar(String::from_utf8_lossy(part).into_owned())
            }
            _ => return Err(self.unknown(name)),
        })
    }

    fn pull(&self, call: &Call<'_>, id: u64, number: u64, name: &str, arguments: &Arguments) -> Field {
        let world = call.world();
        let (Some(pull), Some(target)) = (world.pull(id, number), Target::of(&world, id)) else {
            return Ok(Resolved::Null);
        };
        Ok(match name {
            "id" => Resolved::scalar(NodeId::Pull(id, number).text()),
            "fullDatabaseId" => Resolved::scalar(pull.id.to_string()),
            "number" => Resolved::scalar(number),
            "title" => Resolved::scalar(pull.title.clone()),
            "body" => Resolved::scalar(pull.body.clone().unwrap_or_default()),
            "url" => Resolved::scalar(format!("{}/pull/{number}", target.html)),
            "state" => Resolved::scalar(pull_state(pull)),
            "isDraft" => Resolved::scalar(pull.draft),
            "merged" => Resolved::scalar(pull.merged.is_some()),
            "closed" => Resolved::scalar(!pull.is_open()),
            "mergedAt" => Resolved::scalar(json!(pull.merged.as_ref().map(|it| stamp(it.at)))),
            "closedAt" => Resolved::scalar(json!(pull.closed_at.map(stamp))),
            "createdAt" => Resolved::scalar(stamp(pull.created_at)),
            "updatedAt" => Resolved::scalar(stamp(pull.updated_at)),
            "mergeable" => Resolved::scalar(match pull.mergeable(&target.git) {
                Some(true) => "MERGEABLE",
                Some(false) => "CONFLICTING",
                None => "UNKNOWN",
            }),
            "mergeStateStatus" => {
                let mergeable = pull.mergeable(&target.git);
                let state = world.mergeable_state(&target, pull, mergeable);
                Resolved::scalar(state.to_ascii_uppercase())
            }
            "reviewDecision" => Resolved::scalar(json!(world.review_decision(id, pull))),
            "headRefOid" => Resolved::scalar(pull.head_sha.hex()),
            "baseRefOid" => Resolved::scalar(pull.base_sha.hex()),
            "headRefName" => Resolved::scalar(pull.head.clone()),
            "baseRefName" => Resolved::scalar(pull.base.clone()),
            "isCrossRepository" => Resolved::scalar(false),
            "headRef" => {
                let full = format!("refs/heads/{}", pull.head);
                Resolved::maybe(target.git.refs.get(&full).map(|_| Node::Ref(id, full)))
            }
            "baseRef" => {
                let full = format!("refs/heads/{}", pull.base);
                Resolved::maybe(target.git.refs.get(&full).map(|_| Node::Ref(id, full)))
            }
            "headRepository" | "baseRepository" | "repository" => Resolved::Object(Node::Repository(id)),
            "author" => Resolved::maybe(query::account(&world, pull.author)),
            "mergedBy" => {
                let by = pull.merged.as_ref().map(|it| it.by);
                Resolved::maybe(by.and_then(|by| query::account(&world, by)))
            }
            "mergeCommit" => {
                let commit = pull.merged.as_ref().map(|it| it.commit);
                Resolved::maybe(commit.map(|oid| Node::Object(id, oid, Kind::Commit)))
            }
            "commits" => {
                let store = &target.git.store;
                let start = store.merge_base(&pull.base_sha, &pull.head_sha);
                let mut all = store.between(start.as_ref(), pull.head_sha);
                all.reverse();
                let nodes = all.into_iter().map(|(oid, _)| {
                    let commit = Node::Object(id, oid, Kind::Commit);
                    Plain::new("PullRequestCommit").with("commit", Resolved::Object(commit)).node()
                });
                connection("PullRequestCommitConnection", nodes.collect(), arguments)?
            }
            "reviews" | "latestReviews" | "latestOpinionatedReviews" => {
                let all: Vec<_> = match name {
                    "reviews" => pull.reviews.iter().collect(),
                    _ => pull.latest_reviews(),
                };
                let nodes = all.iter().map(|it| Node::Review(id, number, it.id)).collect();
                connection("PullRequestReviewConnection", nodes, arguments)?
            }
            "statusCheckRollup" => {
                let sha = pull.head_sha;
                drop(world);
                rollup(call, id, &sha)?
            }
            _ => return Err(self.unknown(name)),
        })
    }

    fn review(&self, call: &Call<'_>, id: u64, number: u64, review: u64, name: &str) -> Field {
        let world = call.world();
        let pull = world.pull(id, number);
        let found = pull.and_then(|it| it.reviews.iter().find(|it| it.id == review));
        let Some(found) = found else {
            return Ok(Resolved::Null);
        };
        Ok(match name {
            "id" => Resolved::scalar(NodeId::Other("PRR", review).text()),
            "fullDatabaseId" => Resolved::scalar(review.to_string()),
            "state" => Resolved::scalar(found.state.name()),
            "body" => Resolved::scalar(found.body.clone()),
            "submittedAt" | "createdAt" | "updatedAt" => Resolved::scalar(stamp(found.at)),
            "author" => Resolved::maybe(query::account(&world, found.author)),
            "commit" => Resolved::Object(Node::Object(id, found.commit, Kind::Commit)),
            _ => return Err(self.unknown(name)),
        })
    }
}

/// How much of a blob's text GraphQL gives.
const TEXT_BYTES: usize = 512_000;

/// `PullRequestState`.
fn pull_state(pull: &crate::world::pull::Pull) -> &'static str {
    match (pull.is_open(), pull.merged.is_some()) {
        (true, _) => "OPEN",
        (false, true) => "MERGED",
        (false, false) => "CLOSED",
    }
}

/// What GraphQL says where REST says 403 or 404.
pub(crate) fn may(call: &Call<'_>, world: &crate::world::World, id: u64, need: Need) -> Result<(), Failure> {
    match admit(world, &call.caller, id, need) {
        Ok(()) => Ok(()),
        Err(refusal) if refusal.0.status == 404 => {
            let name = world.full_name(id).unwrap_or_default();
            Err(Failure::no_repository(&name))
        }
        Err(refusal) => {
            let body: Value = serde_json::from_slice(&refusal.0.body).unwrap_or_default();
            let message = body["message"].as_str().unwrap_or_default().to_owned();
            Err(Failure::new("FORBIDDEN", message))
        }
    }
}

/// The object with its type; nothing when it is not there.
pub(crate) fn object_node(target: &Target, oid: Oid) -> Option<Node> {
    let object = target.git.store.read(&oid)?;
    Some(Node::Object(target.id, oid, object.kind))
}

fn viewer_permission(call: &Call<'_>, world: &crate::world::World, id: u64) -> Resolved {
    let role = match &call.caller {
        crate::auth::Caller::User { user, .. } => world.role(*user, id),
        _ => Some(Role::Write),
    };
    Resolved::scalar(json!(role.map(|it| it.name().to_ascii_uppercase())))
}

fn actor(call: &Call<'_>, person: &Person) -> Node {
    let world = call.world();
    let user = login_of(&world, &person.email).and_then(|it| world.account(it));
    let user = user.filter(|it| it.kind == AccountKind::User).map(|it| it.id);
    Plain::new("GitActor")
        .text("name", person.name.clone())
        .text("email", person.email.clone())
        .text("date", person.date())
        .with("user", Resolved::maybe(user.and_then(|id| query::account(&world, id))))
        .node()
}

/// Takes `checks: read` and `statuses: read`; without them this part alone fails.
fn rollup(call: &Call<'_>, id: u64, sha: &Oid) -> Field {
    let world = call.world();
    for permission in ["checks", "statuses"] {
        if admit(&world, &call.caller, id, read(permission)).is_err() {
            return Err(Failure::forbidden());
        }
    }
    Ok(match world.checks.rollup(id, sha) {
        None => Resolved::Null,
        Some(state) => Resolved::Object(
            Plain::new("StatusCheckRollup")
                .text("state", state)
                .text("id", NodeId::Object(id, *sha).text())
                .with("commit", Resolved::Object(Node::Object(id, *sha, Kind::Commit)))
                .node(),
        ),
    })
}

/// A page of a list: `first` from the front (`after` a cursor), `last` from the end; one of
/// them must be given, and a hundred is the most.
pub(crate) fn connection(typename: &'static str, nodes: Vec<Node>, arguments: &Arguments) -> Field {
    let (first, last) = (arguments.count("first"), arguments.count("last"));
    let count = first.or(last).ok_or_else(|| {
        let message = "You must provide a `first` or `last` value to properly paginate the \
                       connection.";
        Failure::new("MISSING_PAGINATION_BOUNDARIES", message)
    })?;
    if count > 100 {
        let message = format!("Requesting {count} records on the connection exceeds the limit of 100 records.");
        return Err(Failure::new("EXCESSIVE_PAGINATION", message));
    }
    let total = nodes.len();
    let after = arguments.text("after").and_then(|it| it.parse::<usize>().ok());
    let start = match first {
        Some(_) => after.unwrap_or(0).min(total),
        None => total.saturating_sub(count),
    };
    let end = (start + count).min(total);
    let cursor = |at: usize| (start < end).then(|| at.to_string());
    let info = Plain::new("PageInfo")
        .text("hasNextPage", end < total)
        .text("hasPreviousPage", start > 0)
        .text("startCursor", cursor(start + 1))
        .text("endCursor", cursor(end));
    Ok(Resolved::Object(
        Plain::new(typename)
            .text("totalCount", total)
            .with("nodes", Resolved::list(nodes.into_iter().take(end).skip(start)))
            .with("pageInfo", Resolved::Object(info.node()))
            .node(),
    ))
}
