//! Changed on both sides (contract 6.9), and what conflicts look like (8).

use github_sim::{Change, MergeMethod};
use serde_json::{Value, json};

use crate::story::{Project, Story, put, remove};

async fn conflict(site: &Project<'_>, path: &str) -> Value {
    let conflicts = site.get("/conflicts").await;
    let found = conflicts["items"].as_array().unwrap().iter().find(|one| one["path"] == path);
    found.unwrap_or_else(|| panic!("{path} in {conflicts}")).clone()
}

#[actix_web::test]
async fn every_kind_of_conflict_with_its_sides() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("mod.txt", "one\n"), ("gone.txt", "one\n"), ("kept.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push(
        "main",
        &[
            Change::file("mod.txt", "theirs\n"),
            Change::delete("gone.txt"),
            Change::file("kept.txt", "theirs\n"),
            Change::file("new.txt", "theirs\n"),
            Change::file("x.bin", b"\0\x01\x02"),
        ],
    );
    site.changes(vec![
        put("mod.txt", "mine\n"),
        put("gone.txt", "mine\n"),
        remove("kept.txt"),
        put("new.txt", "mine\n"),
        json!({ "op": "put", "path": "x.bin", "content": "AAk=", "encoding": "base64" }),
        put("free.txt", "free\n"),
    ])
    .await;
    story.drain().await;
    assert_eq!(site.status().await["conflicts"], 5);
    assert_eq!(repo.text("main", "free.txt").as_deref(), Some("free\n"), "the others are synced");

    let both = conflict(&site, "mod.txt").await;
    assert_eq!(both["kind"], "both_modified");
    for (side, text) in [("base", "one\n"), ("project", "mine\n"), ("github", "theirs\n")] {
        assert_eq!((both[side]["text"].as_str(), both[side]["size"].as_u64()), (Some(text), Some(text.len() as u64)));
        assert_eq!(both[side]["mode"], "100644");
        assert_eq!(both[side]["oid"].as_str().unwrap().len(), 40);
    }
    let merged = both["merged"].as_str().unwrap();
    for mark in ["<<<<<<<", "mine\n", "|||||||", "one\n", "=======", "theirs\n", ">>>>>>>"] {
        assert!(merged.contains(mark), "{mark} in {merged}");
    }
    let gone = conflict(&site, "gone.txt").await;
    assert_eq!((gone["kind"].as_str(), gone["github"].is_null()), (Some("deleted_on_github"), true));
    let kept = conflict(&site, "kept.txt").await;
    assert_eq!((kept["kind"].as_str(), kept["project"].is_null()), (Some("deleted_in_project"), true));
    let added = conflict(&site, "new.txt").await;
    assert_eq!((added["kind"].as_str(), added["base"].is_null()), (Some("both_added"), true));
    let binary = conflict(&site, "x.bin").await;
    assert!(binary["merged"].is_null() && binary["project"]["text"].is_null(), "{binary}");

    // Everything GitHub's way, deletions too.
    site.post("/conflicts/resolve", json!({ "strategy": "github" })).await.expect(202);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("gone.txt").await, None);
    assert_eq!(site.file("kept.txt").await.as_deref(), Some("theirs\n"));
}

#[actix_web::test]
async fn everything_the_projects_way_deletions_too() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("gone.txt", "one\n"), ("kept.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[Change::delete("gone.txt"), Change::file("kept.txt", "theirs\n")]);
    site.changes(vec![put("gone.txt", "mine\n"), remove("kept.txt")]).await;
    story.drain().await;
    site.post("/conflicts/resolve", json!({ "strategy": "project" })).await.expect(202);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(repo.text("main", "gone.txt").as_deref(), Some("mine\n"));
    assert_eq!(repo.text("main", "kept.txt"), None);
}

#[actix_web::test]
async fn content_goes_to_both_sides() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n")]).await;
    story.drain().await;
    let before = site.get("").await["revision"].as_i64().unwrap();
    let body = json!({ "user": "u_7", "resolutions": [{ "path": "a.txt", "take": "content", "content": "both\n" }] });
    let sync = site.post("/conflicts/resolve", body).await.expect(202);
    assert_eq!(site.get("").await["revision"].as_i64(), Some(before + 1), "a resolution that changes files");
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("both\n"));
    site.agrees_with(&repo, "main").await;
    let sync = site.get(&format!("/syncs/{}", sync["id"].as_str().unwrap())).await;
    assert_eq!((sync["kind"].as_str(), sync["status"].as_str()), (Some("resolve"), Some("succeeded")));
    assert_eq!(sync["author"]["id"], "u_7");
}

