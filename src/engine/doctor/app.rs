//! The GitHub App: its credentials, permissions and events, as GitHub itself tells them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Engine, Finding, Verdict};
use crate::engine::failure::Failure;
use crate::engine::setup::{MANIFEST, mend_sealed};
use crate::github::{AppInfo, GithubError, Installation};
use crate::store::StoreError;

/// Without these one thing each does not work, and all else does.
const OPTIONAL: [&str; 2] = ["administration", "workflows"];

#[derive(Deserialize)]
struct Wanted {
    default_permissions: BTreeMap<String, String>,
    default_events: Vec<String>,
}

impl Engine {
    pub(super) async fn examine_app(&self) -> Vec<Finding> {
        let info = match self.app_as_github_has_it().await {
            Ok(info) => info,
            Err(verdict) => return without_app(verdict),
        };
        let wanted: Wanted = match serde_json::from_str(MANIFEST) {
            Ok(wanted) => wanted,
            Err(error) => return without_app(Verdict::fail(error.to_string(), "restore app-manifest.json")),
        };
        let permissions = match about_permissions(&wanted, &info) {
            Verdict::Ok(text) => self.about_installations(&wanted, text).await,
            fail => fail,
        };
        vec![
            Finding::new("github_app", Verdict::Ok(format!("{} ({})", info.slug, info.id))),
            Finding::new("permissions", permissions),
            Finding::new("events", about_events(&wanted, &info)),
            Finding::new("webhook", self.examine_webhook().await),
        ]
    }

    async fn app_as_github_has_it(&self) -> Result<AppInfo, Verdict> {
        if let Err(error) = self.reload_app().await {
            return Err(about_stored(&error));
        }
        let Some(app) = self.github.app() else {
            let mend =
                "open the address that serve prints after «setup:», or set LOCKSTEP_GITHUB_APP_ID and its five kin";
            return Err(Verdict::fail("there is no GitHub App yet", mend));
        };
        let info = self.github.app_info().await.map_err(|error| about_credentials(&error))?;
        if info.id != app.id {
            let what = format!("GitHub knows these credentials as App {}, not {}", info.id, app.id);
            return Err(Verdict::fail(what, "correct LOCKSTEP_GITHUB_APP_ID, or client id and key"));
        }
        if let Some(verdict) = self.about_client_secret().await {
            return Err(verdict);
        }
        if !info.slug.is_empty() && info.slug != app.slug {
            let what = format!("the App's slug is {}, not {}", info.slug, app.slug);
            return Err(Verdict::fail(what, "correct LOCKSTEP_GITHUB_APP_SLUG: install links lead nowhere"));
        }
        Ok(info)
    }

    /// A code that nobody was given is refused for what it is, unless the secret is wrong already.
    async fn about_client_secret(&self) -> Option<Verdict> {
        let callback = format!("{}/github/callback", self.settings.public_url);
        match self.github.exchange_code("doctor", &callback, "doctor").await {
            Err(error) if error.to_string().contains("client secret") => {
                let mend = "make a new one in the App's settings and set LOCKSTEP_GITHUB_CLIENT_SECRET";
                Some(Verdict::fail(error.to_string(), mend))
            }
            Err(error @ GithubError::Unavailable { .. }) => {
                let mend = "check LOCKSTEP_GITHUB_WEB_URL and the way to it";
                Some(Verdict::fail(error.to_string(), mend))
            }
            Ok(_) | Err(_) => None,
        }
    }

    /// Each installation has to grant what the App asks for, and not to be suspended.
    async fn about_installations(&self, wanted: &Wanted, fine: String) -> Verdict {
        let installations = match self.github.app_installations().await {
            Ok(installations) => installations,
            Err(error) => return Verdict::fail(error.to_string(), "try again when GitHub answers"),
        };
        let mut troubles = installations.iter().filter_map(|one| trouble_of(wanted, one));
        let count = installations.len();
        troubles.next().unwrap_or_else(|| Verdict::Ok(format!("{fine}; {count} installations")))
    }
}

