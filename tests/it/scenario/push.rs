//! From the project to the branch.

use serde_json::json;

use crate::story::{Story, put, remove};

#[actix_web::test]
async fn the_first_sync_of_an_empty_repository_is_one_root_commit() {
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await;
    site.change(&[("index.html", "<h1>hi</h1>\n"), ("src/app.ts", "export {}\n"), ("README.md", "# Site\n")]).await;
    story.github.reset_requests();
    let site = site.connected_to(&repo).await;

    site.agrees_with(&repo, "main").await;
    let log = repo.log("main");
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(story.github.count_created() <= 5, "{:?}", story.github.requests());
    let sync = site.last().await;
    assert_eq!((sync["kind"].as_str(), sync["status"].as_str()), (Some("initial"), Some("succeeded")), "{sync}");
    assert_eq!(sync["commit_sha"].as_str(), repo.head("main").as_deref());
    assert_eq!(sync["files_changed"], 3);
    let status = site.status().await;
    assert_eq!((status["sync_status"].as_str(), status["pending_changes"].as_i64()), (Some("success"), Some(0)));
}

#[actix_web::test]
async fn the_first_sync_is_initial_also_when_a_person_asks_for_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await;
    site.change(&[("a.txt", "one\n")]).await;
    site.connect(&repo).await;
    let asked = site.sync().await;
    assert_eq!(asked["kind"], "initial");
    story.drain().await;
    let kinds: Vec<_> = site.history().await.iter().map(|sync| (sync["id"].clone(), sync["kind"].clone())).collect();
    assert_eq!(kinds, [(asked["id"].clone(), json!("initial"))]);
    assert_eq!(site.sync().await["kind"], "manual");
    story.drain().await;
}

#[actix_web::test]
async fn any_number_of_regular_files_is_one_mutation() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("old.txt", "old\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    assert_eq!(site.file("old.txt").await.as_deref(), Some("old\n"), "what was there came in");

    story.github.reset_requests();
    let mut changes: Vec<_> = (0..500).map(|n| put(&format!("d{}/f{n}.txt", n % 7), &format!("{n}\n"))).collect();
    changes.push(remove("old.txt"));
    site.changes(changes).await;
    story.drain().await;

    assert_eq!(story.github.count_created(), 1);
    site.agrees_with(&repo, "main").await;
    let sync = site.last().await;
    assert_eq!((sync["kind"].as_str(), sync["direction"].as_str()), (Some("auto"), Some("push")));
    assert_eq!(sync["files_changed"], 501);
}

#[actix_web::test]
async fn a_change_undone_within_its_window_leaves_nothing() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "batch_seconds": 60 })).await;
    let (head, rows) = (repo.head("main"), site.history().await.len());
    site.change(&[("a.txt", "two\n")]).await;
    site.change(&[("a.txt", "one\n")]).await;
    story.pass(std::time::Duration::from_secs(61)).await;
    story.drain().await;
    assert_eq!(repo.head("main"), head);
    assert_eq!(site.history().await.len(), rows);
}

#[actix_web::test]
async fn an_edit_on_both_sides_waits_for_a_person() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("index.md", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("index.md", "two\n")]);
    site.change(&[("index.md", "three\n"), ("other.md", "x\n")]).await;
    story.drain().await;
    assert_eq!(site.sync_status().await, "conflict");
    assert_eq!(repo.text("main", "other.md").as_deref(), Some("x\n"), "the others went on");
    let conflicts = site.get("/conflicts").await;
    let conflict = &conflicts["items"][0];
    assert_eq!((conflict["path"].as_str(), conflict["kind"].as_str()), (Some("index.md"), Some("both_modified")));
    assert_eq!(conflict["github"]["text"], "two\n");

    let body = json!({ "resolutions": [{ "path": "index.md", "take": "project" }] });
    site.post("/conflicts/resolve", body).await.expect(202);
    story.drain().await;
    assert_eq!(repo.text("main", "index.md").as_deref(), Some("three\n"));
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.sync_status().await, "success");
}
