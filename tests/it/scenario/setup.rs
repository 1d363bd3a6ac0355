//! First run: from nothing to a GitHub App in one click.

use std::time::{Duration, Instant};

use github_sim::{Options, Sim};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::town::{Browser, Town, without_app};
use crate::story::Story;
use crate::world::database::Database;
use crate::world::process::Program;
use crate::world::redis::Prefix;
use crate::world::{API_KEY, World};

async fn fresh() -> (World, Sim) {
    let github = Sim::start(Options { without_app: true, ..Options::default() }).await.unwrap();
    let world = without_app(World::plan(), &github).start().await;
    (world, github)
}

/// The token that `serve` tells on stderr.
async fn token(world: &World) -> String {
    let told = std::sync::Mutex::new(String::new());
    let stop = tokio_util::sync::CancellationToken::new();
    let tell = |url: &str| {
        url.clone_into(&mut told.lock().unwrap());
        stop.cancel();
    };
    world.engine.watch_app(&stop, tell).await;
    let url = told.into_inner().unwrap();
    let prefix = format!("{}/setup?token=", world.public().base());
    url.strip_prefix(&prefix).unwrap_or_else(|| panic!("{url}")).to_owned()
}

/// The form's address and its manifest.
pub fn form(page: &str) -> (String, String) {
    let between = |start: &str| {
        let rest = page.split_once(start).unwrap_or_else(|| panic!("{start} in {page}")).1;
        unescaped(rest.split_once('"').unwrap().0)
    };
    (between("<form method=\"post\" action=\""), between("name=\"manifest\" value=\""))
}