fn trouble_of(wanted: &Wanted, installation: &Installation) -> Option<Verdict> {
    let owner = &installation.account.login;
    if installation.suspended_at.is_some() {
        let what = format!("the installation at {owner} is suspended");
        return Some(Verdict::fail(what, format!("let an owner of {owner} unsuspend it in GitHub's settings")));
    }
    let missing = lacking(wanted, &installation.permissions, false);
    if missing.is_empty() {
        return None;
    }
    let what = format!("the installation at {owner} has not granted {}", missing.join(", "));
    Some(Verdict::fail(what, format!("let an owner of {owner} accept the App's new permissions")))
}

fn about_permissions(wanted: &Wanted, info: &AppInfo) -> Verdict {
    let missing = lacking(wanted, &info.permissions, false);
    if !missing.is_empty() {
        let what = format!("the App lacks {}", missing.join(", "));
        return Verdict::fail(what, "add them in the App's settings at GitHub, under Permissions");
    }
    let optional = lacking(wanted, &info.permissions, true);
    Verdict::Ok(match optional.is_empty() {
        true => "all granted".to_owned(),
        false => format!("all that are needed; without {}", optional.join(", ")),
    })
}

/// Permissions that are not there or weaker than wanted: `contents: write`.
fn lacking(wanted: &Wanted, granted: &BTreeMap<String, String>, optional: bool) -> Vec<String> {
    let strength = |level: &str| match level {
        "read" => 1,
        "write" => 2,
        "admin" => 3,
        _ => 0,
    };
    let weak = |name: &str, level: &str| strength(granted.get(name).map_or("", String::as_str)) < strength(level);
    let asked = wanted.default_permissions.iter().filter(|(name, _)| OPTIONAL.contains(&name.as_str()) == optional);
    asked.filter(|(name, level)| weak(name, level)).map(|(name, level)| format!("{name}: {level}")).collect()
}

fn about_events(wanted: &Wanted, info: &AppInfo) -> Verdict {
    let missing: Vec<&str> =
        wanted.default_events.iter().filter(|event| !info.events.contains(event)).map(String::as_str).collect();
    if missing.is_empty() {
        return Verdict::Ok(format!("{} subscribed", wanted.default_events.len()));
    }
    let what = format!("the App is not subscribed to {}", missing.join(", "));
    Verdict::fail(what, "tick them in the App's settings at GitHub, under Permissions & events")
}

/// What was stored cannot be read: nothing is wrong with it where PostgreSQL did not give it out.
fn about_stored(error: &Failure) -> Verdict {
    match error {
        Failure::Store(StoreError::Unavailable(why)) => {
            Verdict::fail(format!("what is stored cannot be read: {why}"), "mend postgres first")
        }
        error => {
            let why = match error {
                Failure::Store(StoreError::Sealed(why)) => why.to_string(),
                error => format!("{error:?}"),
            };
            let mend = mend_sealed(error).unwrap_or("look into Lockstep's log");
            Verdict::fail(format!("the stored App cannot be read: {why}"), mend)
        }
    }
}

/// Why GitHub does not take the App's JWT, in its own words, to what an operator does next.
fn about_credentials(error: &GithubError) -> Verdict {
    let text = error.to_string();
    let mend = if text.contains("('exp')") || text.contains("('iat')") {
        "set this machine's clock (NTP): it is off by more than GitHub allows"
    } else if text.contains("could not be decoded") {
        "the private key is not this App's: make one in the App's settings and set LOCKSTEP_GITHUB_APP_PRIVATE_KEY"
    } else if matches!(error, GithubError::NotFound) || text.contains("Integration not found") {
        "there is no such App: correct LOCKSTEP_GITHUB_APP_ID, LOCKSTEP_GITHUB_CLIENT_ID or LOCKSTEP_GITHUB_API_URL"
    } else if text.contains("accept the App's credentials") {
        "check LOCKSTEP_GITHUB_CLIENT_ID and LOCKSTEP_GITHUB_APP_PRIVATE_KEY"
    } else {
        "check LOCKSTEP_GITHUB_API_URL, the way to it (proxy, firewall), and githubstatus.com"
    };
    Verdict::fail(text, mend)
}

/// What depends on the App cannot be looked at without it.
fn without_app(verdict: Verdict) -> Vec<Finding> {
    let later = |name| Finding::new(name, Verdict::fail("cannot be asked for", "mend github_app first"));
    vec![Finding::new("github_app", verdict), later("permissions"), later("events"), later("webhook")]
}
