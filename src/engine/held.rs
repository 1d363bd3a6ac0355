//! The leases this process holds, so that what it cannot finish when it stops is another's at once and
//! not only when they run out.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::Engine;

#[derive(Clone, Default)]
pub struct Held(Arc<Mutex<HashSet<Uuid>>>);

impl Held {
    fn tokens(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, token: Uuid) {
        self.tokens().insert(token);
    }

    pub(super) fn remove(&self, token: Uuid) {
        self.tokens().remove(&token);
    }
}

impl Engine {
    /// At the end, when no job runs any more: whoever looks next takes over what was interrupted.
    pub async fn hand_back_leases(&self) {
        let tokens: Vec<Uuid> = self.held.tokens().drain().collect();
        if tokens.is_empty() {
            return;
        }
        if let Err(error) = self.store.expire_leases(&tokens).await {
            tracing::warn!(%error, "leases could not be handed back; they will run out");
        }
    }
}
