//! Proposing changes, and what becomes of them.

use github_sim::MergeMethod;
use serde_json::{Value, json};

use crate::story::{ADA, Project, Story};

async fn open(site: &Project<'_>, title: &str) -> Value {
    site.post("/pull-requests", json!({ "title": title, "body": "Why.", "user": ADA })).await.expect(201)
}

#[actix_web::test]
async fn pending_changes_become_a_branch_a_commit_and_a_pull_request() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n"), ("b.txt", "b\n")]).await;
    let pull = open(&site, "Two things").await;
    assert_eq!((pull["branch"].as_str(), pull["base"].as_str()), (Some("lockstep/two-things"), Some("main")), "{pull}");
    assert_eq!((pull["state"].as_str(), pull["paths"].clone()), (Some("open"), json!(["a.txt", "b.txt"])));
    assert_eq!(repo.text("lockstep/two-things", "a.txt").as_deref(), Some("two\n"));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"));
    assert_eq!(repo.log("lockstep/two-things").len(), 2);

    site.sync().await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"), "nothing goes behind the reviewer's back");
    site.post("/pull-requests", json!({ "title": "x" })).await.problem(409, "nothing_to_sync");

    site.settings(json!({ "auto_sync": true })).await;
    site.change(&[("a.txt", "three\n"), ("c.txt", "c\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/two-things", "a.txt").as_deref(), Some("three\n"), "later edits follow");
    assert_eq!(repo.text("main", "c.txt").as_deref(), Some("c\n"), "others go on");
}

#[actix_web::test]
async fn merged_in_any_way_both_sides_agree_without_a_further_commit() {
    for method in [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        site.settings(json!({ "auto_sync": false })).await;
        site.change(&[("a.txt", "two\n")]).await;
        let number = open(&site, "Change").await["number"].as_u64().unwrap();
        site.settings(json!({ "auto_sync": true })).await;
        repo.merge_pull(number, method);
        story.drain().await;
        let merged = repo.head("main");
        site.agrees_with(&repo, "main").await;
        assert_eq!(site.get("").await["pending_changes"], 0);
        assert_eq!(site.get(&format!("/pull-requests/{number}")).await["state"], "merged");
        story.drain().await;
        assert_eq!(repo.head("main"), merged);
    }
}

#[actix_web::test]
async fn closed_unmerged_its_changes_wait_for_a_person() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    let number = open(&site, "Change").await["number"].as_u64().unwrap();
    site.settings(json!({ "auto_sync": true })).await;
    repo.close_pull(number);
    story.drain().await;
    site.change(&[("b.txt", "b\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"), "auto-sync leaves it alone");
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("b\n"));
    site.sync().await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn conflicts_go_to_a_pull_request() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n")]).await;
    story.drain().await;
    site.post("/conflicts/resolve", json!({ "strategy": "pull_request" })).await.expect(202);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    let pulls = site.get("/pull-requests").await;
    let pull = &pulls["items"][0];
    assert_eq!(repo.text(pull["branch"].as_str().unwrap(), "a.txt").as_deref(), Some("mine\n"), "{pulls}");
    repo.merge_pull(pull["number"].as_u64().unwrap(), MergeMethod::Squash);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("mine\n"));
}

#[actix_web::test]
async fn a_lost_answer_makes_no_second_branch_or_pull_request() {
    for step in ["git/refs", "createCommitOnBranch", "/pulls"] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        site.settings(json!({ "auto_sync": false })).await;
        site.change(&[("a.txt", "two\n")]).await;
        story.github.drop_response_after_apply(step);
        let first = site.post("/pull-requests", json!({ "title": "Once" })).await;
        assert!(matches!(first.status, 201 | 503), "{}", first.text());
        story.github.clear_faults();
        story.drain().await;
        if site.get("/pull-requests").await["items"].as_array().unwrap().is_empty() {
            open(&site, "Once").await;
        }
        assert_eq!(repo.pulls().len(), 1, "{step}");
        assert_eq!(repo.branches().len(), 2, "{step} {:?}", repo.branches());
        assert_eq!(repo.log("lockstep/once").len(), 2, "{step}");
    }
}
