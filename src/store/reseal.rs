//! Moves every sealed column to the newest key, while everything goes on.
//!
//! Each value is replaced by compare-and-swap, so that one that changed meanwhile is left alone (it
//! was sealed with the newest key anyway). Batches keep transactions and memory small.

use tokio_postgres::Row;

use super::sealed::{AppSecret, Place};
use super::{Store, StoreError};
use crate::vault::{Vault, key_id_of};

const BATCH: i64 = 500;

/// A sealed column: what names its rows, and how a row says where it rests. `rows` selects the
/// sealed value first, then the parts of its key as text; `$1` is the newest key's id, `$2` how many.
struct Column {
    rows: &'static str,
    /// `$1` old, `$2` new, then as many parts of the key as `keys` says.
    update: &'static str,
    keys: usize,
    place: fn(&Row) -> Result<Place, StoreError>,
}

/// A sealed value begins with its version and the id of its key (`vault`).
const COLUMNS: [Column; 8] = [
    Column {
        rows: "SELECT private_key_enc, '', '' FROM github_app WHERE substring(private_key_enc FROM 2 FOR 8) <> $1 LIMIT $2",
        update: "UPDATE github_app SET private_key_enc = $2 WHERE private_key_enc = $1",
        keys: 0,
        place: |_| Ok(Place::app(AppSecret::PrivateKey)),
    },
    Column {
        rows: "SELECT client_secret_enc, '', '' FROM github_app WHERE substring(client_secret_enc FROM 2 FOR 8) <> $1 LIMIT $2",
        update: "UPDATE github_app SET client_secret_enc = $2 WHERE client_secret_enc = $1",
        keys: 0,
        place: |_| Ok(Place::app(AppSecret::Client)),
    },
    Column {
        rows: "SELECT webhook_secret_enc, '', '' FROM github_app WHERE substring(webhook_secret_enc FROM 2 FOR 8) <> $1 LIMIT $2",
        update: "UPDATE github_app SET webhook_secret_enc = $2 WHERE webhook_secret_enc = $1",
        keys: 0,
        place: |_| Ok(Place::app(AppSecret::Webhook)),
    },
    Column {
        rows: "SELECT token_enc, '', '' FROM setup WHERE substring(token_enc FROM 2 FOR 8) <> $1 LIMIT $2",
        update: "UPDATE setup SET token_enc = $2 WHERE token_enc = $1",
        keys: 0,
        place: |_| Ok(Place::setup()),
    },
    Column {
        rows: "SELECT access_enc, pid::text, user_id FROM authorizations
               WHERE substring(access_enc FROM 2 FOR 8) <> $1 LIMIT $2",
        update: "UPDATE authorizations SET access_enc = $2 WHERE pid = $3::text::bigint AND user_id = $4 AND access_enc = $1",
        keys: 2,
        place: |row| Ok(Place::access(number(row, 1)?, row.try_get(2)?)),
    },
    Column {
        rows: "SELECT refresh_enc, pid::text, user_id FROM authorizations
               WHERE substring(refresh_enc FROM 2 FOR 8) <> $1 LIMIT $2",
        update: "UPDATE authorizations SET refresh_enc = $2 WHERE pid = $3::text::bigint AND user_id = $4 AND refresh_enc = $1",
        keys: 2,
        place: |row| Ok(Place::refresh(number(row, 1)?, row.try_get(2)?)),
    },
    Column {
        rows: "SELECT verifier_enc, encode(ticket_hash, 'hex'), user_id FROM oauth_states
               WHERE substring(verifier_enc FROM 2 FOR 8) <> $1 LIMIT $2",
        update: "UPDATE oauth_states SET verifier_enc = $2 WHERE ticket_hash = decode($3, 'hex') AND verifier_enc = $1",
        keys: 1,
        place: |row| Ok(Place::verifier(&ticket(row)?, row.try_get(2)?)),
    },
    Column {
        rows: "SELECT token_enc, id::text, '' FROM revocations WHERE substring(token_enc FROM 2 FOR 8) <> $1 LIMIT $2",
        update: "UPDATE revocations SET token_enc = $2 WHERE id = $3::text::bigint AND token_enc = $1",
        keys: 1,
        place: |row| Ok(Place::revocation(number(row, 1)?)),
    },
];

impl Store {
    /// Seals everything with the newest key; answers how many secrets moved.
    ///
    /// Errors: a secret whose key is not in the ring stops it, naming the key's id; what moved stays
    /// moved, and running it again goes on.
    pub async fn reseal(&self, vault: &Vault) -> Result<u64, StoreError> {
        let mut moved = 0;
        for column in &COLUMNS {
            loop {
                let batch = self.reseal_batch(vault, column).await?;
                moved += batch;
                if batch == 0 {
                    break;
                }
            }
        }
        Ok(moved)
    }

    async fn reseal_batch(&self, vault: &Vault, column: &Column) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let newest = vault.newest();
        let rows = client.query(column.rows, &[&newest.as_bytes(), &BATCH]).await?;
        let mut moved = 0;
        for row in &rows {
            let old: Vec<u8> = row.try_get(0)?;
            debug_assert!(key_id_of(&old) != Some(newest));
            let place = (column.place)(row)?;
            let new = place.seal(vault, &place.open(vault, &old)?)?;
            moved += replace(&client, column, &old, &new, row).await?;
        }
        Ok(moved)
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
    Ok(client.execute(column.update, &all[..2 + column.keys]).await?)
}

fn number(row: &Row, column: usize) -> Result<i64, StoreError> {
    row.try_get::<_, String>(column)?.parse().map_err(|_| StoreError::Internal("a key that is no number".to_owned()))
}

fn ticket(row: &Row) -> Result<Vec<u8>, StoreError> {
    hex::decode(row.try_get::<_, String>(1)?)
        .map_err(|_| StoreError::Internal("a hash that is not hexadecimal".to_owned()))
}
