//! What reaches the branch, in how many requests, and in whose name (contract 6.3 to 6.5, 6.17).

use std::time::Duration;

use github_sim::Change;
use serde_json::{Value, json};

use crate::story::{ADA, Story, put, remove};

fn paths(sync: &Value) -> Vec<&str> {
    sync["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_window_is_one_commit_and_begins_with_its_first_change() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "batch_seconds": 60 })).await;
    site.change(&[("a.txt", "two\n")]).await;
    story.pass(Duration::from_secs(40)).await;
    story.drain().await;
    assert_eq!(repo.log("main").len(), 1, "not yet");
    site.change(&[("b.txt", "b\n")]).await;
    site.change(&[("a.txt", "three\n")]).await;
    story.pass(Duration::from_secs(21)).await;
    story.drain().await;
    assert_eq!(repo.log("main").len(), 2, "a minute after the first, whatever came since");
    assert_eq!(paths(&site.last().await), ["a.txt", "b.txt"]);
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn without_auto_sync_only_a_person_commits() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    repo.push("main", &[("b.txt", "theirs\n")]);
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"));
    assert_eq!(site.file("b.txt").await.as_deref(), Some("theirs\n"), "what others commit comes in");
    let asked = site.sync().await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    let sync = site.get(&format!("/syncs/{}", asked["id"].as_str().unwrap())).await;
    assert_eq!((sync["kind"].as_str(), sync["author"]["id"].as_str()), (Some("manual"), Some(ADA)));
}

#[actix_web::test]
async fn somebody_who_pushes_in_between_loses_nothing() {
    for (filter, mode) in [("createCommitOnBranch", "100644"), ("PATCH", "100755")] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        story.github.push_between(filter, &repo, "main", &[("theirs.txt", "theirs\n")]);
        site.changes(vec![json!({ "op": "put", "path": "b.sh", "content": "b\n", "mode": mode })]).await;
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(site.file("theirs.txt").await.as_deref(), Some("theirs\n"));
        let log = repo.log("main");
        assert_eq!(log.len(), 3, "{filter}: {log:?}");
        assert!(log.iter().all(|commit| commit.parents.len() < 2), "a straight line");
    }
}

#[actix_web::test]
async fn somebody_who_fills_an_empty_repository_first_loses_nothing() {
    for filter in ["PUT /repos", "createCommitOnBranch", "updateRefs"] {
        let story = Story::start().await;
        let repo = story.repo("acme/site");
        let site = story.project("site").await;
        site.change(&[("a.txt", "a\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]).await;
        story.github.push_between(filter, &repo, "main", &[("theirs.txt", "theirs\n")]);
        let site = site.connected_to(&repo).await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(repo.text("main", "theirs.txt").as_deref(), Some("theirs\n"), "{filter}");
        assert_eq!(repo.text("main", "a.txt").as_deref(), Some("a\n"), "{filter}");
        let theirs = repo.log("main").into_iter().filter(|commit| !commit.author.contains("lockstep"));
        assert_eq!(theirs.count(), 1, "{filter}: their commit stands: {:?}", repo.log("main"));
    }
}

#[actix_web::test]
async fn an_empty_repository_gets_one_root_commit_of_many_files_in_five_requests() {
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await;
    let files: Vec<_> = (0..400).map(|n| put(&format!("d{}/f{n}.txt", n % 9), &format!("{n}\n"))).collect();
    site.changes(files).await;
    story.github.reset_requests();
    let site = site.connected_to(&repo).await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(repo.log("main").len(), 1);
    assert!(repo.log("main")[0].verified);
    assert!(story.github.count_created() <= 5, "{}", story.github.count_created());
}

#[actix_web::test]
async fn trees_cost_three_requests_and_one_for_each_binary_and_each_further_hundred() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("gone.txt", "x\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.reset_requests();
    let mut changes: Vec<_> = (0..247).map(|n| put(&format!("d/f{n}.txt"), &format!("{n}\n"))).collect();
    changes.push(json!({ "op": "put", "path": "run.sh", "content": "x\n", "mode": "100755" }));
    changes.push(json!({ "op": "put", "path": "one.bin", "content": "AP8A/w==", "encoding": "base64" }));
    changes.push(json!({ "op": "put", "path": "two.bin", "content": "AP8B/w==", "encoding": "base64" }));
    changes.push(remove("gone.txt"));
    site.changes(changes).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert!(story.github.count_created() <= 3 + 2 + 2, "{}", story.github.count_created());
    assert_eq!(repo.log("main").len(), 2);
    assert!(repo.log("main")[0].verified);
}

#[actix_web::test]
async fn a_commit_that_github_finds_too_large_goes_by_trees() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.limits(|limits| limits.graphql_bytes = 100_000);
    let files: Vec<_> = (0..6).map(|n| put(&format!("f{n}.txt"), &format!("{n}{}\n", "x".repeat(30_000)))).collect();
    site.changes(files).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(repo.log("main").len(), 2);
    assert!(repo.log("main")[0].verified);
}

#[actix_web::test]
async fn a_mode_alone_is_a_change() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[Change::file("run.sh", "x\n"), Change::executable("stop.sh", "y\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.changes(vec![
        json!({ "op": "put", "path": "run.sh", "content": "x\n", "mode": "100755" }),
        json!({ "op": "put", "path": "stop.sh", "content": "z\n" }),
    ])
    .await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(repo.files("main")["run.sh"].0, "100755");
    assert_eq!(repo.files("main")["stop.sh"].0, "100755", "an executable stays one when its text changes");
    let sync = site.last().await;
    let kinds: Vec<_> = sync["files"].as_array().unwrap().iter().map(|file| file["change"].clone()).collect();
    assert_eq!(kinds, ["mode_changed", "modified"]);
}

#[actix_web::test]
async fn a_file_in_a_folders_place_and_back() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a/b.txt", "b\n"), ("c", "c\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.changes(vec![remove("a/b.txt"), put("a", "file\n"), remove("c"), put("c/d.txt", "d\n")]).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    repo.push(
        "main",
        &[Change::delete("a"), Change::file("a/x.txt", "x\n"), Change::delete("c/d.txt"), Change::file("c", "c\n")],
    );
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a/x.txt").await.as_deref(), Some("x\n"));
}

