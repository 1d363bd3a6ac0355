//! Global ids of GraphQL: `PREFIX_` and base64, opaque to clients, readable here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::git::Oid;

/// What a global id names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeId {
    Account(u64),
    App(u64),
    Repository(u64),
    Ref(u64, String),
    Object(u64, Oid),
    Pull(u64, u64),
    Other(&'static str, u64),
}

impl NodeId {
    pub(crate) fn text(&self) -> String {
        let (prefix, body) = match self {
            NodeId::Account(id) => ("U", format!("account:{id}")),
            NodeId::App(id) => ("A", format!("app:{id}")),
            NodeId::Repository(id) => ("R", format!("repository:{id}")),
            NodeId::Ref(repo, name) => ("REF", format!("ref:{repo}:{name}")),
            NodeId::Object(repo, oid) => ("C", format!("object:{repo}:{oid}")),
            NodeId::Pull(repo, number) => ("PR", format!("pull:{repo}:{number}")),
            NodeId::Other(prefix, id) => (*prefix, format!("other:{id}")),
        };
        format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(body))
    }

    pub(crate) fn parse(text: &str) -> Option<NodeId> {
        let (_, encoded) = text.split_once('_')?;
        let body = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
        let (kind, rest) = body.split_once(':')?;
        let pair = || rest.split_once(':');
        Some(match kind {
            "account" => NodeId::Account(rest.parse().ok()?),
            "app" => NodeId::App(rest.parse().ok()?),
            "repository" => NodeId::Repository(rest.parse().ok()?),
            "ref" => NodeId::Ref(pair()?.0.parse().ok()?, pair()?.1.to_owned()),
            "object" => NodeId::Object(pair()?.0.parse().ok()?, Oid::parse(pair()?.1)?),
            "pull" => NodeId::Pull(pair()?.0.parse().ok()?, pair()?.1.parse().ok()?),
            _ => return None,
        })
    }
}
