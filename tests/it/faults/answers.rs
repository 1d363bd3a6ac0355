//! GitHub carried it out and did not say so: an answer lost, a 502, or one that is not to be believed.

use github_sim::Lie;
use serde_json::json;

use super::batch::{Standing, at_rest, one_commit, ours, standing};
use crate::story::{Project, Story, put};

/// What becomes of the answer to one step.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Lost,
    Status(u16),
    Lie(Lie),
}

const ANSWERS: [Answer; 6] = [
    Answer::Lost,
    Answer::Status(502),
    Answer::Status(500),
    Answer::Lie(Lie::Truncated),
    Answer::Lie(Lie::Empty),
    Answer::Lie(Lie::Blank),
];

impl Answer {
    fn to(self, story: &Story, step: &str) {
        match self {
            Answer::Lost => story.github.drop_response_after_apply(step),
            Answer::Status(status) => story.github.fail_after_apply(step, 1, status),
            Answer::Lie(lie) => story.github.lie_next(step, lie),
        }
    }
}

/// Retries that began are over.
async fn let_retries_come(story: &Story) {
    for _ in 0..3 {
        story.drain().await;
        story.pass(std::time::Duration::from_secs(60)).await;
    }
    story.drain().await;
}

async fn edit(site: &Project<'_>, path: &str, text: &str, mode: &str) {
    let mut change = put(path, text);
    change["mode"] = json!(mode);
    site.changes(vec![change]).await;
}

#[actix_web::test]
async fn a_commit_whose_answer_went_wrong_is_found_and_made_once() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let steps = [
        ("createCommitOnBranch", "100644"),
        ("POST /repos/{owner}/{repo}/git/trees", "100755"),
        ("POST /repos/{owner}/{repo}/git/commits", "100755"),
        ("PATCH /repos/{owner}/{repo}/git/refs", "100755"),
    ];
    for (step, mode) in steps {
        for (number, answer) in ANSWERS.into_iter().enumerate() {
            let before = standing(&site, &repo).await;
            story.renew_limits().await;
            answer.to(&story, step);
            edit(&site, &format!("f{mode}"), &format!("{step} {number}\n"), mode).await;
            let_retries_come(&story).await;
            one_commit(&format!("{step} {answer:?}"), &site, &repo, &before).await;
        }
    }
}

#[actix_web::test]
async fn a_first_commit_whose_answer_went_wrong_is_one_root_commit() {
    let story = Story::start().await;
    let steps = ["PUT /repos", "createCommitOnBranch", "POST /repos/{owner}/{repo}/git/commits", "updateRefs"];
    let mut number = 0;
    for step in steps {
        for answer in [Answer::Lost, Answer::Status(502), Answer::Lie(Lie::Blank)] {
            number += 1;
            story.renew_limits().await;
            let repo = story.repo(&format!("acme/site-{number}"));
            let site = story.project(&format!("site-{number}")).await;
            site.change(&[("a.txt", "1\n"), ("b.txt", "2\n"), ("c/d.txt", "3\n")]).await;
            answer.to(&story, step);
            site.connect(&repo).await;
            let_retries_come(&story).await;
            let name = format!("{step} {answer:?}");
            one_commit(&name, &site, &repo, &Standing { commits: 0, rows: 0 }).await;
            assert_eq!(repo.log("main").len(), 1, "{name}");
        }
    }
}

#[actix_web::test]
async fn a_commit_that_github_only_claims_is_made_all_the_same() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let before = standing(&site, &repo).await;
    story.github.lie_next("createCommitOnBranch", Lie::NotApplied);
    site.change(&[("a.txt", "1\n")]).await;
    let_retries_come(&story).await;
    one_commit("not applied", &site, &repo, &before).await;
}

#[actix_web::test]
async fn a_bad_hour_at_github_costs_nobody_anything() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "0\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let before = ours(&repo).len();
    for round in 0..6 {
        story.github.fail_after_apply("createCommitOnBranch", 2, 502);
        story.github.fail_next("POST /graphql", 1, 503);
        site.change(&[("a.txt", &format!("{round}\n")), (&format!("{round}.txt"), "x\n")]).await;
        // The next edit comes while this one is not settled.
        story.drain().await;
    }
    let_retries_come(&story).await;
    at_rest("bad hour", &site, &repo).await;
    let commits = ours(&repo);
    let texts: std::collections::BTreeSet<_> = commits.iter().map(|commit| repo.text(commit, "a.txt")).collect();
    assert_eq!(texts.len(), commits.len() - before, "no version is committed twice");
    for commit in &commits[..commits.len() - before] {
        let naming = site.history().await.into_iter().filter(|row| row["commit_sha"] == commit.as_str()).count();
        assert_eq!(naming, 1, "{commit}");
    }
}
