//! Connections to Redis that come back: after a restart, a failover (`READONLY`), or silence.
//!
//! Every command sent here may be repeated without harm, so a command that meets a dead connection
//! is sent once more over a fresh one. While Redis is away callers are told so at once, and only
//! one of them at a time tries to connect, at growing intervals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use redis::ServerErrorKind::{MasterDown, NoScript, ReadOnly};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult};
use tokio::sync::Mutex;

use super::QueueError;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Opens a connection whose commands are answered within `block` and a bit.
pub async fn dial(client: &Client, block: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN + block));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// One connection for each thread that has work for Redis, up to the number of cores: measured, that
/// beats one shared by all by a fifth to a third.
#[derive(Clone)]
pub struct Links(Arc<[Link]>);

static THREADS: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

impl Links {
    pub fn new(client: &Client) -> Self {
        let cores = std::thread::available_parallelism().map_or(4, |cores| cores.get());
        Links((0..=cores).map(|_| Link::new(client.clone())).collect())
    }

    /// This thread's.
    pub fn mine(&self) -> &Link {
        &self.0[THREAD.with(|number| number % self.0.len())]
    }
}

/// One connection, made when it is first needed.
pub struct Link {
    client: Client,
    live: ArcSwapOption<MultiplexedConnection>,
    dialing: Mutex<Dialing>,
}

/// What the last failed attempts to connect say about the next.
#[derive(Default)]
struct Dialing {
    failed: Option<(Instant, RedisError)>,
    pause: Duration,
}

impl Link {
    fn new(client: Client) -> Self {
        Link { client, live: ArcSwapOption::empty(), dialing: Mutex::default() }
    }

    /// Sends one command. It may reach Redis twice.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, QueueError> {
        Ok(self.send(Request::One(command)).await?)
    }

    /// Sends several commands in one round trip. They may reach Redis twice.
    pub async fn pipe<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, QueueError> {
        Ok(self.send(Request::Several(commands)).await?)
    }

    /// Runs a script in one round trip, loading it where Redis has not seen it. It may run twice.
    pub async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        arguments: impl FnOnce(&mut Cmd),
    ) -> Result<T, QueueError> {
        let mut call = redis::cmd("EVALSHA");
        call.arg(&script.hash);
        arguments(&mut call);
        match self.send(Request::One(&call)).await {
            Err(error) if error.kind() == ErrorKind::Server(NoScript) => {
                self.run::<()>(&script.load()).await?;
                self.run(&call).await
            }
            other => Ok(other?),
        }
    }

    async fn send<T: FromRedisValue>(&self, request: Request<'_>) -> RedisResult<T> {
        let live = self.connection().await?;
        let error = match request.send((*live).clone()).await {
            Err(error) if is_dead(&error) => error,
            other => return other,
        };
        self.drop_connection(&live);
        if error.is_timeout() {
            return Err(error);
        }
        let fresh = self.connection().await?;
        let result = request.send((*fresh).clone()).await;
        if result.as_ref().is_err_and(is_dead) {
            self.drop_connection(&fresh);
        }
        result
    }

    async fn connection(&self) -> RedisResult<Arc<MultiplexedConnection>> {
        if let Some(live) = self.live.load_full() {
            return Ok(live);
        }
        let asked = Instant::now();
        let mut dialing = self.dialing.lock().await;
        if let Some(live) = self.live.load_full() {
            return Ok(live);
        }
        if let Some((when, error)) = &dialing.failed
            && (*when > asked || when.elapsed() < dialing.pause)
        {
            return Err(error.clone());
        }
        match dial(&self.client, Duration::ZERO).await {
            Ok(live) => {
                *dialing = Dialing::default();
                let live = Arc::new(live);
                self.live.store(Some(live.clone()));
                Ok(live)
            }
            Err(error) => {
                dialing.pause = (dialing.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                dialing.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Unless another one has taken its place already.
    fn drop_connection(&self, dead: &Arc<MultiplexedConnection>) {
        self.live.compare_and_swap(dead, None);
    }
}

#[derive(Clone, Copy)]
enum Request<'a> {
    One(&'a Cmd),
    Several(&'a Pipeline),
}

impl Request<'_> {
    async fn send<T: FromRedisValue>(self, mut live: MultiplexedConnection) -> RedisResult<T> {
        match self {
            Request::One(command) => command.query_async(&mut live).await,
            Request::Several(commands) => commands.query_async(&mut live).await,
        }
    }
}

/// A script, and the hash by which Redis knows it.
pub struct Script {
    code: String,
    hash: String,
}

impl Script {
    pub fn new(code: impl Into<String>) -> Self {
        let code = code.into();
        Script { hash: redis::Script::new(&code).get_hash().to_owned(), code }
    }

    fn load(&self) -> Cmd {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(&self.code);
        load
    }
}

/// Whether the connection is of no further use: broken, silent, or to a server that is no longer the
/// primary (scripts of older servers say so only in their message).
pub fn is_dead(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(error.kind(), ErrorKind::Server(ReadOnly | MasterDown))
        || error.detail().is_some_and(|detail| detail.contains("READONLY"))
}
