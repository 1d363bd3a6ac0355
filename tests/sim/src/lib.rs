//! `github-sim`: a stateful stand-in for GitHub with real bare git repositories, for tests and
//! the demo. It keeps people, organizations, Apps, installations, tokens, repositories, pull
//! requests, checks and webhooks; refuses what GitHub refuses, in GitHub's words and shapes;
//! enforces its limits; and misbehaves on request. Nothing of Lockstep is in it.
//!
//! # In a test
//!
//! ```no_run
//! # async fn story() -> anyhow::Result<()> {
//! use github_sim::{Change, Lie, MergeMethod, Options, Sim};
//!
//! let sim = Sim::start(Options {
//!     webhook_url: Some("http://127.0.0.1:8080/webhooks/github".into()),
//!     ..Options::default()
//! }).await?;
//! sim.org("acme", &[("alice", "admin"), ("bob", "member")]);
//! let repo = sim.repo("acme/site").with(&[("index.md", "one\n")]);   // private, branch main
//! let installation = sim.install("acme");                            // all repositories
//! repo.push("main", &[("index.md", "two\n")]);                       // a signed webhook
//! repo.push("main", &[Change::executable("run", "#!/bin/sh\n"), Change::delete("index.md")]);
//! sim.deliveries_idle().await;                                       // all webhooks attempted
//! sim.drop_response_after_apply("createCommitOnBranch");
//! assert!(sim.unknown_requests().is_empty());
//! # Ok(()) }
//! ```
//!
//! # Addresses
//!
//! One loopback port answers everything below [`Control::url`]: REST as `api.github.com` has it
//! (and below `/api/v3`), GraphQL at `/graphql` (and `/api/graphql`), the web pages
//! (`/login/oauth/authorize`, `/login/oauth/access_token`, `/apps/{slug}/installations/new`,
//! `/settings/apps/new`, `/organizations/{org}/settings/apps/new`), and the verbs over HTTP
//! below `/_sim` (see [`control`](mod@control)). So one URL is both API and web URL.
//!
//! # At the start
//!
//! The person `octocat` (id 1002) and, unless [`Options::without_app`], the App `Lockstep Sim`
//! (slug `lockstep-sim`, bot `lockstep-sim[bot]`) with all permissions and events Lockstep
//! asks for: [`Control::app`] has its ids and secrets. Installations grant all of them.
//! Names are taken as given; `sim.user`, `sim.org` and `sim.repo` make what is not there yet.
//!
//! # The verbs
//!
//! [`Sim`] derefs to [`Control`], which is cheap to clone. Verbs are synchronous unless they
//! wait, work from any thread, and panic (as assertions do) on what cannot be.
//!
//! | about | verbs |
//! |---|---|
//! | people | `user org remove_member members_can_create base_permission set_name default_user` |
//! | browsers | `authorize(url, login)` and `refuse` answer the redirect, `install_in_browser`, `create_app_in_browser`, `open` |
//! | Apps | `app apps add_app be_enterprise_server make_apps_without_secret other_private_key set_webhook_url set_webhook_content_type set_app_urls set_app_permission ping` |
//! | installations | `install install_selected installation uninstall suspend unsuspend add_to_installation remove_from_installation set_permission` |
//! | tokens | `user_token installation_token minted_tokens live_user_tokens is_live expire_tokens revoke_authorization use_long_tokens advance` |
//! | repositories | `repo repo_made_by public_repo find_repo repo_by_id`; on [`Repo`]: `id full_name git_dir with push push_as force_push merge create_branch reset_branch delete_branch create_tag head branches file text files texts log default_branch archive set_private rename transfer delete collaborator protect ruleset unprotect forbid_secret allow_secrets` |
//! | pull requests | on [`Repo`]: `open_pull merge_pull close_pull reopen_pull set_draft retitle_pull review edit_review dismiss_review set_mergeable_unknown set_pull_unreadable pull pulls check_run status` |
//! | faults | `fail_next html_error_next drop_response_after_apply fail_after_apply drop_before_apply delay delay_next push_between lie_next down up fresh_token_401 replication_lag clear_faults` |
//! | webhooks | `deliver_twice lose_webhooks lose_webhooks_silently hold_webhooks release_webhooks redeliver send_webhook deliveries deliveries_of deliveries_after deliveries_idle` |
//! | limits | `limits limit_installation reset_limits rate_limit_until secondary_limit_for too_many_requests_for silent_limit_for` |
//! | what happened | `requests count count_created busiest created_by reset_requests unknown_requests` |
//!
//! Fault filters and `count` search `METHOD route operations path` for their text, for example
//! `"createCommitOnBranch"`, `"git/trees"`, `"POST /repos/{owner}/{repo}/pulls"`, `"access_tokens"`;
//! the empty text fits everything.
//!
//! # Repositories
//!
//! Every repository is a real bare one that `git fsck --strict` accepts. Objects and refs are in
//! memory first; [`Repo::git_dir`] writes them before it answers, and otherwise they are written
//! once a repository is quiet, as packs. A commit through the API rewrites the folders on its
//! path and nothing else.
//!
//! # How like GitHub it is
//!
//! `likeness/run` (with `SIM_BIN`) holds answers and webhooks against GitHub's OpenAPI
//! description, the trimmed GraphQL schema (`src/graphql/schema.graphql`) and its answers against
//! the whole schema, and drives Octokit and PyGithub through their stories. A GraphQL document
//! with anything the trimmed schema lacks is refused as GitHub refuses it, and remembered in
//! [`Control::unknown_requests`], as is any unknown REST path.
//!
//! Not simulated: forks, teams, issues, Git over HTTP or SSH, and anything that takes time at
//! GitHub by itself (use `delay`, `replication_lag`, `set_mergeable_unknown`). State does not
//! survive the process.

mod access;
mod auth;
mod call;
mod change;
pub mod control;
mod core;
mod events;
mod faults;
mod git;
mod graphql;
mod http;
mod keys;
mod options;
mod pulls;
mod push;
mod random;
mod render;
mod rest;
mod seed;
mod sim;
mod web;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::change::Change;
pub use self::events::delivery::Delivered;
pub use self::faults::Lie;
pub use self::http::log::Logged;
pub use self::options::{Limits, Options};
pub use self::pulls::MergeMethod;
pub use self::sim::{AppInfo, Control, Created, InstallationInfo, LogEntry, Repo, Sim};

/// Locks, and goes on where another thread ended in the middle.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
