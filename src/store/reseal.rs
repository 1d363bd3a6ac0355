//! Moves every sealed column to the newest key, while everything goes on.
//!
//! Each value is replaced by compare-and-swap, so that one that changed meanwhile is left alone (it
//! was sealed with the newest key anyway). Batches keep transactions and memory small.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::sealed::{AppSecret, Place};
use super::{Store, StoreError};
use crate::vault::{KeyId, Vault};

const BATCH: i64 = 500;

/// A sealed column: what names its rows, and how a row says where it rests.
struct Column {
    table: &'static str,
    name: &'static str,
    /// The parts of the row's key, as text; empty where there is none.
    key: &'static str,
    user: &'static str,
    /// Which row it is, besides the old value: `$3` is the key, `$4` the user, as many as `keys` says.
    row: &'static str,
    keys: usize,
    place: fn(&Row) -> Result<Place, StoreError>,
}

/// The one row of the App.
const APP: Column = Column {
    table: "github_app",
    name: "",
    key: "''",
    user: "''",
    row: "true",
    keys: 0,
    place: |_| Ok(Place::setup()),
};

const COLUMNS: [Column; 8] = [
    Column { name: "private_key_enc", place: |_| Ok(Place::app(AppSecret::PrivateKey)), ..APP },
    Column { name: "client_secret_enc", place: |_| Ok(Place::app(AppSecret::Client)), ..APP },
    Column { name: "webhook_secret_enc", place: |_| Ok(Place::app(AppSecret::Webhook)), ..APP },
    Column { table: "setup", name: "token_enc", ..APP },
    Column {
        table: "authorizations",
        name: "access_enc",
        key: "pid::text",
        user: "user_id",
        row: "pid = $3::text::bigint AND user_id = $4",
        keys: 2,
        place: |row| Ok(Place::access(number(row, 1)?, row.try_get(2)?)),
    },
    Column {
        table: "authorizations",
        name: "refresh_enc",
        key: "pid::text",
        user: "user_id",
        row: "pid = $3::text::bigint AND user_id = $4",
        keys: 2,
        place: |row| Ok(Place::refresh(number(row, 1)?, row.try_get(2)?)),
    },
    Column {
        table: "oauth_states",
        name: "verifier_enc",
        key: "encode(ticket_hash, 'hex')",
        user: "user_id",
        row: "ticket_hash = decode($3, 'hex')",
        keys: 1,
        place: |row| Ok(Place::verifier(&ticket(row)?, row.try_get(2)?)),
    },
    Column {
        table: "revocations",
        name: "token_enc",
        key: "id::text",
        user: "''",
        row: "id = $3::text::bigint",
        keys: 1,
        place: |row| Ok(Place::revocation(number(row, 1)?)),
    },
];

/// A sealed value begins with its version and the id of its key (`vault`).
impl Column {
    fn key_id(&self) -> String {
        format!("substring({} FROM 2 FOR 8)", self.name)
    }

    /// The sealed value, then the parts of its key; `$1` are ids of keys, `$2` how many rows.
    fn rows(&self) -> String {
        let Column { table, name, key, user, .. } = self;
        format!("SELECT {name}, {key}, {user} FROM {table} WHERE {} = ANY($1) LIMIT $2", self.key_id())
    }

    /// `$1` old, `$2` new, then the key.
    fn update(&self) -> String {
        let Column { table, name, row, .. } = self;
        format!("UPDATE {table} SET {name} = $2 WHERE {row} AND {name} = $1")
    }

    /// Keys that are not in the ring `$1`, and how many secrets each has sealed.
    fn lost(&self) -> String {
        let Column { table, name, .. } = self;
        let key_id = self.key_id();
        format!("SELECT {key_id}, count(*) FROM {table} WHERE {name} IS NOT NULL AND {key_id} <> ALL($1) GROUP BY 1")
    }
}

/// What `reseal` did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Resealed {
    pub moved: u64,
    /// How many secrets cannot be moved, because the key that sealed them is not in the ring.
    pub lost: BTreeMap<KeyId, i64>,
}

impl Store {
    /// Seals everything with the newest key; whatever is sealed with a key that is lost stays as it is.
    ///
    /// Errors: a secret that was changed or moved stops it; what was done stays done, and running it
    /// again goes on.
    pub async fn reseal(&self, vault: &Vault) -> Result<Resealed, StoreError> {
        let mut resealed = Resealed::default();
        for column in &COLUMNS {
            loop {
                let batch = self.reseal_batch(vault, column).await?;
                resealed.moved += batch;
                if batch == 0 {
                    break;
                }
            }
            self.count_lost(vault, column, &mut resealed.lost).await?;
        }
        Ok(resealed)
    }

    async fn reseal_batch(&self, vault: &Vault, column: &Column) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let older: Vec<_> = vault.older().filter(|id| *id != vault.newest()).collect();
        let older: Vec<&[u8]> = older.iter().map(KeyId::as_bytes).collect();
        let mut moved = 0;
        for row in &client.query(&column.rows(), &[&older, &BATCH]).await? {
            let old: Vec<u8> = row.try_get(0)?;
            let place = (column.place)(row)?;
            let new = place.seal(vault, &place.open(vault, &old)?)?;
            moved += replace(&client, column, &old, &new, row).await?;
        }
        Ok(moved)
    }

    async fn count_lost(
        &self,
        vault: &Vault,
        column: &Column,
        lost: &mut BTreeMap<KeyId, i64>,
    ) -> Result<(), StoreError> {
        let ring: Vec<_> = vault.older().chain([vault.newest()]).collect();
        let ring: Vec<&[u8]> = ring.iter().map(KeyId::as_bytes).collect();
        for row in self.client().await?.query(&column.lost(), &[&ring]).await? {
            if let Some(id) = KeyId::of(row.try_get(0)?) {
                *lost.entry(id).or_default() += row.try_get::<_, i64>(1)?;
            }
        }
        Ok(())
    }
}

async fn replace(
    client: &tokio_postgres::Client,
    column: &Column,
    old: &Vec<u8>,
    new: &Vec<u8>,
    row: &Row,
) -> Result<u64, StoreError> {
    let (key, user): (String, String) = (row.try_get(1)?, row.try_get(2)?);
    let all: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [old, new, &key, &user];
    Ok(client.execute(&column.update(), &all[..2 + column.keys]).await?)
}

fn number(row: &Row, column: usize) -> Result<i64, StoreError> {
    row.try_get::<_, String>(column)?.parse().map_err(|_| StoreError::Internal("a key that is no number".to_owned()))
}

fn ticket(row: &Row) -> Result<Vec<u8>, StoreError> {
    hex::decode(row.try_get::<_, String>(1)?)
        .map_err(|_| StoreError::Internal("a hash that is not hexadecimal".to_owned()))
}
