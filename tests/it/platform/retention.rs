//! What is forgotten by age, and what never is.

use std::time::Duration;

use lockstep::config::{Config, Flags, RetainConfig};
use serde_json::json;

use crate::story::Story;

const DAY: Duration = Duration::from_secs(86_400);

fn days(count: u32) -> RetainConfig {
    let kept = DAY * count;
    RetainConfig { history: Some(kept), audit: Some(kept), events: kept, deliveries: kept }
}

/// Everything that has a time happened so much earlier.
async fn age(story: &Story, by: u32) {
    let shift = |table: &str, column: &str| {
        format!("UPDATE {table} SET {column} = {column} - interval '{by} days' WHERE {column} IS NOT NULL;")
    };
    let all = [("syncs", "finished_at"), ("events", "at"), ("deliveries", "done_at"), ("blobs", "created_at")];
    let all: String = all.iter().map(|(table, column)| shift(table, column)).collect();
    story.sql().await.batch_execute(&all).await.unwrap();
}

async fn count(story: &Story, what: &str) -> i64 {
    story.sql().await.query_one(&format!("SELECT count(*) FROM {what}"), &[]).await.unwrap().get(0)
}

async fn collect(story: &Story, retain: &RetainConfig) -> usize {
    let gone = story.engine.collect(Duration::ZERO, retain).await.unwrap();
    story.engine.collect(Duration::ZERO, retain).await.unwrap() + gone
}

#[test]
fn nothing_of_history_and_audit_is_forgotten_unless_asked() {
    let config = Config::load(&Flags::none(), &super::least()).unwrap();
    assert!(config.work.retain.history.is_none() && config.work.retain.audit.is_none());
    assert_eq!((config.work.retain.events, config.work.retain.deliveries), (DAY * 3, DAY * 14));
}

#[actix_web::test]
async fn old_history_goes_and_what_is_left_can_be_restored() {
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await;
    site.change(&[("a", "0\n"), ("always", "here\n")]).await;
    let site = site.connected_to(&repo).await;
    for number in 1..=25 {
        site.change(&[("a", &format!("{number}\n")), (&format!("f{number}"), "new\n")]).await;
        story.drain().await;
    }
    let contents = count(&story, "blobs").await;
    age(&story, 40).await;
    site.change(&[("pending", "later\n")]).await;
    assert!(collect(&story, &days(30)).await > 0);
    let kept = site.history().await;
    assert_eq!(kept.len(), 20, "the newest stay, however old");
    assert_eq!(site.get("/pending").await["items"][0]["path"], "pending");
    assert_eq!(count(&story, "deliveries").await, 0);
    let old = count(&story, "events WHERE action IS NOT NULL AND at < now() - interval '30 days'").await;
    assert_eq!(old, 0, "old audit rows went");
    assert!(count(&story, "events WHERE action IS NOT NULL").await > 0, "new ones are there");
    assert!(count(&story, "blobs").await < contents, "what only forgotten history named went");
    let oldest = kept.last().unwrap();
    let body = json!({ "sync": oldest["id"], "event_id": "back" });
    site.post("/restore", body).await.expect(202);
    assert_eq!(site.file("a").await.as_deref(), Some("6\n"));
    assert_eq!((site.file("f6").await.is_some(), site.file("f7").await), (true, None));
    let diff = story.host().get(&site.path(&format!("/syncs/{}/diff", oldest["id"].as_str().unwrap()))).await.text();
    assert!(diff.contains("-5") && diff.contains("+6"), "{diff}");
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn what_is_unfinished_or_needed_stays() {
    let mut story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await.connected_to(&repo).await;
    for number in 0..25 {
        site.change(&[("a", &format!("{number}\n"))]).await;
        story.drain().await;
    }
    let history = site.history().await;
    let [first, second] =
        [history.len() - 1, history.len() - 2].map(|at| history[at]["id"].as_str().unwrap().to_owned());
    let sql = story.sql().await;
    sql.batch_execute(&format!(
        "UPDATE integrations SET sync_id = '{first}';
         INSERT INTO dead_letters (id, kind, pid, project, attempts, error, payload)
         SELECT gen_random_uuid(), 'sync', pid, id, 12, '{{}}', jsonb_build_object('pid', pid, 'sync', '{second}') FROM projects"
    ))
    .await
    .unwrap();
    age(&story, 400).await;
    collect(&story, &days(30)).await;
    let left: Vec<String> = site.history().await.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(left.len(), 22);
    assert!(left.contains(&first) && left.contains(&second), "somebody points to them");
    sql.batch_execute("UPDATE integrations SET sync_id = NULL").await.unwrap();
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn everything_stays_when_nothing_is_configured() {
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await.connected_to(&repo).await;
    for number in 0..25 {
        site.change(&[("a", &format!("{number}\n"))]).await;
        story.drain().await;
    }
    let before = (site.history().await.len(), count(&story, "blobs").await, count(&story, "undo").await);
    age(&story, 4000).await;
    let forever = RetainConfig { history: None, audit: None, ..days(3) };
    collect(&story, &forever).await;
    assert_eq!((site.history().await.len(), count(&story, "blobs").await, count(&story, "undo").await), before);
    assert!(count(&story, "events WHERE action IS NOT NULL").await > 0);
    assert_eq!(count(&story, "events WHERE action IS NULL").await, 0, "live events are old after three days");
}
