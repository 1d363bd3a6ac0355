//! What people change in repositories, as tests write it.

use serde::{Deserialize, Serialize};

use crate::git::Mode;

/// One changed path of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Change {
    /// Writes a file: `100644`, `100755`, or `120000` with the target as content.
    Put {
        /// Where.
        path: String,
        /// The file's mode.
        #[serde(default = "ordinary")]
        mode: String,
        /// The file's bytes.
        #[serde(with = "content")]
        content: Vec<u8>,
    },
    /// A submodule at this commit.
    Submodule {
        /// Where.
        path: String,
        /// The commit's id.
        oid: String,
    },
    /// Removes a path that is there.
    Delete {
        /// Where.
        path: String,
    },
}

impl Change {
    /// An ordinary file.
    pub fn file(path: &str, content: impl AsRef<[u8]>) -> Change {
        Change::put(path, Mode::File, content.as_ref())
    }

    /// A file with the executable bit.
    pub fn executable(path: &str, content: impl AsRef<[u8]>) -> Change {
        Change::put(path, Mode::Executable, content.as_ref())
    }

    /// A symbolic link.
    pub fn symlink(path: &str, target: &str) -> Change {
        Change::put(path, Mode::Symlink, target.as_bytes())
    }

    /// A submodule; the commit (forty hexadecimal digits) is in no need to exist.
    pub fn submodule(path: &str, oid: &str) -> Change {
        Change::Submodule { path: path.to_owned(), oid: oid.to_owned() }
    }

    /// A removal.
    pub fn delete(path: &str) -> Change {
        Change::Delete { path: path.to_owned() }
    }

    fn put(path: &str, mode: Mode, content: &[u8]) -> Change {
        Change::Put { path: path.to_owned(), mode: mode.text().to_owned(), content: content.to_vec() }
    }

    /// Which path it is about.
    pub fn path(&self) -> &str {
        match self {
            Change::Put { path, .. } | Change::Submodule { path, .. } | Change::Delete { path } => path,
        }
    }
}

impl From<(&str, &str)> for Change {
    fn from((path, content): (&str, &str)) -> Self {
        Change::file(path, content)
    }
}

impl From<(&str, &[u8])> for Change {
    fn from((path, content): (&str, &[u8])) -> Self {
        Change::file(path, content)
    }
}

impl From<(&str, Vec<u8>)> for Change {
    fn from((path, content): (&str, Vec<u8>)) -> Self {
        Change::file(path, content)
    }
}

impl From<(String, String)> for Change {
    fn from((path, content): (String, String)) -> Self {
        Change::file(&path, content)
    }
}

impl From<&Change> for Change {
    fn from(change: &Change) -> Self {
        change.clone()
    }
}

/// Bytes as text where they are text, else as `{"base64": "…"}`.
mod content {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Content {
        Text(String),
        Binary { base64: String },
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let content = match std::str::from_utf8(bytes) {
            Ok(text) => Content::Text(text.to_owned()),
            Err(_) => Content::Binary { base64: STANDARD.encode(bytes) },
        };
        content.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        match Content::deserialize(from)? {
            Content::Text(text) => Ok(text.into_bytes()),
            Content::Binary { base64 } => STANDARD.decode(base64).map_err(D::Error::custom),
        }
    }
}

fn ordinary() -> String {
    Mode::File.text().to_owned()
}
