//! Webhooks: who hears what, signed how, and what the log says.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::receiver::Receiver;
use crate::{Client, Story, start};

fn signature(secret: &str, body: &[u8]) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(body);
    Ok(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
}

#[tokio::test]
async fn a_push_is_signed_and_tells_what_changed() -> Story {
    let (sim, repo, _client) = start().await?;
    let receiver = Receiver::start().await?;
    sim.set_webhook_url(&receiver.url);
    let before = repo.head("main");
    let after = repo.push("main", &[("index.md", "two\n"), ("new.md", "new\n")]);
    sim.deliveries_idle().await;
    let received = receiver.take();
    assert_eq!(received.len(), 1);
    let hook = &received[0];
    assert_eq!(hook.event(), "push");
    let secret = sim.app().webhook_secret.unwrap_or_default();
    assert_eq!(hook.header("x-hub-signature-256"), signature(&secret, &hook.body)?);
    assert!(hook.header("user-agent").starts_with("GitHub-Hookshot/"));
    assert_eq!(hook.header("x-github-hook-installation-target-type"), "integration");
    let payload: Value = serde_json::from_slice(&hook.body)?;
    assert_eq!(payload["before"].as_str(), before.as_deref());
    assert_eq!(payload["after"], json!(after));
    assert_eq!(payload["commits"][0]["added"], json!(["new.md"]));
    assert_eq!(payload["commits"][0]["modified"], json!(["index.md"]));
    assert_eq!(payload["installation"]["id"], json!(sim.install("acme")));
    assert_eq!(payload["repository"]["full_name"], json!("acme/site"));
    assert_eq!(payload["sender"]["login"], json!("alice"));
    Ok(())
}

#[tokio::test]
async fn what_the_app_pushes_itself_comes_back_as_an_echo_of_its_bot() -> Story {
    let (sim, _repo, client) = start().await?;
    let put = client
        .put(
            "/repos/acme/site/contents/a.md",
            json!({
                "message": "Add", "content": "YQ==",
            }),
        )
        .await?;
    assert_eq!(put.status, 201);
    let pushes = sim.deliveries_of("push");
    let last = &pushes[pushes.len() - 1];
    assert_eq!(last.payload["sender"]["login"], json!("lockstep-sim[bot]"));
    assert_eq!(last.payload["sender"]["type"], json!("Bot"));
    assert_eq!(last.payload["after"], put.body["commit"]["sha"]);
    Ok(())
}

#[tokio::test]
async fn forms_carry_the_payload_and_are_signed_as_sent() -> Story {
    let (sim, repo, _client) = start().await?;
    let receiver = Receiver::start().await?;
    sim.set_webhook_url(&receiver.url);
    sim.set_webhook_content_type(true);
    repo.push("main", &[("a b&c.md", "x")]);
    sim.deliveries_idle().await;
    let received = receiver.take();
    let hook = &received[0];
    assert_eq!(hook.header("content-type"), "application/x-www-form-urlencoded");
    let secret = sim.app().webhook_secret.unwrap_or_default();
    assert_eq!(hook.header("x-hub-signature-256"), signature(&secret, &hook.body)?);
    let fields: Vec<_> = url::form_urlencoded::parse(&hook.body).collect();
    assert_eq!(fields[0].0, "payload");
    assert!(serde_json::from_str::<Value>(&fields[0].1).is_ok());
    Ok(())
}

#[tokio::test]
async fn failures_stand_in_the_log_and_a_redelivery_keeps_its_guid() -> Story {
    let (sim, repo, _client) = start().await?;
    let receiver = Receiver::start().await?;
    sim.set_webhook_url(&receiver.url);
    receiver.answer(500);
    for n in 0..3 {
        repo.push("main", &[("n", format!("{n}").as_str())]);
    }
    sim.deliveries_idle().await;
    receiver.answer(202);
    let app = Client::app(&sim)?;
    let page = app.get("/app/hook/deliveries?per_page=2&status=failure").await?;
    assert_eq!(page.body.as_array().map(Vec::len), Some(2));
    let next = page.header("link").trim_start_matches('<').split('>').next().unwrap_or_default();
    let rest = app.get(next).await?;
    assert_eq!(rest.body.as_array().map(Vec::len), Some(1), "{rest:?}");
    let oldest = &rest.body[0];
    assert_eq!(oldest["status_code"], json!(500));
    let path = format!("/app/hook/deliveries/{}", oldest["id"]);
    let whole = app.get(&path).await?;
    assert_eq!(whole.body["request"]["headers"]["X-GitHub-Delivery"], oldest["guid"]);
    assert_eq!(app.post(&format!("{path}/attempts"), json!({})).await?.status, 202);
    sim.deliveries_idle().await;
    let received = receiver.take();
    assert_eq!(received.len(), 4);
    assert_eq!(Some(received[3].header("x-github-delivery")), oldest["guid"].as_str());
    let newest = app.get("/app/hook/deliveries?per_page=1").await?;
    assert_eq!(newest.body[0]["redelivery"], json!(true));
    assert_eq!(newest.body[0]["status"], json!("OK"));
    Ok(())
}

