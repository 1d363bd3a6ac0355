//! Edits of what an open pull request carries, whatever others do to it meanwhile (contract 7).

use std::time::Duration;

use github_sim::{Change, MergeMethod};
use serde_json::json;

use crate::story::{Project, Story, put, remove};

/// A project whose changes are proposed, and everything else goes by itself.
async fn proposed<'a>(
    story: &'a Story,
    repo: &github_sim::Repo,
    changes: Vec<serde_json::Value>,
) -> (Project<'a>, u64) {
    let site = story.project("site").await.connected_to(repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.changes(changes).await;
    let number = site.propose("Change").await["number"].as_u64().unwrap();
    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    (site, number)
}

fn lines(values: [&str; 3]) -> String {
    values.map(|value| format!("{value}\n.\n.\n")).concat()
}

#[actix_web::test]
async fn what_is_taken_back_is_taken_back_on_its_branch() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("gone.txt", "g\n")]);
    let changes = vec![put("a.txt", "two\n"), put("new.txt", "n\n"), remove("gone.txt"), put("stays.txt", "s\n")];
    let (site, number) = proposed(&story, &repo, changes).await;
    site.changes(vec![put("a.txt", "one\n"), remove("new.txt"), put("gone.txt", "g\n")]).await;
    story.drain().await;
    let text = |path: &str| repo.text("lockstep/change", path);
    assert_eq!((text("a.txt").as_deref(), text("gone.txt").as_deref()), (Some("one\n"), Some("g\n")));
    assert_eq!((text("new.txt"), text("stays.txt").as_deref()), (None, Some("s\n")));
    assert_eq!(repo.log("lockstep/change").len(), 3, "one commit");
    repo.merge_pull(number, MergeMethod::Squash);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("one\n"));
    assert_eq!(site.file("new.txt").await, None);
}

#[actix_web::test]
async fn the_last_change_that_is_pending_taken_back_goes_too() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, _) = proposed(&story, &repo, vec![put("a.txt", "two\n")]).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "one\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("two\n"), "not by itself");
    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    assert_eq!(site.get("").await["pending_changes"], 0);
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("one\n"));
}

#[actix_web::test]
async fn another_proposal_does_not_end_its_window() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, _) = proposed(&story, &repo, vec![put("a.txt", "two\n")]).await;
    site.settings(json!({ "batch_seconds": 60 })).await;
    site.change(&[("a.txt", "three\n"), ("b.txt", "b\n")]).await;
    assert_eq!(site.propose("Other").await["paths"], json!(["b.txt"]));
    story.pass(Duration::from_secs(61)).await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("three\n"));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"));
}

#[actix_web::test]
async fn an_edit_after_a_merge_nobody_heard_of_is_not_lost() {
    for method in [MergeMethod::Merge, MergeMethod::Squash] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
        let (site, number) = proposed(&story, &repo, vec![put("a.txt", "two\n"), put("b.txt", "two\n")]).await;
        story.github.lose_webhooks(100);
        repo.merge_pull(number, method);
        site.change(&[("a.txt", "three\n"), ("b.txt", "one\n")]).await;
        story.drain().await;
        site.sync().await;
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(site.file("a.txt").await.as_deref(), Some("three\n"));
        assert_eq!(site.file("b.txt").await.as_deref(), Some("one\n"), "what was taken back stays so");
    }
}

#[actix_web::test]
async fn what_reviewers_made_of_it_is_merged_with_later_edits_and_never_pushed_over() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", &*lines(["1", "2", "3"])), ("b.txt", "one\n")]);
    let changes = vec![put("a.txt", &lines(["1", "two", "3"])), put("b.txt", "two\n")];
    let (site, number) = proposed(&story, &repo, changes).await;
    let theirs = [("a.txt", lines(["1", "two", "theirs"])), ("b.txt", "theirs\n".to_owned())];
    repo.push("lockstep/change", &theirs.clone().map(|(path, text)| Change::file(path, text)));
    for mine in ["mine", "mine again"] {
        site.change(&[("a.txt", &*lines([mine, "two", "3"])), ("b.txt", mine)]).await;
        story.drain().await;
        site.sync().await;
        story.drain().await;
        assert_eq!(repo.text("lockstep/change", "a.txt"), Some(lines([mine, "two", "theirs"])), "both, by line");
        assert_eq!(repo.text("lockstep/change", "b.txt").as_deref(), Some("theirs\n"), "theirs, whoever looks again");
    }
    let pending = site.get("/pending").await;
    let held = pending["items"].as_array().unwrap().iter().find(|item| item["path"] == "b.txt").unwrap();
    assert_eq!(held["held"]["code"], "sync_conflict", "{held}");
    site.change(&[("b.txt", "theirs\n")]).await;
    story.drain().await;
    repo.merge_pull(number, MergeMethod::Squash);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await, Some(lines(["mine again", "two", "theirs"])));
}

