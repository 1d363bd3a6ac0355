//! Configuration: flags with an environment variable each, checked before anything is opened.
//!
//! One struct for each concern; `app` hands each part its own. The only place that reads the
//! environment. What a command does not need is not asked for.

mod database;
mod github;
mod parse;
mod secret;
mod traces;
mod vars;

use std::net::SocketAddr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

pub use database::{DatabaseUrl, TlsMode};
pub use github::{GithubAppConfig, GithubConfig};
pub use secret::Secret;
pub use vars::{All, Database, Env, Flags, Listening, Secrets, VARS, Var, unknown};

use vars::Source;

/// A variable that is missing or wrong: one line for the operator, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {message}")]
pub struct ConfigError {
    pub variable: String,
    pub message: String,
}

impl ConfigError {
    /// `name` without `LOCKSTEP_`.
    pub fn new(name: &str, message: impl Into<String>) -> Self {
        ConfigError { variable: format!("LOCKSTEP_{name}"), message: message.into() }
    }
}

/// Everything `serve` and `doctor` need.
#[derive(Debug, Clone)]
pub struct Config {
    pub database: DatabaseUrl,
    /// Connections to PostgreSQL at once.
    pub database_connections: usize,
    pub redis: RedisConfig,
    pub http: HttpConfig,
    pub github: GithubConfig,
    pub api_keys: Vec<Secret>,
    pub encryption_keys: EncryptionKeys,
    pub notify: Option<NotifyConfig>,
    pub work: WorkConfig,
    pub traces: Option<TraceConfig>,
}

#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://` or `rediss://`, with its password.
    pub url: Secret,
    pub prefix: String,
}

#[derive(Debug, Clone)]
pub struct HttpConfig {
    pub listen: SocketAddr,
    pub internal_listen: SocketAddr,
    /// Without a slash at its end. None: `http://` and the address that was bound.
    pub public_url: Option<String>,
    /// As browsers send them: `https://app.example.com`.
    pub panel_origins: Vec<String>,
}

/// Where notifications go.
#[derive(Clone)]
pub struct NotifyConfig {
    pub url: String,
    /// The key of the signature (HMAC-SHA256), decoded.
    pub secret: Zeroizing<Vec<u8>>,
}

/// Keys for secrets at rest, newest first.
#[derive(Clone)]
pub struct EncryptionKeys(pub Vec<Zeroizing<[u8; 32]>>);

#[derive(Debug, Clone)]
pub struct WorkConfig {
    /// Syncs in flight at once in this process.
    pub workers: usize,
    pub retry: Duration,
    pub sweep: Duration,
    /// None: off.
    pub redelivery: Option<Duration>,
    /// None: off.
    pub drift: Option<Duration>,
    pub retain: RetainConfig,
}

/// How long what has ended is kept. None: for ever.
#[derive(Debug, Clone, Copy)]
pub struct RetainConfig {
    pub history: Option<Duration>,
    pub audit: Option<Duration>,
    pub events: Duration,
    pub deliveries: Duration,
}

/// Where traces go.
#[derive(Debug, Clone)]
pub struct TraceConfig {
    /// The whole address, `/v1/traces` included.
    pub url: String,
    /// Besides the content type; their values are secrets.
    pub headers: Vec<(String, Secret)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

#[derive(Debug, Clone)]
pub struct LogConfig {
    /// A filter that `tracing_subscriber::EnvFilter` takes.
    pub filter: String,
    pub format: LogFormat,
}

impl std::fmt::Debug for NotifyConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotifyConfig").field("url", &self.url).field("secret", &"[secret]").finish()
    }
}

impl std::fmt::Debug for EncryptionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} keys]", self.0.len())
    }
}

