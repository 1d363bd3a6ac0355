//! Secrets stay out of logs, errors and debug prints.

use lockstep::config::{Config, Flags};

use super::least;
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