#[actix_web::test]
async fn later_edits_of_a_held_path_update_the_conflict() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n")]).await;
    story.drain().await;
    site.change(&[("a.txt", "mine again\n")]).await;
    repo.push("main", &[("a.txt", "theirs again\n")]);
    story.drain().await;
    let held = conflict(&site, "a.txt").await;
    assert_eq!(held["project"]["text"], "mine again\n");
    assert_eq!(held["github"]["text"], "theirs again\n");
    assert_eq!(held["base"]["text"], "one\n");
    assert_eq!(site.sync_status().await, "conflict");
    // It goes by itself when both sides become equal, from GitHub's side too.
    repo.push("main", &[("a.txt", "mine again\n")]);
    story.drain().await;
    assert_eq!(site.status().await["conflicts"], 0);
    assert_eq!(site.sync_status().await, "success");
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn the_project_wins() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "conflict_policy": "project_wins" })).await;
    repo.push("main", &[Change::file("a.txt", "theirs\n"), Change::file("b.txt", "theirs\n"), Change::delete("c.txt")]);
    site.changes(vec![put("a.txt", "mine\n"), remove("b.txt"), put("c.txt", "mine\n")]).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("mine\n"));
    assert_eq!(site.file("b.txt").await, None);
    assert_eq!(site.file("c.txt").await.as_deref(), Some("mine\n"));
    assert_eq!(repo.log("main").len(), 3, "theirs stays in the history");
}

#[actix_web::test]
async fn github_wins() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "conflict_policy": "github_wins" })).await;
    repo.push("main", &[Change::file("a.txt", "theirs\n"), Change::file("b.txt", "theirs\n"), Change::delete("c.txt")]);
    site.changes(vec![put("a.txt", "mine\n"), remove("b.txt"), put("c.txt", "mine\n"), put("d.txt", "d\n")]).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs\n"));
    assert_eq!(site.file("b.txt").await.as_deref(), Some("theirs\n"));
    assert_eq!(site.file("c.txt").await, None);
    assert_eq!(repo.text("main", "d.txt").as_deref(), Some("d\n"), "what does not conflict is still pushed");
}

#[actix_web::test]
async fn a_policy_that_proposes_keeps_githubs_version_here_and_there() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "conflict_policy": "pull_request" })).await;
    repo.push("main", &[Change::file("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n"), ("b.txt", "bb\n")]).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs\n"));
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("bb\n"));
    let pulls = site.get("/pull-requests").await;
    assert_eq!(pulls["items"].as_array().unwrap().len(), 1, "{pulls}");
    let (number, branch) =
        (pulls["items"][0]["number"].as_u64().unwrap(), pulls["items"][0]["branch"].as_str().unwrap());
    assert_eq!(pulls["items"][0]["paths"], json!(["a.txt"]));
    assert_eq!(repo.text(branch, "a.txt").as_deref(), Some("mine\n"));
    let sync = site.history().await.into_iter().find(|sync| sync["kind"] == "pull_request").unwrap();
    assert_eq!((sync["status"].as_str(), sync["pull_request"].as_u64()), (Some("succeeded"), Some(number)));
    repo.merge_pull(number, MergeMethod::Rebase);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("mine\n"));
}

#[actix_web::test]
async fn a_folder_here_and_a_file_there() {
    for (strategy, is_file) in [("github", true), ("project", false)] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("x.txt", "x\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        repo.push("main", &[("a", "theirs\n")]);
        site.change(&[("a/b.txt", "mine\n"), ("y.txt", "y\n")]).await;
        story.drain().await;
        let held = conflict(&site, "a").await;
        assert_eq!((held["kind"].as_str(), held["project"].is_null()), (Some("both_added"), true), "{held}");
        assert!(held["detail"].as_str().unwrap().contains("a/"), "{held}");
        assert_eq!(repo.text("main", "y.txt").as_deref(), Some("y\n"));
        site.post("/conflicts/resolve", json!({ "strategy": strategy })).await.expect(202);
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(site.file("a").await.is_some(), is_file, "{strategy}");
        assert_eq!(site.file("a/b.txt").await.is_some(), !is_file, "{strategy}");
    }
}

