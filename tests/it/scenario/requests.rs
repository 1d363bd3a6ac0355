//! What people ask for while something else runs, and what they ask in vain.

use github_sim::{Change, MergeMethod};
use serde_json::{Value, json};

use crate::story::{ADA, Project, Story};

/// A closed pull request left `a.txt` to a person.
async fn left_to_a_person<'a>(story: &'a Story, repo: &github_sim::Repo) -> Project<'a> {
    let site = story.project("site").await.connected_to(repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    let number = site.propose("Change").await["number"].as_u64().unwrap();
    repo.close_pull(number);
    story.drain().await;
    site.settings(json!({ "auto_sync": true })).await;
    site
}

#[actix_web::test]
async fn a_persons_sync_that_joins_one_that_waits_takes_everything() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = left_to_a_person(&story, &repo).await;
    story.github.fail_next("createCommitOnBranch", 1, 502);
    site.change(&[("b.txt", "b\n")]).await;
    site.look().await;
    let waiting = site.last().await;
    assert_eq!((waiting["kind"].as_str(), waiting["status"].as_str()), (Some("auto"), Some("queued")));
    let asked = site.sync().await;
    assert_eq!((&asked["id"], asked["kind"].as_str()), (&waiting["id"], Some("manual")));
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"), "a person asked");
    site.agrees_with(&repo, "main").await;
    let sync = site.last().await;
    assert_eq!(
        (&sync["id"], sync["kind"].as_str(), sync["status"].as_str()),
        (&waiting["id"], Some("manual"), Some("succeeded"))
    );
}

#[actix_web::test]
async fn a_persons_sync_that_joins_a_running_one_takes_everything() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = left_to_a_person(&story, &repo).await;
    site.change(&[("b.txt", "b\n")]).await;
    story.github.reset_requests();
    story.github.delay_next("createCommitOnBranch", 1, std::time::Duration::from_millis(300));
    let pid = site.pid().await;
    let (done, _asked) = tokio::join!(story.engine.look(pid), async {
        let running = "SELECT count(*) FROM syncs WHERE status = 'running' AND intent IS NOT NULL";
        while story.number(running).await == 0 {}
        site.sync().await
    });
    done.unwrap();
    story.drain().await;
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("b\n"));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"), "a person asked");
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_request_during_a_look_is_not_overwritten_by_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let rows = site.history().await.len();
    let sql = "UPDATE integrations SET remote_due = true, due_at = now()";
    story.sql().await.execute(sql, &[]).await.unwrap();
    story.github.reset_requests();
    story.github.delay_next("POST /graphql", 1, std::time::Duration::from_millis(300));
    let pid = site.pid().await;
    let (done, asked) = tokio::join!(story.engine.look(pid), async {
        let held = "SELECT count(*) FROM integrations WHERE lease_token IS NOT NULL";
        while story.number(held).await == 0 {}
        site.sync().await
    });
    done.unwrap();
    assert_eq!(asked["kind"], "manual");
    story.drain().await;
    let history = site.history().await;
    assert_eq!(history.len(), rows + 1);
    assert_eq!((&history[0]["id"], history[0]["status"].as_str()), (&asked["id"], Some("no_changes")), "{history:?}");
}

/// A submodule on GitHub where the project has a file.
async fn against_a_submodule<'a>(story: &'a Story, repo: &github_sim::Repo) -> Project<'a> {
    let site = story.project("site").await.connected_to(repo).await;
    repo.push("main", &[Change::submodule("lib", &"1".repeat(40))]);
    site.change(&[("lib", "mine\n")]).await;
    story.drain().await;
    assert_eq!(site.get("/conflicts").await["items"][0]["path"], "lib");
    site
}

