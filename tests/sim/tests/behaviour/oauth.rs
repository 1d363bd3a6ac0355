//! The flows in browsers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Client, Story, start};

const VERIFIER: &str = "a-verifier-that-is-at-least-forty-three-characters-long";

fn authorize_url(sim: &github_sim::Sim) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    format!(
        "{}/login/oauth/authorize?client_id={}&state=st&code_challenge={challenge}\
         &code_challenge_method=S256&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb",
        sim.url(),
        sim.app().client_id
    )
}

fn code_of(location: &str) -> anyhow::Result<String> {
    let url = url::Url::parse(location)?;
    let found = url.query_pairs().find(|(name, _)| name == "code");
    Ok(found.map(|(_, code)| code.into_owned()).unwrap_or_default())
}

async fn token(sim: &github_sim::Sim, more: Value) -> anyhow::Result<Value> {
    let app = sim.app();
    let mut body = json!({ "client_id": app.client_id, "client_secret": app.client_secret });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    let client = Client::new(sim, None);
    let accept = [("accept", "application/json")];
    let path = "/login/oauth/access_token";
    let answer = client.send(Method::POST, path, Some(body), &accept).await?;
    anyhow::ensure!(answer.status == 200, "{answer:?}");
    Ok(answer.body)
}

#[tokio::test]
async fn a_person_authorizes_and_the_code_works_once_with_its_verifier() -> Story {
    let (sim, _repo, _client) = start().await?;
    let location = sim.authorize(&authorize_url(&sim), "alice").await?;
    assert!(location.starts_with("http://127.0.0.1:1/cb?code=") && location.ends_with("state=st"));
    let code = code_of(&location)?;
    let wrong = token(&sim, json!({ "code": code, "code_verifier": "wrong" })).await?;
    assert_eq!(wrong["error"], json!("bad_verification_code"));
    let code = code_of(&sim.authorize(&authorize_url(&sim), "alice").await?)?;
    let first = token(&sim, json!({ "code": code, "code_verifier": VERIFIER })).await?;
    assert_eq!(first["expires_in"], json!(28_800), "{first}");
    let again = token(&sim, json!({ "code": code, "code_verifier": VERIFIER })).await?;
    assert_eq!(again["error"], json!("bad_verification_code"));
    let access = first["access_token"].as_str().unwrap_or_default();
    let client = Client::new(&sim, Some(format!("Bearer {access}")));
    assert_eq!(client.get("/user").await?.body["login"], json!("alice"));
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": first["refresh_token"] });
    let second = token(&sim, refresh.clone()).await?;
    assert!(second["access_token"].is_string());
    assert_eq!(client.get("/user").await?.status, 401);
    assert_eq!(token(&sim, refresh).await?["error"], json!("bad_refresh_token"));
    Ok(())
}

#[tokio::test]
async fn a_refusal_and_a_wrong_secret_are_told() -> Story {
    let (sim, _repo, _client) = start().await?;
    let location = sim.refuse(&authorize_url(&sim), "alice").await?;
    assert!(location.contains("error=access_denied") && location.contains("state=st"));
    let wrong = token(&sim, json!({ "client_secret": "no", "code": "no" })).await?;
    assert_eq!(wrong["error"], json!("incorrect_client_credentials"));
    Ok(())
}

#[tokio::test]
async fn the_page_is_html_and_known_people_are_sent_on() -> Story {
    let (sim, _repo, _client) = start().await?;
    let (status, _, page) = sim.open(&authorize_url(&sim)).await?;
    assert!(status == 200 && page.contains("value=\"alice\""));
    let (_, _, page) = sim.open(&format!("{}&login=alice", authorize_url(&sim))).await?;
    assert!(page.contains("Authorize Lockstep Sim") && page.contains("Cancel"));
    sim.authorize(&authorize_url(&sim), "alice").await?;
    let (status, location, _) = sim.open(&format!("{}&login=alice", authorize_url(&sim))).await?;
    assert_eq!(status, 302);
    assert!(location.is_some_and(|it| it.contains("code=")));
    Ok(())
}

