//! The composition root: from configuration to a running program.
//!
//! It starts while PostgreSQL and Redis do not answer yet, and goes on trying: `/healthz` says 200
//! and `/readyz` 503 until they do.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::config::{Config, GithubAppConfig, TraceConfig, WorkConfig};
use crate::engine::{Engine, EngineSettings, Held, Hints};
use crate::github::{AppCredentials, Budget, GitHub, GithubSettings};
use crate::http::keys::KeyRing;
use crate::http::{self, Listener, Serving, routes};
use crate::queue::{Queue, QueueSettings, Worker};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::telemetry::otlp::Spans;
use crate::vault::Vault;

mod export;

use export::Export;

/// Which part of the work a process takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Everything.
    All,
    /// Both listeners, no jobs.
    Web,
    /// Jobs; of the listeners only metrics and health.
    Worker,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::All => "all",
            Role::Web => "web",
            Role::Worker => "worker",
        }
    }
}

/// Where the listeners are bound.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// None for a worker.
    pub public: Option<SocketAddr>,
    pub internal: SocketAddr,
}

/// What runs may take so long to finish; then it is handed back. SIGTERM is answered within 20 s.
const GRACE: Duration = Duration::from_secs(15);
/// The pause between attempts to bring the schema up to date.
const AGAIN: Duration = Duration::from_secs(1);

/// The program, bound to its addresses and not yet serving.
pub struct App {
    role: Role,
    public: Option<TcpListener>,
    internal: TcpListener,
    addresses: Addresses,
    keys: Arc<KeyRing>,
    engine: Engine,
    threads: usize,
    work: WorkConfig,
    traces: Option<Export>,
}

impl App {
    /// Binds the listeners and puts the parts together. Nothing is asked of PostgreSQL or Redis yet.
    pub async fn build(config: Config, role: Role) -> anyhow::Result<Self> {
        let public = (role != Role::Worker).then(|| bind("LOCKSTEP_LISTEN", config.http.listen)).transpose()?;
        let internal = bind("LOCKSTEP_INTERNAL_LISTEN", config.http.internal_listen)?;
        let addresses = Addresses {
            public: public.as_ref().map(TcpListener::local_addr).transpose()?,
            internal: internal.local_addr()?,
        };
        let engine = engine(&config, addresses.public.unwrap_or(config.http.listen))?;
        let keys = Arc::new(KeyRing::new(engine.store.clone(), &config.api_keys));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(App { role, public, internal, addresses, keys, engine, threads, work: config.work, traces: None })
    }

    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Threads of each listener; as many as cores unless said otherwise.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// What was gathered goes to the collector.
    pub fn with_traces(mut self, config: Option<TraceConfig>, spans: Option<Spans>) -> Self {
        self.traces =
            config.zip(spans).map(|(config, spans)| Export::new(self.engine.github.http().clone(), config, spans));
        self
    }

    /// Serves and works until `shutdown`; then stops accepting, lets what runs finish or hands it
    /// back, and returns within 20 s.
    pub async fn run_until(mut self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let stopping = CancellationToken::new();
        let mut servers = Vec::new();
        let routes = if self.role == Role::Worker { routes::worker } else { routes::internal };
        servers.push(http::serve(self.internal.try_clone()?, self.serving(Listener::Internal, routes, &stopping))?);
        if let Some(public) = &self.public {
            servers.push(http::serve(public.try_clone()?, self.serving(Listener::Public, routes::public, &stopping))?);
        }
        let store = self.engine.store.clone();
        tokio::spawn({
            let stopping = stopping.clone();
            async move { store.watch(stopping).await }
        });
        let work = tokio::spawn(work(self.engine.clone(), self.role, self.work.clone(), stopping.clone()));
        let (internal, public) = (self.addresses.internal.to_string(), self.addresses.public.map(|at| at.to_string()));
        tracing::info!(internal, public, role = self.role.as_str(), "serving");
        let over = CancellationToken::new();
        let export = self.traces.take().map(|export| tokio::spawn(export.run(over.clone())));
        shutdown.await;
        tracing::info!("stopping");
        stopping.cancel();
        let stops = servers.iter().map(|(handle, _)| handle.stop(true));
        let all = async { tokio::join!(futures_util::future::join_all(stops), work) };
        if tokio::time::timeout(GRACE + Duration::from_secs(3), all).await.is_err() {
            tracing::warn!("stopped before everything had finished");
        }
        over.cancel();
        if let Some(export) = export {
            drop(export.await);
        }
        self.engine.store.close();
        Ok(())
    }

