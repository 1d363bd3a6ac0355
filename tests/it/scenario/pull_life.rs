//! What becomes of a pull request's changes, whatever people do with it at GitHub (contract 7).

use github_sim::{Change, MergeMethod};
use serde_json::{Value, json};

use crate::story::{ADA, Project, Story, put, remove};

/// A project whose `a.txt` is proposed, and everything else goes by itself.
async fn proposed<'a>(story: &'a Story, repo: &github_sim::Repo) -> (Project<'a>, u64) {
    let site = story.project("site").await.connected_to(repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    let number = site.propose("Change").await["number"].as_u64().unwrap();
    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    (site, number)
}

#[actix_web::test]
async fn what_is_answered_names_everything() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("gone.txt", "x\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.changes(vec![put("a.txt", "two\n"), remove("gone.txt")]).await;
    story.github.reset_requests();
    let body = json!({ "title": "Fix: the Header!", "body": "Why.", "draft": true, "user": ADA });
    let pull = site.post("/pull-requests", body).await.expect(201);
    let number = pull["number"].as_u64().unwrap();
    let shown = repo.pull(number);
    assert_eq!(
        (shown["title"].as_str(), shown["body"].as_str(), shown["draft"].as_bool()),
        (Some("Fix: the Header!"), Some("Why."), Some(true))
    );
    assert_eq!(
        pull["url"].as_str().map(|url| url.ends_with(&format!("/acme/site/pull/{number}"))),
        Some(true),
        "{pull}"
    );
    assert_eq!(
        (pull["state"].as_str(), pull["branch"].as_str(), pull["base"].as_str()),
        (Some("draft"), Some("lockstep/fix-the-header"), Some("main"))
    );
    assert_eq!((pull["checks"].as_str(), pull["review"].as_str()), (Some("none"), Some("none")));
    assert_eq!(pull["paths"], json!(["a.txt", "gone.txt"]));
    assert!(pull["created_at"].is_string() && pull["updated_at"].is_string() && pull.get("mergeable").is_some());
    assert_eq!(story.github.count_created(), 3, "a branch, one commit, a pull request");
    let log = repo.log("lockstep/fix-the-header");
    assert_eq!((log.len(), log[0].verified, log[0].files.len()), (2, true, 2));
    assert_eq!(site.get(&format!("/pull-requests/{number}")).await["title"], "Fix: the Header!");
    story.drain().await;
    let events = "SELECT count(*) FROM events WHERE kind = 'pull_request.opened' AND action = 'pull_request.created'";
    assert_eq!(story.number(events).await, 1);
    let sync = site.last().await;
    assert_eq!(
        (sync["kind"].as_str(), sync["pull_request"].as_u64(), sync["status"].as_str()),
        (Some("pull_request"), Some(number), Some("succeeded"))
    );
}

#[actix_web::test]
async fn names_of_branches() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    repo.create_branch("lockstep/change", "main");
    repo.create_branch("next", "main");
    repo.push("next", &[("n.txt", "n\n")]);
    repo.create_branch("theirs", "main");
    repo.push("theirs", &[("t.txt", "t\n")]);
    repo.open_pull("octocat", "Theirs", "theirs", "main");
    site.change(&[("a.txt", "two\n")]).await;
    let wrong = |body: Value| site.post("/pull-requests", body);
    wrong(json!({ "title": "x", "base": "nowhere" })).await.problem(409, "branch_not_found");
    wrong(json!({ "title": "x", "branch": "theirs" })).await.problem(409, "pull_request_exists");
    for (body, field) in [
        (json!({ "title": " " }), "title"),
        (json!({ "title": "a\nb" }), "title"),
        (json!({ "title": "x".repeat(257) }), "title"),
        (json!({ "title": "x", "branch": "a..b" }), "branch"),
        (json!({ "title": "x", "branch": "next" }), "branch"),
        (json!({ "title": "x", "color": "red" }), "color"),
    ] {
        assert_eq!(wrong(body.clone()).await.wrong_fields(), [field], "{body}");
    }
    assert_eq!(repo.branches().len(), 4, "nothing was made by these");
    let taken = site.post("/pull-requests", json!({ "title": "Change", "base": "next" })).await.expect(201);
    assert_eq!(
        (taken["branch"].as_str(), taken["base"].as_str()),
        (Some("lockstep/change-2"), Some("next")),
        "a number is added"
    );
    assert_eq!(repo.text("lockstep/change-2", "n.txt").as_deref(), Some("n\n"), "it starts from its base");

    site.change(&[("b.txt", "b\n")]).await;
    let named = site.post("/pull-requests", json!({ "title": "Change", "branch": "my/branch" })).await.expect(201);
    assert_eq!((named["branch"].as_str(), named["paths"].clone()), (Some("my/branch"), json!(["b.txt"])));
    site.change(&[("c.txt", "c\n")]).await;
    wrong(json!({ "title": "x", "branch": "my/branch" })).await.problem(409, "pull_request_exists");
    story.drain().await;
}

#[actix_web::test]
async fn its_branch_deleted_its_changes_wait_for_a_person() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    repo.delete_branch("lockstep/change");
    story.drain().await;
    assert_eq!(site.get(&format!("/pull-requests/{number}")).await["state"], "closed");
    assert_eq!(site.get("").await["pending_changes"], 1);
    site.change(&[("b.txt", "b\n"), ("a.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"), "auto-sync leaves it alone");
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("b\n"));
    site.sync().await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("three\n"));
    site.agrees_with(&repo, "main").await;
    site.change(&[("a.txt", "four\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("four\n"), "and from then on as ever");
}

#[actix_web::test]
async fn closed_another_takes_its_changes() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, first) = proposed(&story, &repo).await;
    repo.close_pull(first);
    story.drain().await;
    let second = site.propose("Again").await;
    assert_eq!(second["paths"], json!(["a.txt"]));
    assert_ne!(second["number"].as_u64(), Some(first));
    // The first one opened again: both would carry it; the last word holds it.
    repo.merge_pull(second["number"].as_u64().unwrap(), MergeMethod::Squash);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("two\n"));
}

