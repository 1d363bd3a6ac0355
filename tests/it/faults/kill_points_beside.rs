//! A worker killed with SIGKILL at every boundary of the jobs that are no look at a project, and around
//! the commits that look at a pull request's branch instead of the project's.

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::Workers;
use super::boundaries::{notification, pull_branch, resumed, revocation, status};
use super::kill_points::killed_at;
use crate::story::Story;
use crate::webhook::notify::{Host, told};

/// Nothing is in anybody's hands.
async fn nothing_left(name: &str, story: &Story) {
    for (table, left) in [
        ("notifications", "true"),
        ("revocations", "true"),
        ("pull_requests", "status_due"),
        ("integrations", "lease_token IS NOT NULL OR sync_id IS NOT NULL"),
    ] {
        assert_eq!(story.number(&format!("SELECT count(*) FROM {table} WHERE {left}")).await, 0, "{name}: {table}");
    }
    assert_eq!(story.engine.queue.left().await.unwrap(), (0, 0), "{name}: an entry is left");
}

#[actix_web::test]
async fn while_the_host_is_told_and_a_token_is_revoked() {
    let host = Host::start(204).await;
    let story = told(&host).await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await;
    let workers = Workers::of(&story).await;
    for boundary in notification().iter().chain(&revocation()) {
        let name = boundary.0;
        site.connect(&repo).await;
        story.drain().await;
        let before = host.got().len();
        killed_at(&story, &workers, boundary, async || {
            story.host().delete(&site.path("/integration")).await.expect(204);
        })
        .await;
        let got = host.got().split_off(before);
        assert!(got.iter().all(|told| told.body["type"] == "integration.disconnected"), "{name}: {got:?}");
        let ids: BTreeSet<&str> = got.iter().map(|told| told.id.as_str()).collect();
        assert_eq!(ids.len(), 1, "{name}: told, and told again under the same id: {got:?}");
        assert_eq!(story.github.live_user_tokens(), 0, "{name}: the token is of no use any more");
        nothing_left(name, &story).await;
    }
}

#[actix_web::test]
async fn while_it_is_read_how_a_pull_request_stands() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "ours\n")]).await;
    let number = site.propose("Change").await["number"].as_u64().unwrap();
    story.drain().await;
    let workers = Workers::of(&story).await;
    story.github.lose_webhooks(1000);
    for (count, boundary) in status().iter().enumerate() {
        let (name, title) = (boundary.0, format!("Title {count}"));
        killed_at(&story, &workers, boundary, async || {
            repo.retitle_pull(number, &title);
            story.sql().await.execute("UPDATE pull_requests SET status_due = true", &[]).await.unwrap();
            story.engine.sweep().await.unwrap();
        })
        .await;
        assert_eq!(site.get(&format!("/pull-requests/{number}")).await["title"], title.as_str(), "{name}");
        let told = format!(
            "SELECT count(*) FROM events WHERE kind = 'pull_request.updated' AND data->'pull_request'->>'title' = '{title}'"
        );
        assert_eq!(story.number(&told).await, 1, "{name}: told once");
        nothing_left(name, &story).await;
    }
}

#[actix_web::test]
async fn while_an_edit_goes_to_the_branch_of_a_pull_request() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "ours\n")]).await;
    let branch = site.propose("Change").await["branch"].as_str().unwrap().to_owned();
    story.drain().await;
    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    let main = repo.head("main");
    let workers = Workers::of(&story).await;
    for (count, boundary) in pull_branch().iter().enumerate() {
        let (name, text) = (boundary.0, format!("ours {count}\n"));
        let (commits, rows) = (repo.log(&branch).len(), site.history().await.len());
        killed_at(&story, &workers, boundary, async || {
            site.change(&[("a.txt", &text)]).await;
        })
        .await;
        assert_eq!(repo.text(&branch, "a.txt").as_deref(), Some(text.as_str()), "{name}");
        assert_eq!(repo.log(&branch).len(), commits + 1, "{name}: one commit");
        assert_eq!(repo.head("main"), main, "{name}: and none elsewhere");
        let history = site.history().await;
        assert_eq!(history.len(), rows + 1, "{name}: {history:?}");
        let head = repo.head(&branch).unwrap();
        assert_eq!((&history[0]["status"], &history[0]["commit_sha"]), (&json!("succeeded"), &json!(head)), "{name}");
        nothing_left(name, &story).await;
    }
}

#[actix_web::test]
async fn while_a_pull_request_that_failed_is_gone_on_with() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    story.drain().await;
    let main = repo.head("main");
    let workers = Workers::of(&story).await;
    story.github.lose_webhooks(1000);
    for (count, boundary) in resumed().iter().enumerate() {
        let (name, path) = (boundary.0, format!("{count}.txt"));
        story.renew_limits().await;
        site.change(&[(&path, "ours\n")]).await;
        story.github.fail_next("POST /repos/{owner}/{repo}/git/refs", 1, 502);
        let body = json!({ "title": format!("Change {count}") });
        site.post("/pull-requests", body).await.problem(503, "github_unavailable");
        // Nobody goes on with it before the worker is told to.
        let later = "UPDATE pull_requests SET due_at = now() + interval '1 hour' WHERE number IS NULL";
        story.sql().await.execute(later, &[]).await.unwrap();
        story.engine.queue.clear().await.unwrap();
        let (branches, rows) = (repo.branches().len(), site.history().await.len());
        killed_at(&story, &workers, boundary, async || {
            story.pulls_are_due().await;
            story.engine.sweep().await.unwrap();
        })
        .await;
        assert_eq!((repo.pulls().len(), repo.branches().len()), (count + 1, branches + 1), "{name}: made once");
        let made = site.get("/pull-requests").await["items"][0].clone();
        let number = made["number"].as_u64().unwrap();
        assert_eq!((&made["state"], &made["paths"]), (&json!("open"), &json!([path])), "{name}: {made}");
        let branch = made["branch"].as_str().unwrap();
        assert_eq!(repo.text(branch, &path).as_deref(), Some("ours\n"), "{name}");
        assert_eq!(repo.log(branch).len(), 2, "{name}: one commit");
        let history = site.history().await;
        let ended = (&history[0]["status"], &history[0]["pull_request"], &history[0]["commit_sha"]);
        assert_eq!(ended, (&json!("succeeded"), &json!(number), &json!(repo.head(branch))), "{name}");
        assert_eq!(history.len(), rows, "{name}: in the row that waited: {history:?}");
        let told = format!("SELECT count(*) FROM events WHERE kind = 'pull_request.opened' AND target = '{number}'");
        assert_eq!(story.number(&told).await, 1, "{name}: told once");
        // The worker's own sweep may have found it too: whoever meets a busy project asks a second later.
        let horizon = Utc::now() + TimeDelta::seconds(2);
        story.engine.queue.run_once(&story.engine, horizon).await.unwrap();
        nothing_left(name, &story).await;
    }
    assert_eq!(repo.head("main"), main, "and nothing behind the reviewers' backs");
}
