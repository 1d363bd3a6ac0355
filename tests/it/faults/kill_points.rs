//! A worker killed with SIGKILL at every boundary between reading a job and acknowledging it. Whoever
//! comes next ends with exactly one commit for the batch, and one `succeeded` row that names it.

use github_sim::Change;
use serde_json::json;

use super::Workers;
use super::batch::{Standing, at_rest, one_commit, somebody_pushed, standing};
use super::boundaries::{Boundary, delivery, edit, look, proposal, root, trees};
use crate::story::{Story, put};

/// Runs a worker up to the boundary, kills it there, and lets the next one finish.
pub(super) async fn killed_at(story: &Story, workers: &Workers, boundary: &Boundary, cause: impl AsyncFnOnce()) {
    let (name, peer, stop) = boundary;
    story.renew_limits().await;
    let stopping = workers.stop_at(*peer, stop.clone());
    let mut worker = workers.start();
    cause().await;
    assert!(stopping.reached().await, "{name}: the moment did not come\n{}", worker.log());
    workers.kill(&mut worker);
    story.others_take_over().await;
    story.drain().await;
}

#[actix_web::test]
async fn between_reading_a_job_and_acknowledging_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let workers = Workers::of(&story).await;
    for (number, boundary) in look().iter().enumerate() {
        somebody_pushed(&story, &repo, &format!("{number}\n")).await;
        let before = standing(&site, &repo).await;
        killed_at(&story, &workers, boundary, async || {
            site.change(&[("a.txt", &format!("{number} ours\n"))]).await;
        })
        .await;
        one_commit(boundary.0, &site, &repo, &before).await;
        assert_eq!(site.file("theirs.txt").await, Some(format!("{number}\n")), "{}", boundary.0);
    }
}

#[actix_web::test]
async fn around_the_commit_of_an_edit() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let workers = Workers::of(&story).await;
    for (number, boundary) in edit().iter().enumerate() {
        let before = standing(&site, &repo).await;
        killed_at(&story, &workers, boundary, async || {
            site.change(&[("a.txt", &format!("{number} ours\n")), ("b.txt", &format!("{number}\n"))]).await;
        })
        .await;
        one_commit(boundary.0, &site, &repo, &before).await;
    }
    for (number, boundary) in trees().iter().enumerate() {
        let before = standing(&site, &repo).await;
        killed_at(&story, &workers, boundary, async || {
            let mut run = put("run.sh", &format!("echo {number}\n"));
            run["mode"] = json!("100755");
            site.changes(vec![run]).await;
        })
        .await;
        one_commit(boundary.0, &site, &repo, &before).await;
    }
}

#[actix_web::test]
async fn around_the_root_commit_of_an_empty_repository() {
    let story = Story::start().await;
    let workers = Workers::of(&story).await;
    for (number, boundary) in root().iter().enumerate() {
        let repo = story.repo(&format!("acme/site-{number}"));
        let site = story.project(&format!("site-{number}")).await;
        site.change(&[("a.txt", "1\n"), ("b.txt", "2\n"), ("c/d.txt", "3\n")]).await;
        killed_at(&story, &workers, boundary, async || {
            site.connect(&repo).await;
        })
        .await;
        one_commit(boundary.0, &site, &repo, &Standing { commits: 0, rows: 0 }).await;
        assert_eq!(repo.log("main").len(), 1, "{}", boundary.0);
    }
}

#[actix_web::test]
async fn between_reading_a_webhook_and_acknowledging_it() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let workers = Workers::of(&story).await;
    let outcomes = "SELECT count(*) FROM deliveries WHERE event = 'push' AND outcome = 'applied'";
    let applied = async || story.sql().await.query_one(outcomes, &[]).await.unwrap().get::<_, i64>(0);
    let before = applied().await;
    for (number, boundary) in delivery().iter().enumerate() {
        let (rows, revision) = (site.history().await.len(), site.get("").await["revision"].as_i64());
        killed_at(&story, &workers, boundary, async || {
            repo.push("main", &[Change::file("a.txt", format!("{}\n", number + 1))]);
        })
        .await;
        let (name, files) = (boundary.0, site.file("a.txt").await);
        assert_eq!(files, Some(format!("{}\n", number + 1)), "{name}");
        assert_eq!(site.get("").await["revision"].as_i64(), revision.map(|before| before + 1), "{name}");
        assert_eq!(site.history().await.len(), rows + 1, "{name}");
        at_rest(name, &site, &repo).await;
    }
    let more = applied().await - before;
    assert_eq!(more, i64::try_from(delivery().len()).unwrap(), "each has one outcome");
}

#[actix_web::test]
async fn while_a_conflict_becomes_a_pull_request() {
    let story = Story::start().await;
    let workers = Workers::of(&story).await;
    for (number, boundary) in proposal().iter().enumerate() {
        let name = boundary.0;
        let repo = story.repo(&format!("acme/site-{number}")).with(&[("theirs.txt", "0\n")]);
        let site = story.project(&format!("site-{number}")).await.connected_to(&repo).await;
        site.settings(json!({ "conflict_policy": "pull_request" })).await;
        somebody_pushed(&story, &repo, "theirs\n").await;
        killed_at(&story, &workers, boundary, async || {
            site.change(&[("theirs.txt", "ours\n")]).await;
        })
        .await;
        at_rest(name, &site, &repo).await;
        assert_eq!(site.file("theirs.txt").await.as_deref(), Some("theirs\n"), "{name}: GitHub's version stays");
        assert_eq!((repo.pulls().len(), repo.branches().len()), (1, 2), "{name}: {:?}", repo.branches());
        let pulls = site.get("/pull-requests").await["items"].clone();
        assert_eq!((pulls.as_array().unwrap().len(), &pulls[0]["state"]), (1, &json!("open")), "{name}: {pulls}");
        let branch = pulls[0]["branch"].as_str().unwrap();
        assert_eq!(repo.text(branch, "theirs.txt").as_deref(), Some("ours\n"), "{name}: no change is lost");
        assert_eq!(repo.log(branch).len(), repo.log("main").len() + 1, "{name}: one commit");
    }
}
