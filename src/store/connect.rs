//! Making one connection: TLS, timeouts, and the session's settings.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Connect;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::DatabaseUrl;

/// A statement that takes longer is a mistake, or a database in trouble; a transaction that sits
/// idle holds a project's lock. A lock is waited for as long as a request may take.
///
/// Tables are read by index: PostgreSQL cannot tell how few rows are pending (it takes `oid IS DISTINCT FROM
/// base_oid` for true of nearly all), and would read every file of a large project for one edit. What has to
/// be read whole still is; compiling such a plan because of its penalty would only cost time.
const SESSION: &str = "SET statement_timeout = '60s'; SET lock_timeout = '20s'; \
    SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = 'warning'; \
    SET enable_seqscan = off; SET jit = off";

pub struct Connector {
    postgres: Config,
    tls: Option<MakeRustlsConnect>,
    /// Connections live on this runtime, whoever asked for them, and so do their sockets: the threads
    /// of the listeners have runtimes of their own that end earlier, and others' requests with them.
    home: Handle,
}

impl Connector {
    pub fn new(url: &DatabaseUrl, timeout: Duration) -> Result<Self, String> {
        let mut postgres = url.postgres.clone();
        postgres
            .connect_timeout(timeout)
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(30));
        if postgres.get_application_name().is_none() {
            postgres.application_name("lockstep");
        }
        let tls = super::tls::client_config(url)?.map(MakeRustlsConnect::new);
        let home = Handle::try_current().map_err(|error| error.to_string())?;
        Ok(Connector { postgres, tls, home })
    }

    pub fn config(&self) -> Config {
        self.postgres.clone()
    }

    /// A session of its own, outside the pool, without its timeouts.
    pub async fn open(&self, config: &Config) -> Result<(Client, JoinHandle<()>), Error> {
        match &self.tls {
            None => {
                let (client, connection) = self.at_home(config.connect(NoTls)).await?;
                Ok((client, self.home.spawn(connection.map(drop))))
            }
            Some(tls) => {
                let (client, connection) = self.at_home(config.connect(tls.clone())).await?;
                Ok((client, self.home.spawn(connection.map(drop))))
            }
        }
    }
}

impl Connector {
    /// What is opened meanwhile belongs to the runtime at home.
    async fn at_home<T>(&self, opening: impl Future<Output = T>) -> T {
        let mut opening = pin!(opening);
        poll_fn(|context| {
            let _home = self.home.enter();
            opening.as_mut().poll(context)
        })
        .await
    }
}

/// A session that listens.
pub struct Hearing {
    client: Client,
    payloads: mpsc::Receiver<String>,
}

impl Hearing {
    /// The payload of the next notification; none: the session is over.
    pub async fn next(&mut self) -> Option<String> {
        self.payloads.recv().await
    }

    /// Whether the server still answers.
    pub async fn is_alive(&self, patience: Duration) -> bool {
        matches!(tokio::time::timeout(patience, self.client.simple_query("SELECT 1")).await, Ok(Ok(_)))
    }
}

impl Connector {
    /// A session of its own that listens to a channel.
    pub async fn hear(&self, channel: &str) -> Result<Hearing, Error> {
        let (sender, payloads) = mpsc::channel(256);
        let client = match &self.tls {
            None => {
                let (client, connection) = self.at_home(self.postgres.connect(NoTls)).await?;
                self.home.spawn(pass_on(connection, sender));
                client
            }
            Some(tls) => {
                let (client, connection) = self.at_home(self.postgres.connect(tls.clone())).await?;
                self.home.spawn(pass_on(connection, sender));
                client
            }
        };
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        Ok(Hearing { client, payloads })
    }
}

/// Drives the connection until it ends, or nobody hears it any more.
async fn pass_on<S, T>(mut connection: Connection<S, T>, sender: mpsc::Sender<String>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(note) = message
            && sender.send(note.payload().to_owned()).await.is_err()
        {
            return;
        }
    }
}

impl Connect for Connector {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let config = config.clone();
        async move {
            let (client, connection) = self.open(&config).await?;
            client.batch_execute(SESSION).await?;
            Ok((client, connection))
        }
        .boxed()
    }
}