fn unescaped(text: &str) -> String {
    let pairs = [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[tokio::test]
async fn one_click_makes_the_app_for_all_replicas() {
    let (world, github) = fresh().await;
    let token = token(&world).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.open("/setup").await.status, 403);
    assert_eq!(browser.open("/setup?token=wrong").await.status, 403);
    let page = browser.open(&format!("/setup?token={token}")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").contains(&format!("form-action 'self' {};", github.url())));
    let (action, manifest) = form(&page.text());
    assert!(action.starts_with(&format!("{}/settings/apps/new?state=", github.url())), "{action}");
    let shown: Value = serde_json::from_str(&manifest).unwrap();
    let public = world.public();
    assert_eq!(shown["redirect_url"], format!("{}/setup/callback", public.base()));
    assert_eq!(shown["default_permissions"]["workflows"], "write");
    let back = github.create_app_in_browser(&action, &manifest, "ada").await.unwrap();
    let done = browser.open(&back).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(browser.open(&back).await.status, 404);
    assert_eq!(browser.open(&format!("/setup?token={token}")).await.status, 404);
    assert_eq!(world.internal().get("/readyz").await.expect(200)["github"], "ok");
    let app = world.engine.github.app().unwrap();
    assert_eq!(app.slug, github.app().slug);
    // A replica that started before takes it over; one that starts now has it.
    let config = lockstep::config::Config::load(&lockstep::config::Flags::none(), &world.env).unwrap();
    let other = lockstep::app::App::build(config, lockstep::app::Role::Web).await.unwrap();
    other.engine().store.migrate().await.unwrap();
    assert!(other.engine().github.app().is_none());
    other.engine().reload_app().await.unwrap();
    assert_eq!(other.engine().github.app().unwrap().client_id, github.app().client_id);
    let rows = world.sql().await.query("SELECT t::text FROM github_app t", &[]).await.unwrap();
    let row: String = rows[0].get(0);
    for secret in [&github.app().client_secret, &github.app().webhook_secret.unwrap()] {
        assert!(!row.contains(secret.as_str()) && !row.contains(&hex::encode(secret)));
    }
    let audit = "SELECT count(*) FROM events WHERE action = 'app.created' AND actor_type = 'operator'";
    let audited: i64 = world.sql().await.query_one(audit, &[]).await.unwrap().get(0);
    assert_eq!(audited, 1);
}

#[tokio::test]
async fn an_organization_can_own_it() {
    let (world, github) = fresh().await;
    github.org("guild", &[("ada", "admin")]);
    let token = token(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&format!("/setup?token={token}&organization=guild")).await;
    let (action, manifest) = form(&page.text());
    assert!(action.starts_with(&format!("{}/organizations/guild/settings/apps/new?state=", github.url())), "{action}");
    let back = github.create_app_in_browser(&action, &manifest, "ada").await.unwrap();
    assert_eq!(browser.open(&back).await.status, 200);
    assert_eq!(browser.open(&format!("/setup?token={token}&organization=a%22b")).await.status, 404);
}

#[tokio::test]
async fn the_token_is_asked_for_before_anything_else() {
    let (world, _github) = fresh().await;
    let token = token(&world).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.open("/setup?organization=a%22b").await.status, 403);
    assert_eq!(browser.open(&format!("/setup?token={token}&organization=a%22b")).await.status, 422);
    assert_eq!(browser.open(&format!("/setup?token={token}&organization=..%2f..")).await.status, 422);
    world.public().get("/setup?token=wrong").await.problem(403, "forbidden");
    world.public().get("/setup/callback?state=x&code=y").await.problem(400, "malformed");
    let states: i64 = world.sql().await.query_one("SELECT count(*) FROM setup_states", &[]).await.unwrap().get(0);
    assert_eq!(states, 0, "only the page with a form has a state");
}

/// From the page to GitHub and back: where GitHub sends the browser.
async fn there_and_back(world: &World, github: &Sim, browser: &mut Browser) -> String {
    let page = browser.open(&format!("/setup?token={}", token(world).await)).await;
    let (action, manifest) = form(&page.text());
    let mut manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["name"] = json!(format!("Lockstep {}", github.apps().len()));
    github.create_app_in_browser(&action, &manifest.to_string(), "ada").await.unwrap()
}

#[tokio::test]
async fn a_code_that_github_does_not_know_stores_nothing() {
    let (world, github) = fresh().await;
    let mut browser = Browser::new(&world);
    let back = there_and_back(&world, &github, &mut browser).await;
    let code = url::Url::parse(&back).unwrap().query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    assert_eq!(
        browser.open(&back.replace(&format!("code={code}&"), "")).await.status,
        400,
        "and the state is not used up"
    );
    let answer = browser.open(&back.replace(&code, "another")).await;
    assert_eq!((answer.status, answer.header("location")), (400, ""));
    assert!(answer.text().contains("<h1>"), "{}", answer.text());
    assert!(world.engine.github.app().is_none());
    assert_eq!(browser.open(&back).await.status, 400, "a state is good once");
    let second = there_and_back(&world, &github, &mut browser).await;
    assert_eq!(browser.open(&second).await.status, 200);
}

#[tokio::test]
async fn while_github_does_not_answer_the_page_can_be_opened_again() {
    let (world, github) = fresh().await;
    let mut browser = Browser::new(&world);
    let back = there_and_back(&world, &github, &mut browser).await;
    github.fail_next("/conversions", 1, 502);
    assert_eq!(browser.open(&back).await.status, 503);
    assert!(world.engine.github.app().is_none());
    assert_eq!(browser.open(&back).await.status, 200);
    assert_eq!(world.engine.github.app().unwrap().slug, github.app().slug);
}

#[tokio::test]
async fn an_app_without_a_webhook_secret_is_given_one() {
    let (world, github) = fresh().await;
    github.make_apps_without_secret();
    let mut browser = Browser::new(&world);
    let back = there_and_back(&world, &github, &mut browser).await;
    github.fail_next("PATCH /app/hook/config", 1, 502);
    assert_eq!(browser.open(&back).await.status, 200, "the App is kept, whether or not GitHub can be told now");
    assert_eq!(github.app().webhook_secret, None);
    let stop = tokio_util::sync::CancellationToken::new();
    world.engine.watch_app(&stop, |_| panic!("there is an App")).await;
    let secret = github.app().webhook_secret.unwrap();
    assert_eq!(secret, *world.engine.github.app().unwrap().webhook_secret);
    github.reset_requests();
    world.engine.watch_app(&stop, |_| panic!("there is an App")).await;
    assert_eq!(github.count("PATCH /app/hook/config"), 0, "once");
    github.ping();
    github.deliveries_idle().await;
    assert_eq!(github.deliveries().last().unwrap().status_code, 202);
    world.engine.queue.clear().await.unwrap();
}

#[tokio::test]
async fn an_enterprise_server_has_its_own_addresses() {
    let github = Sim::start(Options { without_app: true, ..Options::default() }).await.unwrap();
    github.be_enterprise_server();
    let api = format!("{}/api/v3", github.url());
    let world = World::plan().set("GITHUB_API_URL", api).set("GITHUB_WEB_URL", github.url()).start().await;
    let mut browser = Browser::new(&world);
    let back = there_and_back(&world, &github, &mut browser).await;
    assert_eq!(browser.open(&back).await.status, 200);
    assert!(github.unknown_requests().is_empty(), "{:?}", github.unknown_requests());

    let town = Town::of(Story::at("/api/v3", |plan| plan).await);
    town.github.be_enterprise_server();
    town.github.user("ada");
    town.github.install("ada");
    town.authorize("site", "u_1", "ada").await;
    town.commit_at_once("site").await;
    let change =
        |event: &str| json!({ "event_id": event, "changes": [{ "op": "put", "path": "a.txt", "content": event }] });
    town.host().post("/v1/projects/site/changes", &change("one")).await.expect(202);
    let body = json!({ "user": "u_1", "owner": "ada", "name": "site", "visibility": "private" });
    town.host().post("/v1/projects/site/repository", &body).await.expect(201);
    town.drain().await;
    town.host().post("/v1/projects/site/changes", &change("two")).await.expect(202);
    town.drain().await;
    assert_eq!(town.github.find_repo("ada/site").unwrap().text("main", "a.txt").as_deref(), Some("two"));
    assert!(town.github.count("createCommitOnBranch") > 0);
    assert!(town.github.unknown_requests().is_empty(), "{:?}", town.github.unknown_requests());
}

#[tokio::test]
async fn replicas_tell_one_token_and_use_one_app() {
    let github = Sim::start(Options { without_app: true, ..Options::default() }).await.unwrap();
    let (database, prefix) = (Database::empty().await, Prefix::new());
    let mut env = crate::platform::least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    env.insert("LOCKSTEP_REDIS_PREFIX".to_owned(), prefix.0.clone());
    for (name, value) in [
        ("GITHUB_API_URL", github.url()),
        ("GITHUB_WEB_URL", github.url()),
        ("PUBLIC_URL", "https://sync.example"),
        ("API_KEYS", API_KEY),
    ] {
        env.insert(format!("LOCKSTEP_{name}"), value.to_owned());
    }
    let programs = [
        Program::serve(&["--role", "web"], &env),
        Program::serve(&["--role", "web"], &env),
        Program::serve(&["--role", "worker"], &env),
    ];
    let told = programs[0].setup_url().await;
    for program in &programs {
        program.until("/readyz", 200).await;
        assert_eq!(program.setup_url().await, told);
    }
    let page = told.strip_prefix("https://sync.example").unwrap();
    assert!(page.starts_with("/setup?token="), "{told}");
    let (action, manifest) = form(&Browser::of(programs[0].public()).open(page).await.text());
    let back = github.create_app_in_browser(&action, &manifest, "ada").await.unwrap();
    let back = back.strip_prefix("https://sync.example").unwrap();
    // GitHub's redirect may come to any of them.
    assert_eq!(Browser::of(programs[1].public()).open(back).await.status, 200);
    let made = Instant::now();
    for program in &programs {
        let uses = async || program.internal().get("/readyz").await.expect(200)["github"] == "ok";
        program.wait_for("the App", uses).await;
        assert!(made.elapsed() < Duration::from_secs(5), "it took {:?}", made.elapsed());
    }
    for (number, program) in programs[..2].iter().enumerate() {
        assert_eq!(Browser::of(program.public()).open(page).await.status, 404);
        let host = program.internal().with_token(API_KEY);
        host.post("/v1/projects/site/connect", &json!({ "user": "u_1" })).await.expect(200);
        let (signed, id) = (signature(&github.app().webhook_secret.unwrap(), b"{}"), format!("ping-{number}"));
        let headers = [
            ("x-github-event", "ping"),
            ("x-github-delivery", id.as_str()),
            ("content-type", "application/json"),
            ("x-hub-signature-256", signed.as_str()),
        ];
        let webhook = program.public().send(http::Method::POST, "/webhooks/github", &headers, b"{}".to_vec()).await;
        webhook.expect(202);
    }
    drop(programs);
    database.remove().await;
    prefix.remove(&env["LOCKSTEP_REDIS_URL"]).await;
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn with_a_key_that_is_lost_the_setup_begins_anew() {
    let (world, _github) = fresh().await;
    let first = token(&world).await;
    let vault = lockstep::vault::Vault::new(&[9; 32], &[]);
    let second = world.engine.store.setup_token(&vault, "another-token").await.unwrap();
    assert_eq!(*second, "another-token");
    assert_ne!(*second, first);
    assert_eq!(*world.engine.store.setup_token(&vault, "a third").await.unwrap(), "another-token");
}

#[tokio::test]
async fn a_state_that_is_not_ours_stores_nothing() {
    let (world, github) = fresh().await;
    let token = token(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&format!("/setup?token={token}")).await;
    let (action, manifest) = form(&page.text());
    let back = github.create_app_in_browser(&action, &manifest, "mallory").await.unwrap();
    let code = url::Url::parse(&back).unwrap().query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    for query in [String::new(), format!("?code={code}"), format!("?code={code}&state=x")] {
        let answer = browser.open(&format!("/setup/callback{query}")).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""));
    }
    assert!(world.engine.github.app().is_none());
}

#[tokio::test]
async fn without_an_app_there_is_no_connecting() {
    let (world, _github) = fresh().await;
    assert_eq!(world.internal().get("/readyz").await.expect(200)["github"], "not configured");
    let body = json!({ "user": "u_1" });
    world.host().post("/v1/projects/site/connect", &body).await.problem(503, "unavailable");
    let body = json!({ "user": "u_1", "owner": "ada", "name": "site", "visibility": "private" });
    world.host().post("/v1/projects/site/repository", &body).await.problem(503, "unavailable");
    let body = json!({ "user": "u_1", "installation_id": 1, "repository": "ada/site" });
    world.host().put("/v1/projects/site/integration", &body).await.problem(503, "unavailable");
    let headers = [("x-github-event", "ping"), ("x-github-delivery", "1"), ("content-type", "application/json")];
    let webhook = world.public().send(http::Method::POST, "/webhooks/github", &headers, b"{}".to_vec()).await;
    webhook.problem(503, "unavailable");
    world.host().get("/v1/projects/site").await.problem(404, "not_found");
    assert_eq!(token(&world).await, token(&world).await, "there is one token");
}
