//! The program killed at any moment: what was accepted is done, once.

use http::Method;
use serde_json::json;
use std::time::{Duration, Instant};

use crate::story::Story;
use crate::world::API_KEY;
use crate::world::process::Program;

#[actix_web::test]
async fn what_was_accepted_survives_a_kill_and_becomes_one_commit() {
    let mut story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("README.md", "hello\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let (path, before) = (site.path("/changes"), repo.log("main").len());
    let mut env = story.env.clone();
    env.insert("LOCKSTEP_SWEEP_SECONDS".to_owned(), "1".to_owned());
    for round in 0..3 {
        let mut program = Program::serve(&[], &env);
        program.until("/readyz", 200).await;
        let host = program.internal().with_token(API_KEY);
        let change = json!({ "op": "put", "path": format!("{round}.txt"), "content": "x\n" });
        let body = json!({ "event_id": format!("kill-{round}"), "changes": [change] });
        host.json(Method::POST, &path, &body).await.expect(202);
        program.kill();
    }
    let program = Program::serve(&[], &env);
    let begun = Instant::now();
    while (0..3).any(|round| repo.text("main", &format!("{round}.txt")).is_none()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "not there:\n{}", program.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(program);
    let added: Vec<_> = repo.log("main").into_iter().rev().skip(before).flat_map(|commit| commit.files).collect();
    assert_eq!(added.len(), 3, "each file was added by one commit: {added:?}");
    story.world.allow_leftovers();
}