/// The variables of this process. Those that are no UTF-8 are not ours.
pub fn process_env() -> Env {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl Config {
    /// What `serve` and `doctor` need.
    pub fn load(flags: &Flags<All>, env: &Env) -> Result<Self, ConfigError> {
        let source = &Source::new(flags, env);
        Ok(Config {
            database: database(source)?,
            database_connections: connections(source)?,
            redis: redis(source)?,
            http: http(source)?,
            github: github::load(source)?,
            api_keys: api_keys(source)?,
            encryption_keys: encryption_keys(source)?,
            notify: notify(source)?,
            work: work(source)?,
            traces: traces::load(source)?,
        })
    }
}

/// What `migrate` and `keys` need.
pub fn load_database<W>(flags: &Flags<W>, env: &Env) -> Result<DatabaseUrl, ConfigError> {
    database(&Source::new(flags, env))
}

/// What `health` needs.
pub fn load_internal_listen<W>(flags: &Flags<W>, env: &Env) -> Result<SocketAddr, ConfigError> {
    parse::address("INTERNAL_LISTEN", &Source::new(flags, env).required("INTERNAL_LISTEN")?)
}

/// What `reencrypt` needs besides the database.
pub fn load_encryption_keys<W>(flags: &Flags<W>, env: &Env) -> Result<EncryptionKeys, ConfigError> {
    encryption_keys(&Source::new(flags, env))
}

pub fn load_log<W>(flags: &Flags<W>, env: &Env) -> Result<LogConfig, ConfigError> {
    let source = Source::new(flags, env);
    let filter = source.get("LOG")?.unwrap_or_default();
    EnvFilter::try_new(&filter)
        .map_err(|_| ConfigError::new("LOG", "is not a log filter such as info,lockstep=debug"))?;
    let format = match source.get("LOG_FORMAT")?.as_deref() {
        Some("json") => LogFormat::Json,
        Some("text") => LogFormat::Text,
        _ => return Err(ConfigError::new("LOG_FORMAT", "is neither json nor text")),
    };
    Ok(LogConfig { filter, format })
}

fn database(source: &Source<'_>) -> Result<DatabaseUrl, ConfigError> {
    const NAME: &str = "DATABASE_URL";
    DatabaseUrl::parse(&source.required(NAME)?).map_err(|message| ConfigError::new(NAME, message))
}

fn connections(source: &Source<'_>) -> Result<usize, ConfigError> {
    const NAME: &str = "DATABASE_CONNECTIONS";
    parse::number(NAME, &source.required(NAME)?, 4, 1_000)
}

fn redis(source: &Source<'_>) -> Result<RedisConfig, ConfigError> {
    let text = source.required("REDIS_URL")?;
    let fits = url::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "redis" | "rediss") && url.has_host());
    if !fits {
        return Err(ConfigError::new("REDIS_URL", "is not a URL such as redis://127.0.0.1:6379"));
    }
    let prefix = source.required("REDIS_PREFIX")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/');
    if prefix.len() > 100 || !prefix.chars().all(plain) {
        return Err(ConfigError::new("REDIS_PREFIX", "is not 1 to 100 of A-Z a-z 0-9 . _ - : /"));
    }
    Ok(RedisConfig { url: Secret::new(text), prefix })
}

fn http(source: &Source<'_>) -> Result<HttpConfig, ConfigError> {
    let listen = parse::address("LISTEN", &source.required("LISTEN")?)?;
    let internal_listen = parse::address("INTERNAL_LISTEN", &source.required("INTERNAL_LISTEN")?)?;
    if listen == internal_listen && listen.port() != 0 {
        return Err(ConfigError::new("INTERNAL_LISTEN", "is the same address as LOCKSTEP_LISTEN"));
    }
    let public_url = source.get("PUBLIC_URL")?.map(|text| parse::base_url("PUBLIC_URL", &text)).transpose()?;
    let origins = source.get("PANEL_ORIGINS")?.unwrap_or_default();
    let panel_origins =
        parse::list(&origins).map(|text| parse::origin("PANEL_ORIGINS", text)).collect::<Result<_, _>>()?;
    Ok(HttpConfig { listen, internal_listen, public_url, panel_origins })
}

