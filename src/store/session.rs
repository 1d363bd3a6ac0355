//! Sessions of the pool, and transactions in them. A statement is prepared once on each connection
//! and found again by its text, so that running it is one round trip and no parsing.

use std::future::Future;
use std::ops::{Deref, DerefMut};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, IsolationLevel, Row, Statement};

/// A statement by itself, as `Transaction::unhurried`: a table to be joined once.
pub(super) const UNHURRIED: &str = "unhurried AS (SELECT set_config('synchronous_commit', 'off', true))";

/// A connection of the pool; dropped, it goes back.
pub struct Client(deadpool_postgres::Object);

/// Dropped without `commit`, nothing of it happened.
pub struct Transaction<'a>(deadpool_postgres::Transaction<'a>);

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement: its text, or one that was prepared.
pub trait Sql: Sync {
    fn prepared(&self, on: &impl GenericClient) -> impl Future<Output = Result<Statement, Error>> + Send;
}

impl Sql for str {
    fn prepared(&self, on: &impl GenericClient) -> impl Future<Output = Result<Statement, Error>> + Send {
        on.prepare_cached(self)
    }
}

impl Sql for String {
    fn prepared(&self, on: &impl GenericClient) -> impl Future<Output = Result<Statement, Error>> + Send {
        on.prepare_cached(self)
    }
}

impl Sql for Statement {
    fn prepared(&self, _: &impl GenericClient) -> impl Future<Output = Result<Statement, Error>> + Send {
        std::future::ready(Ok(self.clone()))
    }
}

/// What runs statements: a connection, or a transaction.
pub trait GenericClient: Sync {
    fn prepare_cached(&self, sql: &str) -> impl Future<Output = Result<Statement, Error>> + Send;

    fn query<S: Sql + ?Sized>(
        &self,
        sql: &S,
        params: Params<'_>,
    ) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;

    fn query_one<S: Sql + ?Sized>(
        &self,
        sql: &S,
        params: Params<'_>,
    ) -> impl Future<Output = Result<Row, Error>> + Send;

    fn query_opt<S: Sql + ?Sized>(
        &self,
        sql: &S,
        params: Params<'_>,
    ) -> impl Future<Output = Result<Option<Row>, Error>> + Send;

    /// How many rows it touched.
    fn execute<S: Sql + ?Sized>(&self, sql: &S, params: Params<'_>) -> impl Future<Output = Result<u64, Error>> + Send;
}

/// The methods by themselves too, so that a caller that knows the type needs no trait.
macro_rules! runs_statements {
    ($($session:tt)+) => {
        impl $($session)+ {
            pub async fn prepare_cached(&self, sql: &str) -> Result<Statement, Error> {
                self.0.prepare_cached(sql).await
            }

            pub async fn query<S: Sql + ?Sized>(&self, sql: &S, params: Params<'_>) -> Result<Vec<Row>, Error> {
                self.0.query(&sql.prepared(self).await?, params).await
            }

            pub async fn query_one<S: Sql + ?Sized>(&self, sql: &S, params: Params<'_>) -> Result<Row, Error> {
                self.0.query_one(&sql.prepared(self).await?, params).await
            }

            pub async fn query_opt<S: Sql + ?Sized>(&self, sql: &S, params: Params<'_>) -> Result<Option<Row>, Error> {
                self.0.query_opt(&sql.prepared(self).await?, params).await
            }

            pub async fn execute<S: Sql + ?Sized>(&self, sql: &S, params: Params<'_>) -> Result<u64, Error> {
                self.0.execute(&sql.prepared(self).await?, params).await
            }
        }

        impl GenericClient for $($session)+ {
            fn prepare_cached(&self, sql: &str) -> impl Future<Output = Result<Statement, Error>> + Send {
                self.prepare_cached(sql)
            }

            fn query<S: Sql + ?Sized>(
                &self,
                sql: &S,
                params: Params<'_>,
            ) -> impl Future<Output = Result<Vec<Row>, Error>> + Send {
                self.query(sql, params)
            }

            fn query_one<S: Sql + ?Sized>(
                &self,
                sql: &S,
                params: Params<'_>,
            ) -> impl Future<Output = Result<Row, Error>> + Send {
                self.query_one(sql, params)
            }

            fn query_opt<S: Sql + ?Sized>(
                &self,
                sql: &S,
                params: Params<'_>,
            ) -> impl Future<Output = Result<Option<Row>, Error>> + Send {
                self.query_opt(sql, params)
            }

            fn execute<S: Sql + ?Sized>(
                &self,
                sql: &S,
                params: Params<'_>,
            ) -> impl Future<Output = Result<u64, Error>> + Send {
                self.execute(sql, params)
            }
        }
    };
}

runs_statements!(Client);
runs_statements!(Transaction<'_>);

impl Client {
    pub(super) fn new(pooled: deadpool_postgres::Object) -> Self {
        Client(pooled)
    }

    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction(self.0.transaction().await?))
    }

    /// Everything read in it is of one moment.
    pub async fn snapshot(&mut self) -> Result<Transaction<'_>, Error> {
        let build = self.0.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        Ok(Transaction(build.start().await?))
    }
}

impl Transaction<'_> {
    /// The commit does not wait for the disk. A crash of PostgreSQL may undo it, together with whatever
    /// came after it and with nothing that came before: for bookkeeping that is found again, never for
    /// what an answer or a request to GitHub rests on.
    pub async fn unhurried(&self) -> Result<(), Error> {
        self.0.batch_execute("SET LOCAL synchronous_commit = off").await
    }

    pub async fn commit(self) -> Result<(), Error> {
        self.0.commit().await
    }
}

impl Deref for Client {
    type Target = deadpool_postgres::Object;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'a> Deref for Transaction<'a> {
    type Target = deadpool_postgres::Transaction<'a>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
