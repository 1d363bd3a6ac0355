//! PostgreSQL and Redis unplugged while everything works: killed, away for a while, frozen, full. What
//! was answered 202 is done, once; what was answered 503 was not done; nothing is restarted but them.

use std::time::{Duration, Instant};

use github_sim::Repo;
use http::Method;
use serde_json::{Value, json};

use super::batch::ours;
use crate::queue::Redis;
use crate::story::{Project, Story};
use crate::world::client::Answer;
use crate::world::database::Database;
use crate::world::gate::Gate;
use crate::world::postgres::Postgres;

const HEALED: Duration = Duration::from_secs(60);

/// With workers and frequent sweeps, on these servers.
async fn working(postgres: &Postgres, redis: &Redis) -> Story {
    let database = Database::empty_on(&postgres.url()).await;
    Story::with(|plan| {
        let plan = plan.on(database).set("REDIS_URL", redis.url()).working();
        plan.set("SWEEP_SECONDS", "1").set("REDELIVERY_SECONDS", "1").set("DRIFT_SECONDS", "0")
    })
    .await
}

async fn connected<'a>(story: &'a Story, number: usize) -> (Project<'a>, Repo) {
    let repo = story.repo(&format!("acme/site-{number}")).with(&[("a.txt", "0\n")]);
    let site = story.project(&format!("site-{number}")).await;
    site.connect(&repo).await;
    eventually("the first sync", async || site.status().await["sync_status"] == "success").await;
    (site, repo)
}

/// Holds within a minute.
async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(HEALED, wait).await.is_ok(), "{what}");
}

/// One change request, whatever is answered.
async fn send(site: &Project<'_>, event_id: &str, path: &str, text: &str) -> Answer {
    let change = json!({ "op": "put", "path": path, "content": text });
    site.post("/changes", json!({ "event_id": event_id, "changes": [change] })).await
}

/// Sends it until it is taken; answers how often it was not.
async fn insist(site: &Project<'_>, event_id: &str, path: &str, text: &str) -> usize {
    let begun = Instant::now();
    for refused in 0.. {
        let answer = send(site, event_id, path, text).await;
        if matches!(answer.status, 200 | 202) {
            return refused;
        }
        answer.problem(503, "unavailable");
        assert!(begun.elapsed() < HEALED, "still refused");
    }
    unreachable!("it is taken or the time is over")
}

/// Both sides agree, and every commit of ours is one row's.
async fn all_well(site: &Project<'_>, repo: &Repo) {
    eventually("nothing is pending", async || {
        let status = site.status().await;
        status["pending_changes"] == 0 && status["sync_status"] == "success"
    })
    .await;
    site.agrees_with(repo, "main").await;
    let rows = site.get("/syncs?limit=100").await["items"].as_array().unwrap().clone();
    for commit in ours(repo) {
        let naming: Vec<&Value> = rows.iter().filter(|row| row["commit_sha"] == commit.as_str()).collect();
        assert_eq!(naming.len(), 1, "{commit}: {naming:?}");
        assert_eq!(naming[0]["status"], "succeeded", "{naming:?}");
    }
}

/// Whether `/metrics` has this line.
async fn says(story: &Story, line: &str) -> bool {
    story.internal().get("/metrics").await.text().lines().any(|one| one == line)
}

async fn finish(mut story: Story) {
    story.world.allow_leftovers();
    story.world.stop().await;
}

#[actix_web::test]
async fn postgresql_cut_in_the_middle_of_everything() {
    let (postgres, redis) = (Postgres::start(60), Redis::start());
    let story = working(&postgres, &redis).await;
    let mut places = Vec::new();
    for number in 0..4 {
        places.push(connected(&story, number).await);
    }
    let mut refused = 0;
    for round in 0..3 {
        for (site, _) in &places {
            send(site, &format!("before-{round}"), "b.txt", &format!("{round}\n")).await.expect(202);
        }
        postgres.cut();
        for (site, _) in &places {
            let begun = Instant::now();
            send(site, &format!("while-{round}"), "while.txt", "x\n").await.problem(503, "unavailable");
            site.story.host().get(&site.path("")).await.problem(503, "unavailable");
            assert!(begun.elapsed() < Duration::from_secs(10), "each answer within 5 s");
            refused += 1;
        }
        assert_eq!(story.internal().get("/healthz").await.status, 200);
        story.internal().get("/readyz").await.problem(503, "unavailable");
        postgres.run_up();
        for (site, _) in &places {
            insist(site, &format!("after-{round}"), "a.txt", &format!("{round}\n")).await;
        }
    }
    assert_eq!(refused, 12);
    for (site, repo) in &places {
        all_well(site, repo).await;
        assert_eq!(repo.text("main", "a.txt").as_deref(), Some("2\n"));
        assert_eq!(repo.text("main", "b.txt").as_deref(), Some("2\n"), "what was taken before is not lost");
        assert_eq!(repo.text("main", "while.txt"), None, "what was refused was not done");
        // One for what came from GitHub at first.
        assert_eq!(site.get("").await["revision"], 1 + 6, "each was taken once");
    }
    drop(places);
    finish(story).await;
}

