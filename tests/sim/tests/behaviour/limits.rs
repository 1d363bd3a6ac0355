//! Budgets, secondary limits, conditional requests.

use std::time::Duration;

use chrono::Utc;
use http::Method;
use serde_json::json;

use crate::{Story, start};

#[tokio::test]
async fn every_answer_tells_the_budget_and_a_304_takes_nothing() -> Story {
    let (_sim, _repo, client) = start().await?;
    let first = client.get("/repos/acme/site").await?;
    assert_eq!(first.header("x-ratelimit-limit"), "5000");
    assert_eq!(first.header("x-ratelimit-remaining"), "4999");
    assert_eq!(first.header("x-ratelimit-resource"), "core");
    let tag = first.header("etag").to_owned();
    let held = [("if-none-match", tag.as_str())];
    let again = client.send(Method::GET, "/repos/acme/site", None, &held).await?;
    assert_eq!((again.status, again.header("x-ratelimit-remaining")), (304, "4999"));
    let asked = client.get("/rate_limit").await?;
    assert_eq!(asked.body["resources"]["core"]["remaining"], json!(4999));
    Ok(())
}

#[tokio::test]
async fn a_budget_used_up_is_403_or_a_graphql_error_with_200() -> Story {
    let (sim, _repo, client) = start().await?;
    sim.limits(|it| {
        it.primary = 2;
        it.graphql = 1;
    });
    for status in [200, 200, 403] {
        assert_eq!(client.get("/repos/acme/site").await?.status, status);
    }
    let answer = client.get("/repos/acme/site").await?;
    assert_eq!(answer.header("x-ratelimit-remaining"), "0");
    assert!(answer.header("x-ratelimit-reset").parse::<i64>()? > Utc::now().timestamp());
    let query = "{ viewer { login } }";
    assert!(client.graphql(query, json!({})).await?["errors"].is_null());
    let used = client.graphql(query, json!({})).await?;
    assert_eq!(used["errors"][0]["type"], json!("RATE_LIMITED"));
    sim.advance(3_601);
    let fresh = crate::Client::installation(&sim, sim.install("acme"));
    assert_eq!(fresh.get("/repos/acme/site").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn creating_content_is_counted_and_refused_when_enforced() -> Story {
    let (sim, _repo, client) = start().await?;
    let installation = sim.install("acme");
    sim.limits(|it| {
        it.enforce_secondary = true;
        it.content_per_minute = 2;
    });
    let body = json!({ "content": "x" });
    for status in [201, 201, 403] {
        let answer = client.post("/repos/acme/site/git/blobs", body.clone()).await?;
        assert_eq!(answer.status, status);
        if status == 403 {
            assert_eq!(answer.header("retry-after"), "60");
            assert!(answer.message().contains("secondary rate limit"));
        }
    }
    assert_eq!(sim.created_by(installation).minute, 2);
    assert_eq!(client.get("/repos/acme/site").await?.status, 200);
    assert_eq!(sim.count_created(), 3);
    assert_eq!(sim.busiest(installation, 60_000), 3);
    Ok(())
}

#[tokio::test]
async fn pauses_are_announced_in_each_of_githubs_ways() -> Story {
    let (sim, _repo, client) = start().await?;
    sim.rate_limit_until(Utc::now() + chrono::Duration::seconds(30));
    let primary = client.get("/repos/acme/site").await?;
    assert_eq!((primary.status, primary.header("x-ratelimit-remaining")), (403, "0"));
    assert_eq!(primary.header("retry-after"), "");
    sim.secondary_limit_for(Duration::from_secs(7));
    let secondary = client.get("/repos/acme/site").await?;
    assert_eq!((secondary.status, secondary.header("retry-after")), (403, "7"));
    sim.too_many_requests_for(Duration::from_secs(7));
    assert_eq!(client.get("/repos/acme/site").await?.status, 429);
    sim.silent_limit_for(Duration::from_secs(7));
    let silent = client.get("/repos/acme/site").await?;
    assert_eq!((silent.status, silent.header("retry-after")), (403, ""));
    sim.advance(8);
    assert_eq!(client.get("/repos/acme/site").await?.status, 200);
    Ok(())
}