#[actix_web::test]
async fn commits_name_the_people_whose_changes_they_carry() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "batch_seconds": 60 })).await;
    let people = [
        json!({ "id": "u1", "name": "Ada Lovelace", "email": "ada@example.com" }),
        json!({ "id": "u2", "name": "Grace Hopper", "email": "grace@example.com" }),
        json!({ "id": "u1", "name": "Ada Lovelace", "email": "ada@example.com" }),
        json!({ "id": "u3", "name": "Nobody" }),
    ];
    for (number, author) in people.iter().enumerate() {
        let changes = vec![put(&format!("f{number}.txt"), "x\n")];
        let body = json!({ "event_id": format!("by{number}"), "author": author, "changes": changes });
        site.post("/changes", body).await.expect(202);
    }
    story.pass(Duration::from_secs(61)).await;
    story.drain().await;
    let message = repo.log("main")[0].message.clone();
    let trailers: Vec<_> = message.lines().filter(|line| line.starts_with("Co-authored-by:")).collect();
    assert_eq!(
        trailers,
        ["Co-authored-by: Ada Lovelace <ada@example.com>", "Co-authored-by: Grace Hopper <grace@example.com>"],
        "{message}"
    );
    // What is agreed on has no author any more.
    site.change(&[("a.txt", "two\n")]).await;
    story.pass(Duration::from_secs(61)).await;
    story.drain().await;
    assert!(!repo.log("main")[0].message.contains("Co-authored-by"), "{}", repo.log("main")[0].message);
}

#[actix_web::test]
async fn at_most_fifty_people_are_named() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "batch_seconds": 60 })).await;
    for number in 0..60 {
        let author = json!({ "id": format!("u{number}"), "name": "P", "email": format!("p{number}@example.com") });
        let changes = vec![put(&format!("f{number}.txt"), "x\n")];
        let body = json!({ "event_id": format!("by{number}"), "author": author, "changes": changes });
        site.post("/changes", body).await.expect(202);
    }
    story.pass(Duration::from_secs(61)).await;
    story.drain().await;
    assert_eq!(repo.log("main")[0].message.matches("Co-authored-by:").count(), 50);
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_remote_commit_of_one_file_costs_a_request_for_each_folder_above_it() {
    let story = Story::start().await;
    let files: Vec<(String, String)> =
        (0..10_000).map(|n| (format!("d{}/e{}/f{n}.txt", n % 10, n % 30), format!("{n}\n"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let repo = story.repo("acme/site").with(&files);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.reset_requests();
    repo.push("main", &[("d3/e3/f3.txt", "theirs\n")]);
    story.drain().await;
    assert_eq!(site.file("d3/e3/f3.txt").await.as_deref(), Some("theirs\n"));
    let requests = story.github.requests();
    let content = requests.iter().filter(|it| !it.route.contains("access_tokens")).count();
    // The head, three levels of trees, the blob, and the commit's message.
    assert!(content <= 6, "{requests:?}");
    assert_eq!(story.github.count_created(), 0);
}
