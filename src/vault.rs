//! Secrets at rest: sealed with XChaCha20-Poly1305 under a ring of keys, newest first.
//!
//! A sealed secret is `version ‖ key id ‖ nonce ‖ ciphertext`. The associated data binds table, row
//! and user, so that a value moved to another row does not open.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const ID: usize = 8;
const NONCE: usize = 24;
const HEAD: usize = 1 + ID + NONCE;

/// Names a key without telling it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; ID]);

impl KeyId {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From its bytes; none: they are not as many as an id has.
    pub fn of(bytes: &[u8]) -> Option<KeyId> {
        bytes.try_into().ok().map(KeyId)
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Where a secret rests. `row` and `user` are the row's own key columns as text; empty where there
/// is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// Table and column, such as `authorizations.access`.
    pub table: &'a str,
    pub row: &'a str,
    pub user: &'a str,
}

/// Why a sealed secret could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Sealed under a key that `LOCKSTEP_ENCRYPTION_KEYS` does not have.
    #[error("sealed with the encryption key {0}, which LOCKSTEP_ENCRYPTION_KEYS does not hold")]
    UnknownKey(KeyId),
    /// Changed, moved to another row, or never a sealed secret.
    #[error("a stored secret does not decrypt: it was changed or moved")]
    Tampered,
    /// The operating system gives no randomness, or the text is too long.
    #[error("a secret could not be sealed")]
    Seal,
}

/// A ring without a key cannot seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no encryption key")]
pub struct NoKey;

/// 32 random bytes in base64url: for keys, session tokens and states.
pub fn random_token() -> Result<String, VaultError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|_| VaultError::Seal)?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes))
}

#[derive(Clone)]
struct Key {
    id: KeyId,
    cipher: XChaCha20Poly1305,
}

/// The key ring; cheap to clone.
#[derive(Clone)]
pub struct Vault {
    newest: Arc<Key>,
    older: Arc<Vec<Key>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} and {} older)", self.newest.id, self.older.len())
    }
}

impl Vault {
    /// `newest` seals; `older` ones open what they once sealed.
    pub fn new(newest: &[u8; 32], older: &[Zeroizing<[u8; 32]>]) -> Self {
        Vault { newest: Arc::new(Key::new(newest)), older: Arc::new(older.iter().map(|key| Key::new(key)).collect()) }
    }

    /// From keys newest first. Errors: there is none.
    pub fn of(keys: &[Zeroizing<[u8; 32]>]) -> Result<Self, NoKey> {
        let (newest, older) = keys.split_first().ok_or(NoKey)?;
        Ok(Vault::new(newest, older))
    }

    /// The id of the key that seals.
    pub fn newest(&self) -> KeyId {
        self.newest.id
    }

    /// The ids of the keys that only open.
    pub fn older(&self) -> impl Iterator<Item = KeyId> {
        self.older.iter().map(|key| key.id)
    }

    pub fn seal(&self, context: Context<'_>, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::Seal)?;
        let payload = Payload { msg: secret, aad: &context.bytes() };
        let text = self.newest.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Seal)?;
        Ok([&[VERSION][..], &self.newest.id.0, &nonce, &text].concat())
    }

    pub fn open(&self, context: Context<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let id = key_id_of(sealed).ok_or(VaultError::Tampered)?;
        let key = self.key(id).ok_or(VaultError::UnknownKey(id))?;
        let nonce: [u8; NONCE] = sealed[1 + ID..HEAD].try_into().map_err(|_| VaultError::Tampered)?;
        let payload = Payload { msg: &sealed[HEAD..], aad: &context.bytes() };
        let secret = key.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Tampered)?;
        Ok(Zeroizing::new(secret))
    }

    /// As `open`, for secrets that are text.
    pub fn open_text(&self, context: Context<'_>, sealed: &[u8]) -> Result<Zeroizing<String>, VaultError> {
        let bytes = self.open(context, sealed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| VaultError::Tampered)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn key(&self, id: KeyId) -> Option<&Key> {
        std::iter::once(&*self.newest).chain(self.older.iter()).find(|key| key.id == id)
    }
}

/// Which key a secret was sealed under; none: it is no sealed secret of a version known here.
pub fn key_id_of(sealed: &[u8]) -> Option<KeyId> {
    if sealed.len() < HEAD || sealed[0] != VERSION {
        return None;
    }
    sealed[1..1 + ID].try_into().ok().map(KeyId)
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"lockstep key id\0").chain_update(bytes).finalize();
        let mut id = [0; ID];
        id.copy_from_slice(&digest[..ID]);
        Key { id: KeyId(id), cipher: XChaCha20Poly1305::new(&(*bytes).into()) }
    }
}

impl Context<'_> {
    /// Each part with its length before it, so that no two contexts share their bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"lockstep secret\0".to_vec();
        for part in [self.table, self.row, self.user] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const HERE: Context<'_> = Context { table: "authorizations.access", row: "7", user: "u_1" };

    fn ring(keys: &[u8]) -> Vault {
        let older: Vec<_> = keys[1..].iter().map(|byte| Zeroizing::new([*byte; 32])).collect();
        Vault::new(&[keys[0]; 32], &older)
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let vault = ring(&[1]);
        let sealed = vault.seal(HERE, b"token").unwrap();
        assert_eq!(vault.open_text(HERE, &sealed).unwrap().as_str(), "token");
        for elsewhere in [
            Context { table: "authorizations.refresh", ..HERE },
            Context { row: "8", ..HERE },
            Context { user: "u_2", ..HERE },
            Context { row: "7u", user: "_1", ..HERE },
        ] {
            assert_eq!(vault.open(elsewhere, &sealed), Err(VaultError::Tampered), "{elsewhere:?}");
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let vault = ring(&[1]);
        let sealed = vault.seal(HERE, b"token").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open(HERE, &changed).is_err(), "byte {at}");
            assert!(vault.open(HERE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn older_keys_open_and_the_newest_seals() {
        let old = ring(&[1]).seal(HERE, b"token").unwrap();
        let both = ring(&[2, 1]);
        assert_eq!(both.open(HERE, &old).unwrap().as_slice(), b"token");
        let new = both.seal(HERE, b"token").unwrap();
        assert_eq!(key_id_of(&new), Some(both.newest()));
        assert_ne!(key_id_of(&old), Some(both.newest()));
    }

    #[test]
    fn a_key_that_is_gone_is_named() {
        let sealed = ring(&[1]).seal(HERE, b"token").unwrap();
        let id = key_id_of(&sealed).unwrap();
        assert_eq!(ring(&[2]).open(HERE, &sealed), Err(VaultError::UnknownKey(id)));
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let vault = ring(&[1]);
        assert_ne!(vault.seal(HERE, b"token").unwrap(), vault.seal(HERE, b"token").unwrap());
    }

    #[test]
    fn debug_shows_no_key() {
        let text = format!("{:?}", ring(&[0xab]));
        assert!(!text.contains("171") && !text.contains("abab"), "{text}");
    }
}
