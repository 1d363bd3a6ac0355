//! What GitHub did not tell: missed deliveries, drift, and wake-ups that got lost.

use std::time::Duration;

use super::outcome;
use crate::story::{ACME, Story};

const AT_ONCE: Duration = Duration::ZERO;

#[actix_web::test]
async fn missed_deliveries_are_asked_for_once_across_replicas() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.lose_webhooks(100);
    repo.push("main", &[("a.txt", "2\n")]);
    story.github.deliveries_idle().await;
    story.github.lose_webhooks(0);
    assert_eq!(site.file("a.txt").await.as_deref(), Some("1\n"));

    story.github.reset_requests();
    let other = story.engine.clone();
    let hour = Duration::from_secs(3600);
    let (one, two) = tokio::join!(story.engine.redeliver_missed(hour), other.redeliver_missed(hour));
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("2\n"));
    assert_eq!(story.github.count("/attempts"), 1);
    assert_eq!(story.engine.redeliver_missed(hour).await.unwrap(), 0, "not again within the hour");
}

#[actix_web::test]
async fn a_delivery_that_github_believes_arrived_is_missed_all_the_same() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a.txt", "2\n")]);
    story.github.deliveries_idle().await;
    story.engine.queue.clear().await.unwrap();
    story.sql().await.execute("DELETE FROM deliveries WHERE event = 'push'", &[]).await.unwrap();

    assert!(story.engine.redeliver_missed(AT_ONCE).await.unwrap() >= 1);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("2\n"));
    assert_eq!(story.engine.redeliver_missed(AT_ONCE).await.unwrap(), 0, "all have an outcome");
}

#[actix_web::test]
async fn what_waits_in_the_queue_is_not_missed() {
    let story = Story::start().await;
    story.github.ping();
    story.github.deliveries_idle().await;
    assert_eq!(story.engine.redeliver_missed(AT_ONCE).await.unwrap(), 0);
    story.drain().await;
    let ping = story.github.deliveries_of("ping").into_iter().next().unwrap();
    assert_eq!(outcome(&story, &ping.guid).await.as_deref(), Some("ignored"));
}

#[actix_web::test]
async fn a_third_of_all_webhooks_lost_and_all_converges() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("n.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.lose_webhooks_silently(30);
    for n in 1..12 {
        repo.push("main", &[("n.txt", format!("{n}\n").as_str())]);
        site.change(&[("ours.txt", &format!("{n}\n"))]).await;
        story.drain().await;
    }
    for _ in 0..8 {
        story.engine.redeliver_missed(AT_ONCE).await.unwrap();
        story.drain().await;
    }
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("n.txt").await.as_deref(), Some("11\n"));
}

#[actix_web::test]
async fn drift_is_noticed_without_any_webhook() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let other = story.repo("acme/other").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let _quiet = story.project("other").await.connected_to(&other).await;
    story.github.lose_webhooks(100);
    repo.push("main", &[("a.txt", "2\n")]);
    story.drain().await;
    story.github.reset_requests();
    assert_eq!(story.engine.check_drift(AT_ONCE).await.unwrap(), 1);
    assert_eq!(story.github.count("graphql"), 1, "one request for all branches: {:?}", story.github.requests());
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("2\n"));
    assert_eq!(story.engine.check_drift(AT_ONCE).await.unwrap(), 0);
}

#[actix_web::test]
async fn a_hundred_branches_are_compared_by_one_request() {
    let mut story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    story.project("site").await.connected_to(&repo).await;
    story.github.lose_webhooks(100);
    for number in 1..=230 {
        repo.create_branch(&format!("b-{number}"), "main");
    }
    let copies =
        "INSERT INTO projects (id, settings) SELECT 'copy-' || n, settings FROM projects, generate_series(1, 230) n;
        INSERT INTO integrations SELECT (jsonb_populate_record(i,
            jsonb_build_object('pid', p.pid, 'branch', 'b-' || substr(p.id, 6)))).*
        FROM integrations i, projects p WHERE p.id LIKE 'copy-%'";
    story.sql().await.batch_execute(copies).await.unwrap();
    story.github.reset_requests();
    assert_eq!(story.engine.check_drift(AT_ONCE).await.unwrap(), 0);
    assert_eq!(story.github.count("graphql"), 3, "231 branches: {:?}", story.github.requests());
    repo.push("b-77", &[("a.txt", "2\n")]);
    repo.push("b-230", &[("a.txt", "2\n")]);
    story.github.deliveries_idle().await;
    assert_eq!(story.engine.check_drift(AT_ONCE).await.unwrap(), 2);
    let due = "SELECT array_agg(branch ORDER BY branch) FROM integrations WHERE remote_due AND due_at IS NOT NULL";
    let due: Vec<String> = story.sql().await.query_one(due, &[]).await.unwrap().get(0);
    assert_eq!(due, ["b-230", "b-77"]);
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn causes_come_and_go_without_any_webhook() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.lose_webhooks(100);
    let look = async || {
        story.engine.check_drift(AT_ONCE).await.unwrap();
        story.drain().await;
        let status = site.status().await;
        (status["state"].as_str().unwrap().to_owned(), status["error"]["code"].as_str().map(str::to_owned))
    };
    let is = |state: &str, code: &str| (state.to_owned(), Some(code.to_owned()));
    story.github.suspend(story.installation);
    assert_eq!(look().await, is("suspended", "installation_suspended"));
    story.github.unsuspend(story.installation);
    assert_eq!(look().await.0, "connected");
    story.github.uninstall(story.installation);
    assert_eq!(look().await, is("broken", "installation_removed"));
    story.github.install(ACME);
    assert_eq!(look().await.0, "connected");
    repo.archive(true);
    assert_eq!(look().await, is("broken", "repository_archived"));
    repo.archive(false);
    assert_eq!(look().await.0, "connected");
    repo.rename("moved");
    assert_eq!(look().await.0, "connected");
    assert_eq!(site.status().await["repository"]["full_name"], "acme/moved");
}

#[actix_web::test]
async fn the_sweep_finds_what_redis_lost() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.change(&[("a.txt", "2\n")]).await;
    story.engine.queue.clear().await.unwrap();
    assert_eq!(story.engine.sweep().await.unwrap(), 1);
    let now = chrono::Utc::now();
    assert_eq!(story.engine.queue.run_once(&story.engine, now).await.unwrap(), 1);
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("2\n"));
    story.drain().await;
    assert_eq!(story.engine.sweep().await.unwrap(), 0);
}

#[actix_web::test]
async fn workers_do_all_of_it_by_themselves() {
    let story = Story::with(|plan| {
        plan.working().set("SWEEP_SECONDS", "1").set("REDELIVERY_SECONDS", "1").set("DRIFT_SECONDS", "3600")
    })
    .await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await;
    site.connect(&repo).await;
    story.github.lose_webhooks(100);
    repo.push("main", &[("a.txt", "2\n")]);
    story.github.deliveries_idle().await;
    story.github.lose_webhooks(0);
    let arrived = async {
        while site.file("a.txt").await.as_deref() != Some("2\n") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), arrived).await.expect("the missed push arrives");
    // The file is there before its job is acknowledged; a stop in between hands the job back.
    let quiet = async {
        while story.engine.queue.left().await.unwrap().0 > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), quiet).await.expect("the queue comes to rest");
    let mut story = story;
    story.world.stop().await;
}
