//! Echoes of our own pushes, and events that come late, doubled or out of order.

use super::outcome;
use crate::story::{ACME, ADA, Project, Story};

async fn state(project: &Project<'_>) -> (String, Option<String>) {
    let status = project.status().await;
    (status["state"].as_str().unwrap().to_owned(), status["error"]["code"].as_str().map(str::to_owned))
}

fn is(state: &str, code: Option<&str>) -> (String, Option<String>) {
    (state.to_owned(), code.map(str::to_owned))
}

#[actix_web::test]
async fn a_push_of_our_own_is_an_echo_and_somebody_elses_is_not() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.change(&[("a.txt", "2\n")]).await;
    story.drain().await;
    repo.push("main", &[("b.txt", "3\n")]);
    story.drain().await;
    assert_eq!(site.file("b.txt").await.as_deref(), Some("3\n"));
    let sql = story.sql().await;
    let rows =
        sql.query("SELECT outcome FROM deliveries WHERE event = 'push' ORDER BY received_at DESC", &[]).await.unwrap();
    let outcomes: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(outcomes[..2], ["applied", "echo"]);
}

#[actix_web::test]
async fn a_branch_put_back_to_a_commit_of_our_own_is_no_echo() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.change(&[("a.txt", "2\n")]).await;
    story.drain().await;
    let ours = repo.head("main").unwrap();
    repo.push("main", &[("a.txt", "3\n")]);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("3\n"));
    repo.reset_branch("main", &ours);
    story.drain().await;
    assert_eq!(site.file("a.txt").await.as_deref(), Some("2\n"));
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn events_in_any_order_doubled_or_late_move_nothing_backwards() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.hold_webhooks();
    story.github.suspend(story.installation);
    repo.push("main", &[("a.txt", "2\n")]);
    story.github.unsuspend(story.installation);
    repo.push("main", &[("a.txt", "3\n")]);
    story.github.deliver_twice();
    story.github.release_webhooks(Some(7));
    story.drain().await;
    assert_eq!(state(&site).await, is("connected", None));
    assert_eq!(site.file("a.txt").await.as_deref(), Some("3\n"));
    let suspended = story.github.deliveries_of("installation").into_iter().next().unwrap();
    story.github.redeliver(suspended.id);
    story.drain().await;
    assert_eq!(state(&site).await, is("connected", None), "an old event changes nothing");
    assert!(outcome(&story, &suspended.guid).await.is_some());
}

#[actix_web::test]
async fn a_person_who_revokes_is_forgotten() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.revoke_authorization(ADA);
    story.drain().await;
    let path = site.path("/repositories?user=ada");
    story.host().get(&path).await.problem(403, "authorization_required");
    assert_eq!(state(&site).await, is("connected", None), "the connection is the installation's");
}

#[actix_web::test]
async fn an_installation_that_is_long_gone_takes_nothing_over() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.uninstall(story.installation);
    story.drain().await;
    assert_eq!(state(&site).await, is("broken", Some("installation_removed")));
    // The new one is told of, and then the old one once more, before anybody looks.
    let new = story.github.install(ACME);
    story.github.deliveries_idle().await;
    let made =
        story.github.deliveries_of("installation").into_iter().rfind(|one| one.action.as_deref() == Some("created"));
    let mut old = made.unwrap().payload;
    assert_eq!(old["installation"]["id"], new);
    old["installation"]["id"] = story.installation.into();
    old["repositories"] = serde_json::json!([{ "id": repo.id(), "name": "site", "full_name": "acme/site" }]);
    story.github.send_webhook("installation", &old);
    story.drain().await;
    assert_eq!(state(&site).await, is("connected", None), "GitHub was asked who reaches it");
    site.change(&[("a.txt", "2\n")]).await;
    story.drain().await;
    site.agrees_with(&repo, "main").await;
}

#[actix_web::test]
async fn deliveries_shuffled_and_doubled_end_as_they_would_in_order() {
    for seed in 0..6 {
        let story = Story::start().await;
        let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
        repo.create_branch("live", "main");
        let site = story.project("site").await;
        site.connect_to(&repo, Some("live")).await;
        story.drain().await;
        story.github.hold_webhooks();
        story.github.deliver_twice();
        repo.push("live", &[("a.txt", "2\n")]);
        story.github.suspend(story.installation);
        repo.rename("renamed");
        repo.archive(true);
        story.github.unsuspend(story.installation);
        repo.archive(false);
        repo.push("live", &[("b.txt", "3\n")]);
        repo.delete_branch("live");
        repo.create_branch("live", "main");
        repo.push("live", &[("c.txt", "4\n")]);
        story.github.uninstall(story.installation);
        story.github.install(ACME);
        story.github.release_webhooks(Some(seed));
        story.drain().await;
        assert_eq!(state(&site).await, is("connected", None), "seed {seed}");
        assert_eq!(site.status().await["repository"]["full_name"], "acme/renamed", "seed {seed}");
        site.agrees_with(&repo, "live").await;
        assert_eq!(site.file("c.txt").await.as_deref(), Some("4\n"), "seed {seed}");
    }
}
