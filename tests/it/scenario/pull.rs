//! From the branch to the project: what others commit comes in.

use github_sim::Change;
use serde_json::json;

use crate::story::{Story, put, remove};

#[actix_web::test]
async fn somebody_elses_push_comes_in_by_webhook() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("gone.txt", "x\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let before = site.get("").await["revision"].as_i64().unwrap();

    repo.push(
        "main",
        &[Change::file("a.txt", "two\n"), Change::delete("gone.txt"), Change::executable("run.sh", "#!/bin/sh\n")],
    );
    story.drain().await;

    site.agrees_with(&repo, "main").await;
    assert_eq!(site.get("").await["revision"].as_i64(), Some(before + 1));
    let sync = site.last().await;
    assert_eq!((sync["kind"].as_str(), sync["direction"].as_str()), (Some("auto"), Some("pull")), "{sync}");
    assert_eq!(sync["commit_sha"].as_str(), repo.head("main").as_deref());
    assert_eq!(sync["files_changed"], 3);
    let rows = site.history().await.len();
    story.drain().await;
    assert_eq!(site.history().await.len(), rows, "a second look does nothing");
}

#[actix_web::test]
async fn lines_changed_on_both_sides_are_merged() {
    let story = Story::start().await;
    let base = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let repo = story.repo("acme/site").with(&[("a.txt", base)]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a.txt", &*base.replace("1\n", "one\n"))]);
    site.change(&[("a.txt", &base.replace("9\n", "nine\n"))]).await;
    story.drain().await;
    let merged = base.replace("1\n", "one\n").replace("9\n", "nine\n");
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some(&*merged));
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.sync_status().await, "success");
    assert_eq!(site.last().await["direction"], "both");
}

#[actix_web::test]
async fn without_pull_others_commits_stay_on_github_alone() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "pull": false })).await;
    repo.push("main", &[("a.txt", "two\n")]);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("one\n"));
    site.change(&[("b.txt", "bb\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"), "never overwritten");
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("bb\n"));
    assert_eq!(site.sync_status().await, "success");
    site.settings(json!({ "pull": true })).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_head_moved_back_is_others_change() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let first = repo.head("main").unwrap();
    let site = story.project("site").await.connected_to(&repo).await;
    site.change(&[("b.txt", "b\n")]).await;
    story.drain().await;
    repo.reset_branch("main", &first);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("b.txt").await, None);
}

#[actix_web::test]
async fn excluded_paths_are_out_of_sight_both_ways() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "a\n"), ("log/x.log", "theirs\n")]);
    let site = story.project("site").await;
    site.settings(json!({ "exclude": ["log/", "*.tmp"] })).await;
    site.change(&[("b.tmp", "mine\n"), ("log/y.log", "mine\n")]).await;
    let site = site.connected_to(&repo).await;
    assert_eq!(repo.texts("main").into_keys().collect::<Vec<_>>(), ["a.txt", "log/x.log"]);
    assert_eq!(site.file("log/x.log").await, None);
    site.settings(json!({ "exclude": ["*.tmp"] })).await;
    story.drain().await;
    assert_eq!(site.file("log/x.log").await.as_deref(), Some("theirs\n"), "compared anew");
    assert_eq!(repo.text("main", "log/y.log").as_deref(), Some("mine\n"));
    assert_eq!(repo.text("main", "b.tmp"), None);
}

#[actix_web::test]
async fn what_a_project_cannot_hold_is_left_alone() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[Change::file("a.txt", "a\n"), Change::submodule("lib", &"1".repeat(40))]);
    let site = story.project("site").await.connected_to(&repo).await;
    assert_eq!(site.files().await.into_keys().collect::<Vec<_>>(), ["a.txt"]);
    site.change(&[("a.txt", "b\n")]).await;
    story.drain().await;
    assert!(repo.files("main").contains_key("lib"));
    assert_eq!(site.sync_status().await, "success");
}

#[actix_web::test]
async fn modes_links_and_bytes_travel_by_trees() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "a\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.reset_requests();
    site.changes(vec![
        json!({ "op": "put", "path": "run.sh", "content": "#!/bin/sh\n", "mode": "100755" }),
        json!({ "op": "put", "path": "link", "content": "a.txt", "mode": "120000" }),
        json!({ "op": "put", "path": "x.bin", "content": "AP8A/w==", "encoding": "base64" }),
        put("plain.txt", "p\n"),
        remove("a.txt"),
    ])
    .await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert!(story.github.count_created() <= 4, "{:?}", story.github.requests());
}

