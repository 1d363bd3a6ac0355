//! What is out of sight stays so, in both directions (contract 6.7, 6.8), and connecting or switching
//! compares anew (6.16).

use github_sim::Change;
use serde_json::{Value, json};

use crate::story::{Story, put, remove};

#[actix_web::test]
async fn an_excluded_path_is_never_deleted_on_github() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.log", "theirs\n"), ("b.txt", "b\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "exclude": ["*.log"] })).await;
    story.drain().await;
    site.changes(vec![remove("a.log"), put("b.txt", "bb\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.log").as_deref(), Some("theirs\n"));
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("bb\n"));
    repo.push("main", &[("a.log", "more\n"), ("c.log", "new\n")]);
    story.drain().await;
    assert_eq!(site.file("c.log").await, None, "nor does it come in");
    assert_eq!(site.sync_status().await, "success");
    site.settings(json!({ "exclude": [] })).await;
    story.drain().await;
    assert_eq!(site.file("a.log").await.as_deref(), Some("more\n"), "compared anew: what stands on one side travels");
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_file_does_not_take_the_place_of_excluded_ones() {
    for pattern in ["/n/x", "n/*.log", "d/"] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[
            ("a.txt", "a\n"),
            ("n/x", "theirs\n"),
            ("n/x.log", "theirs\n"),
            ("d/e.txt", "e\n"),
        ]);
        let site = story.project("site").await;
        site.settings(json!({ "exclude": ["/n/x", "n/*.log", "d/"] })).await;
        let site = site.connected_to(&repo).await;
        let place = if pattern == "d/" { "d" } else { "n" };
        site.change(&[(place, "mine\n"), ("a.txt", "aa\n")]).await;
        story.drain().await;
        assert_eq!(repo.text("main", "n/x").as_deref(), Some("theirs\n"), "{pattern}");
        assert_eq!(repo.text("main", "d/e.txt").as_deref(), Some("e\n"), "{pattern}");
        assert_eq!(repo.text("main", "a.txt").as_deref(), Some("aa\n"), "{pattern}: not in the way of the rest");
        let pending = site.get("/pending").await;
        assert_eq!(
            (&pending["items"][0]["path"], &pending["items"][0]["held"]["code"]),
            (&json!(place), &json!("validation_failed"))
        );
        let action = pending["items"][0]["held"]["action"].as_str().unwrap();
        assert!(action.starts_with("Rename or exclude this file"), "{action}");
        // Nor does a pull request carry their deletion.
        site.post("/pull-requests", json!({ "title": "x" })).await.problem(422, "validation_failed");
        assert_eq!(repo.branches().len(), 1);
        site.changes(vec![remove(place)]).await;
        story.drain().await;
        assert_eq!(site.sync_status().await, "success");
    }
}

#[actix_web::test]
async fn many_new_files_are_looked_for_in_one_tree() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "a\n"), ("n/x.log", "theirs\n"), ("f.log", "theirs\n")]);
    let site = story.project("site").await;
    site.settings(json!({ "exclude": ["*.log"] })).await;
    let site = site.connected_to(&repo).await;
    let mut files: Vec<Value> = (0..400).map(|number| put(&format!("new/{number}.txt"), "x\n")).collect();
    files.extend([put("n", "mine\n"), put("f.log/y.txt", "mine\n")]);
    story.github.reset_requests();
    site.changes(files).await;
    story.drain().await;
    assert_eq!(repo.files("main").len(), 403);
    assert_eq!(repo.text("main", "n/x.log").as_deref(), Some("theirs\n"));
    assert_eq!(repo.text("main", "f.log").as_deref(), Some("theirs\n"));
    let pending = site.get("/pending").await;
    assert_eq!((&pending["items"][0]["path"], pending["items"].as_array().unwrap().len()), (&json!("n"), 1));
    let asked = story.github.count("POST /graphql");
    assert!(asked <= 8, "{asked} requests: by name it takes five more for each look");
}