fn api_keys(source: &Source<'_>) -> Result<Vec<Secret>, ConfigError> {
    let text = Zeroizing::new(source.get("API_KEYS")?.unwrap_or_default());
    let check = |key: &str| match key.chars().count() >= 32 && !key.contains(char::is_whitespace) {
        true => Ok(Secret::new(key)),
        false => Err(ConfigError::new("API_KEYS", "has a key of less than 32 characters, or with a blank")),
    };
    parse::list(&text).map(check).collect()
}

fn encryption_keys(source: &Source<'_>) -> Result<EncryptionKeys, ConfigError> {
    const NAME: &str = "ENCRYPTION_KEYS";
    let text = Zeroizing::new(source.required(NAME)?);
    let keys: Vec<_> = parse::list(&text).map(|key| parse::key(NAME, key)).collect::<Result<_, _>>()?;
    if keys.is_empty() {
        Err(ConfigError::new(
            NAME,
            "is required: 32 random bytes in base64, such as `head -c 32 /dev/urandom | base64` prints",
        ))
    } else {
        Ok(EncryptionKeys(keys))
    }
}

fn notify(source: &Source<'_>) -> Result<Option<NotifyConfig>, ConfigError> {
    let url = source.get("NOTIFY_URL")?.map(|text| notify_url(&text)).transpose()?;
    let secret = source.get("NOTIFY_SECRET")?.map(|text| parse::webhook_secret("NOTIFY_SECRET", &text)).transpose()?;
    match (url, secret) {
        (Some(url), Some(secret)) => Ok(Some(NotifyConfig { url, secret })),
        (Some(_), None) => Err(ConfigError::new("NOTIFY_SECRET", "is required with LOCKSTEP_NOTIFY_URL")),
        (None, _) => Ok(None),
    }
}

/// A whole URL, query included: hosts put tokens there.
fn notify_url(text: &str) -> Result<String, ConfigError> {
    match url::Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url.into()),
        _ => Err(ConfigError::new("NOTIFY_URL", "is not a URL such as https://example.com/hooks")),
    }
}

fn work(source: &Source<'_>) -> Result<WorkConfig, ConfigError> {
    const YEAR: u64 = 31_536_000;
    let seconds = |name: &'static str, least: u64| -> Result<u64, ConfigError> {
        parse::number(name, &source.required(name)?, least, YEAR)
    };
    let optional = |count: u64| (count > 0).then(|| Duration::from_secs(count));
    let workers = match source.get("WORKERS")? {
        Some(text) => parse::number("WORKERS", &text, 1, 100_000)?,
        None => std::thread::available_parallelism().map_or(1, usize::from) * 16,
    };
    let retry: f64 = parse::number("RETRY_SECONDS", &source.required("RETRY_SECONDS")?, 0.001, 86_400.0)?;
    Ok(WorkConfig {
        workers,
        retry: Duration::from_secs_f64(retry),
        sweep: Duration::from_secs(seconds("SWEEP_SECONDS", 1)?),
        redelivery: optional(seconds("REDELIVERY_SECONDS", 0)?),
        drift: optional(seconds("DRIFT_SECONDS", 0)?),
        retain: retain(source)?,
    })
}

fn retain(source: &Source<'_>) -> Result<RetainConfig, ConfigError> {
    const DAY: u64 = 86_400;
    let days = |name: &'static str, least: u64| -> Result<Duration, ConfigError> {
        Ok(Duration::from_secs(DAY * parse::number(name, &source.required(name)?, least, 36_500)?))
    };
    let optional = |kept: Duration| (!kept.is_zero()).then_some(kept);
    Ok(RetainConfig {
        history: optional(days("RETAIN_HISTORY_DAYS", 0)?),
        audit: optional(days("RETAIN_AUDIT_DAYS", 0)?),
        events: days("RETAIN_EVENTS_DAYS", 1)?,
        // GitHub's own log could bring a delivery back for 3 days.
        deliveries: days("RETAIN_DELIVERIES_DAYS", 4)?,
    })
}
