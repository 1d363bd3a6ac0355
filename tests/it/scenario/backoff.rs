//! Trying again (contract 6.11), giving up, and what heals by itself (6.10).

use serde_json::json;

use crate::story::{ACME, ADA, Story};

#[actix_web::test]
async fn a_window_that_is_over_does_not_hurry_a_retry() {
    let story = Story::with(|plan| plan.set("RETRY_SECONDS", "3600")).await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.fail_next("createCommitOnBranch", 1000, 502);
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    assert_eq!(story.github.count("createCommitOnBranch"), 1, "one attempt, then a pause");
    let status = site.status().await;
    assert_eq!((status["sync_status"].as_str(), status["error"]["retryable"].as_bool()), (Some("error"), Some(true)));
    let sync = site.last().await;
    assert_eq!((sync["status"].as_str(), sync["attempts"].as_i64()), (Some("queued"), Some(1)));
    // Neither does another change.
    site.change(&[("b.txt", "b\n")]).await;
    story.drain().await;
    assert!(story.github.count("createCommitOnBranch") <= 2);
    story.github.clear_faults();
    site.sync().await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
    story.engine.queue.clear().await.unwrap();
}

#[actix_web::test]
async fn a_limit_is_waited_for_without_asking_and_is_no_attempt() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.rate_limit_until(chrono::Utc::now() + chrono::TimeDelta::minutes(50));
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    let sync = site.last().await;
    assert_eq!((sync["status"].as_str(), sync["attempts"].as_i64()), (Some("queued"), Some(0)), "{sync}");
    assert_eq!(
        (sync["error"]["code"].as_str(), sync["error"]["retryable"].as_bool()),
        (Some("rate_limited"), Some(true))
    );
    let requests = || story.github.requests().iter().filter(|one| !one.route.contains("access_tokens")).count();
    let asked = requests();
    site.change(&[("b.txt", "b\n")]).await;
    story.drain().await;
    assert!(requests() <= asked + 1, "reading has a limit of its own");
    let asked = requests();
    site.change(&[("c.txt", "c\n")]).await;
    story.drain().await;
    assert_eq!(requests(), asked, "GitHub is left alone until then");
    assert_eq!(site.sync_status().await, "error");
    story.engine.queue.clear().await.unwrap();
}

#[actix_web::test]
async fn after_twelve_attempts_it_is_a_dead_letter_and_a_retry_heals() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.fail_next("createCommitOnBranch", 1000, 502);
    site.change(&[("a.txt", "two\n")]).await;
    for _ in 0..20 {
        story.pass(std::time::Duration::from_secs(7200)).await;
        story.drain().await;
    }
    assert_eq!(story.github.count("createCommitOnBranch"), 12);
    let sync = site.last().await;
    assert_eq!((sync["status"].as_str(), sync["attempts"].as_i64()), (Some("failed"), Some(12)));
    let told = "SELECT count(*) FROM events WHERE kind = 'sync.failed'";
    assert_eq!(story.number(told).await, 1);
    let letters = story.host().get("/v1/dead-letters").await.expect(200);
    let id = letters["items"][0]["id"].as_str().unwrap();
    story.github.clear_faults();
    story.host().post(&format!("/v1/dead-letters/{id}/retry"), &json!({})).await.expect(202);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn a_sync_that_the_queue_gives_up_is_told_as_failed() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("a.txt", "two\n")]).await;
    let asked = site.sync().await;
    let sql = story.sql().await;
    sql.batch_execute("CREATE TABLE kept AS SELECT * FROM blobs; DELETE FROM blobs").await.unwrap();
    let pid = site.pid().await;
    story.engine.look(pid).await.unwrap();
    sql.execute("UPDATE integrations SET lease_until = now() - interval '1 second'", &[]).await.unwrap();
    story.engine.bury_project(pid, 12).await.unwrap();
    let failed = site.get(&format!("/syncs/{}", asked["id"].as_str().unwrap())).await;
    assert_eq!((failed["status"].as_str(), failed["error"]["code"].as_str()), (Some("failed"), Some("internal")));
    let told = "SELECT count(*) FROM events WHERE kind = 'sync.failed' AND data->'sync'->>'status' = 'failed'";
    assert_eq!(story.number(told).await, 1);
    assert_eq!(site.sync_status().await, "error");

    sql.batch_execute("INSERT INTO blobs SELECT * FROM kept ON CONFLICT DO NOTHING; DROP TABLE kept").await.unwrap();
    let letters = story.host().get("/v1/dead-letters").await.expect(200);
    let id = letters["items"][0]["id"].as_str().unwrap();
    story.host().post(&format!("/v1/dead-letters/{id}/retry"), &json!({})).await.expect(202);
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn an_old_word_of_an_installation_leads_to_the_present_one() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.uninstall(story.installation);
    story.drain().await;
    assert_eq!(site.state().await.1.as_deref(), Some("installation_removed"));
    story.github.lose_webhooks(100);
    let second = story.github.install(ACME);
    story.github.uninstall(second);
    story.github.install(ACME);
    story.drain().await;
    story.github.lose_webhooks(0);
    let old = story.github.deliveries_of("installation");
    let created = old.iter().filter(|one| one.action.as_deref() == Some("created")).nth(1).unwrap();
    story.github.redeliver(created.id);
    story.drain().await;
    assert_eq!(site.state().await, ("connected".to_owned(), None));
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn moved_out_of_sight_is_not_gone() {
    let story = Story::start().await;
    story.github.org("elsewhere", &[(ADA, "admin")]);
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.transfer("elsewhere");
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    assert_eq!(site.state().await, ("broken".to_owned(), Some("repository_not_accessible".to_owned())));
    story.github.install("elsewhere");
    story.drain().await;
    assert_eq!(site.state().await, ("connected".to_owned(), None), "within reach again, it heals");
    site.agrees_with(&repo, "main").await;
    assert_eq!(site.status().await["repository"]["full_name"], "elsewhere/site");
}

