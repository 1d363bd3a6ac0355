//! `POST /webhooks/github`: what is checked, in which order, and what is answered.

use super::{Sent, outcome};
use crate::queue::Redis;
use crate::story::Story;
use crate::world::World;

const LIMIT: usize = 26_214_400;

/// Nothing of GitHub's own is under way.
async fn quiet() -> Story {
    let story = Story::start().await;
    story.drain().await;
    story
}

#[actix_web::test]
async fn a_delivery_is_taken_once_and_its_outcome_recorded() {
    let story = quiet().await;
    for _ in 0..3 {
        Sent::new(&story, "d-1", b"{\"zen\":\"x\"}").to(&story).await.expect(202);
    }
    assert_eq!(story.engine.queue.stats().await.unwrap().depth, 1);
    story.drain().await;
    assert_eq!(outcome(&story, "d-1").await.as_deref(), Some("ignored"));
    Sent::new(&story, "d-1", b"{\"zen\":\"x\"}").to(&story).await.expect(202);
    story.drain().await;
    let metrics = story.internal().get("/metrics").await.text();
    assert!(metrics.contains("lockstep_webhooks_total{event=\"ping\",result=\"accepted\"} 2"), "{metrics}");
    assert!(metrics.contains("lockstep_webhooks_total{event=\"ping\",result=\"duplicate\"} 2"), "{metrics}");
}

#[actix_web::test]
async fn each_check_goes_before_the_next() {
    let story = quiet().await;
    let wrong = || {
        let mut sent = Sent::new(&story, "d", b"no json");
        (sent.event, sent.content_type) = (None, Some("text/plain"));
        sent.signature = Some(format!("sha256={}", "0".repeat(64)));
        sent
    };
    let mut sent = wrong();
    sent.body = vec![b'x'; LIMIT + 1];
    sent.to(&story).await.problem(413, "payload_too_large");
    wrong().to(&story).await.problem(401, "unauthorized");
    let mut sent = wrong();
    sent.signature = None;
    sent.to(&story).await.problem(401, "unauthorized");

    let signed = || {
        let mut sent = wrong();
        sent.signature = Sent::new(&story, "d", b"no json").signature;
        sent
    };
    signed().to(&story).await.problem(415, "unsupported_media_type");
    let mut sent = signed();
    sent.content_type = None;
    sent.to(&story).await.problem(415, "unsupported_media_type");
    let mut sent = signed();
    sent.content_type = Some("application/json");
    sent.to(&story).await.problem(400, "malformed");
    let mut sent = Sent::new(&story, "d", b"{}");
    sent.event = None;
    sent.to(&story).await.problem(400, "malformed");
    let mut sent = Sent::new(&story, "d", b"{}");
    sent.id = None;
    sent.to(&story).await.problem(400, "malformed");
    Sent::new(&story, "d", b"no json").to(&story).await.problem(400, "malformed");
    assert_eq!(story.engine.queue.stats().await.unwrap().depth, 0);
}

#[actix_web::test]
async fn a_signature_is_over_every_byte_and_by_our_secret_alone() {
    let story = quiet().await;
    let good = Sent::new(&story, "d", b"{}").signature.unwrap();
    for signature in [
        good.to_uppercase(),
        good.replace("sha256=", ""),
        good.replace("sha256=", "sha1="),
        good[..good.len() - 1].to_owned(),
        format!("{good}0"),
        String::new(),
    ] {
        let mut sent = Sent::new(&story, "d", b"{}");
        sent.signature = Some(signature);
        sent.to(&story).await.problem(401, "unauthorized");
    }
    let mut sent = Sent::new(&story, "d", b"{}");
    sent.body = b"{ }".to_vec();
    sent.to(&story).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn the_largest_delivery_is_taken() {
    let story = Story::start().await;
    let mut body = b"{\"x\":\"".to_vec();
    body.resize(LIMIT - 2, b'y');
    body.extend(b"\"}");
    Sent::new(&story, "large", &body).to(&story).await.expect(202);
    story.drain().await;
    assert_eq!(outcome(&story, "large").await.as_deref(), Some("ignored"));
}

#[actix_web::test]
async fn forms_are_taken_as_they_are_signed() {
    let story = Story::start().await;
    let mut sent = Sent::new(&story, "form", b"payload=%7B%22action%22%3A%22x%22%7D");
    sent.content_type = Some("application/x-www-form-urlencoded");
    sent.to(&story).await.expect(202);
    story.drain().await;
    assert_eq!(outcome(&story, "form").await.as_deref(), Some("ignored"));
    let mut sent = Sent::new(&story, "form-2", b"other=1");
    sent.content_type = Some("application/x-www-form-urlencoded");
    sent.to(&story).await.problem(400, "malformed");
}

#[actix_web::test]
async fn what_nobody_knows_is_ignored() {
    let story = Story::start().await;
    let bodies: [&[u8]; 6] =
        [b"7", b"[]", b"null", b"\"x\"", b"{\"action\":\"new\"}", b"{\"repository\":{\"id\":\"x\"}}"];
    for (number, body) in bodies.into_iter().enumerate() {
        for event in ["push", "installation", "never_heard_of"] {
            let mut sent = Sent::new(&story, &format!("{event}-{number}"), body);
            sent.event = Some(event.into());
            sent.to(&story).await.expect(202);
        }
    }
    story.drain().await;
    assert_eq!(outcome(&story, "push-5").await.as_deref(), Some("ignored"));
    assert_eq!(outcome(&story, "never_heard_of-0").await.as_deref(), Some("ignored"));
    let metrics = story.internal().get("/metrics").await.text();
    assert!(metrics.contains("lockstep_webhooks_total{event=\"other\",result=\"accepted\"} 6"), "{metrics}");
}

#[actix_web::test]
async fn without_redis_a_delivery_is_refused_until_redis_is_back() {
    let mut redis = Redis::start();
    let mut story = Story::with(|plan| plan.set("REDIS_URL", redis.url())).await;
    redis.ask::<()>("CONFIG SET appendfsync always");
    Sent::new(&story, "before", b"{}").to(&story).await.expect(202);
    redis.kill();
    Sent::new(&story, "while", b"{}").to(&story).await.problem(503, "unavailable");
    let mut sent = Sent::new(&story, "while", b"{}");
    sent.signature = None;
    sent.to(&story).await.problem(401, "unauthorized");
    redis.restart();
    let taken = async { while Sent::new(&story, "while", b"{}").to(&story).await.status != 202 {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), taken).await.unwrap();
    story.drain().await;
    assert_eq!(outcome(&story, "before").await.as_deref(), Some("ignored"));
    assert_eq!(outcome(&story, "while").await.as_deref(), Some("ignored"));
    redis.ask::<()>("CONFIG SET maxmemory 1");
    Sent::new(&story, "full", b"{}").to(&story).await.problem(503, "unavailable");
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn without_an_app_deliveries_are_refused() {
    let world = World::start().await;
    let headers = [("x-github-event", "ping"), ("content-type", "application/json")];
    let answer = world.public().send(http::Method::POST, "/webhooks/github", &headers, b"{}".to_vec()).await;
    answer.problem(503, "unavailable");
    world.public().get("/webhooks/github").await.problem(405, "method_not_allowed");
}
