//! SIGTERM in the middle of work, and one version taking over from another while the host goes on.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use super::batch::{at_rest, one_commit, ours, standing};
use super::boundaries::named;
use super::{Peer, Workers};
use crate::story::Story;
use crate::world::API_KEY;
use crate::world::process::Program;
use crate::world::tap::Stop;

const WITHIN: Duration = Duration::from_secs(20);

#[actix_web::test]
async fn sigterm_under_load_ends_in_time_and_loses_nothing() {
    let story = Story::start().await;
    let mut places = Vec::new();
    for number in 0..12 {
        let repo = story.repo(&format!("acme/site-{number}")).with(&[("a.txt", "0\n")]);
        let site = story.project(&format!("site-{number}")).await.connected_to(&repo).await;
        places.push((site, repo));
    }
    let workers = Workers::of(&story).await.set("SWEEP_SECONDS", "1");
    for round in 0..3 {
        story.github.reset_requests();
        story.github.delay("createCommitOnBranch", Duration::from_millis(200));
        let mut worker = workers.start();
        for (site, _) in &places {
            site.change(&[("a.txt", &format!("{round} ours\n"))]).await;
        }
        let busy = async {
            while story.github.count("createCommitOnBranch") < 2 {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(WITHIN, busy).await.is_ok(), "{}", worker.log());
        worker.terminate();
        let status = worker.ended(WITHIN).await;
        assert_eq!(status.code(), Some(0), "{}", worker.log());
        // What it did not finish is free at once: nobody waits for a claim or a lease.
        story.github.clear_faults();
        story.drain().await;
        for (site, repo) in &places {
            assert_eq!(ours(repo).len(), round + 1, "{}: one commit a round", site.id);
            at_rest("after SIGTERM", site, repo).await;
        }
    }
}

#[actix_web::test]
async fn sigterm_does_not_wait_for_a_github_that_hangs() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let workers = Workers::of(&story).await;
    let before = standing(&site, &repo).await;
    let hanging = workers.stop_at(Peer::GitHub, Stop::After(vec![named::CREATE_COMMIT]));
    let mut worker = workers.start();
    site.change(&[("a.txt", "ours\n")]).await;
    assert!(hanging.reached().await, "{}", worker.log());
    worker.terminate();
    let status = worker.ended(WITHIN).await;
    assert_eq!(status.code(), Some(0), "{}", worker.log());
    // Its lease and its entry were handed back: nobody waits for either.
    story.drain().await;
    one_commit("after SIGTERM", &site, &repo, &before).await;
}

/// Two processes of everything, of which one or the other is there.
struct Pair {
    story_env: std::collections::HashMap<String, String>,
    running: Vec<Program>,
}

impl Pair {
    async fn start_another(&mut self) {
        let program = Program::serve(&[], &self.story_env);
        program.until("/readyz", 200).await;
        self.running.push(program);
    }

    /// As a host behind a load balancer does: who does not answer is left out. Answers how often
    /// somebody did not.
    async fn send(&self, path: &str, event_id: &str, text: &str) -> usize {
        let change = json!({ "op": "put", "path": "a.txt", "content": text });
        let body = json!({ "event_id": event_id, "changes": [change] }).to_string().into_bytes();
        let headers = [("content-type", "application/json")];
        let begun = Instant::now();
        for turned_away in 0.. {
            let program = &self.running[turned_away % self.running.len()];
            let host = program.internal().with_token(API_KEY);
            if let Ok(answer) = host.try_send(Method::POST, path, &headers, body.clone()).await {
                assert!(matches!(answer.status, 200 | 202), "{}\n{}", answer.text(), program.log());
                return turned_away;
            }
            assert!(begun.elapsed() < WITHIN, "nobody takes it");
        }
        unreachable!("it is taken or the time is over")
    }
}

#[actix_web::test]
async fn a_rolling_restart_under_load_is_not_noticed() {
    let mut story = Story::start().await;
    let mut places = Vec::new();
    for number in 0..6 {
        let repo = story.repo(&format!("acme/site-{number}")).with(&[("a.txt", "0\n")]);
        let site = story.project(&format!("site-{number}")).await.connected_to(&repo).await;
        places.push((site, repo));
    }
    let mut env = story.env.clone();
    env.insert("LOCKSTEP_SWEEP_SECONDS".to_owned(), "1".to_owned());
    let mut pair = Pair { story_env: env, running: Vec::new() };
    pair.start_another().await;
    let mut sent = 0;
    for _ in 0..3 {
        pair.start_another().await;
        pair.running[0].terminate();
        // The old one is on its way out while the host goes on.
        for _ in 0..10 {
            sent += 1;
            for (site, _) in &places {
                pair.send(&site.path("/changes"), &format!("e-{sent}"), &format!("{sent}\n")).await;
            }
        }
        let mut old = pair.running.remove(0);
        let status = old.ended(WITHIN).await;
        assert_eq!(status.code(), Some(0), "{}", old.log());
    }
    let done = async {
        while places.iter().any(|(_, repo)| repo.text("main", "a.txt") != Some(format!("{sent}\n"))) {
            tokio::task::yield_now().await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(60), done).await;
    assert!(done.is_ok(), "{}", pair.running[0].log());
    pair.running[0].terminate();
    assert_eq!(pair.running[0].ended(WITHIN).await.code(), Some(0));
    story.drain().await;
    for (site, repo) in &places {
        // The first one took over what the repository had.
        assert_eq!(site.get("").await["revision"], 1 + sent, "each request counted once");
        at_rest("after the restarts", site, repo).await;
        let commits = ours(repo);
        let texts: std::collections::BTreeSet<_> = commits.iter().map(|commit| repo.text(commit, "a.txt")).collect();
        assert_eq!(texts.len(), commits.len(), "no version is committed twice");
    }
    drop(places);
    story.world.allow_leftovers();
}
