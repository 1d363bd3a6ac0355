//! What GitHub refuses is held with its problem, and everything else lands (contract 6.12).

use serde_json::{Value, json};

use crate::story::{Project, Story, put};

/// The held paths with the codes of their problems.
async fn held(site: &Project<'_>) -> Vec<(String, String)> {
    let pending = site.get("/pending").await;
    let items = pending["items"].as_array().unwrap();
    let held = items.iter().filter(|item| !item["held"].is_null());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    held.map(|item| (text(&item["path"]), text(&item["held"]["code"]))).collect()
}

fn is(path: &str, code: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), code.to_owned())]
}

#[actix_web::test]
async fn a_secret_is_found_among_files_when_github_names_none() {
    // By mutation, and by trees.
    for mode in ["100644", "100755"] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        repo.forbid_secret("hunter2");
        site.changes(vec![
            put("a.txt", "two\n"),
            put("key.txt", "password: hunter2\n"),
            put("z.txt", "z\n"),
            json!({ "op": "put", "path": "run.sh", "content": "x\n", "mode": mode }),
        ])
        .await;
        story.drain().await;
        assert_eq!(held(&site).await, is("key.txt", "push_protection"), "{mode}");
        assert_eq!(repo.files("main").into_keys().collect::<Vec<_>>(), ["a.txt", "run.sh", "z.txt"], "{mode}");
        let sync = site.last().await;
        assert_eq!(sync["status"], "succeeded", "{mode}: {sync}");

        site.change(&[("key.txt", "password: none\n")]).await;
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert!(held(&site).await.is_empty());
    }
}

#[actix_web::test]
async fn in_the_first_commit_too() {
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    repo.forbid_secret("hunter2");
    let site = story.project("site").await;
    site.change(&[("a.txt", "a\n"), ("b.txt", "hunter2\n"), ("c.txt", "c\n")]).await;
    let site = site.connected_to(&repo).await;
    assert_eq!(held(&site).await, is("b.txt", "push_protection"));
    assert_eq!(repo.files("main").into_keys().collect::<Vec<_>>(), ["a.txt", "c.txt"]);
    assert_eq!(repo.log("main").len(), 1);
}

#[actix_web::test]
async fn workflows_wait_for_the_permission_and_go_when_it_comes() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.set_permission(story.installation, "workflows", "none");
    repo.push("main", &[("theirs.txt", "theirs\n")]);
    site.change(&[("a.txt", "two\n"), (".github/workflows/ci.yml", "on: push\n")]).await;
    story.drain().await;
    assert_eq!(held(&site).await, is(".github/workflows/ci.yml", "permission_missing"));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"));
    let sync = site.last().await;
    let files: Vec<_> = sync["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert!(
        files.contains(&"a.txt") && !files.contains(&".github/workflows/ci.yml"),
        "what was refused did not happen: {sync}"
    );

    story.github.set_permission(story.installation, "workflows", "write");
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_file_that_github_finds_too_large_is_held_alone() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.limits(|limits| {
        limits.blob_bytes = 50_000;
        limits.graphql_bytes = 60_000;
    });
    let large = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, vec![0_u8; 60_000]);
    site.changes(vec![
        put("a.txt", "two\n"),
        json!({ "op": "put", "path": "huge.bin", "content": large, "encoding": "base64" }),
    ])
    .await;
    story.drain().await;
    assert_eq!(held(&site).await, is("huge.bin", "file_too_large"));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"));
    site.changes(vec![crate::story::remove("huge.bin")]).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_name_that_a_rule_forbids_is_held_alone() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.ruleset("main", "path:secret/");
    site.change(&[("a.txt", "two\n"), ("secret/b.txt", "b\n"), ("secretly.txt", "c\n")]).await;
    story.drain().await;
    assert_eq!(held(&site).await, is("secret/b.txt", "validation_failed"), "{}", site.last().await);
    assert_eq!(repo.files("main").into_keys().collect::<Vec<_>>(), ["a.txt", "secretly.txt"]);
}

#[actix_web::test]
async fn a_sync_of_which_everything_is_refused_fails_with_its_problem() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.forbid_secret("hunter2");
    site.change(&[("key.txt", "hunter2\n")]).await;
    story.drain().await;
    let sync = site.last().await;
    assert_eq!((sync["status"].as_str(), sync["error"]["code"].as_str()), (Some("failed"), Some("push_protection")));
    assert!(!sync["error"]["action"].as_str().unwrap().is_empty());
    repo.allow_secrets();
    site.sync().await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn on_the_branch_of_a_pull_request_nothing_is_lost() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    repo.forbid_secret("hunter2");
    site.change(&[("a.txt", "hunter2\n")]).await;
    let problem = site.post("/pull-requests", json!({ "title": "Secret" })).await.problem(409, "push_protection");
    assert!(!problem["action"].as_str().unwrap().is_empty());
    assert_eq!(site.get("").await["pending_changes"], 1);
    assert_eq!(repo.branches().len(), 1, "no branch is left behind");
    assert_eq!(site.last().await["status"], "failed");
    story.drain().await;
}

#[actix_web::test]
async fn a_pull_request_goes_without_what_is_refused() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    repo.forbid_secret("hunter2");
    site.change(&[("a.txt", "two\n"), ("key.txt", "hunter2\n")]).await;
    let pull = site.propose("Change").await;
    assert_eq!((pull["paths"].clone(), pull["branch"].as_str()), (json!(["a.txt"]), Some("lockstep/change")));
    assert!(held(&site).await.contains(&("key.txt".to_owned(), "push_protection".to_owned())));
    assert_eq!(repo.branches().len(), 2);
    story.drain().await;
}
