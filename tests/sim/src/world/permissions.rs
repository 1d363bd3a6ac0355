//! What an App, an installation or a token may touch, and how.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// How far a permission reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Read,
    Write,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::Read => "read",
            Level::Write => "write",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Level> {
        match name {
            "read" => Some(Level::Read),
            "write" | "admin" => Some(Level::Write),
            _ => None,
        }
    }
}

/// Levels by permission name, `contents`, `pull_requests`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Permissions(pub(crate) BTreeMap<String, Level>);

impl Permissions {
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Permissions {
        let level = |name: &str| Level::parse(name).unwrap_or(Level::Read);
        Permissions(pairs.iter().map(|(key, value)| ((*key).to_owned(), level(value))).collect())
    }

    /// From `{"contents":"write"}`; nothing when it is no such object.
    pub(crate) fn parse(value: &Value) -> Option<Permissions> {
        let mut permissions = BTreeMap::new();
        for (key, value) in value.as_object()? {
            permissions.insert(key.clone(), Level::parse(value.as_str()?)?);
        }
        Some(Permissions(permissions))
    }

    pub(crate) fn allow(&self, name: &str, level: Level) -> bool {
        self.0.get(name).is_some_and(|own| *own >= level)
    }

    /// Whether everything in `other` is within this.
    pub(crate) fn cover(&self, other: &Permissions) -> bool {
        other.0.iter().all(|(name, level)| self.allow(name, *level))
    }

    pub(crate) fn json(&self) -> Value {
        let pairs = self.0.iter();
        let map: Map<String, Value> = pairs.map(|(key, level)| (key.clone(), Value::from(level.name()))).collect();
        Value::Object(map)
    }
}
