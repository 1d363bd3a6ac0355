//! Pull requests from opening to merging.

use github_sim::MergeMethod;
use serde_json::json;

use crate::client::fsck;
use crate::{Story, start};

const QUERY: &str = "query($number: Int!) { repository(owner: \"acme\", name: \"site\") {
  pullRequest(number: $number) {
    state isDraft merged mergeable mergeStateStatus reviewDecision headRefOid
    statusCheckRollup { state }
    latestReviews(first: 10) { nodes { state author { login } } }
    commits(last: 1) { nodes { commit { oid statusCheckRollup { state } } } }
  } } }";

#[tokio::test]
async fn a_pull_request_is_opened_reviewed_checked_and_merged() -> Story {
    let (sim, repo, client) = start().await?;
    let path = "/repos/acme/site/pulls";
    let body = json!({ "title": "T", "head": "topic", "base": "main", "body": "B" });
    assert_eq!(client.post(path, body.clone()).await?.body["errors"][0]["field"], json!("head"));
    repo.create_branch("topic", "main");
    let same = client.post(path, body.clone()).await?;
    assert_eq!(same.body["errors"][0]["message"], json!("No commits between main and topic"));
    let head = repo.push("topic", &[("topic.md", "x\n")]);
    let made = client.post(path, body.clone()).await?;
    assert_eq!((made.status, made.body["head"]["sha"].as_str()), (201, Some(head.as_str())));
    let twice = client.post(path, body).await?;
    let message = "A pull request already exists for acme:topic.";
    assert_eq!(twice.body["errors"][0]["message"], json!(message));
    repo.review("alice", 1, "request_changes");
    repo.check_run(&head, "build", "in_progress");
    let pull = client.graphql(QUERY, json!({ "number": 1 })).await?;
    let pull = &pull["data"]["repository"]["pullRequest"];
    assert_eq!(pull["reviewDecision"], json!("CHANGES_REQUESTED"));
    assert_eq!(pull["statusCheckRollup"]["state"], json!("PENDING"));
    repo.review("alice", 1, "approve");
    repo.check_run(&head, "build", "success");
    repo.status(&head, "deploy", "failure");
    let pull = client.graphql(QUERY, json!({ "number": 1 })).await?;
    let pull = &pull["data"]["repository"]["pullRequest"];
    assert_eq!(pull["reviewDecision"], json!("APPROVED"));
    assert_eq!(
        pull["latestReviews"]["nodes"],
        json!([{
        "state": "APPROVED", "author": { "login": "alice" } }])
    );
    assert_eq!(pull["commits"]["nodes"][0]["commit"]["statusCheckRollup"]["state"], json!("FAILURE"));
    assert_eq!(pull["mergeable"], json!("MERGEABLE"));
    let merged = client.put("/repos/acme/site/pulls/1/merge", json!({})).await?;
    assert_eq!(merged.status, 200, "{merged:?}");
    let shown = client.get("/repos/acme/site/pulls/1").await?;
    assert_eq!((&shown.body["merged"], &shown.body["state"]), (&json!(true), &json!("closed")));
    let actions: Vec<Option<String>> = sim.deliveries_of("pull_request").into_iter().map(|it| it.action).collect();
    assert_eq!(actions, [Some("opened".to_owned()), Some("closed".to_owned())]);
    assert_eq!(sim.deliveries_of("pull_request_review").len(), 2);
    assert!(sim.deliveries_of("check_suite").len() >= 2);
    fsck(&repo)
}

#[tokio::test]
async fn squash_and_rebase_leave_straight_histories() -> Story {
    let (_sim, repo, _client) = start().await?;
    for (branch, method) in [("one", MergeMethod::Squash), ("two", MergeMethod::Rebase)] {
        repo.create_branch(branch, "main");
        repo.push(branch, &[(format!("{branch}-a"), "a".to_owned())]);
        repo.push(branch, &[(format!("{branch}-b"), "b".to_owned())]);
        repo.push(branch, &[(format!("{branch}-b"), "b again".to_owned())]);
        repo.push("main", &[(format!("between-{branch}"), "x".to_owned())]);
        let number = repo.open_pull("bob", branch, branch, "main");
        repo.merge_pull(number, method);
    }
    let log = repo.log("main");
    assert!(log.iter().all(|it| it.parents.len() < 2));
    assert_eq!(log.len(), 1 + 2 + 1 + 3);
    assert_eq!(repo.files("main").len(), 1 + 2 + 4);
    fsck(&repo)
}

#[tokio::test]
async fn conflicts_closing_and_deleting_the_branch() -> Story {
    let (sim, repo, client) = start().await?;
    repo.create_branch("topic", "main");
    repo.push("topic", &[("index.md", "theirs\n")]);
    repo.push("main", &[("index.md", "ours\n")]);
    let number = repo.open_pull("bob", "Conflict", "topic", "main");
    assert_eq!(repo.pull(number)["mergeable_state"], json!("dirty"));
    let refused = client.put("/repos/acme/site/pulls/1/merge", json!({})).await?;
    assert_eq!((refused.status, refused.message()), (405, "Pull Request is not mergeable"));
    repo.push("topic", &[("index.md", "ours\n")]);
    repo.close_pull(number);
    repo.reopen_pull(number);
    let review = repo.review("alice", number, "comment");
    repo.edit_review(number, review, "Nice");
    repo.dismiss_review(number, review);
    repo.set_draft(number, true);
    repo.set_draft(number, false);
    repo.retitle_pull(number, "Other");
    repo.delete_branch("topic");
    let actions: Vec<String> = sim.deliveries_of("pull_request").into_iter().filter_map(|it| it.action).collect();
    let expected =
        ["opened", "synchronize", "closed", "reopened", "converted_to_draft", "ready_for_review", "edited", "closed"];
    assert_eq!(actions, expected);
    let reviews: Vec<String> =
        sim.deliveries_of("pull_request_review").into_iter().filter_map(|it| it.action).collect();
    assert_eq!(reviews, ["submitted", "edited", "dismissed"]);
    Ok(())
}

#[tokio::test]
async fn without_reading_checks_the_rollup_alone_fails() -> Story {
    let (sim, repo, client) = start().await?;
    repo.create_branch("topic", "main");
    repo.push("topic", &[("a", "a")]);
    repo.open_pull("bob", "T", "topic", "main");
    sim.set_permission(sim.install("acme"), "checks", "none");
    let answer = client.graphql(QUERY, json!({ "number": 1 })).await?;
    assert_eq!(answer["data"]["repository"]["pullRequest"]["state"], json!("OPEN"));
    assert_eq!(answer["errors"][0]["type"], json!("FORBIDDEN"));
    assert_eq!(answer["errors"][0]["path"], json!(["repository", "pullRequest", "statusCheckRollup"]));
    Ok(())
}