#[tokio::test]
async fn one_token_is_revoked_and_not_the_grant() -> Story {
    let (sim, _repo, _client) = start().await?;
    let (one, _) = sim.user_token("alice");
    let (other, refresh) = sim.user_token("alice");
    let app = sim.app();
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", app.client_id, app.client_secret));
    let client = Client::new(&sim, Some(format!("Basic {basic}")));
    let path = format!("/applications/{}/token", app.client_id);
    let body = json!({ "access_token": one });
    let checked = client.post(&path, body.clone()).await?;
    assert_eq!(checked.body["user"]["login"], json!("alice"), "{checked:?}");
    assert_eq!(client.send(Method::DELETE, &path, Some(body.clone()), &[]).await?.status, 204);
    assert_eq!(client.post(&path, body).await?.status, 404);
    assert!(!sim.is_live(&one) && sim.is_live(&other) && sim.is_live(&refresh));
    let path = format!("/applications/{}/grant", app.client_id);
    let body = json!({ "access_token": other });
    assert_eq!(client.send(Method::DELETE, &path, Some(body), &[]).await?.status, 204);
    assert!(!sim.is_live(&refresh));
    Ok(())
}

#[tokio::test]
async fn people_see_installations_and_what_they_may_do_there() -> Story {
    let (sim, repo, _client) = start().await?;
    let installation = sim.install("acme");
    sim.public_repo("acme/open").with(&[("a", "a")]);
    repo.collaborator("carol", "read");
    for (login, push) in [("alice", true), ("bob", false), ("carol", false)] {
        let client = Client::user(&sim, login);
        let list = client.get("/user/installations").await?;
        assert_eq!(list.body["installations"][0]["id"], json!(installation), "{login}");
        let path = format!("/user/installations/{installation}/repositories?per_page=1");
        let repositories = client.get(&path).await?;
        let first = &repositories.body["repositories"][0];
        assert_eq!(first["permissions"]["push"], json!(push), "{login}");
        assert!(login != "alice" || repositories.header("link").contains("rel=\"next\""));
    }
    sim.user("mallory");
    let stranger = Client::user(&sim, "mallory");
    assert_eq!(stranger.get("/user/installations").await?.body["total_count"], json!(0));
    assert_eq!(stranger.get("/repos/acme/site").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn an_app_is_installed_and_made_in_a_browser() -> Story {
    let (sim, repo, _client) = start().await?;
    sim.set_app_urls(&[], Some("http://127.0.0.1:1/setup"));
    sim.org("other", &[("dora", "admin")]);
    let theirs = sim.repo("other/one");
    let url = format!("{}/apps/lockstep-sim/installations/new?state=st", sim.url());
    let location = sim.install_in_browser(&url, "dora", "other", &[theirs.id()]).await?;
    assert!(location.starts_with("http://127.0.0.1:1/setup?installation_id="), "{location}");
    assert!(location.contains("setup_action=install") && location.contains("state=st"));
    let made = sim.installation("other");
    assert_eq!(made.map(|it| it.repositories), Some(vec![theirs.id()]));
    assert!(sim.install_in_browser(&url, "dora", "acme", &[repo.id()]).await.is_err());
    let manifest = json!({
        "name": "Made Here", "url": "https://example.com",
        "redirect_url": "http://127.0.0.1:1/setup/callback",
        "hook_attributes": { "url": "http://127.0.0.1:1/hook" },
        "callback_urls": ["http://127.0.0.1:1/cb"],
        "default_permissions": { "contents": "write" }, "default_events": ["push"],
    });
    let action = format!("{}/organizations/acme/settings/apps/new?state=xyz", sim.url());
    let location = sim.create_app_in_browser(&action, &manifest.to_string(), "alice").await?;
    assert!(location.ends_with("&state=xyz"));
    let client = Client::new(&sim, None);
    let path = format!("/app-manifests/{}/conversions", code_of(&location)?);
    let app = client.post(&path, json!({})).await?;
    assert_eq!((app.status, app.body["slug"].as_str()), (201, Some("made-here")));
    assert!(app.body["pem"].as_str().is_some_and(|it| it.contains("PRIVATE KEY")));
    assert_eq!(app.body["owner"]["login"], json!("acme"));
    assert_eq!(client.post(&path, json!({})).await?.status, 404);
    Ok(())
}
