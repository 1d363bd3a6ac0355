//! API keys and console sessions as requests present them: hashed, compared in constant time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use subtle::{Choice, ConstantTimeEq};

use super::auth::Caller;
use super::problem::ApiError;
use crate::config::Secret;
use crate::store::keys::{Scope, hash};
use crate::store::{Store, StoreError};

/// How long a key of the database is believed without asking; revoked ones end within it.
const BELIEVED: Duration = Duration::from_secs(2);
/// More keys than any host has.
const REMEMBERED: usize = 10_000;

type Hash = [u8; 32];

/// The keys of the configuration, and what the database said lately of others.
pub struct KeyRing {
    store: Store,
    configured: Vec<Hash>,
    seen: Mutex<HashMap<Hash, (Instant, Caller)>>,
}

impl KeyRing {
    pub fn new(store: Store, configured: &[Secret]) -> Self {
        KeyRing { store, configured: configured.iter().map(|key| hash(key.expose())).collect(), seen: Mutex::default() }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whom this key belongs to; none: no key, or a revoked one.
    ///
    /// Errors: the database does not answer and the key is not one of the configuration.
    pub async fn host(&self, key: &str) -> Result<Option<Caller>, ApiError> {
        let hash = hash(key);
        if self.is_configured(&hash) {
            return Ok(Some(Caller::Host { id: "config".to_owned(), scope: Scope::Admin }));
        }
        if let Some(caller) = self.remembered(&hash) {
            return Ok(Some(caller));
        }
        let found = self.store.find_key(&hash).await?;
        let caller = found.map(|key| Caller::Host { id: key.id.to_string(), scope: key.scope });
        if let Some(caller) = &caller {
            self.remember(hash, caller.clone());
        }
        Ok(caller)
    }

    /// The operator whose console cookie this is, while the key that opened the session holds.
    pub async fn operator(&self, cookie: &str) -> Result<Option<Caller>, ApiError> {
        let Some(key_hash) = self.store.find_console_session(&hash(cookie)).await? else { return Ok(None) };
        let Ok(key_hash) = Hash::try_from(key_hash.as_slice()) else { return Ok(None) };
        Ok(self.admin_id(&key_hash).await?.map(|id| Caller::Operator { id }))
    }

    /// The id of the admin key with this hash.
    pub async fn admin_id(&self, key_hash: &Hash) -> Result<Option<String>, StoreError> {
        if self.is_configured(key_hash) {
            return Ok(Some("config".to_owned()));
        }
        let found = self.store.find_key(key_hash).await?;
        Ok(found.filter(|key| key.scope == Scope::Admin).map(|key| key.id.to_string()))
    }

    /// Compares with all of them, so that time tells nothing.
    fn is_configured(&self, hash: &Hash) -> bool {
        self.configured.iter().fold(Choice::from(0), |any, known| any | known.ct_eq(hash)).into()
    }

    fn remembered(&self, hash: &Hash) -> Option<Caller> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(hash).filter(|(at, _)| at.elapsed() < BELIEVED).map(|(_, caller)| caller.clone())
    }

    fn remember(&self, hash: Hash, caller: Caller) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.retain(|_, (at, _)| at.elapsed() < BELIEVED);
        }
        seen.insert(hash, (Instant::now(), caller));
    }
}
