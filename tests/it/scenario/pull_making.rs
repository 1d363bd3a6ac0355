//! Making a pull request against a GitHub that fails, refuses and lies.

use github_sim::{Lie, MergeMethod};
use serde_json::json;

use crate::story::{Project, Story};

/// A project whose `a.txt` is pending, and waits for somebody.
async fn pending<'a>(story: &'a Story, repo: &github_sim::Repo) -> Project<'a> {
    let site = story.project("site").await.connected_to(repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    site
}

#[actix_web::test]
async fn what_cannot_be_made_is_given_up_after_twelve_attempts() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = pending(&story, &repo).await;
    story.github.fail_next("POST /repos/{owner}/{repo}/pulls", 1000, 502);
    site.post("/pull-requests", json!({ "title": "Once" })).await.problem(503, "github_unavailable");
    let waiting = site.last().await;
    assert_eq!((waiting["status"].as_str(), waiting["attempts"].as_i64()), (Some("queued"), Some(1)), "{waiting}");
    assert_eq!(waiting["error"]["retryable"], true);
    for _ in 0..20 {
        story.pulls_are_due().await;
        story.drain().await;
    }
    assert_eq!(story.github.count("POST /repos/{owner}/{repo}/pulls"), 12);
    let letters = story.host().get("/v1/dead-letters").await.expect(200);
    assert_eq!(letters["items"][0]["kind"], "sync", "{letters}");
    assert_eq!(letters["items"].as_array().unwrap().len(), 1);
    let sync = site.last().await;
    assert_eq!((sync["kind"].as_str(), sync["status"].as_str()), (Some("pull_request"), Some("failed")), "{sync}");

    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"), "it is not committed behind anybody's back");
    assert_eq!(site.get("").await["pending_changes"], 1);

    story.github.clear_faults();
    let id = letters["items"][0]["id"].as_str().unwrap();
    story.host().post(&format!("/v1/dead-letters/{id}/retry"), &json!({})).await.expect(202);
    story.drain().await;
    assert_eq!((repo.pulls().len(), repo.branches().len()), (1, 2));
    assert_eq!(site.get("/pull-requests").await["items"][0]["title"], "Once");
    assert_eq!(repo.text("lockstep/once", "a.txt").as_deref(), Some("two\n"));
}

#[actix_web::test]
async fn what_was_given_up_goes_with_a_persons_sync() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = pending(&story, &repo).await;
    story.github.fail_next("POST /repos/{owner}/{repo}/pulls", 1000, 502);
    site.post("/pull-requests", json!({ "title": "Once" })).await.problem(503, "github_unavailable");
    for _ in 0..20 {
        story.pulls_are_due().await;
        story.drain().await;
    }
    story.github.clear_faults();
    site.sync().await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"));
    let letters = story.host().get("/v1/dead-letters").await.expect(200);
    let id = letters["items"][0]["id"].as_str().unwrap();
    story.host().post(&format!("/v1/dead-letters/{id}/retry"), &json!({})).await.expect(202);
    story.drain().await;
    assert!(repo.pulls().is_empty(), "there is nothing to propose any more");
    site.change(&[("a.txt", "three\n")]).await;
    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_commit_on_its_branch_is_believed_when_the_branch_shows_it() {
    for (filter, mode) in [("createCommitOnBranch", "100644"), ("PATCH", "100755")] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = pending(&story, &repo).await;
        site.changes(vec![json!({ "op": "put", "path": "b.sh", "content": "b\n", "mode": mode })]).await;
        story.github.lie_next(filter, Lie::NotApplied);
        let first = site.post("/pull-requests", json!({ "title": "Once" })).await;
        assert!(matches!(first.status, 201 | 503), "{filter}: {}", first.text());
        story.pulls_are_due().await;
        story.drain().await;
        assert_eq!((repo.pulls().len(), repo.branches().len()), (1, 2), "{filter}");
        assert_eq!(repo.text("lockstep/once", "a.txt").as_deref(), Some("two\n"), "{filter}");
        assert_eq!(repo.log("lockstep/once").len(), 2, "{filter}");
        let shown = &site.get("/pull-requests").await["items"][0];
        assert_eq!(shown["paths"], json!(["a.txt", "b.sh"]), "{filter}");
    }
}

