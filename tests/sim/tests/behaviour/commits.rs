//! Commits through GraphQL and REST.

use serde_json::{Value, json};

use crate::client::fsck;
use crate::{Story, start};

const COMMIT: &str = "mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) {
    commit { oid url committedDate tree { oid } signature { isValid } author { name email user { login } } }
  }
}";

fn input(head: Option<String>, additions: Value, deletions: Value) -> Value {
    json!({ "input": {
        "branch": { "repositoryNameWithOwner": "acme/site", "branchName": "main" },
        "expectedHeadOid": head,
        "message": { "headline": "Change things", "body": "Because." },
        "fileChanges": { "additions": additions, "deletions": deletions },
    }})
}

#[tokio::test]
async fn a_commit_on_a_branch_is_signed_and_by_the_bot() -> Story {
    let (_sim, repo, client) = start().await?;
    let additions = json!([{ "path": "docs/new.md", "contents": "bmV3Cg==" }]);
    let deletions = json!([{ "path": "index.md" }]);
    let answer = client.graphql(COMMIT, input(repo.head("main"), additions, deletions)).await?;
    let commit = &answer["data"]["createCommitOnBranch"]["commit"];
    assert_eq!(commit["oid"].as_str(), repo.head("main").as_deref());
    assert_eq!(commit["signature"]["isValid"], json!(true));
    assert_eq!(commit["author"]["name"], json!("lockstep-sim[bot]"));
    let texts = repo.texts("main");
    assert_eq!(texts.into_iter().collect::<Vec<_>>(), [("docs/new.md".into(), "new\n".into())]);
    let log = repo.log("main");
    assert_eq!(log[0].message, "Change things\n\nBecause.");
    assert_eq!(log[0].committer, "GitHub <noreply@github.com>");
    assert!(log[0].verified && !log[1].verified);
    fsck(&repo)
}

#[tokio::test]
async fn a_stale_head_is_told_in_githubs_words() -> Story {
    let (_sim, repo, client) = start().await?;
    let before = repo.head("main");
    repo.push("main", &[("index.md", "two\n")]);
    let answer = client.graphql(COMMIT, input(before, json!([]), json!([]))).await?;
    let error = &answer["errors"][0];
    assert_eq!(error["type"], json!("STALE_DATA"));
    assert_eq!(error["path"], json!(["createCommitOnBranch"]));
    assert_eq!(answer["data"], json!({ "createCommitOnBranch": null }));
    Ok(())
}

#[tokio::test]
async fn a_missing_path_a_double_one_and_bad_base64_abort_a_commit() -> Story {
    let (_sim, repo, client) = start().await?;
    let head = repo.head("main");
    let cases = [
        (json!([]), json!([{ "path": "nowhere" }])),
        (json!([{ "path": "a", "contents": "YQ==" }]), json!([{ "path": "a" }])),
        (json!([{ "path": "a", "contents": "%%%" }]), json!([])),
        (json!([{ "path": "../a", "contents": "YQ==" }]), json!([])),
    ];
    for (additions, deletions) in cases {
        let answer = client.graphql(COMMIT, input(head.clone(), additions, deletions)).await?;
        assert_eq!(answer["errors"][0]["type"], json!("UNPROCESSABLE"), "{answer}");
    }
    assert_eq!(repo.head("main"), head);
    Ok(())
}

#[tokio::test]
async fn protection_and_rulesets_keep_commits_out() -> Story {
    let (_sim, repo, client) = start().await?;
    let additions = json!([{ "path": "a", "contents": "YQ==" }]);
    let head = repo.head("main");
    repo.protect("main", "pull_request");
    let answer = client.graphql(COMMIT, input(head.clone(), additions.clone(), json!([]))).await?;
    assert_eq!(answer["errors"][0]["type"], json!("BRANCH_PROTECTION_RULE_VIOLATION"));
    repo.unprotect();
    repo.ruleset("~ALL", "pull_request");
    let answer = client.graphql(COMMIT, input(head, additions, json!([]))).await?;
    let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.to_lowercase().contains("repository rule violations"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn git_data_makes_every_mode_and_moves_a_ref_only_forward() -> Story {
    let (_sim, repo, client) = start().await?;
    let head = repo.head("main").unwrap_or_default();
    let tree = repo.log("main")[0].tree.clone();
    let made = client
        .post(
            "/repos/acme/site/git/trees",
            json!({ "base_tree": tree, "tree": [
                { "path": "bin/run", "mode": "100755", "type": "blob", "content": "#!/bin/sh\n" },
                { "path": "link", "mode": "120000", "type": "blob", "content": "index.md" },
                { "path": "lib", "mode": "160000", "type": "commit", "sha": head },
                { "path": "index.md", "mode": "100644", "type": "blob", "sha": null },
            ]}),
        )
        .await?;
    assert_eq!(made.status, 201, "{made:?}");
    let commit = client
        .post(
            "/repos/acme/site/git/commits",
            json!({
                "message": "All modes", "tree": made.body["sha"], "parents": [head],
            }),
        )
        .await?;
    assert_eq!(commit.body["verification"]["verified"], json!(true));
    let sha = commit.body["sha"].clone();
    let path = "/repos/acme/site/git/refs/heads/main";
    let moved = client.patch(path, json!({ "sha": sha, "force": false })).await?;
    assert_eq!(moved.status, 200, "{moved:?}");
    let back = client.patch(path, json!({ "sha": head })).await?;
    assert_eq!((back.status, back.message()), (422, "Update is not a fast forward"));
    let files = repo.files("main");
    let modes: Vec<&str> = files.values().map(|(mode, _)| mode.as_str()).collect();
    assert_eq!(modes, ["100755", "160000", "120000"]);
    fsck(&repo)
}

#[tokio::test]
async fn an_empty_repository_takes_contents_only() -> Story {
    let (sim, _repo, client) = start().await?;
    let empty = sim.repo("acme/empty");
    let body = json!({ "content": "a", "encoding": "utf-8" });
    let blob = client.post("/repos/acme/empty/git/blobs", body).await?;
    assert_eq!((blob.status, blob.message()), (409, "Git Repository is empty."));
    let branches = client.get("/repos/acme/empty/branches?per_page=1").await?;
    assert_eq!((branches.status, branches.body), (200, json!([])));
    let put = client
        .put(
            "/repos/acme/empty/contents/a%20b/c.txt",
            json!({
                "message": "First", "content": "YQ==", "branch": "trunk",
            }),
        )
        .await?;
    assert_eq!(put.status, 201, "{put:?}");
    assert_eq!(empty.text("trunk", "a b/c.txt").as_deref(), Some("a"));
    assert_eq!(empty.default_branch(), "trunk");
    fsck(&empty)
}