#[actix_web::test]
async fn webhooks_wait_for_a_postgresql_that_is_away() {
    let (postgres, redis) = (Postgres::start(60), Redis::start());
    let story = working(&postgres, &redis).await;
    let (site, repo) = connected(&story, 0).await;
    postgres.cut();
    repo.push("main", &[("theirs.txt", "1\n")]);
    story.github.deliveries_idle().await;
    let push = story.github.deliveries_of("push").into_iter().next_back().unwrap();
    assert_eq!(push.status_code, 202, "Redis has it");
    postgres.run_up();
    eventually("the push arrives", async || {
        let answer = story.host().get(&site.path("/files/theirs.txt")).await;
        answer.status == 200
    })
    .await;
    all_well(&site, &repo).await;
    drop(site);
    finish(story).await;
}

#[actix_web::test]
async fn postgresql_out_of_connections() {
    let (postgres, redis) = (Postgres::start(40), Redis::start());
    let story = working(&postgres, &redis).await;
    let (site, repo) = connected(&story, 0).await;
    // Somebody else takes every connection there is; ours are ended, and no new one is to be had.
    let mut hoard = Vec::new();
    let before = site.get("").await["revision"].as_u64().unwrap();
    let admin = story.sql().await;
    admin.batch_execute("CREATE ROLE spare SUPERUSER LOGIN").await.unwrap();
    let url = postgres.url().replace("lockstep@", "spare@");
    admin
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()",
        )
        .await
        .unwrap();
    drop(admin);
    while let Ok((client, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await {
        hoard.push((client, tokio::spawn(connection)));
    }
    assert!(hoard.len() > 10);
    // Whatever connections the program got hold of in between are used; the others say so in time.
    let mut answers = Vec::new();
    for number in 0..10 {
        let begun = Instant::now();
        let event = format!("crowded-{number}");
        let answer = send(&site, &event, "a.txt", &format!("crowded {number}\n")).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(matches!(answer.status, 202 | 503), "{}", answer.text());
        answers.push((event, answer.status));
    }
    for (_client, connection) in hoard {
        connection.abort();
    }
    let revision = async || site.story.host().get(&site.path("")).await;
    eventually("it answers again", async || revision().await.status == 200).await;
    let taken = answers.iter().filter(|(_, status)| *status == 202).count() as u64 + before;
    assert_eq!(
        revision().await.expect(200)["revision"],
        taken,
        "those that were answered 202, and no other: {answers:?}"
    );
    insist(&site, "after", "a.txt", "1\n").await;
    all_well(&site, &repo).await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("1\n"));
    drop(site);
    finish(story).await;
}

#[actix_web::test]
async fn postgresql_that_takes_no_writes_is_not_ready() {
    let (postgres, redis) = (Postgres::start(40), Redis::start());
    let story = working(&postgres, &redis).await;
    let (site, repo) = connected(&story, 0).await;
    let admin = story.sql().await;
    let turn = async |read_only: &str| {
        admin.batch_execute(&format!("ALTER SYSTEM SET default_transaction_read_only = {read_only}")).await.unwrap();
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    };
    turn("on").await;
    eventually("it is not ready", async || story.internal().get("/readyz").await.status == 503).await;
    let ready = story.internal().get("/readyz").await.problem(503, "unavailable");
    assert_eq!((&ready["postgres"], &ready["redis"]), (&json!("unavailable"), &json!("ok")));
    assert!(says(&story, "lockstep_dependency_up{dependency=\"postgres\"} 0").await);
    send(&site, "read-only", "a.txt", "1\n").await.problem(503, "unavailable");
    assert_eq!(site.get("").await["project"], "site-0", "what is only read is answered");
    turn("off").await;
    eventually("it is ready again", async || story.internal().get("/readyz").await.status == 200).await;
    insist(&site, "after", "a.txt", "2\n").await;
    all_well(&site, &repo).await;
    drop(site);
    finish(story).await;
}