#[actix_web::test]
async fn a_file_against_a_folder_goes_to_a_pull_request() {
    for (here, there) in [("a", "a/b.txt"), ("a/b.txt", "a")] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("x.txt", "x\n"), ("c.txt", "c\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        repo.push("main", &[(there, "theirs\n"), ("c.txt", "theirs\n")]);
        site.change(&[(here, "mine\n"), ("c.txt", "mine\n")]).await;
        story.drain().await;
        let pending = site.get("/pending").await;
        for item in pending["items"].as_array().unwrap() {
            assert_eq!(item["held"]["code"], "sync_conflict", "it says why it waits: {item}");
        }
        site.post("/conflicts/resolve", json!({ "strategy": "pull_request" })).await.expect(202);
        story.drain().await;
        assert_eq!(site.get("/conflicts").await["items"], json!([]), "{here}");
        site.agrees_with(&repo, "main").await;
        assert_eq!(site.file(there).await.as_deref(), Some("theirs\n"));
        let pulls = site.get("/pull-requests").await;
        let number = pulls["items"][0]["number"].as_u64().unwrap();
        assert_eq!(pulls["items"][0]["paths"], json!(["a", "a/b.txt", "c.txt"]), "{pulls}");
        repo.merge_pull(number, MergeMethod::Squash);
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        assert_eq!(site.file(here).await.as_deref(), Some("mine\n"), "the project's side was proposed");
        assert_eq!(site.file(there).await, None);
    }
}

#[actix_web::test]
async fn symlinks_have_no_merged_text() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[Change::symlink("link", "one")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[Change::symlink("link", "theirs")]);
    site.changes(vec![json!({ "op": "put", "path": "link", "content": "mine" })]).await;
    story.drain().await;
    let held = conflict(&site, "link").await;
    assert_eq!((held["project"]["mode"].as_str(), &held["merged"]), (Some("120000"), &Value::Null), "{held}");
}

#[actix_web::test]
async fn resolving_asks_for_one_of_the_two_forms() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    for body in [
        json!({}),
        json!({ "resolutions": [], "strategy": "github" }),
        json!({ "resolutions": [] }),
        json!({ "resolutions": [{ "path": "a.txt", "take": "content" }] }),
        json!({ "resolutions": [{ "path": "a.txt", "take": "project", "content": "x" }] }),
        json!({ "resolutions": [{ "path": "../a", "take": "project" }] }),
        json!({ "strategy": "coin" }),
        json!({ "strategy": "github", "more": 1 }),
    ] {
        let answer = site.post("/conflicts/resolve", body.clone()).await;
        assert_eq!(answer.status, 422, "{body} {}", answer.text());
    }
    site.post("/conflicts/resolve", json!({ "strategy": "github" })).await.problem(409, "nothing_to_sync");
}

#[actix_web::test]
async fn a_base_that_was_never_here_is_fetched_when_others_go_on() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("k", "k\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "conflict_policy": "project_wins", "auto_sync": false })).await;
    site.change(&[("f.txt", "mine\n"), ("g/x", "mine\n")]).await;
    repo.push("main", &[Change::file("f.txt", "theirs\n"), Change::file("g", "file\n")]);
    story.drain().await;
    repo.push("main", &[Change::file("f.txt", "theirs 2\n")]);
    story.drain().await;
    assert_eq!(site.status().await["error"], Value::Null);
    site.post("/syncs", json!({})).await.expect(202);
    story.drain().await;
    assert_eq!(repo.text("main", "f.txt").as_deref(), Some("mine\n"));
    assert_eq!(site.status().await["sync_status"], "success");
}

#[actix_web::test]
async fn a_file_edited_while_a_folder_comes_in_its_place_is_never_both() {
    for (file, inside) in [("a", "a/b"), ("a/b", "a")] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[(file, "one\n"), ("k", "k\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        story.drain().await;
        repo.push("main", &[Change::delete(file), Change::file(inside, b"\0\x01\x02")]);
        story.github.deliveries_idle().await;
        story.github.delay_next("/git/blobs", 1, std::time::Duration::from_millis(300));
        story.github.reset_requests();
        tokio::join!(story.drain(), async {
            // The commit was read; what is new in it is on its way.
            crate::story::until(|| {
                story
                    .github
                    .requests()
                    .iter()
                    .any(|one| one.label().contains("/compare/") || one.label().contains("/git/trees"))
            })
            .await;
            site.change(&[(file, "mine\n")]).await;
        });
        let files = site.files().await;
        assert!(files.contains_key(file) && !files.contains_key(inside), "{files:?}");
        assert_ne!(site.status().await["conflicts"], 0);
        site.post("/conflicts/resolve", json!({ "strategy": "github" })).await.expect(202);
        story.drain().await;
        let files = site.files().await;
        assert!(!files.contains_key(file) && files.contains_key(inside), "{files:?}");
    }
}

#[actix_web::test]
async fn who_takes_their_side_of_a_conflict_back_gets_githubs() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "theirs\n")]);
    let site = story.project("site").await;
    site.change(&[("a.txt", "mine\n")]).await;
    let site = site.connected_to(&repo).await;
    story.drain().await;
    assert_eq!(site.status().await["conflicts"], 1);
    site.changes(vec![remove("a.txt")]).await;
    story.drain().await;
    assert_eq!(site.get("/conflicts").await["items"], json!([]));
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs\n"));
    assert_eq!(site.sync_status().await, "success");
}
