//! Deletions so many that a person has to let them through (contract 6.13).

use serde_json::json;

use crate::story::{ADA, Project, Story, remove};

/// A project of thirty files, in step.
async fn thirty<'a>(story: &'a Story, repo: &github_sim::Repo) -> Project<'a> {
    story.project("site").await.connected_to(repo).await
}

fn files() -> Vec<(String, String)> {
    (0..30).map(|n| (format!("f{n:02}.txt"), format!("{n}\n"))).collect()
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

async fn waits(site: &Project<'_>) -> bool {
    let status = site.status().await;
    let code = status["error"]["code"].as_str();
    (status["sync_status"].as_str(), code) == (Some("conflict"), Some("confirmation_required"))
}

#[actix_web::test]
async fn a_webhook_in_between_does_not_forget_what_waits() {
    let story = Story::start().await;
    let files = files();
    let repo = story.repo("acme/site").with(&borrowed(&files));
    let site = thirty(&story, &repo).await;
    site.changes(files[..25].iter().map(|(path, _)| remove(path)).collect()).await;
    story.drain().await;
    assert!(waits(&site).await);

    repo.push("main", &[("new.txt", "theirs\n")]);
    story.drain().await;
    assert!(waits(&site).await, "{}", site.status().await);
    assert_eq!(site.file("new.txt").await.as_deref(), Some("theirs\n"), "what deletes nothing comes in");
    assert_eq!(repo.files("main").len(), 31);

    site.post("/confirm", json!({ "user": ADA })).await.expect(202);
    story.drain().await;
    assert_eq!(repo.files("main").len(), 6);
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.sync_status().await, "success");
    site.post("/confirm", json!({})).await.problem(409, "nothing_to_sync");
}

#[actix_web::test]
async fn the_projects_own_files_are_guarded_too() {
    let story = Story::start().await;
    let files = files();
    let repo = story.repo("acme/site").with(&borrowed(&files));
    let site = thirty(&story, &repo).await;
    let gone: Vec<_> = files[..25].iter().map(|(path, _)| github_sim::Change::delete(path)).collect();
    repo.push("main", &gone);
    story.drain().await;
    assert!(waits(&site).await);
    assert_eq!(site.files().await.len(), 30);
    site.post("/confirm", json!({ "user": ADA })).await.expect(202);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.files().await.len(), 5);
}

#[actix_web::test]
async fn a_yes_is_to_these_deletions_and_no_others() {
    let story = Story::start().await;
    let files = files();
    let repo = story.repo("acme/site").with(&borrowed(&files));
    let site = thirty(&story, &repo).await;
    site.changes(files[..25].iter().map(|(path, _)| remove(path)).collect()).await;
    story.drain().await;
    site.post("/confirm", json!({ "user": ADA })).await.expect(202);
    site.changes(vec![remove("f27.txt")]).await;
    story.drain().await;
    assert!(waits(&site).await, "another deletion asks again");
    assert_eq!(repo.files("main").len(), 30);
    site.post("/confirm", json!({ "user": ADA })).await.expect(202);
    story.drain().await;
    assert_eq!(repo.files("main").len(), 4);
}

#[actix_web::test]
async fn taken_back_or_allowed_nothing_waits_any_more() {
    let story = Story::start().await;
    let files = files();
    let repo = story.repo("acme/site").with(&borrowed(&files));
    let site = thirty(&story, &repo).await;
    site.changes(files[..25].iter().map(|(path, _)| remove(path)).collect()).await;
    story.drain().await;
    site.settings(json!({ "max_delete_percent": 90 })).await;
    story.drain().await;
    assert_eq!(repo.files("main").len(), 5, "more is allowed now");
    assert_eq!(site.sync_status().await, "success");

    let twenty: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    site.settings(json!({ "max_delete_percent": 10 })).await;
    site.change(&twenty).await;
    story.drain().await;
    site.changes(files[..20].iter().map(|(path, _)| remove(path)).collect()).await;
    story.drain().await;
    assert_eq!(repo.files("main").len(), 10, "twenty are few");
}
