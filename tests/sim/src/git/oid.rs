//! Object ids: SHA-1 over a header and the content.

use std::fmt;

use sha1::{Digest, Sha1};

use super::object::Kind;

/// A SHA-1 object id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Oid([u8; 20]);

impl Oid {
    /// What git writes for «there is no object».
    pub(crate) const ZERO: Oid = Oid([0; 20]);

    /// Exactly forty hexadecimal digits, or nothing.
    pub(crate) fn parse(text: &str) -> Option<Oid> {
        let mut bytes = [0; 20];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Oid(bytes))
    }

    /// The id of an object of this kind and content.
    pub(crate) fn of(kind: Kind, data: &[u8]) -> Oid {
        let mut hash = Sha1::new();
        hash.update(format!("{} {}\0", kind.name(), data.len()));
        hash.update(data);
        Oid(hash.finalize().into())
    }

    /// The id written in twenty raw bytes, as tree objects hold it.
    pub(crate) fn from_raw(raw: &[u8]) -> Option<Oid> {
        raw.try_into().ok().map(Oid)
    }

    pub(crate) fn raw(&self) -> &[u8; 20] {
        &self.0
    }

    pub(crate) fn is_zero(&self) -> bool {
        *self == Oid::ZERO
    }

    pub(crate) fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The first seven digits, as GitHub shows them.
    pub(crate) fn short(&self) -> String {
        self.hex()[..7].to_owned()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}
