//! What `git log --graph` shows of a pull request's life: what a careful person would have made by hand.

use github_sim::{MergeMethod, Repo};
use serde_json::json;

use crate::story::{Story, put, remove};

const MERGED: &str = "\
* Update a.txt (lockstep-sim[bot])
|
| M a.txt
*   Merge pull request #1 from lockstep/tell-it-in-two-words (ada)
|\\
* | Add b.txt (lockstep-sim[bot])
| |
| | A b.txt
| * Update a.txt (lockstep-sim[bot])
| |
| | M a.txt
* | Change news.txt (ada)
| |
| | A news.txt
| * Tell it in two words (lockstep-sim[bot])
|/
|
|   M a.txt
|   D old.txt
* Change a.txt and 1 more (ada)

  A a.txt
  A old.txt
";

const SQUASHED: &str = "\
* Update a.txt (lockstep-sim[bot])
|
| M a.txt
* Tell it in two words (#1) (ada)
|
| M a.txt
| D old.txt
* Add b.txt (lockstep-sim[bot])
|
| A b.txt
| * Update a.txt (lockstep-sim[bot])
| |
| | M a.txt
* | Change news.txt (ada)
| |
| | A news.txt
| * Tell it in two words (lockstep-sim[bot])
|/
|
|   M a.txt
|   D old.txt
* Change a.txt and 1 more (ada)

  A a.txt
  A old.txt
";

/// The graph of these branches, newest first: who committed what.
fn graph(repo: &Repo, branches: &[&str]) -> String {
    let told = std::process::Command::new("git")
        .args(["log", "--graph", "--date-order", "--pretty=%s (%an)", "--name-status"])
        .args(branches)
        .env("GIT_DIR", repo.git_dir())
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let lines = String::from_utf8(told.stdout).unwrap();
    lines.lines().map(|line| line.trim_end().replace('\t', " ") + "\n").collect()
}

#[actix_web::test]
async fn a_pull_requests_life_is_drawn_as_by_hand() {
    for method in [MergeMethod::Merge, MergeMethod::Squash] {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("old.txt", "o\n")]);
        let site = story.project("site").await.connected_to(&repo).await;
        site.settings(json!({ "auto_sync": false })).await;
        site.changes(vec![put("a.txt", "two\n"), remove("old.txt")]).await;
        story.github.advance(60);
        let number = site.propose("Tell it in two words").await["number"].as_u64().unwrap();
        site.settings(json!({ "auto_sync": true })).await;
        story.drain().await;

        story.github.advance(60);
        repo.push("main", &[("news.txt", "n\n")]);
        story.drain().await;
        story.github.advance(60);
        site.change(&[("a.txt", "three\n")]).await;
        story.drain().await;
        story.github.advance(60);
        site.change(&[("b.txt", "b\n")]).await;
        story.drain().await;

        story.github.advance(60);
        repo.merge_pull(number, method);
        story.drain().await;
        site.agrees_with(&repo, "main").await;
        story.github.advance(60);
        site.change(&[("a.txt", "four\n")]).await;
        story.drain().await;
        site.agrees_with(&repo, "main").await;

        let branches = ["main", "lockstep/tell-it-in-two-words"];
        let drawn = match method {
            MergeMethod::Merge => MERGED,
            _ => SQUASHED,
        };
        assert_eq!(graph(&repo, &branches), drawn);
    }
}
