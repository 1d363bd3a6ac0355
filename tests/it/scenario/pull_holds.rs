//! Whose a path is when several pull requests carry it, and what keeps it from the branch (contract 7).

use github_sim::MergeMethod;
use serde_json::{Value, json};

use crate::story::{ADA, Project, Story, put, remove};

/// A connected project whose changes wait for somebody.
pub(super) async fn waiting<'a>(story: &'a Story, repo: &github_sim::Repo, changes: Vec<Value>) -> Project<'a> {
    let site = story.project("site").await.connected_to(repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.changes(changes).await;
    site
}

/// Proposes them; everything else goes by itself from now on.
pub(super) async fn proposed(site: &Project<'_>, title: &str) -> u64 {
    let number = site.propose(title).await["number"].as_u64().unwrap();
    site.settings(json!({ "auto_sync": true })).await;
    site.story.drain().await;
    number
}

pub(super) async fn close(site: &Project<'_>, repo: &github_sim::Repo, number: u64) {
    repo.close_pull(number);
    site.story.drain().await;
}

/// Why the only pending path is held.
pub(super) async fn held(site: &Project<'_>) -> String {
    let pending = site.get("/pending").await;
    assert_eq!(pending["items"].as_array().unwrap().len(), 1, "{pending}");
    pending["items"][0]["held"]["detail"].as_str().unwrap_or_default().to_owned()
}

#[actix_web::test]
async fn a_title_used_again_gets_a_branch_of_its_own() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let first = proposed(&site, "Update docs").await;
    repo.merge_pull(first, MergeMethod::Squash);
    repo.delete_branch("lockstep/update-docs");
    story.drain().await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "three\n")]).await;
    let second = site.propose("Update docs").await;
    assert_eq!((second["number"].as_u64(), second["branch"].as_str()), (Some(2), Some("lockstep/update-docs-2")));
    close(&site, &repo, 2).await;
    repo.delete_branch("lockstep/update-docs-2");
    story.drain().await;
    let body = json!({ "title": "Update docs", "branch": "lockstep/update-docs-2" });
    let third = site.post("/pull-requests", body).await.expect(201);
    assert_eq!(
        (third["number"].as_u64(), third["state"].as_str()),
        (Some(3), Some("open")),
        "a given name is that name"
    );
    assert_eq!(repo.text("lockstep/update-docs-2", "a.txt").as_deref(), Some("three\n"));
    story.drain().await;
}

#[actix_web::test]
async fn excluded_and_back_in_view_an_open_one_has_its_paths() {
    for policy in ["ask", "project_wins", "github_wins"] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("gone.txt", "x\n")]);
        let changes = vec![put("a.txt", "two\n"), remove("gone.txt"), put("new.txt", "n\n")];
        let site = waiting(&story, &repo, changes).await;
        site.settings(json!({ "conflict_policy": policy })).await;
        let number = proposed(&site, "Change").await;
        let before = repo.head("main");
        for exclude in [json!(["*.txt"]), json!([])] {
            site.settings(json!({ "exclude": exclude })).await;
            story.drain().await;
        }
        site.sync().await;
        story.drain().await;
        assert_eq!(repo.head("main"), before, "{policy}: not behind the reviewer's back");
        assert_eq!(site.get("/conflicts").await["items"], json!([]), "{policy}");
        assert_eq!(
            (site.file("a.txt").await.as_deref(), site.file("gone.txt").await),
            (Some("two\n"), None),
            "{policy}"
        );
        let pending = site.get("/pending").await;
        assert_eq!(pending["items"].as_array().unwrap().len(), 3, "{pending}");
        site.change(&[("a.txt", "three\n")]).await;
        story.drain().await;
        assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("three\n"), "edits go to its branch");
        repo.merge_pull(number, MergeMethod::Squash);
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(site.file("a.txt").await.as_deref(), Some("three\n"));
    }
}