#[actix_web::test]
async fn an_updated_branch_keeps_what_it_was_updated_with() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", &*lines(["1", "2", "3"]))]);
    let (site, number) = proposed(&story, &repo, vec![put("a.txt", &lines(["1", "2", "proposed"]))]).await;
    repo.push("main", &[Change::file("a.txt", lines(["others", "2", "3"]))]);
    repo.merge("lockstep/change", "main");
    story.drain().await;
    site.change(&[("a.txt", &*lines(["1", "edited", "proposed"]))]).await;
    story.drain().await;
    site.sync().await;
    story.drain().await;
    let all = lines(["others", "edited", "proposed"]);
    assert_eq!(repo.text("lockstep/change", "a.txt"), Some(all.clone()));
    repo.merge_pull(number, MergeMethod::Merge);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await, Some(all));
}

#[actix_web::test]
async fn what_others_commit_is_no_edit_of_a_conflicts_pull_request() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "conflict_policy": "pull_request" })).await;
    repo.push("main", &[("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n")]).await;
    story.drain().await;
    let pull = site.get("/pull-requests").await["items"][0].clone();
    let branch = pull["branch"].as_str().unwrap();
    repo.push("main", &[("a.txt", "theirs again\n")]);
    story.drain().await;
    site.sync().await;
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs again\n"));
    assert_eq!(repo.text(branch, "a.txt").as_deref(), Some("mine\n"), "the project's side is still proposed");
}

#[actix_web::test]
async fn a_title_may_be_used_again() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, first) = proposed(&story, &repo, vec![put("a.txt", "two\n")]).await;
    repo.merge_pull(first, MergeMethod::Squash);
    repo.delete_branch("lockstep/change");
    story.drain().await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "three\n")]).await;
    let second = site.propose("Change").await;
    assert_ne!(second["number"].as_u64(), Some(first));
    assert_eq!((repo.pulls().len(), second["state"].as_str()), (2, Some("open")));
    repo.close_pull(second["number"].as_u64().unwrap());
    repo.delete_branch(second["branch"].as_str().unwrap());
    story.drain().await;
    let third = site.propose("Change").await["number"].as_u64().unwrap();
    repo.merge_pull(third, MergeMethod::Squash);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("three\n"));
}

#[actix_web::test]
async fn a_secret_in_an_edit_holds_it_alone() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, _) = proposed(&story, &repo, vec![put("a.txt", "two\n"), put("b.txt", "two\n")]).await;
    repo.forbid_secret("hunter2");
    site.change(&[("a.txt", "hunter2\n"), ("b.txt", "three\n"), ("main.txt", "m\n")]).await;
    story.drain().await;
    let on_main = site.history().await.into_iter().find(|row| row["branch"] == "main").unwrap();
    assert_eq!(
        (on_main["status"].as_str(), on_main["commit_sha"].as_str()),
        (Some("succeeded"), repo.head("main").as_deref())
    );
    assert_eq!(repo.text("main", "main.txt").as_deref(), Some("m\n"));
    let branch = |path: &str| repo.text("lockstep/change", path);
    assert_eq!((branch("a.txt").as_deref(), branch("b.txt").as_deref()), (Some("two\n"), Some("three\n")));
    let pending = site.get("/pending").await;
    assert_eq!(pending["items"][0]["held"]["code"], "push_protection", "{pending}");
    assert_eq!((site.state().await, site.sync_status().await.as_str()), (("connected".to_owned(), None), "success"));
    site.change(&[("c.txt", "c\n")]).await;
    story.drain().await;
    assert_eq!((site.last().await["status"].as_str(), branch("a.txt").as_deref()), (Some("succeeded"), Some("two\n")));
    site.change(&[("a.txt", "clean\n")]).await;
    story.drain().await;
    assert_eq!(branch("a.txt").as_deref(), Some("clean\n"), "another version is tried");
}

