//! API keys of hosts: rows hold SHA-256 of the key, never the key.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::events::{self, Actor, Event};
use super::{Store, StoreError};

/// What API keys, session tokens and cookies rest as: SHA-256. They are random and long, so no
/// slower hash is needed.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// `changes`, `tree` and `files` only.
    Changes,
    Admin,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Changes => "changes",
            Scope::Admin => "admin",
        }
    }

    fn from_row(text: &str) -> Scope {
        if text == "admin" { Scope::Admin } else { Scope::Changes }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "admin" => Ok(Scope::Admin),
            "changes" => Ok(Scope::Changes),
            _ => Err("a scope is admin or changes".to_owned()),
        }
    }
}

/// A key as it is listed; the key itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ApiKey {
    pub id: Uuid,
    pub name: String,
    pub scope: Scope,
    pub created_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

fn from_row(row: &tokio_postgres::Row) -> ApiKey {
    ApiKey {
        id: row.get("id"),
        name: row.get("name"),
        scope: Scope::from_row(row.get("scope")),
        created_at: row.get("created_at"),
        revoked_at: row.get("revoked_at"),
    }
}

const COLUMNS: &str = "id, name, scope, created_at, revoked_at";

impl Store {
    /// Keeps a new key's hash, with its audit row.
    pub async fn create_key(&self, id: Uuid, name: &str, scope: Scope, hash: &[u8; 32]) -> Result<ApiKey, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let sql = format!("INSERT INTO api_keys (id, name, scope, hash) VALUES ($1, $2, $3, $4) RETURNING {COLUMNS}");
        let row = tx.query_one(&sql, &[&id, &name, &scope.as_str(), &&hash[..]]).await?;
        audit(&tx, "key.created", id).await?;
        tx.commit().await?;
        Ok(from_row(&row))
    }

    /// All keys, newest first, revoked ones included.
    pub async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys ORDER BY id DESC");
        Ok(self.client().await?.query(&sql, &[]).await?.iter().map(from_row).collect())
    }

    /// Revokes a key, with its audit row. False: there is no such key. Revoking again changes nothing.
    pub async fn revoke_key(&self, id: Uuid) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let sql = "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL";
        if tx.execute(sql, &[&id]).await? == 0 {
            return Ok(tx.query_opt("SELECT FROM api_keys WHERE id = $1", &[&id]).await?.is_some());
        }
        audit(&tx, "key.revoked", id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The key with this hash, unless it was revoked.
    pub async fn find_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT id, name, scope, created_at, revoked_at FROM api_keys WHERE hash = $1 AND revoked_at IS NULL";
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query_opt(&statement, &[&&hash[..]]).await?.as_ref().map(from_row))
    }
}

/// Keys belong to no project; whoever runs the command is the operator.
async fn audit(tx: &Transaction<'_>, action: &str, id: Uuid) -> Result<(), StoreError> {
    let actor = Actor::Operator("lockstep keys".to_owned());
    events::append(tx, Event::audit(action, &actor).target(&id.to_string())).await?;
    Ok(())
}