#[actix_web::test]
async fn a_project_that_is_forgotten_leaves_audit_rows_and_nothing_else() {
    let story = Story::with(|plan| {
        let plan = plan.set("NOTIFY_URL", "http://127.0.0.1:9/");
        plan.set("NOTIFY_SECRET", "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB")
    })
    .await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.fail_next("createCommitOnBranch", 1000, 502);
    site.change(&[("a.txt", "two\n")]).await;
    for _ in 0..20 {
        story.pass(std::time::Duration::from_secs(7200)).await;
        story.sql().await.execute("UPDATE notifications SET due_at = now()", &[]).await.unwrap();
        story.drain().await;
    }
    let letters = "SELECT count(*) FROM dead_letters WHERE project = 'site' OR kind = 'notification'";
    assert!(story.number(letters).await >= 2, "of the sync and of notifications");
    story.host().delete("/v1/projects/site").await.expect(204);
    assert_eq!(story.number("SELECT count(*) FROM dead_letters").await, 0);
    assert_eq!(story.number("SELECT count(*) FROM notifications").await, 0);
    let audit = story.host().get("/v1/audit?project=site").await.expect(200);
    assert_eq!(audit["items"][0]["action"], "project.deleted");
    story.drain().await;
}

#[actix_web::test]
async fn an_excluded_file_in_the_way_is_no_endless_errand() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await;
    site.settings(json!({ "exclude": ["*.tmp"] })).await;
    site.change(&[("log/x.tmp", "mine\n")]).await;
    let site = site.connected_to(&repo).await;
    repo.push("main", &[("log", "a file\n"), ("b.txt", "b\n")]);
    story.drain().await;
    assert_eq!(site.file("log/x.tmp").await.as_deref(), Some("mine\n"));
    assert_eq!(site.file("log").await, None, "there is no room for it");
    assert_eq!(site.file("b.txt").await.as_deref(), Some("b\n"), "the rest comes in");
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"));
    assert_eq!(repo.text("main", "log").as_deref(), Some("a file\n"));
    assert_eq!(site.sync_status().await, "success");
}

#[actix_web::test]
async fn a_permission_withdrawn_and_granted_again() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.set_permission(story.installation, "contents", "read");
    site.change(&[("a.txt", "two\n")]).await;
    story.drain().await;
    assert_eq!(site.state().await, ("broken".to_owned(), Some("permission_missing".to_owned())));
    assert_eq!(story.number("SELECT count(*) FROM events WHERE kind = 'integration.broken'").await, 1);
    site.post("/syncs", json!({})).await.problem(403, "permission_missing");
    site.change(&[("b.txt", "b\n")]).await;
    story.drain().await;
    story.engine.check_drift(std::time::Duration::ZERO).await.unwrap();
    story.drain().await;
    assert_eq!(site.state().await.0, "broken", "that it can be read heals nothing");
    assert_eq!(site.get("").await["pending_changes"], 2, "accepted, and pending");
    story.github.set_permission(story.installation, "contents", "write");
    story.drain().await;
    assert_eq!(site.state().await, ("connected".to_owned(), None));
    assert_eq!(story.number("SELECT count(*) FROM events WHERE kind = 'integration.restored'").await, 1);
    site.agrees_with(&repo, "main").await;
}