#[actix_web::test]
async fn many_deletions_wait_for_a_person() {
    let story = Story::start().await;
    let files: Vec<(String, String)> = (0..30).map(|n| (format!("f{n}.txt"), format!("{n}\n"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let repo = story.repo("acme/site").with(&files);
    let site = story.project("site").await.connected_to(&repo).await;
    site.changes(files[..25].iter().map(|(path, _)| remove(path)).collect()).await;
    story.drain().await;
    let status = site.status().await;
    assert_eq!(
        (status["sync_status"].as_str(), status["error"]["code"].as_str()),
        (Some("conflict"), Some("confirmation_required"))
    );
    assert_eq!(repo.files("main").len(), 30);
    site.post("/confirm", json!({ "user": "ada" })).await.expect(202);
    story.drain().await;
    assert_eq!(repo.files("main").len(), 5);
    assert_eq!(site.sync_status().await, "success");
}

#[actix_web::test]
async fn equal_edits_are_no_conflict_and_a_held_one_goes_by_itself() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a.txt", "two\n")]);
    site.change(&[("a.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(site.status().await["conflicts"], 1);
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    let status = site.status().await;
    assert_eq!((status["conflicts"].as_i64(), status["sync_status"].as_str()), (Some(0), Some("success")), "{status}");
    assert!(site.get("/conflicts").await["items"].as_array().unwrap().is_empty());
}

#[actix_web::test]
async fn another_branch_is_compared_anew() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.create_branch("next", "main");
    repo.push("next", &[("n.txt", "next\n")]);
    story.drain().await;
    assert_eq!(site.file("n.txt").await, None);
    site.settings(json!({ "branch": "next" })).await;
    story.drain().await;
    site.agrees_with(&repo, "next").await;
    let wrong = story.host().patch(&site.path("/settings"), &json!({ "branch": "nowhere" })).await;
    wrong.problem(409, "branch_not_found");
}

#[actix_web::test]
async fn a_file_against_a_folder_is_held_until_somebody_decides() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("x.txt", "x\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a/b.txt", "theirs\n")]);
    site.change(&[("a", "mine\n"), ("y.txt", "y\n")]).await;
    story.drain().await;
    let conflicts = site.get("/conflicts").await;
    let conflict = &conflicts["items"][0];
    assert_eq!((conflict["path"].as_str(), conflict["kind"].as_str()), (Some("a"), Some("both_added")), "{conflicts}");
    assert!(conflict["github"].is_null() && conflict["detail"].as_str().unwrap().contains("a/"));
    assert_eq!(repo.text("main", "y.txt").as_deref(), Some("y\n"));
    site.post("/conflicts/resolve", json!({ "strategy": "project" })).await.expect(202);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a").await.as_deref(), Some("mine\n"));
}

#[actix_web::test]
async fn what_came_in_before_the_branch_moved_on_again_stays_in_the_syncs_files() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "conflict_policy": "github_wins" })).await;
    story.drain().await;
    repo.push("main", &[Change::file("a.txt", "theirs\n"), Change::file("d.txt", "d\n")]);
    site.change(&[("a.txt", "mine\n"), ("b.txt", "two\n")]).await;
    let again = [Change::file("c.txt", "c\n"), Change::file("d.txt", "dd\n")];
    story.github.push_between("createCommitOnBranch", &repo, "main", &again);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    let sync = site.last().await;
    let files: Vec<_> = sync["files"].as_array().unwrap().iter().map(|file| (&file["path"], &file["change"])).collect();
    let change = |path: &str, change: &str| (json!(path), json!(change));
    let expected =
        [change("a.txt", "modified"), change("b.txt", "modified"), change("c.txt", "added"), change("d.txt", "added")];
    assert_eq!(files, expected.iter().map(|(path, change)| (path, change)).collect::<Vec<_>>(), "{sync}");
    let diff = site.path(&format!("/syncs/{}/diff", sync["id"].as_str().unwrap()));
    let diff = story.host().get(&diff).await.text();
    assert!(diff.contains("-mine\n+theirs\n"), "what was replaced is not lost: {diff}");
}
