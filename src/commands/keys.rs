//! `lockstep keys create|list|revoke`.

use anyhow::{Context, bail};
use serde_json::json;
use uuid::Uuid;

use crate::config::DatabaseUrl;
use crate::store::keys::{Scope, hash};
use crate::vault;

/// One JSON line with the new key: the only time it is shown.
pub async fn create(url: &DatabaseUrl, name: &str, scope: &str) -> anyhow::Result<String> {
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        bail!("--name has 1 to 200 characters, none of them a control character");
    }
    let scope: Scope = scope.parse().map_err(anyhow::Error::msg)?;
    let key = format!("lsk_{}", vault::random_token()?);
    let store = super::ready(url).await?;
    let made = store.create_key(Uuid::now_v7(), name, scope, &hash(&key)).await?;
    let line =
        json!({ "id": made.id, "name": made.name, "scope": made.scope, "key": key, "created_at": made.created_at });
    Ok(line.to_string())
}

/// One JSON line for each key, newest first.
pub async fn list(url: &DatabaseUrl) -> anyhow::Result<String> {
    let keys = super::ready(url).await?.list_keys().await?;
    Ok(keys.iter().map(|key| json!(key).to_string() + "\n").collect())
}

pub async fn revoke(url: &DatabaseUrl, id: &str) -> anyhow::Result<String> {
    let unknown = || format!("there is no key with the id {id}");
    let id: Uuid = id.parse().ok().with_context(unknown)?;
    if !super::ready(url).await?.revoke_key(id).await? {
        bail!(unknown());
    }
    Ok(json!({ "id": id, "revoked": true }).to_string())
}