#[tokio::test]
async fn deliveries_can_be_held_shuffled_doubled_and_lost() -> Story {
    let (sim, repo, _client) = start().await?;
    let receiver = Receiver::start().await?;
    sim.set_webhook_url(&receiver.url);
    sim.hold_webhooks();
    let pushed: Vec<String> = (0..8).map(|n| repo.push("main", &[("n", format!("{n}").as_str())])).collect();
    sim.deliveries_idle().await;
    assert!(receiver.take().is_empty());
    sim.release_webhooks(Some(7));
    sim.deliveries_idle().await;
    let heads = |received: Vec<crate::receiver::Received>| -> anyhow::Result<Vec<String>> {
        let parsed = received.iter().map(|it| serde_json::from_slice::<Value>(&it.body));
        let parsed: Vec<Value> = parsed.collect::<Result<_, _>>()?;
        Ok(parsed.iter().filter_map(|it| it["after"].as_str().map(str::to_owned)).collect())
    };
    let mut came = heads(receiver.take())?;
    assert_ne!(came, pushed);
    came.sort();
    let mut sorted = pushed.clone();
    sorted.sort();
    assert_eq!(came, sorted);
    sim.deliver_twice();
    repo.push("main", &[("n", "twice")]);
    sim.deliveries_idle().await;
    let twice = receiver.take();
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].header("x-github-delivery"), twice[1].header("x-github-delivery"));
    sim.clear_faults();
    sim.lose_webhooks(50);
    for n in 0..10 {
        repo.push("main", &[("n", format!("lost {n}").as_str())]);
    }
    sim.deliveries_idle().await;
    assert_eq!(receiver.take().len(), 5);
    Ok(())
}

#[tokio::test]
async fn branches_repositories_and_installations_are_told() -> Story {
    let (sim, repo, _client) = start().await?;
    repo.create_branch("topic", "main");
    repo.delete_branch("topic");
    repo.rename("web");
    repo.archive(true);
    repo.archive(false);
    repo.set_private(false);
    let installation = sim.install("acme");
    sim.suspend(installation);
    sim.unsuspend(installation);
    sim.set_permission(installation, "workflows", "none");
    sim.revoke_authorization("alice");
    repo.delete();
    sim.uninstall(installation);
    let told: Vec<String> = sim
        .deliveries()
        .iter()
        .map(|it| match &it.action {
            Some(action) => format!("{}.{action}", it.event),
            None => it.event.clone(),
        })
        .collect();
    let expected = [
        "installation.created",
        "create",
        "push",
        "delete",
        "push",
        "repository.renamed",
        "repository.archived",
        "repository.unarchived",
        "repository.publicized",
        "installation.suspend",
        "installation.unsuspend",
        "installation.new_permissions_accepted",
        "github_app_authorization.revoked",
        "repository.deleted",
        "installation.deleted",
    ];
    assert_eq!(told, expected);
    Ok(())
}

#[tokio::test]
async fn a_transfer_is_told_to_the_new_owner_only() -> Story {
    let (sim, repo, _client) = start().await?;
    sim.org("other", &[("carol", "admin")]);
    let theirs = sim.install("other");
    repo.transfer("other");
    let told = sim.deliveries_of("repository");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].action.as_deref(), told[0].installation), (Some("transferred"), Some(theirs)));
    assert_eq!(repo.full_name(), "other/site");
    Ok(())
}
