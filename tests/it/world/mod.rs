//! A world for one test: a database of its own, a part of Redis of its own, the program in this
//! process on free ports. No worker runs: a test drains the queue when it wants work to be done.
//!
//! When it ends it fails on what a finished story does not leave behind: jobs and dead letters.

pub mod client;
pub mod database;
pub mod gate;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod tap;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use lockstep::app::{Addresses, App, Role};
use lockstep::config::{Config, Flags};
use lockstep::engine::Engine;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use client::{Answer, Client};

use database::Database;
use redis::Prefix;

/// The host's key in every world.
pub const API_KEY: &str = "test-key-of-the-host-0123456789-abcdef";

/// Longer than the program takes to start on a machine that has much else to do.
const READY: Duration = Duration::from_secs(60);

/// Where the tests' PostgreSQL and Redis are: `./dev test` starts them.
pub fn service(name: &str) -> String {
    let name = format!("LOCKSTEP_TEST_{name}_URL");
    std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with ./dev test"))
}

pub struct World {
    pub engine: Engine,
    pub addresses: Addresses,
    /// The variables the program was configured with.
    pub env: HashMap<String, String>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    prefix: Prefix,
    database: Database,
    leftovers: bool,
}

/// A world that is about to start.
pub struct Plan {
    env: HashMap<String, String>,
    role: Role,
    database: Option<Database>,
}

impl Plan {
    /// Sets a variable, by its name without `LOCKSTEP_`.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(format!("LOCKSTEP_{name}"), value.into());
        self
    }

    /// With workers: jobs run by themselves.
    pub fn working(mut self) -> Self {
        self.role = Role::All;
        self
    }

    /// With this database instead of one like everybody's.
    pub fn on(mut self, database: Database) -> Self {
        self.database = Some(database);
        self
    }

    pub async fn start(self) -> World {
        let database = match self.database {
            Some(database) => database,
            None => Database::create().await,
        };
        let prefix = Prefix::new();
        let mut env = self.env;
        env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
        env.insert("LOCKSTEP_REDIS_PREFIX".to_owned(), prefix.0.clone());
        let config = Config::load(&Flags::none(), &env).unwrap();
        let app = App::build(config, self.role).await.unwrap().with_threads(1);
        let (engine, addresses) = (app.engine().clone(), app.addresses());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run_until(async move { drop(stopped.await) }));
        let world = World {
            engine,
            addresses,
            env,
            stop: Some(stop),
            running: Some(running),
            prefix,
            database,
            leftovers: false,
        };
        world.until_ready().await;
        world
    }
}

impl World {
    pub async fn start() -> World {
        World::plan().start().await
    }

    /// A world with the usual variables, to change before it starts.
    pub fn plan() -> Plan {
        let plan = Plan { env: HashMap::new(), role: Role::Web, database: None };
        plan.set("REDIS_URL", service("REDIS"))
            .set("LISTEN", "127.0.0.1:0")
            .set("INTERNAL_LISTEN", "127.0.0.1:0")
            .set("API_KEYS", API_KEY)
            .set("ENCRYPTION_KEYS", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
            .set("RETRY_SECONDS", "0.05")
    }

    /// The host's API, with its key.
    pub fn host(&self) -> Client {
        self.internal().with_token(API_KEY)
    }

    /// The internal listener, without a key.
    pub fn internal(&self) -> Client {
        Client::new(&format!("http://{}", self.addresses.internal))
    }

    /// The public listener, as anybody.
    pub fn public(&self) -> Client {
        Client::new(&format!("http://{}", self.addresses.public.unwrap()))
    }

    /// A panel's API of this project, as this user with this role.
    pub async fn panel(&self, project: &str, user: &str, role: &str) -> Client {
        let body = serde_json::json!({ "user": { "id": user }, "role": role });
        let answer = self.host().post(&format!("/v1/projects/{project}/panel-sessions"), &body).await.expect(201);
        self.public().with_token(answer["token"].as_str().unwrap())
    }

    /// A connection of the test's own to this world's database.
    pub async fn sql(&self) -> tokio_postgres::Client {
        self.database.connect().await
    }

    /// Everything that the database holds; see `Database::rows`.
    pub async fn rows(&self) -> BTreeMap<String, Vec<String>> {
        self.database.rows().await
    }

    /// The time passes after which others take over what a dead process had in hands: its leases and
    /// its entries.
    pub async fn others_take_over(&self) {
        let sql = self.sql().await;
        for table in ["integrations", "notifications", "revocations", "periodic"] {
            let expire =
                format!("UPDATE {table} SET lease_until = now() - interval '1 second' WHERE lease_until > now()");
            sql.batch_execute(&expire).await.unwrap();
        }
        self.prefix.age_claims(&self.env["LOCKSTEP_REDIS_URL"]).await;
    }

    /// An hour passes, as far as what was counted of GitHub's limits goes.
    pub async fn forget_limits(&self) {
        self.prefix.forget_limits(&self.env["LOCKSTEP_REDIS_URL"]).await;
    }

    /// Others used up what this installation may commit in a minute.
    pub async fn use_up_limits(&self, installation: u64) {
        self.prefix.use_up_limits(&self.env["LOCKSTEP_REDIS_URL"], installation).await;
    }

    /// For stories that end in the middle: what is left over at the end is no failure.
    pub fn allow_leftovers(&mut self) {
        self.leftovers = true;
    }

    /// Stops the program in good order, as SIGTERM does.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            running.await.unwrap().unwrap();
        }
    }

    async fn until_ready(&self) {
        let begun = std::time::Instant::now();
        loop {
            let answer = self.internal().get("/readyz").await;
            if answer.status == 200 {
                return;
            }
            assert!(begun.elapsed() < READY, "the program is not ready: {}", answer.text());
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.stop.take());
        let leftovers = elsewhere(self.clean_up());
        if !std::thread::panicking() && !self.leftovers {
            assert!(leftovers.is_empty(), "the test leaves behind: {}", leftovers.join(", "));
        }
    }
}

impl World {
    async fn clean_up(&self) -> Vec<String> {
        let mut leftovers = self.database.leftovers().await;
        leftovers.extend(self.prefix.leftovers(&self.env["LOCKSTEP_REDIS_URL"]).await);
        self.database.remove().await;
        self.prefix.remove(&self.env["LOCKSTEP_REDIS_URL"]).await;
        leftovers
    }
}

/// Runs on a thread with a runtime of its own, because `drop` cannot wait.
fn elsewhere<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let work = move || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
        scope.spawn(work).join().unwrap()
    })
}