#[actix_web::test]
async fn closed_edited_and_reopened_the_edits_follow() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    repo.close_pull(number);
    story.drain().await;
    site.change(&[("a.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("two\n"));
    repo.reopen_pull(number);
    story.drain().await;
    assert_eq!(site.get(&format!("/pull-requests/{number}")).await["state"], "open");
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("three\n"), "it is its commit now");
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"));
}

#[actix_web::test]
async fn merged_with_the_branch_deleted_and_the_base_moved_meanwhile() {
    for method in [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
        let (site, number) = proposed(&story, &repo).await;
        repo.push("main", &[("b.txt", "theirs\n")]);
        site.change(&[("c.txt", "c\n")]).await;
        story.drain().await;
        repo.merge_pull(number, method);
        repo.delete_branch("lockstep/change");
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(site.get("").await["pending_changes"], 0);
        assert_eq!(site.get(&format!("/pull-requests/{number}")).await["state"], "merged");
        let merged = repo.head("main");
        site.change(&[("a.txt", "three\n")]).await;
        story.drain().await;
        assert_ne!(repo.head("main"), merged);
        assert_eq!(repo.text("main", "a.txt").as_deref(), Some("three\n"), "nothing is held any more");
    }
}

#[actix_web::test]
async fn what_the_reviewers_made_of_it_comes_in_with_the_merge() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    repo.push("lockstep/change", &[Change::file("a.txt", "reviewed\n"), Change::file("test.txt", "t\n")]);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("two\n"), "not before it is merged");
    repo.merge_pull(number, MergeMethod::Squash);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("reviewed\n"));
    assert_eq!(site.file("test.txt").await.as_deref(), Some("t\n"));
}

#[actix_web::test]
async fn a_reviewers_change_is_not_overwritten_by_a_later_edit() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, _) = proposed(&story, &repo).await;
    repo.push("lockstep/change", &[("a.txt", "reviewed\n")]);
    site.change(&[("a.txt", "mine again\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("reviewed\n"));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"));
}

#[actix_web::test]
async fn a_base_that_conflicts_is_shown_and_held_until_its_end() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    repo.push("main", &[("a.txt", "theirs\n")]);
    story.drain().await;
    let shown = site.post(&format!("/pull-requests/{number}/refresh"), json!({})).await.expect(200);
    assert_eq!(shown["mergeable"], false, "{shown}");
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("theirs\n"));
    assert_eq!(site.file("a.txt").await.as_deref(), Some("two\n"));
    repo.close_pull(number);
    story.drain().await;
    let conflicts = site.get("/conflicts").await;
    assert_eq!(conflicts["items"][0]["path"], "a.txt", "{conflicts}");
    site.post("/conflicts/resolve", json!({ "strategy": "project" })).await.expect(202);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"));
}

#[actix_web::test]
async fn a_protected_branch_offers_a_pull_request_and_it_works() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.protect("main", "pull_request");
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    let status = site.status().await;
    assert_eq!(
        (status["state"].as_str(), status["sync_status"].as_str()),
        (Some("connected"), Some("error")),
        "{status}"
    );
    assert_eq!(status["error"]["code"], "branch_protected");
    assert!(status["error"]["action"].as_str().unwrap().to_lowercase().contains("pull request"), "{status}");
    assert_eq!(site.last().await["status"], "failed");
    assert_eq!(story.number("SELECT count(*) FROM events WHERE kind = 'sync.failed'").await, 1);

    let number = site.propose("Change").await["number"].as_u64().unwrap();
    story.drain().await;
    assert_eq!(site.state().await, ("connected".to_owned(), None), "nothing is kept back any more");
    repo.merge_pull(number, MergeMethod::Squash);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.sync_status().await, "success");
}

#[actix_web::test]
async fn a_protection_that_ends_heals_at_the_next_drift_check() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.protect("main", "pull_request");
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    for _ in 0..3 {
        story.engine.check_drift(std::time::Duration::ZERO).await.unwrap();
        story.drain().await;
        assert_eq!(site.state().await.1.as_deref(), Some("branch_protected"), "it stands while it lasts");
    }
    assert_eq!(site.history().await.iter().filter(|sync| sync["status"] == "failed").count(), 1, "told once");
    repo.unprotect();
    story.engine.check_drift(std::time::Duration::ZERO).await.unwrap();
    story.drain().await;
    assert_eq!(site.state().await, ("connected".to_owned(), None));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn disconnecting_ends_the_making_of_one() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let other = story.repo("acme/other").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    story.github.fail_next("/pulls", 2, 502);
    site.post("/pull-requests", json!({ "title": "Once" })).await.problem(503, "github_unavailable");
    story.github.clear_faults();
    story.host().delete(&site.path("/integration")).await.expect(204);
    story.pulls_are_due().await;
    story.drain().await;
    assert!(repo.pulls().is_empty());
    site.connect(&other).await;
    story.pulls_are_due().await;
    story.drain().await;
    assert!(other.pulls().is_empty() && other.branches().len() == 1, "it was meant for another repository");
}
