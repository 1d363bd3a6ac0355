//! Whoever works on a project dies in the middle, or an answer comes late: what the next one finds.

use github_sim::Lie;
use lockstep::job::{Job, Wake};
use lockstep::queue::Handler;
use serde_json::json;

use crate::story::{Story, put};

#[actix_web::test]
async fn a_proposal_after_a_death_takes_nothing_that_is_on_the_branch() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    site.sync().await;
    let (before, pid) = (repo.head("main"), site.pid().await);
    story.dies(story.engine.look(pid), || repo.head("main") != before).await;

    site.post("/pull-requests", json!({ "title": "Late" })).await.problem(409, "nothing_to_sync");
    story.drain().await;
    assert_eq!((repo.log("main").len(), repo.branches().len()), (2, 1));
    let sync = site.last().await;
    assert_eq!(
        (sync["status"].as_str(), sync["commit_sha"].as_str()),
        (Some("succeeded"), repo.head("main").as_deref())
    );
}

#[actix_web::test]
async fn a_commit_without_an_answer_is_looked_for_before_a_proposal() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.drop_response_after_apply("createCommitOnBranch");
    site.change(&[("a.txt", "two\n")]).await;
    site.look().await;
    site.post("/pull-requests", json!({ "title": "Late" })).await.problem(409, "nothing_to_sync");
    story.drain().await;
    assert_eq!((repo.log("main").len(), repo.branches().len()), (2, 1));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn going_on_with_a_pull_request_forgets_no_dead_sync() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    story.github.fail_next("/pulls", 2, 502);
    site.post("/pull-requests", json!({ "title": "Change" })).await.problem(503, "github_unavailable");
    story.github.clear_faults();
    site.change(&[("b.txt", "b\n")]).await;
    site.sync().await;
    let (before, pid) = (repo.head("main"), site.pid().await);
    story.dies(story.engine.look(pid), || repo.head("main") != before).await;

    story.engine.queue.clear().await.unwrap();
    let id = story.number("SELECT id FROM pull_requests").await;
    story.engine.handle(Job::Wake(Wake::PullRequest { id })).await;
    story.engine.queue.clear().await.unwrap();
    story.drain().await;
    assert_eq!(repo.pulls().len(), 1);
    let history = site.history().await;
    assert!(history.iter().all(|sync| sync["status"] == "succeeded"), "{history:?}");
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("b\n"));
    assert_eq!(repo.log("main").len(), 2);
}

#[actix_web::test]
async fn a_commit_that_lacks_a_file_is_not_taken_for_the_whole() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "commit_template": "Sync" })).await;
    story.github.fail_next("createCommitOnBranch", 1, 502);
    site.change(&[("a.txt", "two\n")]).await;
    site.look().await;
    story.github.fail_next("createCommitOnBranch", 1, 502);
    site.change(&[("b.txt", "b\n")]).await;
    site.look().await;
    // The first of the two was carried out after all, late.
    repo.push_as("lockstep-sim[bot]", "main", "Sync", &[("a.txt", "two\n")]);
    story.drain().await;
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("b\n"));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn nothing_is_believed_that_the_branch_does_not_show() {
    for (filter, mode) in [("createCommitOnBranch", "100644"), ("PATCH", "100755")] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        story.github.lie_next(filter, Lie::NotApplied);
        site.changes(vec![json!({ "op": "put", "path": "b.sh", "content": "b\n", "mode": mode })]).await;
        site.look().await;
        assert_ne!(site.last().await["status"], "succeeded", "{filter}: the branch is where it was");
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(repo.log("main").len(), 2, "{filter}");
        assert_eq!(site.last().await["commit_sha"].as_str(), repo.head("main").as_deref());
    }
}

#[actix_web::test]
async fn an_answer_that_says_nothing_is_a_question() {
    for lie in [Lie::Truncated, Lie::Empty, Lie::Blank] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        story.github.reset_requests();
        story.github.lie_next("createCommitOnBranch", lie);
        site.change(&[("a.txt", "two\n")]).await;
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(repo.log("main").len(), 2, "{lie:?}");
        assert_eq!(story.github.count("createCommitOnBranch"), 1, "{lie:?}: it was made, and is found");
    }
}

#[actix_web::test]
async fn the_first_commit_survives_every_lost_answer() {
    let steps = ["PUT /repos/{owner}/{repo}/contents", "createCommitOnBranch", "/git/commits", "updateRefs"];
    for step in steps {
        for lost in [true, false] {
            let story = Story::start().await;
            let repo = story.repo("acme/site");
            let site = story.project("site").await;
            site.change(&[("a.txt", "a\n"), ("b/c.txt", "c\n"), ("d.txt", "d\n")]).await;
            if lost {
                story.github.drop_response_after_apply(step);
            } else {
                story.github.fail_next(step, 1, 502);
            }
            let site = site.connected_to(&repo).await;
            site.agrees_with(&repo, "main").await;
            assert_eq!(repo.log("main").len(), 1, "{step} {lost}: one root commit");
            let rows = site.history().await;
            assert_eq!(rows.len(), 1, "{step} {lost}: {rows:?}");
            assert_eq!((rows[0]["kind"].as_str(), rows[0]["status"].as_str()), (Some("initial"), Some("succeeded")));
            assert_eq!(rows[0]["commit_sha"].as_str(), repo.head("main").as_deref());
        }
    }
}

#[actix_web::test]
async fn two_at_once_late_and_again_are_as_good_as_one() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let other = story.engine.clone();
    let pid = site.pid().await;
    for round in 0..3 {
        site.change(&[("a.txt", &format!("{round}\n"))]).await;
        repo.push("main", &[("b.txt", format!("{round}\n").as_str())]);
        let (one, two, three) = tokio::join!(story.engine.look(pid), other.look(pid), story.engine.look(pid));
        one.and(two).and(three).unwrap();
    }
    story.drain().await;
    site.look().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(repo.log("main").len(), 1 + 3 + 3, "each change once");
}

#[actix_web::test]
async fn a_death_at_any_moment_leaves_one_commit_and_one_row() {
    let mut requests = 1;
    // Each time a request later, until nobody dies any more.
    loop {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        repo.push("main", &[("c.txt", "theirs\n")]);
        site.changes(vec![
            put("a.txt", "two\n"),
            json!({ "op": "put", "path": "run.sh", "content": "x\n", "mode": "100755" }),
        ])
        .await;
        story.github.deliveries_idle().await;
        story.github.reset_requests();
        let pid = site.pid().await;
        let finished = tokio::select! {
            biased;
            () = crate::story::until(|| story.github.requests().len() >= requests) => false,
            done = story.engine.look(pid) => { done.unwrap(); true }
        };
        let sql = "UPDATE integrations SET lease_until = now() - interval '1 second' WHERE lease_token IS NOT NULL";
        story.sql().await.execute(sql, &[]).await.unwrap();
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(repo.log("main").len(), 3, "after {requests} requests");
        let rows = site.history().await;
        let pushed: Vec<_> = rows.iter().filter(|row| row["kind"] != "initial").collect();
        assert!(pushed.iter().all(|row| row["status"] == "succeeded"), "after {requests}: {rows:?}");
        let named = pushed.iter().filter(|row| row["commit_sha"].as_str() == repo.head("main").as_deref()).count();
        assert_eq!(named, 1, "after {requests}: {rows:?}");
        if finished {
            break;
        }
        requests += 1;
    }
    assert!(requests > 4, "{requests}");
}
