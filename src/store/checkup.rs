//! What `doctor` wants to know of PostgreSQL.

use std::sync::atomic::Ordering;

use super::{Store, StoreError, migrate};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// `server_version_num`, such as 150004.
    pub version: i32,
    /// A standby, or set to read only.
    pub read_only: bool,
    /// Whether this role may make tables where the program's are.
    pub may_create: bool,
    /// Whether this role may change the tables that are there.
    pub may_write: bool,
    /// Migrations that were not applied yet.
    pub missing: usize,
    /// Migrations of a later version of the program.
    pub unknown: usize,
}

impl Store {
    /// Asks PostgreSQL about itself; changes nothing. With the schema up to date, [`Store::client`]
    /// lets through afterwards.
    pub async fn facts(&self) -> Result<DatabaseFacts, StoreError> {
        let client = self.pool.get().await?;
        let row = client
            .query_one(
                "SELECT current_setting('server_version_num')::int,
                        pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool,
                        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
                        to_regclass('refinery_schema_history') IS NOT NULL,
                        coalesce(has_table_privilege(to_regclass('projects'), 'INSERT'), true)",
                &[],
            )
            .await?;
        let known = migrate::versions();
        let applied: Vec<i32> = match row.try_get(3)? {
            true => {
                let rows = client.query("SELECT version::int FROM refinery_schema_history", &[]).await?;
                rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?
            }
            false => Vec::new(),
        };
        let missing = known.iter().filter(|version| !applied.contains(version)).count();
        if missing == 0 {
            self.migrated.store(true, Ordering::Release);
        }
        Ok(DatabaseFacts {
            version: row.try_get(0)?,
            read_only: row.try_get(1)?,
            may_create: row.try_get(2)?,
            may_write: row.try_get(4)?,
            missing,
            unknown: applied.iter().filter(|version| !known.contains(version)).count(),
        })
    }
}
