//! How a pull request stands, whatever arrives in whatever order (contract 7).

use std::time::Duration;

use github_sim::MergeMethod;
use serde_json::{Value, json};

use crate::story::{Project, Story};

async fn proposed<'a>(story: &'a Story, repo: &github_sim::Repo) -> (Project<'a>, u64) {
    let site = story.project("site").await.connected_to(repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    let number = site.propose("Change").await["number"].as_u64().unwrap();
    story.drain().await;
    (site, number)
}

async fn shown(site: &Project<'_>, number: u64) -> Value {
    site.get(&format!("/pull-requests/{number}")).await
}

#[actix_web::test]
async fn any_failure_is_a_failure_else_anything_running_is_pending() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    let head = repo.head("lockstep/change").unwrap();
    let steps: [(&str, &str, &str); 5] = [
        ("build", "in_progress", "pending"),
        ("lint", "failure", "failure"),
        ("lint", "success", "pending"),
        ("build", "neutral", "success"),
        ("late", "queued", "pending"),
    ];
    for (name, result, expected) in steps {
        repo.check_run(&head, name, result);
        story.drain().await;
        assert_eq!(shown(&site, number).await["checks"], expected, "{name} {result}");
    }
    repo.check_run(&head, "late", "success");
    repo.status(&head, "ci", "error");
    story.drain().await;
    assert_eq!(shown(&site, number).await["checks"], "failure", "statuses count too");
    repo.status(&head, "ci", "success");
    story.drain().await;
    assert_eq!(shown(&site, number).await["checks"], "success");
}

#[actix_web::test]
async fn the_last_review_of_each_person_counts() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    repo.collaborator("grace", "write");
    repo.collaborator("linus", "write");
    let steps = [
        ("grace", "comment", "none"),
        ("grace", "request_changes", "changes_requested"),
        ("linus", "approve", "changes_requested"),
        ("grace", "approve", "approved"),
        ("grace", "comment", "approved"),
    ];
    for (who, verdict, expected) in steps {
        repo.review(who, number, verdict);
        story.drain().await;
        assert_eq!(shown(&site, number).await["review"], expected, "{who} {verdict}");
    }
}

#[actix_web::test]
async fn drafts_titles_and_states_follow() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    repo.set_draft(number, true);
    repo.retitle_pull(number, "Better");
    story.drain().await;
    let now = shown(&site, number).await;
    assert_eq!((now["state"].as_str(), now["title"].as_str()), (Some("draft"), Some("Better")));
    let told =
        "SELECT count(*) FROM events WHERE kind = 'pull_request.updated' AND data->'pull_request'->>'state' = 'draft'";
    assert!(story.number(told).await >= 1);
    repo.set_draft(number, false);
    story.drain().await;
    assert_eq!(shown(&site, number).await["state"], "open");
    repo.close_pull(number);
    story.drain().await;
    assert_eq!(shown(&site, number).await["state"], "closed");
}

#[actix_web::test]
async fn shuffled_and_doubled_words_end_as_things_stand() {
    for seed in 0..6 {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
        let (site, number) = proposed(&story, &repo).await;
        let head = repo.head("lockstep/change").unwrap();
        repo.collaborator("grace", "write");
        story.github.hold_webhooks();
        repo.check_run(&head, "build", "in_progress");
        repo.close_pull(number);
        repo.review("grace", number, "request_changes");
        repo.reopen_pull(number);
        repo.check_run(&head, "build", "success");
        repo.review("grace", number, "approve");
        repo.set_draft(number, true);
        repo.set_draft(number, false);
        let merges = seed % 2 == 1;
        if merges {
            repo.merge_pull(number, MergeMethod::Squash);
        }
        story.github.deliver_twice();
        story.github.release_webhooks(Some(seed));
        story.drain().await;
        let now = shown(&site, number).await;
        let expected = if merges { "merged" } else { "open" };
        assert_eq!(
            (now["state"].as_str(), now["checks"].as_str(), now["review"].as_str()),
            (Some(expected), Some("success"), Some("approved")),
            "seed {seed}: {now}"
        );
        if merges {
            site.agrees_with(&repo, "main").await;
            assert_eq!(site.get("").await["pending_changes"], 0);
        } else {
            site.sync().await;
            story.drain().await;
            assert_eq!(repo.text("main", "a.txt").as_deref(), Some("one\n"), "seed {seed}: still held");
        }
    }
}