    fn serving(
        &self,
        listener: Listener,
        routes: fn(&mut actix_web::web::ServiceConfig),
        stopping: &CancellationToken,
    ) -> Serving {
        Serving {
            listener,
            routes,
            engine: self.engine.clone(),
            keys: self.keys.clone(),
            stopping: stopping.clone(),
            threads: self.threads,
            grace: GRACE,
        }
    }
}

fn bind(variable: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = TcpListener::bind(address).with_context(|| format!("{variable}: cannot listen on {address}"))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The parts put together. `listen`: where the public listener is.
pub fn engine(config: &Config, listen: SocketAddr) -> anyhow::Result<Engine> {
    // Fails only when there is one already, which is as good.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let settings = EngineSettings {
        public_url: config.http.public_url.clone().unwrap_or_else(|| format!("http://{listen}")),
        github_web_url: config.github.web_url.clone(),
        panel_origins: config.http.panel_origins.clone(),
        app_configured: config.github.app.is_some(),
        retry: config.work.retry,
        notify: config.notify.clone(),
    };
    let vault = Vault::of(&config.encryption_keys.0).context("LOCKSTEP_ENCRYPTION_KEYS")?;
    let metrics = Metrics::new()?;
    let queue = queue(config)?;
    Ok(Engine {
        store: Store::with_connections(&config.database, config.notify.is_some(), config.database_connections)?,
        github: github(config, &queue, &vault, &metrics)?,
        queue,
        vault,
        metrics,
        settings: Arc::new(settings),
        held: Held::default(),
        hints: Hints::default(),
    })
}

fn queue(config: &Config) -> anyhow::Result<Queue> {
    let mut settings = QueueSettings::new(config.redis.url.expose(), &config.redis.prefix);
    settings.retry = config.work.retry;
    Queue::new(settings).context("LOCKSTEP_REDIS_URL")
}

fn github(config: &Config, queue: &Queue, vault: &Vault, metrics: &Metrics) -> anyhow::Result<GitHub> {
    let budget = Budget::new(queue.connection_manager()?, &config.redis.prefix);
    let urls = &config.github;
    let settings = GithubSettings::new(&urls.api_url, &urls.graphql_url, &urls.web_url);
    let github = GitHub::new(settings, vault.clone(), budget, metrics.clone());
    github.set_app(urls.app.as_ref().map(credentials).transpose()?);
    Ok(github)
}

fn credentials(app: &GithubAppConfig) -> anyhow::Result<AppCredentials> {
    let secret = |secret: &crate::config::Secret| Zeroizing::new(secret.expose().to_owned());
    let (client_secret, webhook_secret) = (secret(&app.client_secret), secret(&app.webhook_secret));
    let key = app.private_key.expose();
    Ok(AppCredentials::new(app.app_id, &app.slug, &app.client_id, client_secret, key, webhook_secret)?)
}

/// What goes on besides answering requests: first the schema, then the role's work.
async fn work(engine: Engine, role: Role, plan: WorkConfig, stopping: CancellationToken) {
    if !prepare(&engine.store, &stopping).await {
        return;
    }
    let jobs = async {
        if role != Role::Web {
            let worker = Worker::new(engine.queue.clone(), Arc::new(engine.clone()), plan.workers);
            tokio::join!(worker.run(stopping.clone(), GRACE), engine.keep_house(&plan, &stopping));
            engine.hand_back_leases().await;
        }
    };
    tokio::join!(engine.watch_app(&stopping, tell_setup), jobs);
}

/// For whoever started the program; a log may be filtered or go elsewhere.
fn tell_setup(url: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "setup: {url}");
}

/// Applies migrations as soon as PostgreSQL answers. False: told to stop before that.
async fn prepare(store: &Store, stopping: &CancellationToken) -> bool {
    let mut told = String::new();
    loop {
        let attempt = tokio::select! {
            attempt = store.migrate() => attempt,
            () = stopping.cancelled() => return false,
        };
        match attempt {
            Ok(done) => {
                tracing::info!(migrations = done, "the schema is up to date");
                return true;
            }
            Err(error) if error.to_string() != told => {
                told = error.to_string();
                tracing::warn!(error = told, "the schema cannot be brought up to date yet");
            }
            Err(_) => {}
        }
        if tokio::time::timeout(AGAIN, stopping.cancelled()).await.is_ok() {
            return false;
        }
    }
}
