//! The causes of the contract's section 6.10, and echoes: from GitHub's event to what the project shows.

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
async fn suspended_and_back() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.suspend(story.installation);
    story.drain().await;
    assert_eq!(state(&site).await, is("suspended", Some("installation_suspended")));
    site.change(&[("a.txt", "2\n")]).await;
    story.drain().await;
    story.github.unsuspend(story.installation);
    story.drain().await;
    assert_eq!(state(&site).await, is("connected", None));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("2\n"));
}

#[actix_web::test]
async fn uninstalled_and_installed_again() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.uninstall(story.installation);
    story.drain().await;
    assert_eq!(state(&site).await, is("broken", Some("installation_removed")));
    site.change(&[("a.txt", "2\n")]).await;
    story.github.install(ACME);
    story.drain().await;
    assert_eq!(state(&site).await, is("connected", None));
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("2\n"));
}

#[actix_web::test]
async fn out_of_the_installation_and_back() {
    let story = Story::start().await;
    let (repo, _other) = (story.repo("acme/site").with(&[("a.txt", "1\n")]), story.repo("acme/other"));
    let selected = story.github.install_selected(ACME, &["acme/site", "acme/other"]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.remove_from_installation(selected, repo.id());
    story.drain().await;
    assert_eq!(state(&site).await, is("broken", Some("repository_not_accessible")));
    story.github.add_to_installation(selected, repo.id());
    story.drain().await;
    assert_eq!(state(&site).await, is("connected", None));
}

#[actix_web::test]
async fn deleted_archived_renamed() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.archive(true);
    story.drain().await;
    assert_eq!(state(&site).await, is("broken", Some("repository_archived")));
    repo.archive(false);
    story.drain().await;
    assert_eq!(state(&site).await, is("connected", None));
    repo.rename("moved");
    story.drain().await;
    assert_eq!(site.status().await["repository"]["full_name"], "acme/moved");
    repo.delete();
    story.drain().await;
    assert_eq!(state(&site).await, is("broken", Some("repository_gone")));
}

#[actix_web::test]
async fn the_branch_deleted_and_made_again() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    repo.create_branch("live", "main");
    let site = story.project("site").await;
    site.connect_to(&repo, Some("live")).await;
    story.drain().await;
    repo.delete_branch("live");
    story.drain().await;
    assert_eq!(state(&site).await, is("broken", Some("branch_not_found")));
    repo.create_branch("live", "main");
    story.drain().await;
    assert_eq!(state(&site).await, is("connected", None), "though its head is the one that was known");
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
