//! What a batch of changes leaves behind, whatever happened meanwhile.

use github_sim::Repo;
use serde_json::{Value, json};

use crate::story::{Project, Story};

/// Somebody pushed, nobody told of it, and the next look reads GitHub's side.
pub async fn somebody_pushed(story: &Story, repo: &Repo, text: &str) {
    story.github.lose_webhooks(100);
    repo.push("main", &[("theirs.txt", text)]);
    story.github.deliveries_idle().await;
    story.github.lose_webhooks(0);
    story.sql().await.execute("UPDATE integrations SET remote_due = true", &[]).await.unwrap();
}

/// How much there was before.
pub struct Standing {
    pub commits: usize,
    pub rows: usize,
}

pub async fn standing(site: &Project<'_>, repo: &Repo) -> Standing {
    Standing { commits: ours(repo).len(), rows: site.history().await.len() }
}

/// Lockstep's own commits, newest first.
pub fn ours(repo: &Repo) -> Vec<String> {
    repo.log("main").into_iter().filter(|commit| commit.author.contains("[bot]")).map(|commit| commit.oid).collect()
}

/// Exactly one commit more, named by exactly one row, and nothing left to do.
pub async fn one_commit(name: &str, site: &Project<'_>, repo: &Repo, before: &Standing) {
    let commits = ours(repo);
    assert_eq!(commits.len(), before.commits + 1, "{name}: {commits:?}");
    let history = site.history().await;
    let naming: Vec<&Value> = history.iter().filter(|row| row["commit_sha"] == commits[0].as_str()).collect();
    assert_eq!(naming.len(), 1, "{name}: {history:?}");
    assert_eq!(naming[0]["status"], "succeeded", "{name}: {history:?}");
    assert_eq!(history.len(), before.rows + 1, "{name}: {history:?}");
    at_rest(name, site, repo).await;
}

pub async fn at_rest(name: &str, site: &Project<'_>, repo: &Repo) {
    let status = site.status().await;
    assert_eq!(status["pending_changes"], 0, "{name}: {status}");
    assert_eq!((&status["state"], &status["error"]), (&json!("connected"), &Value::Null), "{name}");
    let sql = site.story.sql().await;
    let left = "SELECT count(*) FROM integrations WHERE lease_token IS NOT NULL OR sync_id IS NOT NULL OR lease_again";
    assert_eq!(sql.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0, "{name}: a lease is left");
    assert_eq!(site.story.engine.queue.left().await.unwrap().0, 0, "{name}: an entry is left");
    site.agrees_with(repo, "main").await;
}
