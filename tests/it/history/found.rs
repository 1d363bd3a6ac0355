//! What the properties found, reduced to the smallest story.

use std::time::Duration;

use github_sim::Change;
use serde_json::json;

use crate::story::Story;

#[actix_web::test]
async fn what_others_commit_within_a_batch_window_does_not_end_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "batch_seconds": 60 })).await;
    site.change(&[("b.txt", "two\n")]).await;
    repo.push("main", &[("a.txt", "theirs\n")]);
    // Now, not when the window is over.
    story.github.deliveries_idle().await;
    story.engine.queue.run_once(&story.engine, chrono::Utc::now()).await.unwrap();
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs\n"), "taken over at once");
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("one\n"), "the window is still open");
    story.pass(Duration::from_secs(61)).await;
    story.drain().await;
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("two\n"));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_conflict_that_others_took_back_together_with_another_change_goes() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "theirs\n"), ("z.txt", "z\n")]);
    let site = story.project("site").await;
    site.change(&[("a.txt", "mine\n")]).await;
    let site = site.connected_to(&repo).await;
    assert_eq!(site.status().await["conflicts"], 1);
    repo.push("main", &[Change::delete("a.txt"), Change::file("b.txt", "b\n")]);
    story.drain().await;
    assert_eq!(site.status().await["conflicts"], 0);
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("mine\n"), "the project's alone: it travels");
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_window_in_which_both_sides_became_equal_is_closed() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "batch_seconds": 60 })).await;
    site.change(&[("a.txt", "two\n")]).await;
    let head = repo.push("main", &[("a.txt", "two\n"), ("b.txt", "two\n")]);
    story.github.deliveries_idle().await;
    story.engine.queue.run_once(&story.engine, chrono::Utc::now()).await.unwrap();
    assert_eq!(site.get("").await["pending_changes"], 0);
    story.pass(Duration::from_secs(61)).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(repo.head("main"), Some(head), "nothing was left to commit");
}

#[actix_web::test]
async fn a_name_that_no_listing_shows_is_not_taken_for_deleted() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let name = "bad\u{fffd}.txt";
    site.change(&[(name, "mine\n"), ("b.txt", "b\n")]).await;
    story.drain().await;
    site.settings(json!({ "exclude": ["*.log"] })).await;
    story.drain().await;
    assert!(site.files().await.contains_key(name), "{:?}", site.files().await);
}
