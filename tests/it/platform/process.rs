//! The program as operators start and stop it.

use std::time::Duration;

use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::least;
use crate::world::database::Database;
use crate::world::process::{Program, run};

#[actix_web::test]
async fn migrate_may_be_repeated() {
    let database = Database::empty().await;
    let mut env = least();
    env.retain(|name, _| name == "LOCKSTEP_DATABASE_URL");
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    for _ in 0..2 {
        let output = run(&["migrate"], &env);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'projects'";
    assert_eq!(database.connect().await.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 1);
    database.remove().await;
}

#[actix_web::test]
async fn two_that_start_at_once_migrate_once() {
    let database = Database::empty().await;
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    let programs = [
        Program::serve(&[], &env),
        Program::serve(&["--role", "web"], &env),
        Program::serve(&["--role", "worker"], &env),
    ];
    for program in &programs {
        program.until("/readyz", 200).await;
    }
    drop(programs);
    let applied = "SELECT count(*) = count(DISTINCT version) FROM refinery_schema_history";
    assert!(database.connect().await.query_one(applied, &[]).await.unwrap().get::<_, bool>(0));
    database.remove().await;
}

#[actix_web::test]
async fn a_worker_shows_health_and_metrics_and_nothing_else() {
    let database = Database::create().await;
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    let worker = Program::serve(&["--role", "worker"], &env);
    worker.until("/readyz", 200).await;
    for path in ["/healthz", "/metrics"] {
        assert_eq!(worker.internal().get(path).await.status, 200, "{path}");
    }
    for path in ["/v1/projects", "/openapi.json", "/docs", "/console"] {
        worker.internal().get(path).await.problem(404, "not_found");
    }
    let public = worker.public().try_send(Method::GET, "/", &[], Vec::new()).await;
    assert!(public.is_err(), "a worker has no public listener");
    drop(worker);
    database.remove().await;
}

#[actix_web::test]
async fn sigterm_ends_it_well_even_with_open_connections() {
    let database = Database::create().await;
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    let mut program = Program::serve(&[], &env);
    program.until("/readyz", 200).await;
    let address = program.internal().base().trim_start_matches("http://").to_owned();
    let mut idle = tokio::net::TcpStream::connect(&address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 512]).await.unwrap() > 0);
    program.terminate();
    let status = program.ended(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0), "{}", program.log());
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
    database.remove().await;
}

#[test]
fn openapi_needs_nothing() {
    let output = run(&["openapi"], &std::collections::HashMap::new());
    assert_eq!(output.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["paths"]["/healthz"].is_object());
}

#[test]
fn a_taken_address_is_said_and_ends_with_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut env = least();
    env.insert("LOCKSTEP_LISTEN".to_owned(), taken.local_addr().unwrap().to_string());
    let output = run(&["serve"], &env);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&taken.local_addr().unwrap().to_string()));
}

#[actix_web::test]
async fn health_tells_whether_it_runs() {
    let database = Database::create().await;
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    let mut program = Program::serve(&[], &env);
    program.until("/healthz", 200).await;
    let listen = program.internal().base().replace("http://127.0.0.1", "0.0.0.0");
    let asks = || run(&["health", "--internal-listen", &listen], &Default::default());
    assert_eq!(asks().status.code(), Some(0));
    program.kill();
    let gone = asks();
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("does not answer"));
    database.remove().await;
}
