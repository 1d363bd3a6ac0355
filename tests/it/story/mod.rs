//! What stories are told with: a world, a GitHub of its own beside it, people, projects and
//! repositories. A story drains the queue instead of waiting.

mod project;

use std::ops::Deref;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use github_sim::{Options, Repo, Sim};

use crate::world::{Plan, World};

pub use project::{Project, put, remove};

/// The person of most stories, in the organisation `acme`.
pub const ADA: &str = "ada";
pub const ACME: &str = "acme";

pub struct Story {
    pub world: World,
    pub github: Sim,
    /// The App's installation at `acme`.
    pub installation: u64,
}

impl Deref for Story {
    type Target = World;
    fn deref(&self) -> &World {
        &self.world
    }
}

impl Story {
    /// Commits at once (no batch window), retries quickly.
    pub async fn start() -> Story {
        Story::with(|plan| plan).await
    }

    /// With other variables.
    pub async fn with(change: impl FnOnce(Plan) -> Plan) -> Story {
        let github = Sim::start(Options::default()).await.unwrap();
        let app = github.app();
        let plan = World::plan()
            .set("GITHUB_API_URL", github.url())
            .set("GITHUB_WEB_URL", github.url())
            .set("GITHUB_APP_ID", app.id.to_string())
            .set("GITHUB_APP_SLUG", &app.slug)
            .set("GITHUB_APP_PRIVATE_KEY", &app.private_key)
            .set("GITHUB_CLIENT_ID", &app.client_id)
            .set("GITHUB_CLIENT_SECRET", &app.client_secret)
            .set("GITHUB_WEBHOOK_SECRET", app.webhook_secret.as_deref().unwrap());
        let world = change(plan).start().await;
        let public = world.public().base().to_owned();
        github.set_webhook_url(&format!("{public}/webhooks/github"));
        github.set_app_urls(&[&format!("{public}/github/callback")], Some(&format!("{public}/github/setup")));
        github.user(ADA);
        github.org(ACME, &[(ADA, "admin")]);
        let installation = github.install(ACME);
        Story { world, github, installation }
    }

    /// An empty repository.
    pub fn repo(&self, full_name: &str) -> Repo {
        self.github.repo(full_name)
    }

    /// A project of the host that commits at once.
    pub async fn project(&self, id: &str) -> Project<'_> {
        let project = Project::new(self, id);
        project.settings(serde_json::json!({ "batch_seconds": 0 })).await;
        project
    }

    /// Lets everything happen that is due, and what follows from it.
    pub async fn drain(&self) {
        for _ in 0..200 {
            self.github.deliveries_idle().await;
            let horizon = Utc::now() + TimeDelta::milliseconds(500);
            let done = self.engine.queue.run_once(&self.engine, horizon).await.unwrap();
            if done == 0 && self.engine.sweep().await.unwrap() == 0 {
                return;
            }
        }
        panic!("the queue does not come to rest");
    }

    /// Batch windows and retries that began are over.
    pub async fn pass(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.engine.queue.clear().await.unwrap();
        self.sql()
            .await
            .execute(
                "UPDATE integrations SET window_at = window_at - $1 * interval '1 second', due_at = due_at - $1 * interval '1 second'",
                &[&seconds],
            )
            .await
            .unwrap();
    }

    /// GitHub's limits are as if nothing had been asked yet, on both sides.
    pub async fn renew_limits(&self) {
        self.world.forget_limits().await;
        self.github.reset_limits();
    }

    /// The repository is one that git itself finds nothing wrong with.
    pub fn fsck(&self, repo: &Repo) {
        let check = std::process::Command::new("git")
            .args(["fsck", "--strict", "--no-dangling"])
            .env("GIT_DIR", repo.git_dir())
            .output()
            .unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        let unknown = self.github.unknown_requests();
        if !std::thread::panicking() {
            assert!(unknown.is_empty(), "GitHub does not know: {unknown:?}");
        }
    }
}
