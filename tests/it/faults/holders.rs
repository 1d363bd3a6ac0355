//! Two workers that believe to hold the same project: one stopped for so long that its lease is
//! another's, and then went on where it was. What GitHub has and what the rows say is as if it had not.

use std::time::Duration;

use serde_json::json;

use super::Workers;
use super::batch::{Standing, one_commit, somebody_pushed, standing};
use super::boundaries::{Boundary, look, root, trees, while_it_may_be_overtaken};
use crate::story::{Story, put};

/// A worker gets to the boundary and stands still; another one takes over and finishes; then the first
/// goes on as if nothing had happened.
async fn overtaken_at(story: &Story, workers: &Workers, boundary: &Boundary, cause: impl AsyncFnOnce()) {
    let (name, peer, stop) = boundary;
    story.renew_limits().await;
    let stopping = workers.stop_at(*peer, stop.clone());
    let mut slow = workers.start();
    cause().await;
    assert!(stopping.reached().await, "{name}: the moment did not come\n{}", slow.log());
    // Whoever has the lease by now is not the one that stands still, and died of it.
    let stolen = "UPDATE integrations SET lease_token = gen_random_uuid(), lease_until = now() - interval '1 second'
                  WHERE lease_token IS NOT NULL";
    story.sql().await.execute(stolen, &[]).await.unwrap();
    story.others_take_over().await;
    story.drain().await;
    stopping.release();
    until_quiet(story, name).await;
    slow.terminate();
    assert!(slow.ended(Duration::from_secs(20)).await.success(), "{name}: {}", slow.log());
    story.drain().await;
}

/// The one that was slow has let go of its entry.
async fn until_quiet(story: &Story, name: &str) {
    let quiet = async {
        while story.engine.queue.left().await.unwrap().0 > 0 {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), quiet).await.is_ok(), "{name}: an entry is left");
}

#[actix_web::test]
async fn while_both_sides_have_something_new() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let workers = Workers::of(&story).await;
    for (number, boundary) in while_it_may_be_overtaken(look()).iter().enumerate() {
        somebody_pushed(&story, &repo, &format!("{number}\n")).await;
        let before = standing(&site, &repo).await;
        overtaken_at(&story, &workers, boundary, async || {
            site.change(&[("a.txt", &format!("{number} ours\n"))]).await;
        })
        .await;
        one_commit(boundary.0, &site, &repo, &before).await;
        assert_eq!(site.file("theirs.txt").await, Some(format!("{number}\n")), "{}", boundary.0);
    }
}

#[actix_web::test]
async fn while_a_commit_is_made_of_a_tree() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let workers = Workers::of(&story).await;
    for (number, boundary) in trees().iter().enumerate() {
        let before = standing(&site, &repo).await;
        overtaken_at(&story, &workers, boundary, async || {
            let mut run = put("run.sh", &format!("echo {number}\n"));
            run["mode"] = json!("100755");
            site.changes(vec![run]).await;
        })
        .await;
        one_commit(boundary.0, &site, &repo, &before).await;
    }
}

#[actix_web::test]
async fn while_an_empty_repository_gets_its_first_commit() {
    let story = Story::start().await;
    let workers = Workers::of(&story).await;
    for (number, boundary) in while_it_may_be_overtaken(root()).iter().enumerate() {
        let repo = story.repo(&format!("acme/site-{number}"));
        let site = story.project(&format!("site-{number}")).await;
        site.change(&[("a.txt", "1\n"), ("b.txt", "2\n"), ("c/d.txt", "3\n")]).await;
        overtaken_at(&story, &workers, boundary, async || {
            site.connect(&repo).await;
        })
        .await;
        one_commit(boundary.0, &site, &repo, &Standing { commits: 0, rows: 0 }).await;
        assert_eq!(repo.log("main").len(), 1, "{}", boundary.0);
    }
}
