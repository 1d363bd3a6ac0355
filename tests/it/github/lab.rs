//! One simulator, one Redis, and clients as several processes would have them.

use github_sim::{Options, Sim};
use lockstep::github::{
    AppCredentials, Budget, GitHub, GithubSettings, Head, HeadState, InstallationId, Limits, RepoRef,
};
use lockstep::model::{FilePath, Oid};
use lockstep::telemetry::Metrics;
use lockstep::vault::Vault;

use crate::queue::Redis;

pub struct Lab {
    pub sim: Sim,
    pub redis: Redis,
    pub github: GitHub,
    pub installation: InstallationId,
}

impl Lab {
    /// The App is installed at `acme`, for all repositories.
    pub async fn start() -> Self {
        let sim = Sim::start(Options::default()).await.unwrap();
        let redis = Redis::start();
        sim.org("acme", &[("octocat", "admin")]);
        let installation = InstallationId(sim.install("acme").try_into().unwrap());
        let github = process(&sim, &redis).await;
        Lab { sim, redis, github, installation }
    }

    /// Another process on the same Redis.
    pub async fn process(&self) -> GitHub {
        process(&self.sim, &self.redis).await
    }

    /// The repository, as this process reaches it.
    pub fn open(&self, repo: &github_sim::Repo) -> lockstep::github::Repo {
        let id = repo.id().try_into().unwrap();
        self.github.repo(self.installation, RepoRef { id, full_name: repo.full_name() })
    }

    /// A repository with these files, and the client's view of it.
    pub fn repo(&self, name: &str, files: &[(&str, &str)]) -> (github_sim::Repo, lockstep::github::Repo) {
        let repo = self.sim.repo(name);
        let repo = if files.is_empty() { repo } else { repo.with(files) };
        let opened = self.open(&repo);
        (repo, opened)
    }
}

async fn process(sim: &Sim, redis: &Redis) -> GitHub {
    let client = ::redis::Client::open(redis.url()).unwrap();
    let limits = Limits { per_minute: 10_000, per_hour: 10_000, ..Limits::default() };
    let budget = Budget::with_limits(client.get_connection_manager().await.unwrap(), "test", limits);
    let settings = GithubSettings::new(sim.url(), format!("{}/graphql", sim.url()), sim.url());
    let github = GitHub::new(settings, Vault::new(&[7; 32], &[]), budget, Metrics::new().unwrap());
    let app = sim.app();
    let credentials = AppCredentials::new(
        app.id.try_into().unwrap(),
        app.slug,
        app.client_id,
        app.client_secret.into(),
        &app.private_key,
        app.webhook_secret.unwrap_or_default().into(),
    );
    github.set_app(Some(credentials.unwrap()));
    github
}

/// Every test's last word: nothing was asked that GitHub does not have.
impl Drop for Lab {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.sim.unknown_requests(), [""; 0], "requests that GitHub does not know");
        }
    }
}

pub async fn head_of(repo: &lockstep::github::Repo, branch: &str) -> Head {
    match repo.head(branch).await.unwrap() {
        HeadState::Branch(head) => head,
        other => panic!("{other:?}"),
    }
}

pub fn path(text: &str) -> FilePath {
    FilePath::parse(text).unwrap()
}

pub fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}