#[actix_web::test]
async fn what_a_project_cannot_hold_cannot_be_taken() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = against_a_submodule(&story, &repo).await;
    let body = json!({ "resolutions": [{ "path": "lib", "take": "github" }] });
    assert_eq!(site.post("/conflicts/resolve", body).await.wrong_fields(), ["resolutions[0].take"]);
    let all = json!({ "strategy": "github" });
    assert_eq!(site.post("/conflicts/resolve", all).await.wrong_fields(), ["strategy"]);
    let propose = json!({ "strategy": "pull_request" });
    assert_eq!(site.post("/conflicts/resolve", propose).await.wrong_fields(), ["strategy"]);

    repo.push("main", &[("a.txt", "theirs\n")]);
    site.change(&[("a.txt", "mine\n")]).await;
    story.drain().await;
    assert_eq!(site.get("/conflicts").await["items"].as_array().unwrap().len(), 2);
    site.post("/conflicts/resolve", json!({ "strategy": "github" })).await.expect(202);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("theirs\n"), "the others are taken");
    assert_eq!(site.get("/conflicts").await["items"].as_array().unwrap().len(), 1, "it stays held");

    site.post("/conflicts/resolve", json!({ "strategy": "project" })).await.expect(202);
    story.drain().await;
    assert_eq!(repo.text("main", "lib").as_deref(), Some("mine\n"));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn content_of_a_resolution_keeps_the_rules_of_files() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[Change::file("a.txt", "one\n"), Change::symlink("link", "a.txt")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[Change::file("a.txt", "two\n"), Change::symlink("link", "b.txt")]);
    site.changes(vec![
        crate::story::put("a.txt", "three\n"),
        json!({ "op": "put", "path": "link", "content": "c.txt", "mode": "120000" }),
    ])
    .await;
    story.drain().await;
    let take = |path: &str, content: &str| -> Value {
        json!({ "resolutions": [{ "path": path, "take": "content", "content": content }] })
    };
    for wrong in ["", "a\0b", &"x".repeat(4097)] {
        let answer = site.post("/conflicts/resolve", take("link", wrong)).await;
        assert_eq!(answer.wrong_fields(), ["resolutions[0].content"]);
    }
    let large = "x".repeat((50 << 20) + 1);
    let problem = site.post("/conflicts/resolve", take("a.txt", &large)).await.problem(413, "file_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("a.txt"), "{problem}");
    assert_eq!(site.status().await["conflicts"], 2);
    site.post("/conflicts/resolve", take("link", "d.txt")).await.expect(202);
    site.post("/conflicts/resolve", take("a.txt", "four\n")).await.expect(202);
    story.drain().await;
    assert_eq!(repo.text("main", "link").as_deref(), Some("d.txt"));
    assert_eq!(repo.files("main")["link"].0, "120000");
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_path_that_is_not_in_conflict_is_named_and_nothing_is_nothing() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let body = json!({ "resolutions": [{ "path": "a.txt", "take": "project" }] });
    site.post("/conflicts/resolve", body.clone()).await.problem(409, "nothing_to_sync");
    repo.push("main", &[("a.txt", "two\n"), ("b.txt", "theirs\n")]);
    site.change(&[("a.txt", "three\n"), ("b.txt", "mine\n")]).await;
    story.drain().await;
    let wrong =
        json!({ "resolutions": [{ "path": "a.txt", "take": "project" }, { "path": "c.txt", "take": "github" }] });
    assert_eq!(site.post("/conflicts/resolve", wrong).await.wrong_fields(), ["resolutions[1].path"]);
    assert_eq!(site.status().await["conflicts"], 2, "all or nothing");
    let sync = site.post("/conflicts/resolve", body).await.expect(202);
    assert_eq!(sync["kind"], "resolve");
    story.drain().await;
    assert_eq!(site.status().await["conflicts"], 1, "paths left out stay held");
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("three\n"));
    assert_eq!(repo.text("main", "b.txt").as_deref(), Some("theirs\n"));
    let carried = site.get(&format!("/syncs/{}", sync["id"].as_str().unwrap())).await;
    assert_eq!(carried["commit_sha"].as_str(), repo.head("main").as_deref(), "{carried}");
    assert_eq!(carried["author"]["id"], Value::Null);
}

#[actix_web::test]
async fn a_reopened_pull_request_holds_again_and_a_merged_one_leaves_nothing() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = left_to_a_person(&story, &repo).await;
    repo.reopen_pull(1);
    story.drain().await;
    site.sync().await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"), "reopened, it is held again");
    repo.merge_pull(1, MergeMethod::Rebase);
    story.drain().await;
    let asked = site.post("/syncs", json!({ "user": ADA })).await.expect(202);
    story.drain().await;
    let done = site.get(&format!("/syncs/{}", asked["id"].as_str().unwrap())).await;
    assert_eq!(done["status"], "no_changes");
    site.agrees_with(&repo, "main").await;
}
