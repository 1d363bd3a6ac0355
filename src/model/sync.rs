//! What a history row says of itself.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant,)* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            pub fn as_str(self) -> &'static str { match self { $($name::$variant => $word,)* } }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text { $($word => Ok($name::$variant),)* _ => Err(format!("unknown {}: {text}", stringify!($name))) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

words! {
    /// What a sync is for.
    SyncKind { Initial = "initial", Auto = "auto", Manual = "manual", PullRequest = "pull_request", Resolve = "resolve", }
}
words! {
    /// Which side a sync changed.
    Direction { Push = "push", Pull = "pull", Both = "both", None = "none", }
}
words! {
    SyncStatus {
        Queued = "queued", Running = "running", Succeeded = "succeeded", NoChanges = "no_changes",
        Conflict = "conflict", Failed = "failed", Canceled = "canceled",
    }
}
words! {
    /// What happened to a path.
    ChangeKind { Added = "added", Modified = "modified", Deleted = "deleted", Renamed = "renamed", ModeChanged = "mode_changed", }
}

impl SyncStatus {
    pub fn is_finished(self) -> bool {
        !matches!(self, SyncStatus::Queued | SyncStatus::Running)
    }
}

/// Who made a change, as the host names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
}
