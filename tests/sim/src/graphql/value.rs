//! What fields resolve to, and how they fail.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::objects::Node;

/// The value of a field before its selection is applied.
#[derive(Clone, Debug)]
pub(crate) enum Resolved {
    Null,
    Scalar(Value),
    Object(Node),
    List(Vec<Resolved>),
}

impl Resolved {
    pub(crate) fn scalar(value: impl Into<Value>) -> Resolved {
        match value.into() {
            Value::Null => Resolved::Null,
            value => Resolved::Scalar(value),
        }
    }

    pub(crate) fn maybe(node: Option<Node>) -> Resolved {
        node.map_or(Resolved::Null, Resolved::Object)
    }

    /// A list of objects.
    pub(crate) fn list(nodes: impl IntoIterator<Item = Node>) -> Resolved {
        Resolved::List(nodes.into_iter().map(Resolved::Object).collect())
    }
}

/// An object whose fields are all known already.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    pub(crate) typename: &'static str,
    pub(crate) fields: BTreeMap<&'static str, Resolved>,
}

impl Plain {
    pub(crate) fn new(typename: &'static str) -> Plain {
        Plain { typename, fields: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: Resolved) -> Plain {
        self.fields.insert(name, value);
        self
    }

    pub(crate) fn text(self, name: &'static str, value: impl Into<Value>) -> Plain {
        self.with(name, Resolved::scalar(value))
    }

    pub(crate) fn node(self) -> Node {
        Node::Plain(self)
    }
}

/// Why a field has no value.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Option<&'static str>,
    pub(crate) message: String,
    pub(crate) extensions: Option<Value>,
}

impl Failure {
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Failure {
        Failure { kind: Some(kind), message: message.into(), extensions: None }
    }

    pub(crate) fn forbidden() -> Failure {
        Failure::new("FORBIDDEN", "Resource not accessible by integration")
    }

    pub(crate) fn unprocessable(message: impl Into<String>) -> Failure {
        Failure::new("UNPROCESSABLE", message)
    }

    pub(crate) fn no_repository(name: &str) -> Failure {
        let message = format!("Could not resolve to a Repository with the name '{name}'.");
        Failure::new("NOT_FOUND", message)
    }

    pub(crate) fn no_node(id: &str) -> Failure {
        let message = format!("Could not resolve to a node with the global id of '{id}'");
        Failure::new("NOT_FOUND", message)
    }

    pub(crate) fn json(&self, path: &[Value], line: usize, column: usize) -> Value {
        let mut error = json!({
            "path": path,
            "locations": [{ "line": line, "column": column }],
            "message": self.message,
        });
        if let Some(kind) = self.kind {
            error["type"] = json!(kind);
        }
        if let Some(extensions) = &self.extensions {
            error["extensions"] = extensions.clone();
        }
        error
    }
}

pub(crate) type Field = Result<Resolved, Failure>;
