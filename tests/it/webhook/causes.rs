//! The causes of the contract's section 6.10: what the project shows, what the host is told, and that it
//! heals without a person, at the webhook and without any.

use std::time::Duration;

use github_sim::Repo;
use serde_json::{Value, json};

use super::notify::{Host, told};
use crate::story::{ACME, ADA, Project, Story};

/// How a project learns of what happened at GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Webhook,
    /// Every webhook is lost; heads are compared.
    Drift,
}

const BOTH: [By; 2] = [By::Webhook, By::Drift];

/// A row of the table: what happens, what is shown and told, and what ends it.
struct Row {
    state: &'static str,
    code: &'static str,
    told: &'static str,
}

const fn broken(code: &'static str) -> Row {
    Row { state: "broken", code, told: "integration.broken" }
}

struct Scene {
    host: Host,
    story: Story,
    repo: Repo,
    /// The branch that is synced; the default one is `main`.
    branch: &'static str,
    by: By,
}

impl Scene {
    async fn set(by: By) -> Scene {
        let host = Host::start(204).await;
        let story = told(&host).await;
        let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
        Scene { host, story, repo, branch: "main", by }
    }

    async fn site(&self) -> Project<'_> {
        let site = self.story.project("site").await;
        site.connect_to(&self.repo, Some(self.branch)).await;
        self.story.drain().await;
        if self.by == By::Drift {
            self.story.github.lose_webhooks(100);
        }
        site
    }

    /// What happened is noticed.
    async fn learn(&self) {
        self.story.drain().await;
        if self.by == By::Drift {
            self.story.engine.check_drift(Duration::ZERO).await.unwrap();
            self.story.drain().await;
        }
    }

    fn told(&self, kind: &str) -> usize {
        self.host.got().iter().filter(|told| told.body["type"] == kind).count()
    }

    fn told_of_state(&self) -> Vec<String> {
        let kinds = self.host.got().into_iter().map(|told| told.body["type"].as_str().unwrap().to_owned());
        kinds.filter(|kind| kind.starts_with("integration.") && kind != "integration.connected").collect()
    }
}

async fn shown(site: &Project<'_>) -> (String, Option<String>) {
    let status = site.status().await;
    (status["state"].as_str().unwrap().to_owned(), status["error"]["code"].as_str().map(str::to_owned))
}

/// The cause comes, an edit waits for its end, and goes out when it went.
async fn comes_and_goes(scene: &Scene, site: &Project<'_>, row: &Row, comes: impl Fn(&Scene), goes: impl Fn(&Scene)) {
    let by = scene.by;
    comes(scene);
    scene.learn().await;
    assert_eq!(shown(site).await, (row.state.to_owned(), Some(row.code.to_owned())), "{by:?}");
    assert_eq!(scene.told(row.told), 1, "{by:?}: {:?}", scene.told_of_state());
    let answer = site.change(&[("a.txt", "waits\n")]).await;
    assert_eq!(answer["pending_changes"], 1, "{by:?}: changes are still accepted");
    scene.learn().await;
    let status = site.status().await;
    assert_eq!((status["sync_status"].as_str(), status["pending_changes"].as_i64()), (Some("error"), Some(1)));
    assert_eq!(shown(site).await, (row.state.to_owned(), Some(row.code.to_owned())), "{by:?}");
    assert_eq!(scene.told(row.told), 1, "{by:?}: told once: {:?}", scene.told_of_state());
    goes(scene);
    scene.learn().await;
    assert_eq!(shown(site).await, ("connected".to_owned(), None), "{by:?}");
    let there = scene.repo.text(scene.branch, "a.txt");
    assert_eq!(there.as_deref(), Some("waits\n"), "{by:?}: what was pending is pushed");
    assert_eq!(scene.told("integration.restored"), 1, "{by:?}: {:?}", scene.told_of_state());
    assert_eq!(site.sync_status().await, "success", "{by:?}");
    site.agrees_with(&scene.repo, scene.branch).await;
}

