//! A database for each test, copied from a template that was migrated once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use lockstep::config::DatabaseUrl;
use lockstep::store::Store;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use super::service;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);
/// Held while the template is made: several test programs may run at once.
const LOCK: i64 = 0x7465_6d70_6c61_7465;

pub struct Database {
    name: String,
    /// The server it is on.
    server: String,
}

impl Database {
    pub async fn create() -> Database {
        let template = TEMPLATE.get_or_init(make_template).await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lockstep_t_{}_{number}", std::process::id());
        let admin = connect(&service("DATABASE")).await;
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        Database { name, server: service("DATABASE") }
    }

    /// A database without a schema.
    pub async fn empty() -> Database {
        Database::empty_on(&service("DATABASE")).await
    }

    /// The same on another server.
    pub async fn empty_on(server: &str) -> Database {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lockstep_t_{}_{number}", std::process::id());
        connect(server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Database { name, server: server.to_owned() }
    }

    pub fn url(&self) -> String {
        url_of(&self.server, &self.name)
    }

    pub async fn connect(&self) -> Client {
        connect(&self.url()).await
    }

    /// Every row of every table, as text and sorted; bytes as hexadecimal digits.
    pub async fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let (sql, mut all) = (self.connect().await, BTreeMap::new());
        let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
        for table in sql.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let rows = sql.query(&format!("SELECT t::text FROM \"{table}\" t ORDER BY 1"), &[]).await.unwrap();
            all.insert(table, rows.iter().map(|row| row.get(0)).collect());
        }
        all
    }

    /// What a finished story does not leave: dead letters.
    pub async fn leftovers(&self) -> Vec<String> {
        let rows =
            self.connect().await.query("SELECT kind, error::text FROM dead_letters", &[]).await.unwrap_or_default();
        rows.iter().map(|row| format!("dead letter {} {}", row.get::<_, String>(0), row.get::<_, String>(1))).collect()
    }

    pub async fn remove(&self) {
        let admin = connect(&self.server).await;
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await.unwrap();
    }
}

/// The server's URL with another database in it.
fn url_of(server: &str, name: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(name);
    url.into()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Named after the migrations: when they change there is another one.
async fn make_template() -> String {
    let name = format!("lockstep_template_{}", &hex::encode(fingerprint())[..12]);
    let admin = connect(&service("DATABASE")).await;
    admin.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.unwrap();
    remove_abandoned(&admin).await;
    let known = admin.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name]).await.unwrap();
    if known.is_none() {
        let unfinished = format!("{name}_new");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {unfinished}")).await.unwrap();
        let url = url_of(&service("DATABASE"), &unfinished);
        let store = Store::new(&DatabaseUrl::parse(&url).unwrap(), false).unwrap();
        store.migrate().await.unwrap();
        store.close();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        admin.execute(end, &[&unfinished]).await.unwrap();
        admin.batch_execute(&format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await.unwrap();
    }
    name
}

fn fingerprint() -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.file_name().unwrap().as_encoded_bytes());
        hash.update(std::fs::read(&file).unwrap());
    }
    hash.finalize().to_vec()
}

/// Databases of test programs that were killed.
async fn remove_abandoned(admin: &Client) {
    let rows = admin.query("SELECT datname FROM pg_database WHERE datname LIKE 'lockstep\\_t\\_%'", &[]).await.unwrap();
    for name in rows.iter().map(|row| row.get::<_, String>(0)) {
        let owner = name.split('_').nth(2).unwrap_or("");
        if cfg!(target_os = "linux") && !std::path::Path::new("/proc").join(owner).exists() {
            admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
        }
    }
}
