//! First run: from nothing to a GitHub App in one click.

use github_sim::{Options, Sim};
use serde_json::{Value, json};

use super::town::{Browser, without_app};
use crate::world::World;

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
fn form(page: &str) -> (String, String) {
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
    let bad = browser.open(&format!("/setup?token={token}&organization=a%22b")).await;
    assert!(bad.status >= 400);
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
    assert_eq!(token(&world).await, token(&world).await, "there is one token");
}
