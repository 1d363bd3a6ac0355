//! The object types and their fields.

mod git;
mod pull;
mod repository;

use serde_json::{Value, json};

pub(crate) use self::git::object_node;
use super::arguments::Arguments;
use super::value::{Failure, Field, Plain, Resolved};
use super::{mutations, query};
use crate::access::{Need, admit};
use crate::call::Call;
use crate::git::{Kind, Mode, Oid};
use crate::render::node_id::NodeId;
use crate::world::account::AccountKind;

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