#[actix_web::test]
async fn redis_killed_and_back() {
    let mut redis = Redis::start();
    let story = Story::with(|plan| {
        let plan = plan.set("REDIS_URL", redis.url()).working().set("SWEEP_SECONDS", "1");
        plan.set("REDELIVERY_SECONDS", "1").set("DRIFT_SECONDS", "0")
    })
    .await;
    let (site, repo) = connected(&story, 0).await;
    for round in 0..3 {
        send(&site, &format!("before-{round}"), "b.txt", &format!("{round}\n")).await.expect(202);
        redis.kill();
        send(&site, &format!("while-{round}"), "a.txt", &format!("{round}\n")).await.expect(202);
        repo.push("main", &[(format!("theirs-{round}.txt").as_str(), "x\n")]);
        story.github.deliveries_idle().await;
        let push = story.github.deliveries_of("push").into_iter().next_back().unwrap();
        assert_eq!(push.status_code, 503, "GitHub is told that it did not arrive");
        story.internal().get("/readyz").await.problem(503, "unavailable");
        redis.restart();
        eventually("the edit is on the branch", async || repo.text("main", "a.txt") == Some(format!("{round}\n")))
            .await;
        eventually("the push arrives", async || site.file(&format!("theirs-{round}.txt")).await.is_some()).await;
    }
    all_well(&site, &repo).await;
    drop(site);
    finish(story).await;
}

#[actix_web::test]
async fn redis_full_and_emptied() {
    let redis = Redis::start();
    let story = Story::with(|plan| {
        let plan = plan.set("REDIS_URL", redis.url()).working().set("SWEEP_SECONDS", "1");
        plan.set("REDELIVERY_SECONDS", "1").set("DRIFT_SECONDS", "0")
    })
    .await;
    let (site, repo) = connected(&story, 0).await;
    redis.ask::<()>("CONFIG SET maxmemory 1");
    let ready = story.internal().get("/readyz").await.problem(503, "unavailable");
    assert_eq!(
        (&ready["postgres"], &ready["redis"]),
        (&json!("ok"), &json!("unavailable")),
        "it answers, and takes nothing"
    );
    assert!(says(&story, "lockstep_dependency_up{dependency=\"redis\"} 0").await);
    send(&site, "full", "a.txt", "full\n").await.expect(202);
    repo.push("main", &[("theirs.txt", "x\n")]);
    story.github.deliveries_idle().await;
    let push = story.github.deliveries_of("push").into_iter().next_back().unwrap();
    assert_eq!(push.status_code, 503);
    redis.ask::<()>("CONFIG SET maxmemory 0");
    story.internal().get("/readyz").await.expect(200);
    eventually("the edit is on the branch", async || repo.text("main", "a.txt").as_deref() == Some("full\n")).await;
    eventually("the push arrives", async || site.file("theirs.txt").await.is_some()).await;
    redis.ask::<()>("FLUSHALL");
    send(&site, "emptied", "a.txt", "emptied\n").await.expect(202);
    eventually("it goes on", async || repo.text("main", "a.txt").as_deref() == Some("emptied\n")).await;
    all_well(&site, &repo).await;
    drop(site);
    finish(story).await;
}

#[actix_web::test]
async fn redis_that_hangs_holds_nobody_up_for_long() {
    let redis = Redis::start();
    let gate = Gate::closed(&redis.url()).open().await;
    let url = gate.url.clone();
    let story = Story::with(|plan| {
        let plan = plan.set("REDIS_URL", url).working().set("SWEEP_SECONDS", "1");
        plan.set("REDELIVERY_SECONDS", "0").set("DRIFT_SECONDS", "0")
    })
    .await;
    let (site, repo) = connected(&story, 0).await;
    gate.freeze();
    let begun = Instant::now();
    send(&site, "hangs", "a.txt", "1\n").await.expect(202);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let begun = Instant::now();
    let headers = [("content-type", "application/json")];
    let answer = story.public().send(Method::POST, "/webhooks/github", &headers, b"{}".to_vec()).await;
    assert_eq!(answer.status, 401, "nothing is asked of Redis before the signature held");
    repo.push("main", &[("theirs.txt", "x\n")]);
    story.github.deliveries_idle().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "GitHub waits for ten seconds: {:?}", begun.elapsed());
    let push = story.github.deliveries_of("push").into_iter().next_back().unwrap();
    assert_eq!(push.status_code, 503);
    gate.thaw();
    eventually("the edit is on the branch", async || repo.text("main", "a.txt").as_deref() == Some("1\n")).await;
    drop(site);
    finish(story).await;
}
