//! What comes into the project from GitHub is nobody's edit of what pull requests carry; what people
//! take back is one, whatever the pull request is of (contract 7).

use github_sim::{MergeMethod, Repo};
use serde_json::json;

use super::pull_holds::{close, proposed, waiting};
use crate::story::{Project, Story, put};

/// Two open pull requests carry `a.txt`; the second one has it.
async fn two<'a>(story: &'a Story, repo: &Repo) -> (Project<'a>, [u64; 2]) {
    let site = waiting(story, repo, vec![put("a.txt", "two\n")]).await;
    let first = proposed(&site, "First").await;
    close(&site, repo, first).await;
    let second = proposed(&site, "Second").await;
    repo.reopen_pull(first);
    story.drain().await;
    (site, [first, second])
}

/// A conflict whose project side is proposed: the number and the branch.
async fn conflict<'a>(story: &'a Story, repo: &Repo) -> (Project<'a>, u64, String) {
    let site = story.project("site").await.connected_to(repo).await;
    site.settings(json!({ "conflict_policy": "pull_request" })).await;
    story.drain().await;
    repo.push("main", &[("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n")]).await;
    story.drain().await;
    let made = site.get("/pull-requests").await["items"][0].clone();
    let branch = made["branch"].as_str().unwrap().to_owned();
    assert_eq!(repo.text(&branch, "a.txt").as_deref(), Some("mine\n"));
    (site, made["number"].as_u64().unwrap(), branch)
}

#[actix_web::test]
async fn what_reviewers_made_of_one_is_no_edit_of_another() {
    for merged in [0, 1] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let (site, numbers) = two(&story, &repo).await;
        let branches = ["lockstep/first", "lockstep/second"];
        let (other, on_other) = (branches[1 - merged], || repo.text(branches[1 - merged], "a.txt"));
        repo.push(branches[merged], &[("a.txt", "reviewed\n")]);
        repo.merge_pull(numbers[merged], MergeMethod::Squash);
        story.drain().await;
        site.sync().await;
        story.drain().await;
        assert_eq!(site.file("a.txt").await.as_deref(), Some("reviewed\n"));
        assert_eq!((on_other().as_deref(), repo.log(other).len()), (Some("two\n"), 2), "{other}: nobody edited it");
        assert_eq!(site.get("").await["pending_changes"], 0);
        for text in ["mine\n", "reviewed\n"] {
            site.change(&[("a.txt", text)]).await;
            story.drain().await;
            assert_eq!(on_other().as_deref(), Some(text), "{other}: an edit, and what takes it back");
        }
        repo.force_push(other, repo.head("main").as_deref(), &[("a.txt", "both\n")]);
        repo.merge_pull(numbers[1 - merged], MergeMethod::Squash);
        story.drain().await;
        assert_eq!(site.file("a.txt").await.as_deref(), Some("both\n"));
        assert_eq!(site.get("/conflicts").await["items"], json!([]));
        site.agrees_with(&repo, "main").await;
    }
}

#[actix_web::test]
async fn what_others_made_of_it_is_no_conflict_when_the_other_one_is_merged_too() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, [first, second]) = two(&story, &repo).await;
    repo.push("lockstep/first", &[("a.txt", "reviewed\n")]);
    repo.merge_pull(first, MergeMethod::Squash);
    story.drain().await;
    repo.force_push("lockstep/second", repo.head("main").as_deref(), &[("a.txt", "both\n")]);
    repo.merge_pull(second, MergeMethod::Squash);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("both\n"));
    assert_eq!(site.get("/conflicts").await["items"], json!([]));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn what_others_commit_is_no_edit_of_one_that_is_opened_again() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let number = proposed(&site, "Change").await;
    close(&site, &repo, number).await;
    site.sync().await;
    story.drain().await;
    repo.push("main", &[("a.txt", "others\n")]);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("others\n"));
    repo.reopen_pull(number);
    story.drain().await;
    site.sync().await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("two\n"));
    assert_eq!(repo.log("lockstep/change").len(), 2, "nobody edited it");
}

/// Whoever settles the conflict: a person, or the policy, whose proposal is then closed.
#[actix_web::test]
async fn githubs_side_of_a_conflict_is_no_edit_of_one_that_is_opened_again() {
    for policy in ["ask", "pull_request"] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
        site.settings(json!({ "conflict_policy": policy })).await;
        let number = proposed(&site, "Change").await;
        close(&site, &repo, number).await;
        repo.push("main", &[("a.txt", "others\n")]);
        story.drain().await;
        if policy == "ask" {
            site.post("/conflicts/resolve", json!({ "strategy": "github" })).await.expect(202);
            story.drain().await;
        }
        assert_eq!(site.file("a.txt").await.as_deref(), Some("others\n"), "{policy}");
        repo.reopen_pull(number);
        story.drain().await;
        if policy == "pull_request" {
            assert_eq!(repo.pulls().len(), 2);
            close(&site, &repo, 2).await;
        }
        site.sync().await;
        story.drain().await;
        assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("two\n"), "{policy}");
        assert_eq!(repo.log("lockstep/change").len(), 2, "{policy}: nobody edited it");
    }
}

#[actix_web::test]
async fn an_edit_of_a_conflicts_proposal_that_is_taken_back_is_taken_back_on_its_branch() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, _, branch) = conflict(&story, &repo).await;
    let on_branch = || repo.text(&branch, "a.txt");
    for text in ["edited\n", "theirs\n"] {
        site.change(&[("a.txt", text)]).await;
        story.drain().await;
        assert_eq!(on_branch().as_deref(), Some(text));
    }
    assert_eq!(site.get("").await["pending_changes"], 0);
    let commits = repo.log(&branch).len();
    repo.push("main", &[("a.txt", "theirs again\n")]);
    story.drain().await;
    site.sync().await;
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs again\n"));
    assert_eq!((on_branch().as_deref(), repo.log(&branch).len()), (Some("theirs\n"), commits), "that is no edit");
}

#[actix_web::test]
async fn an_edited_proposal_of_a_conflict_takes_what_reviewers_made_of_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number, branch) = conflict(&story, &repo).await;
    site.change(&[("a.txt", "edited\n")]).await;
    story.drain().await;
    repo.push(&branch, &[("a.txt", "reviewed\n")]);
    repo.merge_pull(number, MergeMethod::Merge);
    story.drain().await;
    assert_eq!(site.get("/conflicts").await["items"], json!([]));
    assert_eq!(site.file("a.txt").await.as_deref(), Some("reviewed\n"));
    assert_eq!(repo.pulls().len(), 1, "no second one");
    site.agrees_with(&repo, "main").await;
}