#[actix_web::test]
async fn without_any_word_refresh_and_the_drift_check_find_out() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    let head = repo.head("lockstep/change").unwrap();
    story.github.lose_webhooks(100);
    repo.check_run(&head, "build", "success");
    story.drain().await;
    assert_eq!(shown(&site, number).await["checks"], "none");
    let fresh = site.post(&format!("/pull-requests/{number}/refresh"), json!({})).await.expect(200);
    assert_eq!(fresh["checks"], "success");
    repo.collaborator("grace", "write");
    repo.review("grace", number, "approve");
    repo.merge_pull(number, MergeMethod::Merge);
    story.drain().await;
    assert_eq!(shown(&site, number).await["state"], "open");
    story.engine.check_drift(std::time::Duration::ZERO).await.unwrap();
    story.drain().await;
    let now = shown(&site, number).await;
    assert_eq!((now["state"].as_str(), now["review"].as_str()), (Some("merged"), Some("approved")));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn the_list_holds_what_lockstep_opened_newest_first_in_pages() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    repo.create_branch("theirs", "main");
    repo.push("theirs", &[("t.txt", "t\n")]);
    let theirs = repo.open_pull("octocat", "Theirs", "theirs", "main");
    let mut numbers = Vec::new();
    for n in 0..5 {
        site.change(&[(&format!("f{n}.txt"), "x\n")]).await;
        numbers.insert(0, site.propose(&format!("Number {n}")).await["number"].as_u64().unwrap());
    }
    story.drain().await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/pull-requests?limit=2{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        assert!((1..=2).contains(&items.len()), "{page}");
        found.extend(items.iter().map(|item| item["number"].as_u64().unwrap()));
        match page["next_cursor"].as_str() {
            // One more while somebody pages: the pages stay as they were.
            Some(next) if found.len() == 2 => {
                site.change(&[("late.txt", "x\n")]).await;
                site.propose("Late").await;
                cursor = format!("&cursor={next}");
            }
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, numbers);
    for number in [theirs, 999] {
        story.host().get(&site.path(&format!("/pull-requests/{number}"))).await.problem(404, "not_found");
        site.post(&format!("/pull-requests/{number}/refresh"), json!({})).await.problem(404, "not_found");
    }
    story.host().get(&site.path("/pull-requests/x")).await.problem(404, "not_found");
    story.drain().await;
}

#[actix_web::test]
async fn a_status_that_cannot_be_read_is_asked_for_later_and_not_for_ever() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, number) = proposed(&story, &repo).await;
    story.github.fail_next("POST /graphql", 1000, 502);
    let before = story.github.count("POST /graphql");
    repo.check_run(&repo.head("lockstep/change").unwrap(), "build", "success");
    story.drain().await;
    assert!(story.github.count("POST /graphql") - before < 10, "the pauses grow, and sweeps keep to them");
    for _ in 0..20 {
        story.pulls_are_due().await;
        story.drain().await;
    }
    assert_eq!(story.github.count("POST /graphql") - before, 12, "given up");
    story.github.clear_faults();
    story.engine.check_drift(Duration::ZERO).await.unwrap();
    story.drain().await;
    assert_eq!(shown(&site, number).await["checks"], "success", "the check for drift begins anew");
}

#[actix_web::test]
async fn one_that_cannot_be_read_keeps_nobody_from_the_others() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
    let (site, first) = proposed(&story, &repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("b.txt", "two\n")]).await;
    let second = site.propose("Other").await["number"].as_u64().unwrap();
    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    repo.set_pull_unreadable(first, true);
    story.github.lose_webhooks(100);
    repo.push("lockstep/other", &[("b.txt", "reviewed\n")]);
    repo.merge_pull(second, MergeMethod::Squash);
    repo.push("main", &[("a.txt", "theirs\n")]);
    site.change(&[("c.txt", "c\n")]).await;
    let asked = site.sync().await;
    story.drain().await;
    let ended = site.get(&format!("/syncs/{}", asked["id"].as_str().unwrap())).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(repo.text("main", "c.txt").as_deref(), Some("c\n"));
    assert_eq!(site.file("b.txt").await.as_deref(), Some("reviewed\n"));
    assert_eq!(
        (&shown(&site, first).await["state"], &shown(&site, second).await["state"]),
        (&json!("open"), &json!("merged"))
    );
    repo.set_pull_unreadable(first, false);
    story.pulls_are_due().await;
    story.drain().await;
    assert_eq!(shown(&site, first).await["mergeable"], false, "it is read later");
    assert_eq!(
        (site.file("a.txt").await.as_deref(), repo.text("lockstep/change", "a.txt").as_deref()),
        (Some("two\n"), Some("two\n"))
    );
}

#[actix_web::test]
async fn edits_of_the_others_reach_their_branches_when_one_cannot_be_read() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "one\n")]);
    let (site, first) = proposed(&story, &repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("b.txt", "two\n")]).await;
    site.propose("Other").await;
    site.settings(json!({ "auto_sync": true })).await;
    story.drain().await;
    repo.set_pull_unreadable(first, true);
    site.change(&[("a.txt", "three\n"), ("b.txt", "three\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/other", "b.txt").as_deref(), Some("three\n"));
    repo.set_pull_unreadable(first, false);
    story.pass(Duration::from_secs(3600)).await;
    story.drain().await;
    assert_eq!(repo.text("lockstep/change", "a.txt").as_deref(), Some("three\n"));
    assert_eq!((repo.log("lockstep/change").len(), repo.log("lockstep/other").len()), (3, 3), "one commit each");
}