#[actix_web::test]
async fn a_lost_answer_to_an_edit_ends_with_one_commit_and_the_row_that_names_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo, vec![put("a.txt", "two\n")]).await;
    story.github.drop_response_after_apply("createCommitOnBranch");
    site.change(&[("a.txt", "three\n")]).await;
    story.drain().await;
    story.github.clear_faults();
    for _ in 0..3 {
        story.pass(Duration::from_secs(60)).await;
        story.drain().await;
    }
    let log = repo.log("lockstep/change");
    assert_eq!((log.len(), repo.text("lockstep/change", "a.txt").as_deref()), (3, Some("three\n")));
    let rows = site.history().await;
    let named: Vec<_> = rows.iter().filter(|row| row["commit_sha"] == log[0].oid.as_str()).collect();
    assert_eq!(named.len(), 1, "{rows:#?}");
    assert_eq!((named[0]["status"].as_str(), named[0]["pull_request"].as_u64()), (Some("succeeded"), Some(number)));
    assert_eq!(named[0]["files"], json!([{ "path": "a.txt", "change": "modified" }]));
}

#[actix_web::test]
async fn what_main_got_is_recorded_when_the_pull_requests_branch_gets_nothing() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, _) = proposed(&story, &repo, vec![put("a.txt", "two\n")]).await;
    // Only the pull request's branch needs this.
    story.github.fail_next("POST /repos/{owner}/{repo}/git/commits", 1, 502);
    let mut tool = put("a.txt", "three\n");
    tool["mode"] = json!("100755");
    site.changes(vec![tool, put("b.txt", "b\n")]).await;
    story.drain().await;
    let on_main =
        site.history().await.into_iter().find(|row| row["branch"] == "main" && row["kind"] == "auto").unwrap();
    assert_eq!(
        (on_main["status"].as_str(), on_main["commit_sha"].as_str()),
        (Some("succeeded"), repo.head("main").as_deref())
    );
    for _ in 0..3 {
        story.pass(Duration::from_secs(60)).await;
        story.drain().await;
    }
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("three\n"));
    assert_eq!(repo.log("main").len(), 2);
}

#[actix_web::test]
async fn what_is_taken_back_after_a_merge_that_nobody_told_of_stays_taken_back() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, _) = proposed(&story, &repo, vec![put("a.txt", "two\n")]).await;
    site.settings(json!({ "auto_sync": false })).await;
    story.drain().await;
    site.change(&[("a.txt", "one\n")]).await;
    // Somebody merges by hand, and GitHub does not call it merged yet.
    repo.push("main", &[Change::file("a.txt", "two\n")]);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("one\n"));
    assert_eq!(site.get("/pending").await["items"][0]["path"], "a.txt");
}

#[actix_web::test]
async fn a_proposal_that_is_merged_after_others_went_on_is_no_conflict_again() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "conflict_policy": "pull_request" })).await;
    story.drain().await;
    repo.push("main", &[Change::file("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n")]).await;
    story.drain().await;
    let made = site.get("/pull-requests").await["items"][0].clone();
    let (number, branch) = (made["number"].as_u64().unwrap(), made["branch"].as_str().unwrap());
    repo.push("main", &[Change::file("a.txt", "theirs 2\n")]);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs 2\n"));
    repo.force_push(branch, repo.head("main").as_deref(), &[Change::file("a.txt", "both\n")]);
    story.drain().await;
    story.github.hold_webhooks();
    repo.merge_pull(number, MergeMethod::Squash);
    site.post(&format!("/pull-requests/{number}/refresh"), json!({})).await.expect(200);
    story.github.release_webhooks(None);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("both\n"));
    assert_eq!(site.get("/conflicts").await["items"], json!([]));
    assert_eq!(repo.pulls().len(), 1, "no second one");
    site.agrees_with(&repo, "main").await;
}