#[actix_web::test]
async fn the_app_suspended() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        let site = scene.site().await;
        let row = Row { state: "suspended", code: "installation_suspended", told: "integration.suspended" };
        let (comes, goes) = (
            |scene: &Scene| scene.story.github.suspend(scene.story.installation),
            |scene: &Scene| scene.story.github.unsuspend(scene.story.installation),
        );
        comes_and_goes(&scene, &site, &row, comes, goes).await;
    }
}

#[actix_web::test]
async fn the_app_uninstalled() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        let site = scene.site().await;
        let comes = |scene: &Scene| scene.story.github.uninstall(scene.story.installation);
        let goes = |scene: &Scene| {
            scene.story.github.install(ACME);
        };
        comes_and_goes(&scene, &site, &broken("installation_removed"), comes, goes).await;
    }
}

#[actix_web::test]
async fn the_repository_taken_out_of_the_installation() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        let _other = scene.story.repo("acme/other");
        let selected = scene.story.github.install_selected(ACME, &["acme/site", "acme/other"]);
        let site = scene.site().await;
        let comes = |scene: &Scene| scene.story.github.remove_from_installation(selected, scene.repo.id());
        let goes = |scene: &Scene| scene.story.github.add_to_installation(selected, scene.repo.id());
        comes_and_goes(&scene, &site, &broken("repository_not_accessible"), comes, goes).await;
    }
}

#[actix_web::test]
async fn the_repository_moved_to_an_owner_without_the_app_and_back() {
    // Only the new owner's installation would be told that it went.
    let scene = Scene::set(By::Drift).await;
    let site = scene.site().await;
    let (comes, goes) = (|scene: &Scene| scene.repo.transfer(ADA), |scene: &Scene| scene.repo.transfer(ACME));
    comes_and_goes(&scene, &site, &broken("repository_not_accessible"), comes, goes).await;
}

#[actix_web::test]
async fn the_repository_archived() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        let site = scene.site().await;
        let (comes, goes) = (|scene: &Scene| scene.repo.archive(true), |scene: &Scene| scene.repo.archive(false));
        comes_and_goes(&scene, &site, &broken("repository_archived"), comes, goes).await;
    }
}

#[actix_web::test]
async fn the_repository_deleted() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        let site = scene.site().await;
        scene.repo.delete();
        scene.learn().await;
        assert_eq!(shown(&site).await, ("broken".to_owned(), Some("repository_gone".to_owned())), "{by:?}");
        assert_eq!(scene.told("integration.broken"), 1, "{by:?}");
        assert_eq!(site.change(&[("a.txt", "2\n")]).await["pending_changes"], 1);
        scene.learn().await;
        assert_eq!(shown(&site).await, ("broken".to_owned(), Some("repository_gone".to_owned())), "{by:?}");
        assert_eq!(scene.told("integration.broken"), 1, "{by:?}: told once");
    }
}

#[actix_web::test]
async fn the_branch_deleted() {
    for by in BOTH {
        let mut scene = Scene::set(by).await;
        scene.repo.create_branch("live", "main");
        scene.branch = "live";
        let site = scene.site().await;
        let comes = |scene: &Scene| scene.repo.delete_branch("live");
        // Though its head is the one that was known.
        let goes = |scene: &Scene| scene.repo.create_branch("live", "main");
        comes_and_goes(&scene, &site, &broken("branch_not_found"), comes, goes).await;
    }
}

#[actix_web::test]
async fn the_permission_withdrawn() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        let site = scene.site().await;
        let give = |scene: &Scene, level: &str| {
            scene.story.github.set_permission(scene.story.installation, "contents", level);
            scene.story.github.expire_tokens();
        };
        let comes = |scene: &Scene| give(scene, "none");
        let goes = |scene: &Scene| give(scene, "write");
        comes_and_goes(&scene, &site, &broken("permission_missing"), comes, goes).await;
    }
}

