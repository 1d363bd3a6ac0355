//! Misbehaviour on order.

use std::time::{Duration, Instant};

use github_sim::Lie;
use serde_json::json;

use crate::{Client, Story, start};

fn file(content: &str) -> serde_json::Value {
    json!({ "message": "Change", "content": content })
}

#[tokio::test]
async fn an_answer_lost_after_the_fact_leaves_the_commit() -> Story {
    let (sim, repo, client) = start().await?;
    let before = repo.head("main");
    sim.drop_response_after_apply("PUT /repos/{owner}/{repo}/contents");
    assert!(client.put("/repos/acme/site/contents/a", file("YQ==")).await.is_err());
    assert_ne!(repo.head("main"), before);
    let now = repo.head("main");
    sim.drop_before_apply("contents");
    assert!(client.put("/repos/acme/site/contents/b", file("YQ==")).await.is_err());
    assert_eq!(repo.head("main"), now);
    assert_eq!(sim.requests().iter().filter(|it| it.status == 0).count(), 2);
    Ok(())
}

#[tokio::test]
async fn failures_come_as_json_or_html_and_as_often_as_ordered() -> Story {
    let (sim, _repo, client) = start().await?;
    sim.fail_next("branches", 2, 502);
    sim.html_error_next("branches", 500);
    let statuses = [502, 502, 500, 200];
    for status in statuses {
        assert_eq!(client.get("/repos/acme/site/branches").await?.status, status);
        assert_eq!(client.get("/repos/acme/site").await?.status, 200);
    }
    sim.fail_next("", 1, 503);
    assert_eq!(client.get("/repos/acme/site").await?.status, 503);
    Ok(())
}

#[tokio::test]
async fn lies_are_told_with_status_200() -> Story {
    let (sim, repo, client) = start().await?;
    let before = repo.head("main");
    sim.lie_next("contents", Lie::NotApplied);
    let put = client.put("/repos/acme/site/contents/a", file("YQ==")).await?;
    assert_eq!(put.status, 201);
    assert_eq!(repo.head("main"), before);
    sim.lie_next("branches", Lie::Truncated);
    let cut = client.get("/repos/acme/site/branches").await?;
    assert!(cut.status == 200 && cut.body.is_null() && !cut.bytes.is_empty());
    sim.lie_next("branches", Lie::Empty);
    assert!(client.get("/repos/acme/site/branches").await?.bytes.is_empty());
    sim.lie_next("branches", Lie::Blank);
    assert_eq!(client.get("/repos/acme/site/branches").await?.body, json!({}));
    Ok(())
}

#[tokio::test]
async fn somebody_pushes_in_between() -> Story {
    let (sim, repo, client) = start().await?;
    let head = repo.head("main").unwrap_or_default();
    let tree = repo.log("main")[0].tree.clone();
    let commit = client
        .post(
            "/repos/acme/site/git/commits",
            json!({
                "message": "Mine", "tree": tree, "parents": [head],
            }),
        )
        .await?;
    sim.push_between("PATCH", &repo, "main", &[("theirs", "first")]);
    let body = json!({ "sha": commit.body["sha"] });
    let moved = client.patch("/repos/acme/site/git/refs/heads/main", body).await?;
    assert_eq!((moved.status, moved.message()), (422, "Update is not a fast forward"));
    assert_eq!(repo.text("main", "theirs").as_deref(), Some("first"));
    Ok(())
}

#[tokio::test]
async fn fresh_tokens_lagging_trees_delays_and_outages() -> Story {
    let (sim, repo, client) = start().await?;
    sim.fresh_token_401(2);
    let fresh = Client::installation(&sim, sim.install("acme"));
    for status in [401, 401, 200] {
        assert_eq!(fresh.get("/repos/acme/site").await?.status, status);
    }
    sim.replication_lag(1);
    let tree = repo.log("main")[0].tree.clone();
    let body = json!({ "message": "x", "tree": tree, "parents": [repo.head("main")] });
    let lagging = client.post("/repos/acme/site/git/commits", body.clone()).await?;
    assert_eq!((lagging.status, lagging.message()), (422, "Tree SHA does not exist"));
    assert_eq!(client.post("/repos/acme/site/git/commits", body).await?.status, 201);
    sim.delay_next("branches", 1, Duration::from_millis(80));
    let begun = Instant::now();
    client.get("/repos/acme/site/branches").await?;
    assert!(begun.elapsed() >= Duration::from_millis(80));
    sim.down();
    assert!(client.get("/repos/acme/site").await.is_err());
    sim.up();
    assert_eq!(client.get("/repos/acme/site").await?.status, 200);
    Ok(())
}
