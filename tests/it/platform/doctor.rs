//! `lockstep doctor`: each thing that is wrong is told apart, with its mend.

use std::collections::HashMap;

use crate::queue::Redis;
use crate::story::Story;
use crate::world::World;
use crate::world::process::{free_address, run};

/// What it prints, by name, and how it ends.
fn doctor(env: &HashMap<String, String>) -> (HashMap<String, String>, Option<i32>) {
    let output = run(&["doctor"], env);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| (line.split(' ').nth(1).unwrap().to_owned(), line.to_owned()));
    (lines.collect(), output.status.code())
}

fn env_of(story: &Story) -> HashMap<String, String> {
    let mut env = story.env.clone();
    env.insert("LOCKSTEP_PUBLIC_URL".to_owned(), story.public().base().to_owned());
    env
}

/// This one thing is wrong: its line names `what`, and the program ends with 1.
#[track_caller]
fn fails(env: &HashMap<String, String>, name: &str, what: &str) {
    let (lines, code) = doctor(env);
    let line = &lines[name];
    assert!(line.starts_with(&format!("FAIL {name} ")) && line.contains(what), "{lines:#?}");
    assert!(line.split_once(": ").is_some_and(|(_, mend)| !mend.is_empty()), "{line} has no mend");
    assert_eq!(code, Some(1));
}

#[actix_web::test]
async fn all_is_well() {
    let story = Story::start().await;
    story.drain().await;
    let (lines, code) = blocking(env_of(&story)).await;
    for name in ["config", "postgres", "redis", "github_app", "permissions", "events", "webhook"] {
        assert!(lines[name].starts_with(&format!("ok {name} ")), "{lines:#?}");
    }
    assert_eq!(code, Some(0));
}

/// The test's own runtime has to go on serving while the command runs.
async fn blocking(env: HashMap<String, String>) -> (HashMap<String, String>, Option<i32>) {
    tokio::task::spawn_blocking(move || doctor(&env)).await.unwrap()
}

/// As `fails`, after one variable was set otherwise.
async fn fails_with(story: &Story, change: (&str, &str), name: &'static str, what: &'static str) {
    let mut env = env_of(story);
    env.insert(format!("LOCKSTEP_{}", change.0), change.1.to_owned());
    tokio::task::spawn_blocking(move || fails(&env, name, what)).await.unwrap();
}

async fn fails_now(story: &Story, name: &'static str, what: &'static str) {
    let env = env_of(story);
    tokio::task::spawn_blocking(move || fails(&env, name, what)).await.unwrap();
}

#[actix_web::test]
async fn configuration_and_services() {
    let story = Story::start().await;
    let nobody = free_address();
    let database = url::Url::parse(&story.env["LOCKSTEP_DATABASE_URL"]).unwrap();
    let with = |change: fn(&mut url::Url)| {
        let mut url = database.clone();
        change(&mut url);
        url.to_string()
    };
    let stranger = with(|url| url.set_password(Some("wrong")).unwrap());
    let nowhere = with(|url| url.set_path("nowhere_at_all"));
    let redis = url::Url::parse(&story.env["LOCKSTEP_REDIS_URL"]).unwrap();
    let mut open = redis.clone();
    open.set_password(Some("wrong")).unwrap();
    fails_with(&story, ("WORKERS", "none"), "config", "LOCKSTEP_WORKERS").await;
    fails_with(&story, ("DATABASE_URL", &format!("postgres://u:p@{nobody}/d")), "postgres", "host and port").await;
    fails_with(&story, ("DATABASE_URL", &stranger), "postgres", "check user and password").await;
    fails_with(&story, ("DATABASE_URL", &nowhere), "postgres", "create the database").await;
    fails_with(&story, ("REDIS_URL", &format!("redis://{nobody}")), "redis", "host, port and scheme").await;
    fails_with(&story, ("REDIS_URL", open.as_str()), "redis", "check user and password").await;
    let later =
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (9999, 'later', '', '')";
    story.sql().await.batch_execute(later).await.unwrap();
    fails_now(&story, "postgres", "of a later version").await;
    story.sql().await.batch_execute("DELETE FROM refinery_schema_history WHERE version = 9999").await.unwrap();
    story.drain().await;
}

#[actix_web::test]
async fn a_database_role_without_rights() {
    let story = Story::start().await;
    let role = format!("lockstep_reader_{}", std::process::id());
    let sql = story.sql().await;
    sql.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'reads'")).await.unwrap();
    let mut url = url::Url::parse(&story.env["LOCKSTEP_DATABASE_URL"]).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("reads")).unwrap();
    sql.batch_execute(&format!("GRANT SELECT ON refinery_schema_history TO {role}")).await.unwrap();
    fails_with(&story, ("DATABASE_URL", url.as_str()), "postgres", "GRANT it SELECT, INSERT").await;
    sql.batch_execute("DELETE FROM refinery_schema_history").await.unwrap();
    fails_with(&story, ("DATABASE_URL", url.as_str()), "postgres", "GRANT CREATE ON SCHEMA").await;
    let read_only = format!("ALTER ROLE {role} SET default_transaction_read_only = on");
    sql.batch_execute(&read_only).await.unwrap();
    fails_with(&story, ("DATABASE_URL", url.as_str()), "postgres", "at the primary").await;
    sql.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    story.drain().await;
}

