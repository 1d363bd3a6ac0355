//! Secrets stay out of logs, errors and debug prints.

use lockstep::config::{Config, Flags};

use super::least;
use crate::story::Story;
use crate::world::API_KEY;
use crate::world::database::Database;
use crate::world::process::Program;

const PEM: &str = include_str!("../../sim/src/keys/app.pem");

/// Every secret of the configuration, each with something to look for.
fn with_secrets() -> (std::collections::HashMap<String, String>, Vec<String>) {
    let mut env = least();
    let secrets = [
        ("API_KEYS", "needle-api-key-0123456789-0123456789-x"),
        ("GITHUB_CLIENT_SECRET", "needle-client-secret"),
        ("GITHUB_WEBHOOK_SECRET", "needle-webhook-secret"),
        ("NOTIFY_SECRET", "whsec_bmVlZGxlLW5vdGlmeS1zZWNyZXQ="),
        ("GITHUB_APP_PRIVATE_KEY", PEM),
        ("ENCRYPTION_KEYS", "bmVlZGxlLW5lZWRsZS1uZWVkbGUtbmVlZGxlLWFiY2Q="),
    ];
    let plain = [
        ("GITHUB_APP_ID", "7"),
        ("GITHUB_APP_SLUG", "lockstep"),
        ("GITHUB_CLIENT_ID", "Iv1.a"),
        ("NOTIFY_URL", "http://127.0.0.1:9/"),
        ("GITHUB_API_URL", "http://127.0.0.1:9"),
        ("LOG", "trace"),
    ];
    for (name, value) in secrets.iter().chain(&plain) {
        env.insert(format!("LOCKSTEP_{name}"), (*value).to_owned());
    }
    let mut needles: Vec<String> = secrets.iter().map(|(_, value)| (*value).to_owned()).collect();
    needles.push(PEM.lines().nth(3).unwrap().to_owned());
    needles.push("needle".to_owned());
    (env, needles)
}

#[test]
fn debug_prints_of_the_configuration_show_none() {
    let (mut env, needles) = with_secrets();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), "postgres://u:needle-database@h/d".to_owned());
    env.insert("LOCKSTEP_REDIS_URL".to_owned(), "redis://:needle-redis@h".to_owned());
    let text = format!("{:?}", Config::load(&Flags::none(), &env).unwrap());
    for needle in needles {
        assert!(!text.contains(&needle), "{needle} in {text}");
    }
}

#[actix_web::test]
async fn the_log_shows_none_even_when_everything_is_logged() {
    let database = Database::create().await;
    let (mut env, mut needles) = with_secrets();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    for name in ["LOCKSTEP_DATABASE_URL", "LOCKSTEP_REDIS_URL"] {
        let url = url::Url::parse(&env[name]).unwrap();
        needles.extend(url.password().map(str::to_owned));
    }
    let program = Program::serve(&[], &env);
    program.until("/readyz", 200).await;
    let host = program.internal().with_token(&env["LOCKSTEP_API_KEYS"]);
    host.get("/v1/projects/site/nothing").await.problem(404, "not_found");
    let body = serde_json::json!({ "user": { "id": "u" }, "role": "viewer" });
    let made = host.post("/v1/projects/site/panel-sessions", &body).await;
    needles.push(made.expect(201)["token"].as_str().unwrap().to_owned());
    let log = program.log();
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "not all JSON:\n{log}");
    for needle in needles {
        assert!(!log.contains(&needle), "{needle} in the log");
    }
    drop(program);
    database.remove().await;
}

/// `gho_`, `ghs_`, `ghu_`, `ghr_` and more: a token, or a part of one that is long enough to be none by chance.
fn token_in(log: &str) -> Option<&str> {
    log.match_indices("gh").map(|(at, _)| &log[at..]).find(|rest| {
        let (head, tail) = rest.split_at(rest.len().min(4));
        let kind = head.len() == 4 && head.ends_with('_') && head.as_bytes()[2].is_ascii_lowercase();
        kind && tail.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')).count() >= 20
    })
}

#[test]
fn tokens_are_found() {
    assert!(token_in("a ghs_0123456789abcdefghijABCDEFGHIJ012345 b").is_some());
    assert!(token_in("ghosts high_voltage_installations_in_the_lower_yard ghu_short").is_none());
}

#[actix_web::test]
async fn tokens_of_people_and_installations_stay_out_of_the_log() {
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await;
    site.authorize().await;
    let mut env = story.env.clone();
    env.insert("LOCKSTEP_LOG".to_owned(), "trace".to_owned());
    let mut program = Program::serve(&[], &env);
    program.until("/readyz", 200).await;
    let host = program.internal().with_token(API_KEY);
    host.get(&site.path("/repositories?user=ada")).await.expect(200);
    let body =
        serde_json::json!({ "user": "ada", "installation_id": story.installation, "repository": repo.full_name() });
    host.put(&site.path("/integration"), &body).await.expect(201);
    let change = serde_json::json!({ "event_id": "1", "changes": [{ "op": "put", "path": "a", "content": "1" }] });
    host.post(&site.path("/changes"), &change).await.expect(202);
    while repo.text("main", "a").is_none() {
        tokio::task::yield_now().await;
    }
    host.delete(&site.path("/integration")).await;
    program.terminate();
    assert_eq!(program.ended(std::time::Duration::from_secs(20)).await.code(), Some(0));
    let log = program.log();
    assert!(log.contains("github request"), "requests to GitHub are logged");
    assert_eq!(token_in(&log).map(|found| &found[..found.len().min(60)]), None);
    let app = story.github.app();
    for needle in [API_KEY, &app.client_secret, app.webhook_secret.as_deref().unwrap(), "PRIVATE KEY", "Bearer ey"] {
        assert!(!log.contains(needle), "{needle} in the log");
    }
    story.drain().await;
}