#[actix_web::test]
async fn only_reading_is_still_permitted() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        let site = scene.site().await;
        scene.story.github.set_permission(scene.story.installation, "contents", "read");
        scene.learn().await;
        site.change(&[("a.txt", "waits\n")]).await;
        for _ in 0..3 {
            scene.learn().await;
            scene.story.engine.check_drift(Duration::ZERO).await.unwrap();
            scene.story.drain().await;
            assert_eq!(shown(&site).await, ("broken".to_owned(), Some("permission_missing".to_owned())), "{by:?}");
        }
        assert_eq!(scene.told_of_state(), ["integration.broken"], "{by:?}: that it can be read heals nothing");
        scene.story.github.set_permission(scene.story.installation, "contents", "write");
        scene.learn().await;
        assert_eq!(shown(&site).await, ("connected".to_owned(), None), "{by:?}");
        assert_eq!(scene.told_of_state(), ["integration.broken", "integration.restored"], "{by:?}");
        site.agrees_with(&scene.repo, "main").await;
    }
}

#[actix_web::test]
async fn the_branch_protected_against_the_push() {
    let scene = Scene::set(By::Drift).await;
    let site = scene.site().await;
    scene.repo.ruleset("main", "pull_request");
    site.change(&[("a.txt", "waits\n")]).await;
    for _ in 0..3 {
        scene.learn().await;
        assert_eq!(shown(&site).await, ("connected".to_owned(), Some("branch_protected".to_owned())));
    }
    assert_eq!((scene.told("sync.failed"), scene.told_of_state()), (1, Vec::new()), "told once, as a sync's failure");
    let status = site.status().await;
    assert_eq!((status["sync_status"].as_str(), &status["error"]["retryable"]), (Some("error"), &Value::Bool(false)));
    let row = site.last().await;
    assert_eq!((row["status"].as_str(), row["error"]["code"].as_str()), (Some("failed"), Some("branch_protected")));
    scene.repo.unprotect();
    scene.learn().await;
    assert_eq!(shown(&site).await, ("connected".to_owned(), None));
    site.agrees_with(&scene.repo, "main").await;
}

#[actix_web::test]
async fn the_repository_renamed_or_moved_within_reach() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        scene.story.github.org("globex", &[(ADA, "admin")]);
        scene.story.github.install("globex");
        let site = scene.site().await;
        scene.repo.rename("moved");
        scene.learn().await;
        assert_eq!(site.status().await["repository"]["full_name"], "acme/moved", "{by:?}");
        scene.repo.transfer("globex");
        scene.learn().await;
        let status = site.status().await;
        assert_eq!(status["repository"]["full_name"], "globex/moved", "{by:?}: {status}");
        assert!(status["repository"]["url"].as_str().unwrap().ends_with("globex/moved"), "{status}");
        assert_eq!(status["repository"]["id"], json!(scene.repo.id()));
        assert_eq!(shown(&site).await, ("connected".to_owned(), None), "{by:?}");
        assert_eq!(scene.told_of_state(), Vec::<String>::new(), "{by:?}");
        site.change(&[("a.txt", "2\n")]).await;
        scene.learn().await;
        site.agrees_with(&scene.repo, "main").await;
        assert_eq!(scene.repo.text("main", "a.txt").as_deref(), Some("2\n"), "{by:?}");
    }
}

#[actix_web::test]
async fn the_head_moved_back_or_rewritten() {
    for by in BOTH {
        let scene = Scene::set(by).await;
        let first = scene.repo.head("main").unwrap();
        scene.repo.push("main", &[("a.txt", "2\n"), ("b.txt", "2\n")]);
        let site = scene.site().await;
        let told = scene.told("project.files_changed");
        scene.repo.reset_branch("main", &first);
        scene.learn().await;
        assert_eq!(site.file("a.txt").await.as_deref(), Some("1\n"), "{by:?}");
        assert_eq!(site.file("b.txt").await, None, "{by:?}");
        scene.repo.force_push("main", None, &[("c.txt", "3\n")]);
        scene.learn().await;
        assert_eq!((site.file("a.txt").await, site.file("c.txt").await.as_deref()), (None, Some("3\n")), "{by:?}");
        assert_eq!(scene.told("project.files_changed"), told + 2, "{by:?}");
        assert_eq!(shown(&site).await, ("connected".to_owned(), None), "{by:?}");
        site.agrees_with(&scene.repo, "main").await;
    }
}
