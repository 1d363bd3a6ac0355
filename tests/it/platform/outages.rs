//! PostgreSQL or Redis away, late, frozen or back again.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use super::least;
use crate::world::database::Database;
use crate::world::gate::Gate;
use crate::world::process::{Program, free_address};
use crate::world::{API_KEY, World};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[actix_web::test]
async fn it_starts_without_postgresql_and_says_so() {
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), format!("postgres://u:p@{}/d", free_address()));
    env.insert("LOCKSTEP_API_KEYS".to_owned(), API_KEY.to_owned());
    let mut program = Program::serve(&[], &env);
    program.until("/healthz", 200).await;
    let ready = program.internal().get("/readyz").await.problem(503, "unavailable");
    assert_eq!((ready["ready"].as_bool(), ready["postgres"].as_str()), (Some(false), Some("unavailable")));
    assert_eq!(ready["redis"], "ok");
    assert_eq!(program.internal().get("/metrics").await.status, 200);
    let begun = Instant::now();
    let host = program.internal().with_token(API_KEY);
    let body = json!({ "user": { "id": "u" }, "role": "viewer" }).to_string();
    let answer = host.send(Method::POST, "/v1/projects/a/panel-sessions", JSON, body.into()).await;
    answer.problem(503, "unavailable");
    assert!(begun.elapsed() < Duration::from_secs(5));
    program.terminate();
    assert_eq!(program.ended(Duration::from_secs(20)).await.code(), Some(0));
}

#[actix_web::test]
async fn it_starts_without_redis_and_says_so() {
    let database = Database::create().await;
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    env.insert("LOCKSTEP_REDIS_URL".to_owned(), format!("redis://{}", free_address()));
    let program = Program::serve(&[], &env);
    program.until("/healthz", 200).await;
    let begun = Instant::now();
    loop {
        let ready = program.internal().get("/readyz").await.problem(503, "unavailable");
        assert_eq!(ready["redis"], "unavailable");
        if ready["postgres"] == "ok" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", program.log());
    }
    drop(program);
    database.remove().await;
}

#[actix_web::test]
async fn a_database_that_comes_late_is_taken() {
    let database = Database::empty().await;
    let port = Gate::closed(&database.url());
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), port.url.clone());
    let program = Program::serve(&[], &env);
    program.until("/healthz", 200).await;
    program.internal().get("/readyz").await.problem(503, "unavailable");
    let gate = port.open().await;
    program.until("/readyz", 200).await;
    gate.freeze();
    let begun = Instant::now();
    program.internal().get("/readyz").await.problem(503, "unavailable");
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(program);
    database.remove().await;
}

#[actix_web::test]
async fn a_frozen_database_is_answered_for_in_time() {
    let database = Database::create().await;
    let gate = Gate::closed(&database.url()).open().await;
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), gate.url.clone());
    env.insert("LOCKSTEP_API_KEYS".to_owned(), API_KEY.to_owned());
    let program = Program::serve(&[], &env);
    program.until("/readyz", 200).await;
    let host = program.internal().with_token(API_KEY);
    let body = json!({ "user": { "id": "u" }, "role": "viewer" }).to_string();
    let ask = || host.send(Method::POST, "/v1/projects/a/panel-sessions", JSON, body.clone().into());
    assert_eq!(ask().await.status, 201);
    gate.freeze();
    for _ in 0..3 {
        let begun = Instant::now();
        ask().await.problem(503, "unavailable");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    // Also what could be answered without it, and what would be refused anyway.
    for path in ["/docs", "/openapi.json", "/console", "/readyz", "/v1/projects"] {
        program.internal().get(path).await.problem(503, "unavailable");
    }
    for path in ["/panel/a", "/panel/a/api/files", "/setup", "/github/start", "/github/callback", "/github/setup"] {
        program.public().get(path).await.problem(503, "unavailable");
    }
    for path in ["/healthz", "/metrics"] {
        assert_eq!(program.internal().get(path).await.status, 200, "{path}");
    }
    gate.thaw();
    program.until("/readyz", 200).await;
    assert_eq!(ask().await.status, 201);
    drop(program);
    database.remove().await;
}

#[actix_web::test]
async fn a_body_that_stops_coming_does_not_hold_anything() {
    let world = World::start().await;
    let sent = slow_request(&world.addresses.internal.to_string()).await;
    assert!(sent.starts_with("HTTP/1.1 408") || sent.is_empty(), "{sent}");
}

/// Sends half a body and waits for what comes back.
async fn slow_request(address: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/projects/a/panel-sessions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_KEY}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(40), socket.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "neither answered nor closed within 40 s");
    String::from_utf8_lossy(&answer).into_owned()
}
