//! Commits, trees and blobs.

use super::super::arguments::Arguments;
use super::super::connection::connection;
use super::super::query;
use super::super::value::{Failure, Field, Plain, Resolved};
use super::Node;
use crate::access::{admit, read};
use crate::call::{Call, Target};
use crate::git::{Commit, Kind, Mode, Oid, Person, patch};
use crate::render::commit::login_of;
use crate::render::node_id::NodeId;
use crate::world::account::AccountKind;

impl Node {
    pub(super) fn object(
        &self,
        call: &Call<'_>,
        id: u64,
        oid: Oid,
        kind: Kind,
        (name, arguments): (&str, &Arguments),
    ) -> Field {
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

    pub(super) fn commit(
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

    pub(super) fn tree(&self, target: &Target, oid: Oid, name: &str) -> Field {
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

    pub(super) fn tree_entry(&self, (id, path, mode, oid): (u64, &str, Mode, Oid), name: &str) -> Field {
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

    pub(super) fn blob(&self, target: &Target, oid: Oid, name: &str) -> Field {
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
}

/// How much of a blob's text GraphQL gives.
const TEXT_BYTES: usize = 512_000;

/// The object with its type; nothing when it is not there.
pub(crate) fn object_node(target: &Target, oid: Oid) -> Option<Node> {
    let object = target.git.store.read(&oid)?;
    Some(Node::Object(target.id, oid, object.kind))
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
pub(super) fn rollup(call: &Call<'_>, id: u64, sha: &Oid) -> Field {
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
                .with("contexts", Resolved::Object(contexts(&world, id, sha)))
                .with("commit", Resolved::Object(Node::Object(id, *sha, Kind::Commit)))
                .node(),
        ),
    })
}

/// Every run and status of a commit, on one page.
fn contexts(world: &crate::world::World, id: u64, sha: &Oid) -> Node {
    let upper = |text: &str| text.to_ascii_uppercase();
    let runs = world.checks.runs_of(id, sha).into_iter().map(|run| {
        Plain::new("CheckRun")
            .text("id", format!("CR_{}", run.id))
            .text("name", run.name.clone())
            .text("status", upper(&run.status))
            .text("conclusion", run.conclusion.as_deref().map(upper))
            .node()
    });
    let statuses = world.checks.statuses_of(id, sha).into_iter().map(|status| {
        Plain::new("StatusContext")
            .text("id", format!("SC_{}", status.id))
            .text("context", status.context.clone())
            .text("state", upper(&status.state))
            .node()
    });
    let nodes: Vec<Node> = runs.chain(statuses).collect();
    let info = Plain::new("PageInfo").text("hasNextPage", false).text("hasPreviousPage", false);
    Plain::new("StatusCheckRollupContextConnection")
        .text("totalCount", nodes.len())
        .with("nodes", Resolved::list(nodes))
        .with("pageInfo", Resolved::Object(info.node()))
        .node()
}