#[actix_web::test]
async fn a_redis_that_may_lose_what_it_was_given() {
    let story = Story::start().await;
    let redis = Redis::start();
    let url = redis.url();
    redis.ask::<()>("CONFIG SET maxmemory-policy allkeys-lru");
    fails_with(&story, ("REDIS_URL", &url), "redis", "set maxmemory-policy noeviction").await;
    redis.ask::<()>("CONFIG SET maxmemory-policy noeviction");
    redis.ask::<()>("CONFIG SET appendonly no");
    fails_with(&story, ("REDIS_URL", &url), "redis", "set appendonly yes").await;
    redis.ask::<()>("CONFIG SET appendonly yes");
    redis.ask::<()>("CONFIG SET maxmemory 1");
    fails_with(&story, ("REDIS_URL", &url), "redis", "give Redis more memory").await;
    redis.ask::<()>("CONFIG SET maxmemory 0");
    redis.ask::<()>("REPLICAOF 127.0.0.1 9");
    fails_with(&story, ("REDIS_URL", &url), "redis", "at the primary").await;
    story.drain().await;
}

#[actix_web::test]
async fn the_app_and_its_credentials() {
    let story = Story::start().await;
    let other = story.github.other_private_key();
    fails_with(&story, ("GITHUB_APP_PRIVATE_KEY", &other), "github_app", "not this App's").await;
    fails_with(&story, ("GITHUB_CLIENT_ID", "Iv1.unknown"), "github_app", "there is no such App").await;
    fails_with(&story, ("GITHUB_APP_ID", "987654"), "github_app", "correct LOCKSTEP_GITHUB_APP_ID").await;
    fails_with(&story, ("GITHUB_APP_SLUG", "other"), "github_app", "LOCKSTEP_GITHUB_APP_SLUG").await;
    fails_with(&story, ("GITHUB_CLIENT_SECRET", "of-another-app"), "github_app", "LOCKSTEP_GITHUB_CLIENT_SECRET").await;
    let nobody = format!("http://{}", free_address());
    fails_with(&story, ("GITHUB_WEB_URL", &nobody), "github_app", "LOCKSTEP_GITHUB_WEB_URL").await;
    fails_with(&story, ("GITHUB_API_URL", &nobody), "github_app", "LOCKSTEP_GITHUB_API_URL").await;
    fails_with(&story, ("GITHUB_API_URL", &nobody), "webhook", "mend github_app first").await;
    let own = story.github.app().private_key;
    story.github.advance(3600);
    fails_with(&story, ("GITHUB_APP_PRIVATE_KEY", &own), "github_app", "clock").await;
    story.github.advance(-3600);
    story.drain().await;
}

#[actix_web::test]
async fn permissions_and_installations() {
    let story = Story::start().await;
    story.github.suspend(story.installation);
    fails_now(&story, "permissions", "at acme is suspended").await;
    story.github.unsuspend(story.installation);
    story.github.set_permission(story.installation, "pull_requests", "read");
    fails_now(&story, "permissions", "has not granted pull_requests: write").await;
    story.github.set_app_permission("checks", "none");
    fails_now(&story, "permissions", "the App lacks checks: read").await;
    story.github.set_app_events(&["push", "create", "delete", "pull_request", "check_run", "status", "repository"]);
    fails_now(&story, "events", "not subscribed to pull_request_review, check_suite").await;
    story.drain().await;
}

#[actix_web::test]
async fn no_app_or_one_that_cannot_be_read() {
    let world = World::plan().start().await;
    let env = world.env.clone();
    tokio::task::spawn_blocking(move || fails(&env, "github_app", "there is no GitHub App yet")).await.unwrap();
    let other = lockstep::vault::Vault::new(&[77; 32], &[]);
    let context = lockstep::vault::Context { table: "github_app", row: "1", user: "" };
    let of_another_key = other.seal(context, b"secret").unwrap();
    for (stored, what) in
        [(of_another_key, "LOCKSTEP_ENCRYPTION_KEYS"), (b"x".to_vec(), "restore the table github_app")]
    {
        let store = "INSERT INTO github_app (app_id, slug, client_id, private_key_enc, client_secret_enc,
                                             webhook_secret_enc)
                     VALUES (1, 'a', 'Iv1.a', $1, $1, $1)";
        world.sql().await.batch_execute("DELETE FROM github_app").await.unwrap();
        world.sql().await.execute(store, &[&stored]).await.unwrap();
        let env = world.env.clone();
        tokio::task::spawn_blocking(move || fails(&env, "github_app", what)).await.unwrap();
    }
}

#[actix_web::test]
async fn the_webhook_as_github_reports_it() {
    let story = Story::start().await;
    story.github.set_webhook_url("http://127.0.0.1:9/elsewhere");
    fails_now(&story, "webhook", "GitHub sends webhooks to http://127.0.0.1:9/elsewhere").await;
    let nobody = format!("http://{}", free_address());
    story.github.set_webhook_url(&format!("{nobody}/webhooks/github"));
    story.github.ping();
    story.github.deliveries_idle().await;
    fails_with(&story, ("PUBLIC_URL", &nobody), "webhook", "let GitHub reach it").await;
    let here = story.public().base().to_owned();
    story.github.set_webhook_url(&format!("{here}/webhooks/github"));
    story.github.set_webhook_secret("another-secret");
    story.github.ping();
    story.github.deliveries_idle().await;
    fails_now(&story, "webhook", "to the same value").await;
    story.github.set_webhook_url(&format!("{here}/elsewhere"));
    story.github.ping();
    story.github.deliveries_idle().await;
    story.github.set_webhook_url(&format!("{here}/webhooks/github"));
    fails_now(&story, "webhook", "something else answers there").await;
    story.drain().await;
}
