//! `lockstep keys`, end to end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::Value;

use crate::world::World;
use crate::world::process::{Program, run};

fn keys(world: &World, arguments: &[&str]) -> (Option<i32>, String, String) {
    let url = world.env["LOCKSTEP_DATABASE_URL"].clone();
    let env = HashMap::from([("LOCKSTEP_DATABASE_URL".to_owned(), url)]);
    let output = run(&[&["keys"], arguments].concat(), &env);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn create(world: &World, arguments: &[&str]) -> Value {
    let (code, out, err) = keys(world, &[&["create"], arguments].concat());
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(&out).unwrap()
}

const PATH: &str = "/v1/projects/site/panel-sessions";
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

async fn tried(world: &World, key: &Value) -> u16 {
    let client = world.internal().with_token(key["key"].as_str().unwrap());
    let body = r#"{"user":{"id":"u_1"},"role":"viewer"}"#;
    client.send(Method::POST, PATH, JSON, body.into()).await.status
}

#[actix_web::test]
async fn a_key_is_made_used_listed_and_revoked() {
    let world = World::start().await;
    let key = create(&world, &["--name", "our host"]);
    assert_eq!((key["name"].as_str(), key["scope"].as_str()), (Some("our host"), Some("admin")));
    assert!(key["created_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    let fields: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["created_at", "id", "key", "name", "scope"]);
    assert!(key["key"].as_str().unwrap().len() >= 32);
    assert_eq!(tried(&world, &key).await, 201);
    let (_, listed, _) = keys(&world, &["list"]);
    assert!(listed.contains(key["id"].as_str().unwrap()) && !listed.contains(key["key"].as_str().unwrap()), "{listed}");
    let (code, _, err) = keys(&world, &["revoke", key["id"].as_str().unwrap()]);
    assert_eq!(code, Some(0), "{err}");
    let revoked = Instant::now();
    while tried(&world, &key).await != 401 {
        assert!(revoked.elapsed() < Duration::from_secs(5), "a revoked key still opens");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[actix_web::test]
async fn a_revoked_key_is_refused_everywhere() {
    let world = World::start().await;
    let replica = Program::serve(&["--role", "web"], &world.env);
    replica.until("/readyz", 200).await;
    let key = create(&world, &["--name", "our host"]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sign_in = format!("key={}", key["key"].as_str().unwrap()).into_bytes();
    let signed = world.internal().send(Method::POST, "/console/sign-in", &form, sign_in.clone()).await;
    let console = world.internal().with("cookie", signed.header("set-cookie").split(';').next().unwrap());
    let far = replica.internal().with_token(key["key"].as_str().unwrap());
    console.get("/v1/projects").await.expect(200);
    far.get("/v1/projects").await.expect(200);
    assert_eq!(keys(&world, &["revoke", key["id"].as_str().unwrap()]).0, Some(0));
    let revoked = Instant::now();
    for client in [&console, &far, &world.internal().with_token(key["key"].as_str().unwrap())] {
        replica.wait_for("the refusal", async || client.get("/v1/projects").await.status == 401).await;
    }
    assert!(revoked.elapsed() < Duration::from_secs(5), "it took {:?}", revoked.elapsed());
    let again = world.internal().send(Method::POST, "/console/sign-in", &form, sign_in).await;
    assert_eq!((again.status, again.header("set-cookie")), (303, ""));
}

#[actix_web::test]
async fn a_key_of_scope_changes_opens_little() {
    let world = World::start().await;
    let key = create(&world, &["--name", "ci", "--scope", "changes"]);
    let client = world.internal().with_token(key["key"].as_str().unwrap());
    let allowed = ["changes", "tree", "files", "files/{path}"];
    for row in lockstep::http::routes::ROUTES.iter().filter(|row| row.needs.is_some()) {
        let path =
            row.path.replace("{project}", "site").replace("{path}", "a").replace("{id}", "x").replace("{number}", "1");
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let status = client.send(method, &path, JSON, b"{}".to_vec()).await.status;
        let tail = row.path.trim_start_matches("/v1/projects/{project}/");
        assert_eq!(status == 403, !allowed.contains(&tail), "{} {}: {status}", row.method, row.path);
    }
}

#[actix_web::test]
async fn what_cannot_be_done_ends_with_1() {
    let world = World::start().await;
    for id in ["01919191-0000-7000-8000-000000000000", "nonsense"] {
        let (code, _, err) = keys(&world, &["revoke", id]);
        assert_eq!(code, Some(1));
        assert!(err.contains(id) && err.lines().count() == 1, "{err}");
    }
    assert_eq!(keys(&world, &["create", "--name", ""]).0, Some(1));
    assert_eq!(keys(&world, &["create", "--name", "x", "--scope", "all"]).0, Some(2));
    assert_eq!(keys(&world, &["create"]).0, Some(2));
}

#[actix_web::test]
async fn keys_rest_hashed_and_are_in_the_audit_trail() {
    let world = World::start().await;
    let key = create(&world, &["--name", "our host"]);
    keys(&world, &["revoke", key["id"].as_str().unwrap()]);
    keys(&world, &["revoke", key["id"].as_str().unwrap()]);
    let sql = world.sql().await;
    let rows =
        sql.query("SELECT action, actor_type, target FROM events WHERE action LIKE 'key.%' ORDER BY id", &[]).await;
    let rows: Vec<(String, String, String)> =
        rows.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let id = key["id"].as_str().unwrap().to_owned();
    let expected = ["key.created", "key.revoked"].map(|action| (action.to_owned(), "operator".to_owned(), id.clone()));
    assert_eq!(rows, expected);
    let text: String = sql.query_one("SELECT string_agg(k::text, ' ') FROM api_keys k", &[]).await.unwrap().get(0);
    assert!(!text.contains(key["key"].as_str().unwrap()));
}