#[actix_web::test]
async fn a_name_that_github_cannot_show_is_held_and_never_taken_for_gone() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "a\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.change(&[("bad\u{fffd}.txt", "x\n"), ("bad\u{fffd}/b.txt", "b\n"), ("a.txt", "aa\n")]).await;
    story.drain().await;
    assert_eq!(repo.files("main").into_keys().collect::<Vec<_>>(), ["a.txt"]);
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("aa\n"), "not in the way of the rest");
    let pending = site.get("/pending").await;
    let items = pending["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    for item in items {
        assert_eq!(item["held"]["code"], "validation_failed");
        assert!(item["held"]["detail"].as_str().unwrap().contains("Rename"), "{item}");
    }
    // One that was agreed on before stays, when all is compared anew.
    repo.push("main", &[("bad\u{fffd}.txt", "x\n"), ("bad\u{fffd}/b.txt", "b\n")]);
    let agreed = "UPDATE files SET base_oid = oid, base_mode = mode WHERE path LIKE 'bad%'";
    story.sql().await.batch_execute(agreed).await.unwrap();
    site.settings(json!({ "exclude": ["*.log"] })).await;
    story.drain().await;
    assert_eq!(site.file("bad%EF%BF%BD.txt").await.as_deref(), Some("x\n"));
    site.agrees_with(&repo, "main").await;
    let story = Story::start().await;
    let repo = story.repo("acme/site");
    let site = story.project("site").await;
    site.change(&[("bad\u{fffd}.txt", "x\n"), ("a.txt", "a\n")]).await;
    site.connected_to(&repo).await;
    assert_eq!(repo.files("main").into_keys().collect::<Vec<_>>(), ["a.txt"], "nor is it in the first commit");
}

#[actix_web::test]
async fn both_sides_of_an_excluded_path_are_no_conflict_until_it_is_in_sight() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "a\n")]);
    let site = story.project("site").await;
    site.settings(json!({ "exclude": ["*.log"] })).await;
    site.change(&[("x.log", "mine\n")]).await;
    let site = site.connected_to(&repo).await;
    repo.push("main", &[("x.log", "theirs\n")]);
    story.drain().await;
    assert_eq!(site.sync_status().await, "success");
    assert_eq!(site.get("/pending").await["items"], json!([]));
    assert_eq!(site.get("/pending?excluded=true").await["items"][0]["path"], "x.log");
    site.settings(json!({ "exclude": [] })).await;
    story.drain().await;
    let conflicts = site.get("/conflicts").await;
    assert_eq!(
        (conflicts["items"][0]["path"].as_str(), conflicts["items"][0]["kind"].as_str()),
        (Some("x.log"), Some("both_added"))
    );
}

#[actix_web::test]
async fn what_cannot_be_held_is_never_in_the_way_of_the_rest() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[
        Change::file("a.txt", "a\n"),
        Change::submodule("lib", &"1".repeat(40)),
        Change::symlink(".gitmodules", "elsewhere"),
        Change::file("back\\slash.txt", "x\n"),
        Change::file("tab\there.txt", "x\n"),
    ]);
    let site = story.project("site").await.connected_to(&repo).await;
    assert_eq!(site.files().await.into_keys().collect::<Vec<_>>(), ["a.txt"]);
    assert_eq!(site.sync_status().await, "success");
    // By mutation and by trees, nothing of it is lost.
    site.changes(vec![
        put("a.txt", "b\n"),
        json!({ "op": "put", "path": "run.sh", "content": "x\n", "mode": "100755" }),
    ])
    .await;
    site.change(&[("lib2/x.txt", "x\n")]).await;
    story.drain().await;
    let there: Vec<String> = repo.files("main").into_keys().collect();
    for path in ["lib", ".gitmodules", "back\\slash.txt", "tab\there.txt", "run.sh", "lib2/x.txt"] {
        assert!(there.iter().any(|one| one == path), "{path} in {there:?}");
    }
    repo.push("main", &[Change::submodule("lib", &"2".repeat(40)), Change::file("b.txt", "b\n")]);
    story.drain().await;
    assert_eq!(site.file("b.txt").await.as_deref(), Some("b\n"));
    assert_eq!(site.sync_status().await, "success");
}

#[actix_web::test]
async fn a_file_over_fifty_mebibytes_stays_on_github() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[Change::file("a.txt", "a\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[Change::file("huge.bin", vec![7_u8; (50 << 20) + 1]), Change::file("b.txt", "b\n")]);
    story.drain().await;
    assert_eq!(site.files().await.into_keys().collect::<Vec<_>>(), ["a.txt", "b.txt"]);
    assert_eq!(site.state().await, ("connected".to_owned(), None));
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    assert!(repo.files("main").contains_key("huge.bin"));
    repo.push("main", &[Change::file("huge.bin", "small now\n")]);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn without_pull_only_what_both_changed_is_a_conflict() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "pull": false })).await;
    repo.push("main", &[Change::file("a.txt", "theirs\n"), Change::file("b.txt", "theirs\n"), Change::delete("c.txt")]);
    site.change(&[("a.txt", "mine\n"), ("d.txt", "d\n")]).await;
    story.drain().await;
    let conflicts = site.get("/conflicts").await;
    let held: Vec<_> = conflicts["items"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(held, ["a.txt"]);
    assert_eq!(site.file("b.txt").await.as_deref(), Some("b\n"));
    assert_eq!(site.file("c.txt").await.as_deref(), Some("c\n"));
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("theirs\n"));
    assert_eq!(repo.text("main", "c.txt"), None);
    assert_eq!(repo.text("main", "d.txt").as_deref(), Some("d\n"));
    assert_eq!(site.get("").await["pending_changes"], 1, "only the held one is the project's change");
}

