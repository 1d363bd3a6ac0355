//! What closed pull requests left waits for a person's sync, and for nothing else that people do
//! meanwhile (contract 7).

use std::time::Duration;

use serde_json::json;

use super::pull_holds::{close, held, proposed, waiting};
use crate::story::{Story, put};

#[actix_web::test]
async fn a_conflict_of_it_that_the_policy_settles_leaves_it_to_a_person() {
    for moved_while_open in [false, true] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
        let number = proposed(&site, "Change").await;
        if moved_while_open {
            repo.push("main", &[("a.txt", "theirs\n")]);
            story.drain().await;
            close(&site, &repo, number).await;
        } else {
            close(&site, &repo, number).await;
            repo.push("main", &[("a.txt", "theirs\n")]);
            story.drain().await;
        }
        assert_eq!(site.status().await["conflicts"], 1);
        site.settings(json!({ "conflict_policy": "project_wins" })).await;
        story.drain().await;
        site.change(&[("b.txt", "b\n")]).await;
        story.drain().await;
        assert_eq!(repo.text("main", "b.txt").as_deref(), Some("b\n"));
        assert_eq!(repo.text("main", "a.txt").as_deref(), Some("theirs\n"), "nobody synced");
        assert_eq!(site.status().await["conflicts"], 0, "the project's version is the one that counts");
        assert_eq!(held(&site).await, format!("The change was in pull request #{number}, which was closed."));
        site.sync().await;
        story.drain().await;
        assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"));
        site.agrees_with(&repo, "main").await;
    }
}

#[actix_web::test]
async fn settling_a_conflict_while_a_sync_is_unfinished_is_no_sync_of_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    let number = proposed(&site, "Change").await;
    close(&site, &repo, number).await;
    repo.push("main", &[("b.txt", "theirs\n")]);
    site.change(&[("b.txt", "mine\n")]).await;
    story.drain().await;
    story.github.fail_next("createCommitOnBranch", 1000, 502);
    site.change(&[("c.txt", "c\n")]).await;
    story.drain_once().await;
    let unfinished = site.last().await;
    assert_eq!((unfinished["kind"].as_str(), unfinished["status"].as_str()), (Some("auto"), Some("queued")));
    let joined = site.post("/conflicts/resolve", json!({ "strategy": "project" })).await.expect(202);
    assert_eq!(joined["id"], unfinished["id"]);
    story.github.clear_faults();
    story.pass(Duration::from_secs(60)).await;
    story.drain().await;
    let text = |path: &str| repo.text("main", path);
    assert_eq!((text("b.txt").as_deref(), text("c.txt").as_deref()), (Some("mine\n"), Some("c\n")));
    assert_eq!(text("a.txt").as_deref(), Some("one\n"), "nobody synced");
    assert_eq!(held(&site).await, format!("The change was in pull request #{number}, which was closed."));
    site.sync().await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}
