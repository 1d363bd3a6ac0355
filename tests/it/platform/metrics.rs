//! What operators are woken by: each failure moves the metric that its alert looks at.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::least;
use crate::story::{Story, put};
use crate::world::database::Database;
use crate::world::process::{Program, free_address};
use crate::world::{Client, World};

/// The value of this series, as `/metrics` writes it.
async fn told(client: &Client, series: &str) -> f64 {
    let text = client.get("/metrics").await.text();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

async fn metric(world: &World, series: &str) -> f64 {
    told(&world.internal(), series).await
}

#[actix_web::test]
async fn a_sync_is_timed_from_the_first_pending_change() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("README.md", "hello\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let (count, sum) = ("lockstep_sync_seconds_count", "lockstep_sync_seconds_sum");
    let (before, spent) = (metric(&story, count).await, metric(&story, sum).await);
    site.settings(json!({ "batch_seconds": 60 })).await;
    site.change(&[("a", "1")]).await;
    story.pass(Duration::from_secs(50)).await;
    site.change(&[("b", "1")]).await;
    story.pass(Duration::from_secs(50)).await;
    story.drain().await;
    assert_eq!(metric(&story, count).await, before + 1.0);
    let took = metric(&story, sum).await - spent;
    assert!((100.0..160.0).contains(&took), "the window began with the first change, 100 s before: {took}");
    assert_eq!(metric(&story, "lockstep_syncs_total{kind=\"initial\",status=\"succeeded\"}").await, 1.0);
    assert_eq!(metric(&story, "lockstep_syncs_total{kind=\"auto\",status=\"succeeded\"}").await, 1.0);
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a", "2")]).await;
    site.sync().await;
    story.drain().await;
    assert_eq!(metric(&story, count).await, before + 2.0, "one that a person asked for is timed too");
    assert_eq!(metric(&story, "lockstep_changes_total{result=\"accepted\"}").await, 3.0);
}

/// The sum over all endpoints of what ended like this.
async fn requests_with(world: &World, status: &str) -> f64 {
    let text = world.internal().get("/metrics").await.text();
    let ends = format!("status=\"{status}\"}} ");
    let lines = text.lines().filter(|line| line.starts_with("lockstep_github_requests_total{"));
    lines.filter_map(|line| line.split_once(&ends)?.1.parse::<f64>().ok()).sum()
}

#[actix_web::test]
async fn github_that_fails_is_seen() {
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await.connected_to(&repo).await;
    assert_eq!(metric(&story, "lockstep_github_up").await, 1.0);
    assert_eq!((requests_with(&story, "502").await, requests_with(&story, "none").await), (0.0, 0.0));
    story.github.fail_next("POST /graphql", 1, 502);
    site.change(&[("a", "1")]).await;
    story.drain_once().await;
    assert_eq!(requests_with(&story, "502").await, 1.0);
    story.github.down();
    story.pass(Duration::from_secs(3600)).await;
    story.drain_once().await;
    assert_eq!(metric(&story, "lockstep_github_up").await, 0.0);
    assert!(requests_with(&story, "none").await >= 1.0);
    let ready = story.internal().get("/readyz").await.expect(200);
    assert_eq!(ready["github"], "unavailable");
    assert!(ready["github_error"].as_str().is_some_and(|error| error.starts_with("graphql ")), "{ready}");
    story.github.up();
    story.pass(Duration::from_secs(3600)).await;
    story.drain().await;
    assert_eq!(metric(&story, "lockstep_github_up").await, 1.0);
    assert_eq!(repo.text("main", "a").as_deref(), Some("1"));
}

#[actix_web::test]
async fn who_asks_nothing_of_github_notices_that_it_is_away_and_back() {
    let story = Story::start().await;
    story.drain().await;
    story.github.down();
    assert_eq!(metric(&story, "lockstep_github_up").await, 1.0, "nothing was asked");
    let github = &story.engine.github;
    github.ask_if_silent(Duration::ZERO).await;
    assert_eq!(metric(&story, "lockstep_github_up").await, 0.0);
    let ready = story.internal().get("/readyz").await.expect(200);
    assert_eq!(ready["github"], "unavailable");
    assert!(ready["github_error"].as_str().is_some_and(|error| error.starts_with("GET /app: ")), "{ready}");
    story.github.up();
    let before = story.github.requests().len();
    for _ in 0..3 {
        github.ask_if_silent(Duration::from_secs(60)).await;
    }
    assert_eq!(story.github.requests().len(), before, "what was heard a moment ago is not asked for");
    github.ask_if_silent(Duration::ZERO).await;
    assert_eq!(metric(&story, "lockstep_github_up").await, 1.0);
}

#[actix_web::test]
async fn what_github_refuses_once_is_counted_once_whoever_waits_for_it() {
    let mut story = Story::start().await;
    let repos: Vec<_> = (0..4).map(|number| story.repo(&format!("acme/site-{number}"))).collect();
    let mut sites = Vec::new();
    for (number, repo) in repos.iter().enumerate() {
        sites.push(story.project(&format!("site-{number}")).await.connected_to(repo).await);
    }
    story.github.secondary_limit_for(Duration::from_secs(60));
    for site in &sites {
        site.change(&[("a", "1")]).await;
    }
    story.drain_once().await;
    let mut counted = 0.0;
    for reason in ["primary", "secondary", "retry_after"] {
        counted += metric(&story, &format!("lockstep_github_throttled_total{{reason=\"{reason}\"}}")).await;
    }
    assert_eq!(counted, 1.0);
    drop(sites);
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn syncs_are_counted_as_history_shows_them() {
    let mut story = Story::start().await;
    let files: Vec<_> = (0..30).map(|number| (format!("{number}.txt"), "1\n")).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let repo = story.repo("acme/site").with(&files);
    let site = story.project("site").await.connected_to(&repo).await;
    site.changes(files.iter().map(|(path, _)| crate::story::remove(path)).collect()).await;
    story.drain().await;
    assert_eq!(site.last().await["error"]["code"], "confirmation_required");
    let pid = site.pid().await;
    site.sync().await;
    story.engine.bury_project(pid, 8).await.unwrap();
    site.sync().await;
    story.host().delete(&site.path("/integration")).await.expect(204);
    story.drain().await;
    let rows = "SELECT kind, status, count(*) FROM syncs WHERE finished_at IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2";
    let rows = story.sql().await.query(rows, &[]).await.unwrap();
    let shown = |row: &tokio_postgres::Row| (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, i64>(2));
    let shown: Vec<_> = rows.iter().map(shown).collect();
    assert_eq!(
        shown.iter().map(|(_, status, _)| status.as_str()).collect::<Vec<_>>(),
        ["conflict", "succeeded", "canceled", "failed"]
    );
    let mut counted = 0;
    for (kind, status, rows) in shown {
        let series = format!("lockstep_syncs_total{{kind=\"{kind}\",status=\"{status}\"}}");
        assert_eq!(metric(&story, &series).await, rows as f64, "{series}");
        counted += rows;
    }
    let text = story.internal().get("/metrics").await.text();
    let all = text.lines().filter(|line| line.starts_with("lockstep_syncs_total{"));
    let all: f64 = all.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum();
    assert_eq!(all, counted as f64, "and nothing else is counted");
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn limits_are_seen() {
    let mut story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await.connected_to(&repo).await;
    assert!(metric(&story, "lockstep_github_remaining_ratio").await > 0.5);
    story.github.secondary_limit_for(Duration::from_secs(60));
    site.change(&[("a", "1")]).await;
    story.drain_once().await;
    let text = story.internal().get("/metrics").await.text();
    let throttled = |reason: &str| {
        let series = format!("lockstep_github_throttled_total{{reason=\"{reason}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)?.parse::<f64>().ok()).unwrap()
    };
    assert!(throttled("secondary") + throttled("retry_after") >= 1.0, "{text}");
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn what_is_given_up_is_seen() {
    let mut story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.down();
    site.change(&[("a", "1")]).await;
    story.sql().await.execute("UPDATE integrations SET attempts = 11", &[]).await.unwrap();
    story.drain_once().await;
    assert_eq!(metric(&story, "lockstep_dead_letters").await, 1.0);
    assert_eq!(metric(&story, "lockstep_syncs_total{kind=\"auto\",status=\"failed\"}").await, 1.0);
    story.github.up();
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn work_that_nobody_does_grows_old() {
    let mut story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await.connected_to(&repo).await;
    assert_eq!(metric(&story, "lockstep_pending_projects").await, 0.0);
    site.change(&[("a", "1")]).await;
    story.pass(Duration::from_secs(900)).await;
    assert_eq!(metric(&story, "lockstep_pending_projects").await, 1.0);
    let age = metric(&story, "lockstep_pending_oldest_seconds").await;
    assert!((900.0..1000.0).contains(&age), "{age}");
    assert_eq!(metric(&story, "lockstep_queue_depth").await, 0.0);
    story.drain().await;
    assert_eq!(metric(&story, "lockstep_pending_oldest_seconds").await, 0.0);
    let died = "UPDATE integrations SET due_at = NULL, lease_token = gen_random_uuid(), lease_until = now() - interval '900 s'";
    story.sql().await.execute(died, &[]).await.unwrap();
    assert_eq!(metric(&story, "lockstep_pending_projects").await, 1.0, "its holder died");
    assert!(metric(&story, "lockstep_pending_oldest_seconds").await >= 900.0);
    story.drain().await;
    story.github.ping();
    story.github.deliveries_idle().await;
    assert_eq!(metric(&story, "lockstep_queue_depth").await, 1.0);
    story.drain().await;
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn webhooks_are_counted_by_event_and_end() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a", "1")]);
    story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a", "2")]);
    story.drain().await;
    assert!(metric(&story, "lockstep_webhooks_total{event=\"push\",result=\"accepted\"}").await >= 1.0);
    let sends = |event: &str| story.public().with("x-github-event", event).with("x-hub-signature-256", "sha256=00");
    sends("push").post("/webhooks/github", &json!({})).await.problem(401, "unauthorized");
    sends("made_up_to_fill_memory").post("/webhooks/github", &json!({})).await.problem(401, "unauthorized");
    assert_eq!(metric(&story, "lockstep_webhooks_total{event=\"push\",result=\"unauthorized\"}").await, 1.0);
    assert_eq!(metric(&story, "lockstep_webhooks_total{event=\"other\",result=\"unauthorized\"}").await, 1.0);
}

#[actix_web::test]
async fn a_host_that_does_not_listen_is_seen() {
    let nobody = format!("http://{}/", free_address());
    let plan = |plan: crate::world::Plan| {
        plan.set("NOTIFY_URL", &nobody).set("NOTIFY_SECRET", "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=")
    };
    let mut story = Story::with(plan).await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await;
    site.connect(&repo).await;
    story.drain_once().await;
    story.drain_once().await;
    assert!(metric(&story, "lockstep_notifications_total{result=\"retried\"}").await >= 1.0);
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn services_that_are_away_are_seen_and_metrics_go_on() {
    let database = Database::create().await;
    let mut env = least();
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), database.url());
    env.insert("LOCKSTEP_REDIS_URL".to_owned(), format!("redis://{}", free_address()));
    let program = Program::serve(&["--role", "worker"], &env);
    program.until("/healthz", 200).await;
    program.until("/readyz", 503).await;
    assert_eq!(told(&program.internal(), "lockstep_dependency_up{dependency=\"redis\"}").await, 0.0);
    env.insert("LOCKSTEP_DATABASE_URL".to_owned(), format!("postgres://u:p@{}/d", free_address()));
    let program = Program::serve(&[], &env);
    program.until("/healthz", 200).await;
    assert_eq!(told(&program.internal(), "lockstep_dependency_up{dependency=\"postgres\"}").await, 0.0);
    drop(program);
    database.remove().await;
}

#[actix_web::test]
async fn the_time_of_a_wait_for_a_limit_is_no_failure() {
    let mut story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.rate_limit_until(Utc::now() + TimeDelta::minutes(30));
    site.changes(vec![put("a", "1")]).await;
    story.drain_once().await;
    assert_eq!(metric(&story, "lockstep_syncs_total{kind=\"auto\",status=\"failed\"}").await, 0.0);
    assert!(metric(&story, "lockstep_github_throttled_total{reason=\"primary\"}").await >= 1.0);
    assert_eq!(metric(&story, "lockstep_github_remaining_ratio").await, 0.0);
    story.world.allow_leftovers();
}
