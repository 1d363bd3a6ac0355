//! What the commands besides `serve` do. Each answers the text that is printed.

pub mod keys;

use crate::config::DatabaseUrl;
use crate::store::Store;

/// `lockstep migrate`.
pub async fn migrate(url: &DatabaseUrl) -> anyhow::Result<String> {
    let done = Store::new(url, false)?.migrate().await?;
    Ok(if done == 0 { "the schema is up to date".to_owned() } else { format!("{done} migrations applied") })
}

/// The store, its schema up to date.
async fn ready(url: &DatabaseUrl) -> anyhow::Result<Store> {
    let store = Store::new(url, false)?;
    store.migrate().await?;
    Ok(store)
}
