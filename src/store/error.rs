//! Why a use case of the store failed, by what the caller does next.

use tokio_postgres::error::SqlState;

use crate::vault::VaultError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// PostgreSQL does not answer, or not in time: nothing happened, try again later.
    #[error("PostgreSQL is unavailable: {0}")]
    Unavailable(String),
    /// Two transactions were in each other's way: run the use case again.
    #[error("two transactions were in each other's way: {0}")]
    Contended(String),
    /// A unique row is already there; which one the use case knows.
    #[error("already there: {0}")]
    Conflict(String),
    /// Somebody else works on the project by now: stop, and leave it to them.
    #[error("the lease was lost")]
    LeaseLost,
    /// A secret that does not open: its key is not in the ring, or somebody changed or moved it.
    #[error("{0}")]
    Sealed(VaultError),
    /// A row that cannot be, or SQL that is wrong: a bug, or a hand in the database.
    #[error("{0}")]
    Internal(String),
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let text = chain(&error);
        let Some(state) = error.code() else {
            // No answer of the server's: the connection, or a value of ours that does not fit its column.
            let ours = text.contains("serializing parameter") || text.contains("deserializing column");
            return if ours { StoreError::Internal(text) } else { StoreError::Unavailable(text) };
        };
        match state.code().get(..2) {
            // Connection, resources, an operator or a timeout ended it.
            Some("08" | "53" | "57" | "58") => StoreError::Unavailable(text),
            Some("40") => StoreError::Contended(text),
            _ if *state == SqlState::LOCK_NOT_AVAILABLE => StoreError::Unavailable(text),
            _ if *state == SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::Unavailable(text),
            _ if *state == SqlState::UNIQUE_VIOLATION => StoreError::Conflict(text),
            _ => StoreError::Internal(text),
        }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => StoreError::Unavailable(chain(&error)),
            other => StoreError::Unavailable(other.to_string()),
        }
    }
}

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        StoreError::Sealed(error)
    }
}

/// The error and its causes on one line: tokio-postgres says only `db error` by itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.replace('\n', " ")
}
