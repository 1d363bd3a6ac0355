//! Object ids and file modes as git has them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// The SHA-1 of a git object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(pub [u8; 20]);

/// Not 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an object id is 40 hexadecimal digits")]
pub struct BadOid;

impl Oid {
    /// git's «no object»: in a compare-and-swap of a ref, «must not exist».
    pub const ZERO: Oid = Oid([0; 20]);

    /// The id git gives a blob with these bytes.
    pub fn of_blob(bytes: &[u8]) -> Self {
        Self::of("blob", bytes)
    }

    /// The id git gives an object of this kind (`blob tree commit`) with these bytes.
    pub fn of(kind: &str, bytes: &[u8]) -> Self {
        let mut hash = Sha1::new();
        hash.update(format!("{kind} {}\0", bytes.len()));
        hash.update(bytes);
        Oid(hash.finalize().into())
    }

    /// From the 20 bytes of a row.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, BadOid> {
        bytes.try_into().map(Oid).map_err(|_| BadOid)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Oid {
    type Err = BadOid;
    fn from_str(text: &str) -> Result<Self, BadOid> {
        let mut bytes = [0; 20];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| BadOid)?;
        Ok(Oid(bytes))
    }
}

impl TryFrom<String> for Oid {
    type Error = BadOid;
    fn try_from(text: String) -> Result<Self, BadOid> {
        text.parse()
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> String {
        oid.to_string()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What kind of file an entry is. Hosts send the first three; a submodule is only ever GitHub's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mode {
    Regular,
    Executable,
    Symlink,
    Submodule,
}

/// A mode that no file of a project has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a mode is 100644, 100755 or 120000")]
pub struct BadMode;

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Regular => "100644",
            Mode::Executable => "100755",
            Mode::Symlink => "120000",
            Mode::Submodule => "160000",
        }
    }

    /// The octal number as an integer, as rows hold it.
    pub fn as_i32(self) -> i32 {
        match self {
            Mode::Regular => 0o100644,
            Mode::Executable => 0o100755,
            Mode::Symlink => 0o120000,
            Mode::Submodule => 0o160000,
        }
    }

    pub fn from_i32(number: i32) -> Result<Self, BadMode> {
        match number {
            0o100644 => Ok(Mode::Regular),
            0o100755 => Ok(Mode::Executable),
            0o120000 => Ok(Mode::Symlink),
            0o160000 => Ok(Mode::Submodule),
            _ => Err(BadMode),
        }
    }

    /// True for `100644` and `100755`: content that can be merged by line.
    pub fn is_file(self) -> bool {
        matches!(self, Mode::Regular | Mode::Executable)
    }
}

impl FromStr for Mode {
    type Err = BadMode;
    fn from_str(text: &str) -> Result<Self, BadMode> {
        match text {
            "100644" => Ok(Mode::Regular),
            "100755" => Ok(Mode::Executable),
            "120000" => Ok(Mode::Symlink),
            "160000" => Ok(Mode::Submodule),
            _ => Err(BadMode),
        }
    }
}

impl TryFrom<String> for Mode {
    type Error = BadMode;
    fn try_from(text: String) -> Result<Self, BadMode> {
        text.parse()
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> String {
        mode.as_str().to_owned()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One side's version of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    pub oid: Oid,
    pub mode: Mode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_ids_are_gits() {
        assert_eq!(Oid::of_blob(b"").to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(Oid::of_blob(b"hello\n").to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
    }

    #[test]
    fn modes_survive_both_ways() {
        for mode in [Mode::Regular, Mode::Executable, Mode::Symlink, Mode::Submodule] {
            assert_eq!(Mode::from_i32(mode.as_i32()), Ok(mode));
            assert_eq!(mode.as_str().parse(), Ok(mode));
        }
        assert!("100600".parse::<Mode>().is_err());
    }
}
