//! What the commands besides `serve` do. Each answers the text that is printed.

pub mod doctor;
pub mod health;
pub mod keys;

use crate::config::{DatabaseUrl, EncryptionKeys};
use crate::store::Store;
use crate::vault::Vault;

/// `lockstep migrate`.
pub async fn migrate(url: &DatabaseUrl) -> anyhow::Result<String> {
    let done = Store::new(url, false)?.migrate().await?;
    Ok(if done == 0 { "the schema is up to date".to_owned() } else { format!("{done} migrations applied") })
}

/// `lockstep reencrypt`: how many secrets moved to the newest key. Older keys can go afterwards, once
/// every process knows the newest.
pub async fn reencrypt(url: &DatabaseUrl, keys: &EncryptionKeys) -> anyhow::Result<String> {
    let moved = ready(url).await?.reseal(&Vault::of(&keys.0)?).await?;
    Ok(format!("{moved} secrets moved to the newest key"))
}

/// The store, its schema up to date.
async fn ready(url: &DatabaseUrl) -> anyhow::Result<Store> {
    let store = Store::new(url, false)?;
    store.migrate().await?;
    Ok(store)
}
