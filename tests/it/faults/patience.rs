//! What passes by itself is tried again, at most twelve times; what GitHub's limits hold back waits
//! without an attempt and goes out as fewer commits; what cannot pass is said at once.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::Value;

use super::batch::{at_rest, one_commit, standing};
use crate::story::{Project, Story};

const WRITE: &str = "createCommitOnBranch";

async fn scene(story: &Story) -> (Project<'_>, github_sim::Repo) {
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    (story.project("site").await.connected_to(&repo).await, repo)
}

/// No retry comes by itself while a story drains.
async fn slow_to_retry() -> Story {
    Story::with(|plan| plan.set("RETRY_SECONDS", "10")).await
}

/// All retries that began are due, and done.
async fn another_attempt(story: &Story) {
    story.renew_limits().await;
    story.pass(Duration::from_secs(3 * 3600)).await;
    story.drain().await;
}

async fn events(story: &Story, kind: &str) -> i64 {
    let count = "SELECT count(*) FROM events WHERE kind = $1";
    story.sql().await.query_one(count, &[&kind]).await.unwrap().get(0)
}

#[actix_web::test]
async fn twelve_attempts_and_a_dead_letter() {
    let mut story = slow_to_retry().await;
    let (site, repo) = scene(&story).await;
    story.github.fail_next("POST /graphql", 10_000, 502);
    site.change(&[("a.txt", "1\n")]).await;
    story.drain().await;
    for attempt in 1..12 {
        let row = site.last().await;
        assert_eq!((row["status"].as_str(), row["attempts"].as_i64()), (Some("queued"), Some(attempt)), "{row}");
        let status = site.status().await;
        for shown in [&row["error"], &status["error"]] {
            assert_eq!((&shown["code"], &shown["retryable"]), (&"github_unavailable".into(), &true.into()), "{shown}");
        }
        assert_eq!((&status["sync_status"], &status["state"]), (&"error".into(), &"connected".into()));
        assert_eq!(events(&story, "sync.failed").await, 0);
        another_attempt(&story).await;
    }
    let row = site.last().await;
    assert_eq!((row["status"].as_str(), row["attempts"].as_i64()), (Some("failed"), Some(12)), "{row}");
    assert_eq!(events(&story, "sync.failed").await, 1);
    let letters = story.host().get("/v1/dead-letters").await.expect(200)["items"].clone();
    assert_eq!(letters.as_array().unwrap().len(), 1);
    assert_eq!((&letters[0]["kind"], &letters[0]["attempts"]), (&"sync".into(), &12.into()), "{letters}");
    assert_eq!((&letters[0]["project"], &letters[0]["error"]["code"]), (&"site".into(), &"github_unavailable".into()));

    story.github.reset_requests();
    another_attempt(&story).await;
    assert_eq!(story.github.count("graphql"), 0, "nothing is tried any more by itself");
    assert_eq!(site.status().await["pending_changes"], 1, "and nothing is lost");
    story.github.clear_faults();
    let path = format!("/v1/dead-letters/{}/retry", letters[0]["id"].as_str().unwrap());
    story.host().post(&path, &Value::Null).await.expect(202);
    story.drain().await;
    at_rest("retried", &site, &repo).await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("1\n"));
    assert_eq!(story.host().get("/v1/dead-letters").await.expect(200)["items"], Value::Array(Vec::new()));
    drop(site);
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn drift_tries_again_what_was_given_up_and_buries_it_once() {
    let mut story = Story::start().await;
    let (site, repo) = scene(&story).await;
    story.github.fail_next(WRITE, 10_000, 502);
    site.change(&[("a.txt", "1\n")]).await;
    for _ in 0..2 {
        for _ in 0..13 {
            another_attempt(&story).await;
        }
        story.engine.check_drift(Duration::ZERO).await.unwrap();
        story.drain().await;
    }
    assert_eq!(story.host().get("/v1/dead-letters").await.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(events(&story, "sync.failed").await, 1);
    story.github.clear_faults();
    for _ in 0..2 {
        story.engine.check_drift(Duration::ZERO).await.unwrap();
        another_attempt(&story).await;
    }
    at_rest("healed by itself", &site, &repo).await;
    drop(site);
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn waiting_for_a_limit_is_no_attempt() {
    let mut story = Story::start().await;
    let (site, _repo) = scene(&story).await;
    let until = Utc::now() + TimeDelta::minutes(20);
    story.github.rate_limit_until(until);
    site.change(&[("a.txt", "1\n")]).await;
    story.drain().await;
    story.github.reset_requests();
    for _ in 0..15 {
        story.pass(Duration::from_secs(3600)).await;
        story.drain().await;
    }
    assert_eq!(story.github.count(WRITE), 0, "GitHub is left in peace: {:?}", story.github.requests());
    let row = site.last().await;
    assert_eq!((row["status"].as_str(), row["attempts"].as_i64()), (Some("queued"), Some(0)), "{row}");
    let status = site.status().await;
    assert_eq!((&status["error"]["code"], &status["error"]["retryable"]), (&"rate_limited".into(), &true.into()));
    assert_eq!(status["state"], "connected");
    let due = "SELECT extract(epoch FROM due_at)::bigint FROM integrations";
    let due: i64 = story.sql().await.query_one(due, &[]).await.unwrap().get(0);
    assert!((due - until.timestamp()).abs() <= 2, "not before the reset, and not long after: {due} {until}");
    assert_eq!(events(&story, "sync.failed").await, 0);
    drop(site);
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn retry_after_is_obeyed_and_then_it_goes_on() {
    let mut story = Story::start().await;
    let (site, repo) = scene(&story).await;
    let before = standing(&site, &repo).await;
    story.github.secondary_limit_for(Duration::from_secs(2));
    story.github.reset_requests();
    site.change(&[("a.txt", "1\n")]).await;
    let done = async {
        while repo.text("main", "a.txt").as_deref() != Some("1\n") {
            story.drain().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), done).await.expect("it goes on after the time GitHub named");
    let refused: Vec<_> = story.github.requests().into_iter().filter(|request| request.status >= 400).collect();
    assert_eq!(refused.len(), 1, "asked once, and then not before its time: {refused:?}");
    one_commit("after the limit", &site, &repo, &before).await;
    drop(site);
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn while_the_budget_is_short_changes_become_one_commit() {
    let story = Story::start().await;
    let (site, repo) = scene(&story).await;
    site.change(&[("a.txt", "1\n")]).await;
    story.drain().await;
    let before = standing(&site, &repo).await;
    story.world.use_up_limits(story.installation).await;
    story.github.reset_requests();
    for number in 0..7 {
        site.change(&[("a.txt", &format!("short {number}\n")), (&format!("{number}.txt"), "x\n")]).await;
        story.drain().await;
    }
    assert_eq!(story.github.count_created(), 0, "the limit is kept, not hit");
    let status = site.status().await;
    assert_eq!((&status["error"]["code"], &status["pending_changes"]), (&"rate_limited".into(), &8.into()), "{status}");
    another_attempt(&story).await;
    assert_eq!(story.github.count_created(), 1, "one commit for all of them");
    one_commit("coalesced", &site, &repo, &before).await;
}

#[actix_web::test]
async fn what_cannot_pass_by_itself_is_said_at_once() {
    let story = Story::start().await;
    let (site, repo) = scene(&story).await;
    repo.ruleset("main", "pull_request");
    site.change(&[("a.txt", "1\n")]).await;
    story.github.reset_requests();
    story.drain().await;
    for _ in 0..3 {
        another_attempt(&story).await;
    }
    assert_eq!(story.github.count(WRITE), 1, "asked once: {:?}", story.github.requests());
    let row = site.last().await;
    assert_eq!((row["status"].as_str(), row["attempts"].as_i64()), (Some("failed"), Some(1)), "{row}");
    assert_eq!((&row["error"]["code"], &row["error"]["retryable"]), (&"branch_protected".into(), &false.into()));
    assert!(row["error"]["action"].as_str().is_some_and(|action| !action.is_empty()));
}

async fn letters(story: &Story) -> Vec<Value> {
    story.host().get("/v1/dead-letters").await.expect(200)["items"].as_array().unwrap().clone()
}

async fn retry(story: &Story, letter: &Value) {
    let path = format!("/v1/dead-letters/{}/retry", letter["id"].as_str().unwrap());
    story.host().post(&path, &Value::Null).await.expect(202);
    story.drain().await;
}

#[actix_web::test]
async fn a_sync_that_fails_inside_is_given_up_and_delays_nobody() {
    let story = slow_to_retry().await;
    let (site, repo) = scene(&story).await;
    let theirs = story.repo("acme/other").with(&[("a.txt", "0\n")]);
    let other = story.project("other").await.connected_to(&theirs).await;
    site.change(&[("a.txt", "1\n")]).await;
    other.change(&[("a.txt", "2\n")]).await;
    // A hand in the database took the content away.
    let content = "b USING files f, projects p WHERE p.id = 'site' AND f.pid = p.pid AND f.path = 'a.txt' AND b.pid = p.pid AND b.oid = f.oid";
    let sql = story.sql().await;
    let keep = content.replace("b USING", "blobs b,");
    sql.batch_execute(&format!("CREATE TABLE kept AS SELECT b.* FROM {keep}; DELETE FROM blobs {content}"))
        .await
        .unwrap();
    story.drain().await;
    at_rest_but_one(&other, &theirs).await;
    for _ in 1..12 {
        assert_eq!(site.last().await["error"]["code"], "internal");
        another_attempt(&story).await;
    }
    let row = site.last().await;
    assert_eq!(
        (&row["status"], &row["attempts"], &row["error"]["code"]),
        (&"failed".into(), &12.into(), &"internal".into())
    );
    assert_eq!(events(&story, "sync.failed").await, 1);
    sql.batch_execute("INSERT INTO blobs SELECT * FROM kept").await.unwrap();
    retry(&story, &letters(&story).await[0]).await;
    at_rest("mended", &site, &repo).await;
}

async fn at_rest_but_one(site: &Project<'_>, repo: &github_sim::Repo) {
    assert_eq!(site.status().await["pending_changes"], 0);
    site.agrees_with(repo, "main").await;
}

#[actix_web::test]
async fn a_sync_that_ends_its_process_each_time_is_given_up() {
    let story = Story::start().await;
    let (site, repo) = scene(&story).await;
    site.change(&[("a.txt", "1\n")]).await;
    let pid: i64 = story.sql().await.query_one("SELECT pid FROM projects", &[]).await.unwrap().get(0);
    for _ in 0..12 {
        story.engine.store.acquire_lease(pid, uuid::Uuid::new_v4()).await.unwrap();
        story.others_take_over().await;
    }
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("0\n"), "it is not tried a thirteenth time");
    let row = site.last().await;
    assert_eq!(
        (&row["status"], &row["attempts"], &row["error"]["code"]),
        (&"failed".into(), &12.into(), &"internal".into())
    );
    let found = letters(&story).await;
    assert_eq!((found.len(), &found[0]["kind"]), (1, &"sync".into()));
    retry(&story, &found[0]).await;
    at_rest("tried again", &site, &repo).await;
}
