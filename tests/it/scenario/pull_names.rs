//! What a new pull request's branch may be called: git takes no branch `b` beside a branch `b/x`.

use serde_json::json;

use super::pull_holds::waiting;
use crate::story::{ADA, Story, put};

#[actix_web::test]
async fn a_branch_in_the_way_of_the_one_asked_for_is_told() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    for there in ["docs/next/page", "next", "docsy"] {
        repo.create_branch(there, "main");
    }
    for (wanted, there) in [("docs", "docs/next/page"), ("docs/next", "docs/next/page"), ("next/x/y", "next")] {
        let answer = site.post("/pull-requests", json!({ "title": "Change", "branch": wanted, "user": ADA })).await;
        let problem = answer.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], "branch", "{problem}");
        for text in [&problem["detail"], &problem["errors"][0]["message"], &problem["action"]] {
            assert!(text.as_str().unwrap().contains(there), "{wanted}: {problem}");
        }
        assert!(problem["action"].as_str().unwrap().contains("another name"), "{problem}");
    }
    assert_eq!(repo.branches().len(), 4, "nothing was made by these");
    let made = site.post("/pull-requests", json!({ "title": "Change", "branch": "doc", "user": ADA })).await;
    assert_eq!(made.expect(201)["paths"], json!(["a.txt"]), "and nothing is held by them");
    story.drain().await;
}

#[actix_web::test]
async fn a_name_after_the_title_keeps_out_of_the_way() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = waiting(&story, &repo, vec![put("a.txt", "two\n")]).await;
    repo.create_branch("lockstep/change/of/mine", "main");
    assert_eq!(site.propose("Change").await["branch"], "lockstep/change-2");
    story.drain().await;
}