#[actix_web::test]
async fn a_proposal_of_a_conflict_that_is_refused_keeps_the_projects_version() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await;
    site.settings(json!({ "conflict_policy": "pull_request" })).await;
    let site = site.connected_to(&repo).await;
    repo.ruleset("lockstep/*", "creation");
    repo.push("main", &[("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n")]).await;
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs\n"));
    assert!(repo.pulls().is_empty());
    repo.unprotect();
    story.pulls_are_due().await;
    story.drain().await;
    let pull = site.get("/pull-requests").await["items"][0].clone();
    assert_eq!(repo.text(pull["branch"].as_str().unwrap(), "a.txt").as_deref(), Some("mine\n"));
    repo.merge_pull(pull["number"].as_u64().unwrap(), MergeMethod::Merge);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("mine\n"));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn content_that_is_missing_is_not_committed_as_an_empty_file() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = pending(&story, &repo).await;
    let sql = story.sql().await;
    sql.batch_execute("CREATE TABLE kept AS SELECT * FROM blobs; DELETE FROM blobs").await.unwrap();
    assert_eq!(site.post("/pull-requests", json!({ "title": "Once" })).await.status, 500);
    assert_ne!(repo.text("lockstep/once", "a.txt").as_deref(), Some(""));
    sql.batch_execute("INSERT INTO blobs SELECT * FROM kept ON CONFLICT DO NOTHING; DROP TABLE kept").await.unwrap();
    story.pulls_are_due().await;
    story.drain().await;
    assert_eq!(repo.pulls().len(), 1);
    assert_eq!(repo.text("lockstep/once", "a.txt").as_deref(), Some("two\n"));
}

#[actix_web::test]
async fn the_push_of_a_merge_may_come_before_the_word_of_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = pending(&story, &repo).await;
    let number = site.propose("Change").await["number"].as_u64().unwrap();
    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    story.github.hold_webhooks();
    repo.merge_pull(number, MergeMethod::Squash);
    let push = story.github.deliveries_of("push").into_iter().next_back().unwrap();
    story.github.redeliver(push.id);
    story.drain().await;
    assert_eq!(site.get(&format!("/pull-requests/{number}")).await["state"], "open");
    story.github.release_webhooks(None);
    story.drain().await;
    assert_eq!(site.get(&format!("/pull-requests/{number}")).await["state"], "merged");
    site.change(&[("a.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("three\n"), "nothing is held any more");
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_number_that_another_one_has_is_told() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = pending(&story, &repo).await;
    let first = site.propose("First").await["number"].as_u64().unwrap();
    repo.close_pull(first);
    story.drain().await;
    // Somebody wrote in the database: GitHub's next pull request is known already.
    let sql = story.sql().await;
    sql.execute("UPDATE pull_requests SET number = number + 1", &[]).await.unwrap();
    let told = site.post("/pull-requests", json!({ "title": "Once" })).await.problem(409, "pull_request_exists");
    assert!(told["detail"].as_str().unwrap().contains("#2"), "{told}");
    let sync = site.last().await;
    assert_eq!(
        (sync["status"].as_str(), sync["error"]["code"].as_str()),
        (Some("failed"), Some("pull_request_exists"))
    );
    story.drain().await;
    assert_eq!(site.get("").await["pending_changes"], 1);
    let third = site.propose("Once").await;
    assert_eq!((third["number"].as_u64(), third["paths"].clone()), (Some(3), json!(["a.txt"])));
    assert_eq!(repo.text(third["branch"].as_str().unwrap(), "a.txt").as_deref(), Some("two\n"));
    story.drain().await;
}
