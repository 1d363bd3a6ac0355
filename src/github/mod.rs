//! GitHub over HTTP: everything that names octocrab, a GitHub URL or a GitHub field.
//!
//! A `GitHub` is a cheap handle. With it one acts as the App (`apps`), as a person (`oauth`, `users`)
//! or, through `Repo`, on one repository with a token narrowed to it. Every request passes `run`:
//! token, budget, transport, verdict. Nothing here decides what to sync, and nothing waits longer
//! than a protocol's own pauses (`patience`): limits come back as `GithubError::RetryAt`.

mod app;
mod apps;
mod blobs;
mod budget;
mod commits;
mod contents;
mod diff;
mod error;
mod fate;
mod glimpse;
mod graphql;
mod heads;
mod http;
mod made;
mod meter;
mod oauth;
mod patience;
mod pulls;
mod receipt;
mod refs;
mod repo;
mod repositories;
mod run;
mod shown;
mod tokens;
mod transport;
mod trees;
mod users;
mod verdict;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use app::AppCredentials;
pub use apps::{AppInfo, ConvertedApp, Creator, HookConfig, HookDelivery, HookDeliveryPage, Installation};
pub use budget::{Admission, Ask, Budget, Limits, Primary, Priority, Seen, Standing};
pub use commits::{CommitInfo, CommitMessage, Committed};
pub use diff::{AtPath, RemoteEntry, TreeDelta};
pub use error::{GithubError, Result, Throttle};
pub use heads::BranchOf;
pub use http::{Http, HttpError};
pub use oauth::UserTokens;
pub use pulls::{Checks, NewPull, PullInfo, PullState, PullStatus, Review};
pub use repo::{Head, HeadState, Look, Repo, RepositoryInfo};
pub use repositories::NewRepository;
pub use trees::{TreeEntry, TreeKind, TreeListing, is_readable};
pub use users::{Account, GithubUser, Membership, Permission, UserInstallation, UserRepository, UserRepositoryPage};
pub use write::{Content, TreeChange};

use arc_swap::ArcSwapOption;
use made::Made;
use meter::Meter;
use tokens::Tokens;
use transport::Transport;

use crate::telemetry::Metrics;
use crate::vault::Vault;

/// GitHub's id of one installation of the App.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstallationId(pub i64);

/// A repository: known by its id, addressed by the name it last had.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepoRef {
    pub id: i64,
    /// `owner/name`.
    pub full_name: String,
}

/// Where GitHub is and how long it may take.
#[derive(Debug, Clone)]
pub struct GithubSettings {
    /// `https://api.github.com`, or `https://HOST/api/v3`; no slash at the end.
    pub api_url: String,
    /// An Enterprise Server's GraphQL is beside its REST base, not below it.
    pub graphql_url: String,
    /// `https://github.com`; no slash at the end.
    pub web_url: String,
    pub user_agent: String,
    pub connect_timeout: Duration,
    /// For a usual request; uploads and downloads of files get `transfer_timeout`.
    pub timeout: Duration,
    pub transfer_timeout: Duration,
}

impl GithubSettings {
    /// With the usual time limits.
    pub fn new(api_url: impl Into<String>, graphql_url: impl Into<String>, web_url: impl Into<String>) -> Self {
        GithubSettings {
            api_url: api_url.into(),
            graphql_url: graphql_url.into(),
            web_url: web_url.into(),
            user_agent: concat!("lockstep/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            transfer_timeout: Duration::from_secs(120),
        }
    }
}

/// The client for GitHub; clones share everything.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
}

struct Inner {
    settings: GithubSettings,
    http: Http,
    transport: Transport,
    vault: Vault,
    budget: Budget,
    meter: Meter,
    /// Read by every webhook, so without a lock.
    app: ArcSwapOption<AppCredentials>,
    tokens: Tokens,
    made: Made,
}

impl GitHub {
    /// Must be called within a tokio runtime. No App is known yet.
    pub fn new(settings: GithubSettings, vault: Vault, budget: Budget, metrics: Metrics) -> Self {
        let meter = Meter::new(metrics);
        let http = Http::new(settings.connect_timeout);
        let transport = Transport::new(&http, &settings.user_agent, meter.clone());
        let inner = Inner {
            settings,
            http,
            transport,
            vault,
            budget,
            meter,
            app: ArcSwapOption::empty(),
            tokens: Tokens::default(),
            made: Made::default(),
        };
        GitHub { inner: Arc::new(inner) }
    }

    /// What is left of what GitHub allows.
    pub fn budget(&self) -> &Budget {
        &self.inner.budget
    }

    /// Replaces the App everywhere at once.
    pub fn set_app(&self, app: Option<AppCredentials>) {
        self.inner.app.store(app.map(Arc::new));
    }

    pub fn app(&self) -> Option<Arc<AppCredentials>> {
        self.inner.app.load_full()
    }

    pub(crate) fn required_app(&self) -> Result<Arc<AppCredentials>> {
        self.app().ok_or(GithubError::NotConfigured)
    }

    /// One repository as an installation sees it. Requests count as the background's.
    pub fn repo(&self, installation: InstallationId, repository: RepoRef) -> Repo {
        Repo::new(self.clone(), installation, repository)
    }

    /// The pooled client, for requests to others than GitHub.
    pub fn http(&self) -> &Http {
        &self.inner.http
    }

    /// What went wrong when GitHub last gave this process no usable answer, and when.
    pub fn last_error(&self) -> Option<(String, chrono::DateTime<chrono::Utc>)> {
        self.inner.meter.last_error()
    }

    /// Budgets that are full again by now are told as such.
    pub fn tell_budgets(&self) {
        self.inner.meter.tell_remaining(chrono::Utc::now());
    }

    /// Asks GitHub for something, when this process has not heard of it for so long: one that has
    /// nothing to ask would notice neither that it went nor that it came back. No installation's budget
    /// pays for it, and it happens once in that time, however often this is called.
    pub async fn ask_if_silent(&self, long: Duration) {
        if self.app().is_some() && self.inner.meter.is_silent_for(long) {
            // The transport notes whether it was answered.
            drop(self.app_info().await);
        }
    }

    /// `https://github.com` or its like.
    pub fn web_url(&self) -> &str {
        &self.inner.settings.web_url
    }

    /// Where a person installs the App; None without one.
    pub fn install_url(&self) -> Option<String> {
        self.app().map(|app| format!("{}/apps/{}/installations/new", self.web_url(), app.slug))
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("api_url", &self.inner.settings.api_url).finish_non_exhaustive()
    }
}
