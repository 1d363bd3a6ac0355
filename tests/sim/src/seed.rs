//! The world as it is at the start: one person, and the App.

use crate::keys;
use crate::options::Options;
use crate::world::World;
use crate::world::account::AccountKind;
use crate::world::app::NewApp;
use crate::world::permissions::Permissions;

/// Everything that may be asked for by the App under test.
const PERMISSIONS: &[(&str, &str)] = &[
    ("metadata", "read"),
    ("contents", "write"),
    ("pull_requests", "write"),
    ("checks", "read"),
    ("statuses", "read"),
    ("administration", "write"),
    ("workflows", "write"),
];

const EVENTS: &[&str] = &[
    "check_run",
    "check_suite",
    "create",
    "delete",
    "pull_request",
    "pull_request_review",
    "push",
    "repository",
    "status",
];

/// The webhook secret unless one is given.
const WEBHOOK_SECRET: &str = "a-webhook-secret-for-tests-only";

/// Adds `web-flow` (who commits on GitHub's pages), `octocat`, and the App.
pub(crate) fn seed(world: &mut World, options: &Options) {
    world.add_account("web-flow", AccountKind::User);
    let owner = world.add_account("octocat", AccountKind::User);
    if options.without_app {
        return;
    }
    let secret = options.webhook_secret.clone();
    world.add_app(NewApp {
        name: "Lockstep Sim".to_owned(),
        description: Some("The App under test".to_owned()),
        external_url: "https://example.com".to_owned(),
        owner: owner.unwrap_or_default(),
        key: keys::app(),
        webhook_secret: Some(secret.unwrap_or_else(|| WEBHOOK_SECRET.to_owned())),
        hook_url: options.webhook_url.clone(),
        permissions: Permissions::of(PERMISSIONS),
        events: EVENTS.iter().map(|it| (*it).to_owned()).collect(),
        callback_urls: options.callback_urls.clone(),
        setup_url: options.setup_url.clone(),
        setup_on_update: false,
        request_oauth_on_install: false,
    });
}
