//! Where it is measured: a database of its own, a part of Redis of its own, the programs beside this
//! one, and a simulated GitHub.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::http::Client;
use crate::process::{Process, free_port, until_ready};

/// The host's key.
const API_KEY: &str = "key-of-the-host-that-measures-0123456789";

/// What all measures share.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where the programs are.
    pub programs: PathBuf,
    /// Logs and files; emptied at the start.
    pub folder: PathBuf,
    /// A database of the private PostgreSQL: others are made beside it.
    pub postgres: String,
    pub redis: String,
    /// Runs of each side.
    pub rounds: usize,
    /// Tiny sizes: only to see that it works.
    pub small: bool,
}

impl Place {
    /// `full`, or next to nothing when only looking whether it works.
    pub fn size(&self, full: usize, small: usize) -> usize {
        if self.small { small } else { full }
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    pub fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }

    /// A connection to this database of the private PostgreSQL.
    async fn sql(&self, database: Option<&str>) -> anyhow::Result<tokio_postgres::Client> {
        connect(&self.url_of(database)?).await
    }

    fn url_of(&self, database: Option<&str>) -> anyhow::Result<String> {
        let mut url = url::Url::parse(&self.postgres)?;
        if let Some(name) = database {
            url.set_path(name);
        }
        Ok(url.to_string())
    }
}

async fn connect(url: &str) -> anyhow::Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

/// Everything one measure runs against.
pub struct World {
    pub place: Place,
    pub sim: Sim,
    pub sql: tokio_postgres::Client,
    pub database: String,
    /// First part of every key.
    pub prefix: String,
    env: Vec<(String, String)>,
}

impl World {
    /// `name`: of the measure, for the database and the logs.
    pub async fn new(place: &Place, name: &str) -> anyhow::Result<World> {
        let place = place.clone();
        let maintenance = place.sql(None).await?;
        let database = format!("bench_{name}");
        maintenance.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?;
        maintenance.batch_execute(&format!("CREATE DATABASE {database}")).await?;
        let sim = Sim::start(&place, name).await?;
        let sql = place.sql(Some(&database)).await?;
        let database = place.url_of(Some(&database))?;
        let prefix = format!("bench-{name}-{}", std::process::id());
        let mut world = World { place, sim, sql, database, prefix, env: Vec::new() };
        world.env = world.variables();
        world.forget_redis().await?;
        Ok(world)
    }

    fn variables(&self) -> Vec<(String, String)> {
        let app = &self.sim.app;
        let text = |name: &str| app[name].as_str().map_or_else(|| app[name].to_string(), str::to_owned);
        let pairs = [
            ("DATABASE_URL", self.database.clone()),
            ("REDIS_URL", self.place.redis.clone()),
            ("REDIS_PREFIX", self.prefix.clone()),
            ("API_KEYS", API_KEY.to_owned()),
            ("ENCRYPTION_KEYS", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=".to_owned()),
            ("GITHUB_API_URL", self.sim.url.clone()),
            ("GITHUB_WEB_URL", self.sim.url.clone()),
            ("GITHUB_APP_ID", text("app_id")),
            ("GITHUB_APP_SLUG", text("app_slug")),
            ("GITHUB_APP_PRIVATE_KEY_FILE", text("private_key_path")),
            ("GITHUB_CLIENT_ID", text("client_id")),
            ("GITHUB_CLIENT_SECRET", text("client_secret")),
            ("GITHUB_WEBHOOK_SECRET", text("webhook_secret")),
            ("SWEEP_SECONDS", "1".to_owned()),
            ("DRIFT_SECONDS", "0".to_owned()),
            ("REDELIVERY_SECONDS", "0".to_owned()),
            ("LOG", "warn".to_owned()),
        ];
        pairs.map(|(name, value)| (format!("LOCKSTEP_{name}"), value)).to_vec()
    }

    /// Sets a variable of the programs that are started from now on, by its name without `LOCKSTEP_`.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.push((format!("LOCKSTEP_{name}"), value.to_owned()));
    }

    /// One more connection to its database.
    pub async fn connection(&self) -> anyhow::Result<tokio_postgres::Client> {
        connect(&self.database).await
    }

    /// The program itself, once it is ready.
    pub async fn lockstep(&self, role: &str) -> anyhow::Result<Lockstep> {
        let lockstep = self.launch(role)?;
        until_ready(&lockstep.internal, "/readyz", Duration::from_secs(30)).await?;
        Ok(lockstep)
    }

    /// The program itself, not waited for.
    pub fn launch(&self, role: &str) -> anyhow::Result<Lockstep> {
        let (public, internal) = (format!("127.0.0.1:{}", free_port()?), format!("127.0.0.1:{}", free_port()?));
        let mut command = self.place.program("lockstep");
        command.args(["serve", "--role", role]).envs(self.env.iter().cloned());
        command.env("LOCKSTEP_LISTEN", &public).env("LOCKSTEP_INTERNAL_LISTEN", &internal);
        let process = Process::start(&mut command, &self.place.log("lockstep"))?;
        Ok(Lockstep { process, public, internal })
    }

    /// A secret that GitHub signs webhooks with.
    pub fn webhook_secret(&self) -> &str {
        self.sim.app["webhook_secret"].as_str().unwrap_or_default()
    }

