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
        Story::at("", change).await
    }

    /// With GitHub's API below this path of its address: `/api/v3` for an Enterprise Server.
    pub async fn at(api: &str, change: impl FnOnce(Plan) -> Plan) -> Story {
        let github = Sim::start(Options::default()).await.unwrap();
        let app = github.app();
        let plan = World::plan()
            .set("GITHUB_API_URL", format!("{}{api}", github.url()))
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

    /// What is due now happens, and what comes of it later does not.
    pub async fn drain_once(&self) {
        self.github.deliveries_idle().await;
        self.engine.sweep().await.unwrap();
        self.engine.queue.run_once(&self.engine, Utc::now() + TimeDelta::milliseconds(500)).await.unwrap();
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

    /// Work on pull requests that was put off is due now.
    pub async fn pulls_are_due(&self) {
        self.engine.queue.clear().await.unwrap();
        let sql = "UPDATE pull_requests SET due_at = now() - interval '1 second' WHERE due_at IS NOT NULL";
        self.sql().await.execute(sql, &[]).await.unwrap();
    }

    /// Whoever does this is killed as soon as that is so, and nobody hears of it: its lease runs out.
    pub async fn dies<T: std::fmt::Debug>(&self, work: impl Future<Output = T>, when: impl Fn() -> bool) {
        tokio::select! {
            biased;
            () = until(when) => {}
            done = work => panic!("it ended: {done:?}"),
        }
        let sql = "UPDATE integrations SET lease_until = now() - interval '1 second' WHERE lease_token IS NOT NULL";
        self.sql().await.execute(sql, &[]).await.unwrap();
    }

    /// The number that a query answers.
    pub async fn number(&self, sql: &str) -> i64 {
        self.sql().await.query_one(sql, &[]).await.unwrap().get(0)
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

/// Lets others go on until this is so.
pub async fn until(when: impl Fn() -> bool) {
    while !when() {
        tokio::task::yield_now().await;
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
