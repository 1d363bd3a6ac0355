//! What the commands besides `serve` do. Each answers the text that is printed.

pub mod doctor;
pub mod health;
pub mod keys;

use anyhow::bail;

use crate::config::{DatabaseUrl, EncryptionKeys};
use crate::store::Store;
use crate::store::reseal::Resealed;
use crate::vault::Vault;

/// `lockstep migrate`.
pub async fn migrate(url: &DatabaseUrl) -> anyhow::Result<String> {
    let done = Store::new(url, false)?.migrate().await?;
    Ok(if done == 0 { "the schema is up to date".to_owned() } else { format!("{done} migrations applied") })
}

/// `lockstep reencrypt`: how many secrets moved to the newest key. Older keys can go afterwards, once
/// every process knows the newest. What is sealed with a key that is lost stays, and is told as an error.
pub async fn reencrypt(url: &DatabaseUrl, keys: &EncryptionKeys) -> anyhow::Result<String> {
    let Resealed { moved, lost } = ready(url).await?.reseal(&Vault::of(&keys.0)?).await?;
    let told = format!("{moved} secrets moved to the newest key");
    if lost.is_empty() {
        return Ok(told);
    }
    let lost: Vec<_> = lost.iter().map(|(key, secrets)| format!("{secrets} by the key {key}")).collect();
    bail!("{told}; LOCKSTEP_ENCRYPTION_KEYS does not hold what sealed others: {}", lost.join(", "))
}

/// The store, its schema up to date.
async fn ready(url: &DatabaseUrl) -> anyhow::Result<Store> {
    let store = Store::new(url, false)?;
    store.migrate().await?;
    Ok(store)
}