    /// Removes what earlier runs left under this prefix.
    pub async fn forget_redis(&self) -> anyhow::Result<()> {
        let mut redis = redis::Client::open(self.place.redis.as_str())?.get_multiplexed_async_connection().await?;
        let mut cursor = 0_u64;
        loop {
            let scan = redis::cmd("SCAN").arg(cursor).arg("MATCH").arg("bench-*").arg("COUNT").arg(5_000).to_owned();
            let (next, keys): (u64, Vec<String>) = scan.query_async(&mut redis).await?;
            if !keys.is_empty() {
                redis::cmd("UNLINK").arg(keys).query_async::<()>(&mut redis).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// CPU time of the private Redis so far, in seconds.
    pub async fn redis_cpu(&self) -> anyhow::Result<f64> {
        let mut redis = redis::Client::open(self.place.redis.as_str())?.get_multiplexed_async_connection().await?;
        let info: String = redis::cmd("INFO").arg("cpu").query_async(&mut redis).await?;
        let of = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        Ok(of("used_cpu_user:").unwrap_or(0.0) + of("used_cpu_sys:").unwrap_or(0.0))
    }

    /// Waits until this statement, which answers one number, answers 0.
    pub async fn until_none(&self, what: &str, statement: &str, within: Duration) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            let left: i64 = self.sql.query_one(statement, &[]).await?.get(0);
            if left == 0 {
                return Ok(());
            }
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "{left} are left: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every connected project has settled.
    pub async fn until_settled(&self, within: Duration) -> anyhow::Result<()> {
        let unsettled = "SELECT count(*) FROM integrations i JOIN projects p USING (pid)
                         WHERE NOT i.initial_done OR p.pending > 0 OR i.due_at IS NOT NULL OR i.lease_token IS NOT NULL";
        self.until_none("projects to settle", unsettled, within).await
    }
}

/// `lockstep serve`.
pub struct Lockstep {
    pub process: Process,
    /// `host:port`.
    pub public: String,
    pub internal: String,
}

impl Lockstep {
    /// The host's side of its API.
    pub fn host(&self) -> Client {
        Client::new(&self.internal, Some(&format!("Bearer {API_KEY}")))
    }
}

/// GitHub's stand-in.
pub struct Sim {
    pub url: String,
    pub app: Value,
    pub control: Client,
    _process: Process,
}

/// A repository with its own installation.
#[derive(Debug, Clone)]
pub struct Repository {
    pub name: String,
    pub id: i64,
    pub installation: i64,
}

impl Sim {
    async fn start(place: &Place, name: &str) -> anyhow::Result<Sim> {
        let data = place.folder.join(format!("github-{name}"));
        let mut command = place.program("github-sim");
        let mut process = Process::start(command.arg("--data").arg(&data), &place.log("github-sim"))?;
        let app: Value = serde_json::from_str(&process.first_line()?).context("github-sim's first line")?;
        let url = app["url"].as_str().context("github-sim says no URL")?.to_owned();
        let mut control = Client::new(url.trim_start_matches("http://"), None);
        let limits = json!({"primary": 100_000_000, "graphql": 100_000_000, "concurrent": 10_000});
        control.call("POST", "/_sim/limits", &limits).await?;
        Ok(Sim { url, app, control, _process: process })
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// A repository of an owner with an installation of its own; `owner` may have some already.
    pub async fn repository(&mut self, owner: &str, name: &str) -> anyhow::Result<Repository> {
        self.control.call("POST", "/_sim/users", &json!({"login": "ada"})).await?;
        self.control.call("POST", "/_sim/orgs", &json!({"login": owner, "members": {"ada": "admin"}})).await?;
        let installation = self.control.call("POST", "/_sim/installations", &json!({"account": owner})).await?;
        self.add_repository(owner, name, installation["id"].as_i64().context("an installation without id")?).await
    }

    pub async fn add_repository(&mut self, owner: &str, name: &str, installation: i64) -> anyhow::Result<Repository> {
        let full = format!("{owner}/{name}");
        let made = self.control.call("POST", "/_sim/repos", &json!({"name": full})).await?;
        Ok(Repository { name: full, id: made["id"].as_i64().context("a repository without id")?, installation })
    }

    /// A client that speaks as the installation.
    pub async fn installed(&mut self, repository: &Repository) -> anyhow::Result<Client> {
        let asked = json!({"installation": repository.installation});
        let token = self.control.call("POST", "/_sim/tokens", &asked).await?;
        let token = token["token"].as_str().context("no token")?;
        Ok(Client::new(self.address(), Some(&format!("Bearer {token}"))))
    }

    /// Requests to the API since the last `forget_requests`.
    pub async fn requests(&mut self) -> anyhow::Result<Vec<Value>> {
        let found = self.control.get("/_sim/requests").await?;
        Ok(found["requests"].as_array().cloned().unwrap_or_default())
    }

    pub async fn forget_requests(&mut self) -> anyhow::Result<()> {
        self.control.call("DELETE", "/_sim/requests", &Value::Null).await.map(drop)
    }

    /// Every answer to the API from now on comes so much later.
    pub async fn delay(&mut self, milliseconds: u64) -> anyhow::Result<()> {
        self.control.call("DELETE", "/_sim/faults", &Value::Null).await?;
        if milliseconds > 0 {
            self.control.call("POST", "/_sim/faults", &json!({"fault": "delay", "milliseconds": milliseconds})).await?;
        }
        Ok(())
    }
}

/// Removes what earlier runs left, and makes the folder.
pub fn fresh_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(std::fs::create_dir_all(folder)?)
}
