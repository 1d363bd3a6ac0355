//! Apps, tokens and who may do what.

use serde_json::json;

use crate::client::jwt;
use crate::{Client, Story, start};

#[tokio::test]
async fn an_app_proves_itself_with_a_short_lived_jwt_of_its_own_key() -> Story {
    let (sim, _repo, _client) = start().await?;
    let app = sim.app();
    let cases = [
        (app.private_key.clone(), 0, 300, 200),
        (app.private_key.clone(), -60, 600, 200),
        (app.private_key.clone(), 0, 660, 401),
        (app.private_key.clone(), -600, -1, 401),
        (app.private_key.clone(), 120, 300, 401),
        (sim.other_private_key(), 0, 300, 401),
    ];
    for (key, issued, expires, status) in cases {
        let token = jwt(&app, &key, issued, expires)?;
        let client = Client::new(&sim, Some(format!("Bearer {token}")));
        let answer = client.get("/app").await?;
        assert_eq!(answer.status, status, "{issued} {expires} {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn tokens_are_narrowed_and_expire() -> Story {
    let (sim, repo, _client) = start().await?;
    let other = sim.repo("acme/other").with(&[("a", "a")]);
    let installation = sim.install("acme");
    let app = Client::app(&sim)?;
    let minted = app
        .post(
            &format!("/app/installations/{installation}/access_tokens"),
            json!({
                "repository_ids": [repo.id()], "permissions": { "contents": "read" },
            }),
        )
        .await?;
    assert_eq!(minted.status, 201, "{minted:?}");
    let token = minted.body["token"].as_str().unwrap_or_default();
    let client = Client::new(&sim, Some(format!("token {token}")));
    assert_eq!(client.get("/repos/acme/site").await?.status, 200);
    assert_eq!(client.get(&format!("/repositories/{}", other.id())).await?.status, 404);
    let body = json!({ "content": "a" });
    let blob = client.post("/repos/acme/site/git/blobs", body).await?;
    assert_eq!((blob.status, blob.message()), (403, "Resource not accessible by integration"));
    sim.advance(3_601);
    assert_eq!(client.get("/repos/acme/site").await?.message(), "Bad credentials");
    sim.suspend(installation);
    let path = format!("/app/installations/{installation}/access_tokens");
    let refused = Client::app(&sim)?.post(&path, json!({})).await?;
    assert_eq!(refused.status, 401);
    Ok(())
}
