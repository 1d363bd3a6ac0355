//! Migrations: embedded, forward only, by one process at a time.

use std::time::Duration;

use tokio_postgres::Client;

use super::connect::Connector;
use super::error::StoreError;
use crate::config::DatabaseUrl;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Held by the session that migrates: refinery has no lock of its own.
const LOCK: i64 = 0x6c6f_636b_7374_6570;

/// How long the session may take to begin.
const OPEN: Duration = Duration::from_secs(5);

/// Applies what is missing and answers how many that were. Safe to run from many processes at once:
/// the others wait, then find nothing to do.
pub async fn run(url: &DatabaseUrl) -> Result<usize, StoreError> {
    let connector = Connector::new(url, OPEN).map_err(StoreError::Internal)?;
    let config = connector.config();
    let opened = tokio::time::timeout(OPEN, connector.open(&config)).await;
    let (mut client, connection) = opened.map_err(|_| StoreError::Unavailable("no answer".to_owned()))??;
    let done = under_lock(&mut client).await;
    drop(client); // ends the session, and with it the lock
    connection.abort();
    done
}

/// The migrations this program knows, by number.
pub fn versions() -> Vec<i32> {
    embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).collect()
}

async fn under_lock(client: &mut Client) -> Result<usize, StoreError> {
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let report = embedded::migrations::runner().run_async(client).await;
    let report = report.map_err(|error| StoreError::Internal(format!("migration: {}", describe(&error))))?;
    Ok(report.applied_migrations().len())
}

fn describe(error: &refinery::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
