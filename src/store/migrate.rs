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

/// Applies what is missing and answers how many that were. Safe to run from many processes at once:
/// the others wait, then find nothing to do.
pub async fn run(url: &DatabaseUrl) -> Result<usize, StoreError> {
    let connector = Connector::new(url, Duration::from_secs(5)).map_err(StoreError::Internal)?;
    let (mut client, connection) = connector.open(&connector.config()).await?;
    let done = under_lock(&mut client).await;
    drop(client); // ends the session, and with it the lock
    connection.abort();
    done
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