#[actix_web::test]
async fn what_is_excluded_is_not_sent_to_a_pull_requests_branch_either() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    proposed(&site, "Change").await;
    site.settings(json!({ "exclude": ["a.txt"] })).await;
    site.change(&[("a.txt", "private\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("two\n"));
}

#[actix_web::test]
async fn a_path_belongs_to_the_open_ones_that_carry_it_until_the_last_has_ended() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let first = proposed(&site, "First").await;
    close(&site, &repo, first).await;
    let second = proposed(&site, "Second").await;
    repo.reopen_pull(first);
    story.drain().await;
    assert_eq!(held(&site).await, format!("The change is in pull request #{second}."), "what it has nobody takes");
    repo.merge_pull(first, MergeMethod::Squash);
    story.drain().await;
    site.change(&[("a.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"), "the second is open");
    assert_eq!(repo.text("lockstep/second", "a.txt").as_deref(), Some("three\n"));
    close(&site, &repo, second).await;
    assert_eq!(held(&site).await, format!("The change was in pull request #{second}, which was closed."));
    site.sync().await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    site.change(&[("a.txt", "four\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("four\n"), "and from then on as ever");
}

#[actix_web::test]
async fn one_that_cannot_be_opened_leaves_what_a_closed_one_left() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("x.txt", "one\n"), ("y.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("x.txt", "two\n"), put("y.txt", "two\n")]).await;
    let number = proposed(&site, "A").await;
    close(&site, &repo, number).await;
    repo.ruleset("lockstep/b", "creation");
    site.post("/pull-requests", json!({ "title": "B" })).await.problem(409, "branch_protected");
    site.change(&[("n.txt", "n\n"), ("x.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "n.txt").as_deref(), Some("n\n"));
    for path in ["x.txt", "y.txt"] {
        assert_eq!(repo.text("main", path).as_deref(), Some("one\n"), "nobody synced, nor opened another");
    }
    // One file of another attempt is refused: its next version waits as well.
    story.github.clear_faults();
    repo.forbid_secret("hunter2");
    site.change(&[("x.txt", "hunter2\n")]).await;
    let second = proposed(&site, "C").await;
    close(&site, &repo, second).await;
    site.change(&[("x.txt", "five\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "x.txt").as_deref(), Some("one\n"), "it is still what the first one left");
    site.sync().await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_merge_that_the_branch_does_not_have_leaves_its_changes_to_a_person() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let number = proposed(&site, "Change").await;
    let before = repo.head("main").unwrap();
    repo.merge_pull(number, MergeMethod::Squash);
    repo.force_push("main", Some(&before), &[("z.txt", "z\n")]);
    story.drain().await;
    assert_eq!(site.get(&format!("/pull-requests/{number}")).await["state"], "merged");
    assert_eq!(held(&site).await, format!("The change was in pull request #{number}, which was merged into main."));
    site.change(&[("b.txt", "b\n"), ("a.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(
        (repo.text("main", "a.txt").as_deref(), repo.text("main", "b.txt").as_deref()),
        (Some("one\n"), Some("b\n"))
    );
    site.sync().await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("three\n"));
}

#[actix_web::test]
async fn a_merge_far_back_counts() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let number = proposed(&site, "Change").await;
    story.github.lose_webhooks(100);
    repo.merge_pull(number, MergeMethod::Squash);
    for round in 0..120 {
        repo.push("main", &[("n.txt", format!("{round}\n").as_str())]);
    }
    site.post(&format!("/pull-requests/{number}/refresh"), json!({})).await.expect(200);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.get("").await["pending_changes"], 0);
}

#[actix_web::test]
async fn merged_into_another_branch_its_changes_wait_for_a_person() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    repo.create_branch("dev", "main");
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let made = site.post("/pull-requests", json!({ "title": "Change", "base": "dev" })).await.expect(201);
    site.settings(json!({ "auto_sync": true })).await;
    repo.merge_pull(made["number"].as_u64().unwrap(), MergeMethod::Squash);
    story.drain().await;
    assert_eq!(held(&site).await, "The change was in pull request #1, which was merged into dev.");
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"));
    site.sync().await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn settling_a_conflict_is_no_sync_of_what_a_closed_one_left() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let number = proposed(&site, "Change").await;
    close(&site, &repo, number).await;
    repo.push("main", &[("b.txt", "theirs\n")]);
    site.change(&[("b.txt", "mine\n")]).await;
    story.drain().await;
    site.post("/conflicts/resolve", json!({ "strategy": "project" })).await.expect(202);
    story.drain().await;
    assert_eq!(
        (repo.text("main", "a.txt").as_deref(), repo.text("main", "b.txt").as_deref()),
        (Some("one\n"), Some("mine\n"))
    );
    assert_eq!(held(&site).await, format!("The change was in pull request #{number}, which was closed."));
}

#[actix_web::test]
async fn closed_undone_and_synced_it_holds_nothing_any_more() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n"), put("b.txt", "two\n")]).await;
    let number = proposed(&site, "Change").await;
    close(&site, &repo, number).await;
    site.change(&[("a.txt", "one\n")]).await;
    // Others do the same to the other one: both sides have it.
    repo.push("main", &[("b.txt", "two\n")]);
    story.drain().await;
    assert_eq!(site.get("").await["pending_changes"], 0);
    site.change(&[("b.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("three\n"));
    site.sync().await;
    story.drain().await;
    site.change(&[("a.txt", "four\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("four\n"), "a person has synced");
}

#[actix_web::test]
async fn an_edit_while_it_is_being_made_follows_to_its_branch() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    story.github.fail_next("/pulls", 2, 502);
    site.post("/pull-requests", json!({ "title": "Change" })).await.problem(503, "github_unavailable");
    story.github.clear_faults();
    site.settings(json!({ "auto_sync": true })).await;
    site.change(&[("a.txt", "three\n")]).await;
    story.drain().await;
    story.pulls_are_due().await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("three\n"));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"));
}

#[actix_web::test]
async fn connected_again_an_open_one_has_its_paths() {
    for policy in ["ask", "project_wins"] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
        let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
        site.settings(json!({ "conflict_policy": policy })).await;
        let first = proposed(&site, "First").await;
        site.settings(json!({ "auto_sync": false })).await;
        site.change(&[("b.txt", "two\n")]).await;
        let second = proposed(&site, "Second").await;
        story.host().delete(&site.path("/integration")).await.expect(204);
        repo.merge_pull(second, MergeMethod::Squash);
        let before = repo.head("main");
        site.connect(&repo).await;
        story.drain().await;
        assert_eq!(repo.head("main"), before, "{policy}");
        assert_eq!(held(&site).await, format!("The change is in pull request #{first}."));
        repo.merge_pull(first, MergeMethod::Squash);
        story.drain().await;
        site.agrees_with(&repo, "main").await;
    }
}

#[actix_web::test]
async fn a_branch_in_the_way_of_the_names_below_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    repo.create_branch("lockstep", "main");
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let wrong = json!({ "title": "x", "branch": "lockstep/x", "user": ADA });
    assert_eq!(site.post("/pull-requests", wrong).await.wrong_fields(), ["branch"]);
    assert_eq!(site.propose("Change").await["branch"], "lockstep-change");
    site.settings(json!({ "conflict_policy": "pull_request", "auto_sync": true })).await;
    site.change(&[("b.txt", "mine\n")]).await;
    repo.push("main", &[("b.txt", "theirs\n")]);
    site.sync().await;
    story.drain().await;
    let pulls = site.get("/pull-requests").await;
    let branch = pulls["items"][0]["branch"].as_str().unwrap();
    assert!(branch.starts_with("lockstep-conflict-"), "{pulls}");
    assert_eq!(repo.text(branch, "b.txt").as_deref(), Some("mine\n"));
}

#[actix_web::test]
async fn one_that_ended_before_its_number_was_known_holds_nothing_any_more() {
    for merged in [false, true] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
        story.github.fail_next("/pulls", 2, 502);
        site.post("/pull-requests", json!({ "title": "Change" })).await.problem(503, "github_unavailable");
        story.github.clear_faults();
        site.settings(json!({ "auto_sync": true })).await;
        // As if only the answer had been lost.
        let number = repo.open_pull("octocat", "Change", "lockstep/change", "main");
        if merged {
            repo.merge_pull(number, MergeMethod::Squash);
        } else {
            repo.close_pull(number);
        }
        story.pulls_are_due().await;
        story.drain().await;
        let shown = site.get(&format!("/pull-requests/{number}")).await;
        assert_eq!(shown["state"], if merged { "merged" } else { "closed" });
        if !merged {
            assert_eq!(held(&site).await, format!("The change was in pull request #{number}, which was closed."));
            site.sync().await;
            story.drain().await;
        }
        site.agrees_with(&repo, "main").await;
        site.change(&[("a.txt", "three\n")]).await;
        story.drain().await;
        assert_eq!(repo.text("main", "a.txt").as_deref(), Some("three\n"), "merged: {merged}");
    }
}