#[actix_web::test]
async fn what_comes_in_is_a_revision_and_is_told() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let before = site.get("").await["revision"].as_i64().unwrap();
    repo.push("main", &[("a.txt", "two\n"), ("b.txt", "b\n")]);
    story.drain().await;
    assert_eq!(site.get("").await["revision"].as_i64(), Some(before + 1));
    let sql = "SELECT data FROM events WHERE kind = 'project.files_changed' ORDER BY id DESC LIMIT 1";
    let told: Value = story.sql().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(told["revision"].as_i64(), Some(before + 1));
    let oid = |path: &str| json!(repo.files("main")[path].1);
    let expected = json!([
        { "path": "a.txt", "change": "modified", "oid": oid("a.txt") },
        { "path": "b.txt", "change": "added", "oid": oid("b.txt") },
    ]);
    assert_eq!(told["files"], expected);
}

#[actix_web::test]
async fn connecting_to_files_travels_agrees_and_asks() {
    let story = Story::start().await;
    let repo =
        story.repo("acme/site").with(&[("same.txt", "same\n"), ("theirs.txt", "theirs\n"), ("both.txt", "theirs\n")]);
    let site = story.project("site").await;
    site.change(&[("same.txt", "same\n"), ("mine.txt", "mine\n"), ("both.txt", "mine\n")]).await;
    let site = site.connected_to(&repo).await;
    assert_eq!(site.file("theirs.txt").await.as_deref(), Some("theirs\n"));
    assert_eq!(repo.text("main", "mine.txt").as_deref(), Some("mine\n"));
    let conflicts = site.get("/conflicts").await;
    assert_eq!(conflicts["items"].as_array().unwrap().len(), 1, "{conflicts}");
    assert_eq!((&conflicts["items"][0]["path"], &conflicts["items"][0]["base"]), (&json!("both.txt"), &Value::Null));
    let sync = site.last().await;
    assert_eq!(
        (sync["kind"].as_str(), sync["direction"].as_str(), sync["status"].as_str()),
        (Some("initial"), Some("both"), Some("conflict"))
    );
    assert_eq!(sync["commit_sha"].as_str(), repo.head("main").as_deref(), "with the commit of the others");
}

#[actix_web::test]
async fn connecting_and_switching_follow_the_policy() {
    for (policy, here, there) in [("project_wins", "mine\n", "mine\n"), ("github_wins", "theirs\n", "theirs\n")] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("both.txt", "theirs\n")]);
        repo.create_branch("next", "main");
        repo.push("next", &[("both.txt", "next\n"), ("n.txt", "n\n")]);
        let site = story.project("site").await;
        site.settings(json!({ "conflict_policy": policy })).await;
        site.change(&[("both.txt", "mine\n")]).await;
        let site = site.connected_to(&repo).await;
        assert_eq!(site.file("both.txt").await.as_deref(), Some(here));
        assert_eq!(repo.text("main", "both.txt").as_deref(), Some(there));
        site.agrees_with(&repo, "main").await;
        let main = repo.head("main");

        site.settings(json!({ "branch": "next" })).await;
        story.drain().await;
        site.agrees_with(&repo, "next").await;
        let expected = if policy == "project_wins" { here } else { "next\n" };
        assert_eq!(site.file("both.txt").await.as_deref(), Some(expected));
        assert_eq!(repo.head("main"), main, "the other branch is left as it is");
        assert_eq!(site.last().await["kind"], "initial");
    }
}

#[actix_web::test]
async fn a_rewritten_history_is_others_change() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.change(&[("c.txt", "c\n")]).await;
    story.drain().await;
    repo.force_push("main", None, &[Change::file("a.txt", "rewritten\n"), Change::file("z.txt", "z\n")]);
    site.change(&[("mine.txt", "mine\n")]).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("rewritten\n"));
    assert_eq!(site.file("c.txt").await, None, "what differs between base and the new head is others' change");
    assert_eq!(repo.text("main", "mine.txt").as_deref(), Some("mine\n"));
    assert_eq!(repo.log("main").last().unwrap().files.len(), 2, "the new root stands");
}
