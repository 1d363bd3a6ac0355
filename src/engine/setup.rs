//! First run: the GitHub App made from `app-manifest.json`, stored sealed, used by all replicas.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::failure::Failure;
use super::{Engine, secrets};
use crate::github::{AppCredentials, ConvertedApp};
use crate::model::{Code, Problem};
use crate::queue::periodic;
use crate::store::StoreError;
use crate::store::github_app::StoredApp;
use crate::vault::VaultError;

/// The App as it is proposed; `{PUBLIC_URL}` stands for where this deployment is reached.
pub(super) const MANIFEST: &str = include_str!("../../app-manifest.json");
/// GitHub takes names of at most 34 characters, each once in the world.
const MAX_NAME: usize = 34;

/// A page with a form for GitHub's «new App» page.
#[derive(Debug)]
pub struct Form {
    /// Where the form goes: GitHub's page, with a state that is good once.
    pub action: String,
    pub manifest: String,
}

/// Whether the setup page opens for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    /// The token is not the one that was told.
    Stranger,
    /// An App is configured: there is no setup (any more).
    Over,
}

/// What came of the way to GitHub.
#[derive(Debug)]
pub enum Setup {
    /// An App is configured: there is no setup (any more).
    Over,
    /// The state is not one of ours.
    Stranger,
    /// GitHub gives no App for this code.
    Refused,
    /// The App is made, stored and in use here; where it is installed.
    Made { install_url: String },
}

/// How often a replica looks whether another one's setup is done; all use the App within 5 s.
const LOOK: Duration = Duration::from_secs(2);

/// What to do when the stored App was sealed with a key that is not configured.
pub(super) const LOST_KEY: &str = "give the key that sealed it in LOCKSTEP_ENCRYPTION_KEYS, after the newest";

/// What to do when the stored App is not what Lockstep wrote.
pub(super) const CHANGED: &str = "restore the table github_app from a backup, or give the App's credentials as \
                                  LOCKSTEP_GITHUB_APP_ID and its companions";

/// What an operator does about stored credentials that cannot be opened.
pub(super) fn mend_sealed(failure: &Failure) -> Option<&'static str> {
    match failure {
        Failure::Store(StoreError::Sealed(VaultError::UnknownKey(_))) => Some(LOST_KEY),
        Failure::Store(StoreError::Sealed(VaultError::Tampered)) => Some(CHANGED),
        _ => None,
    }
}

impl Engine {
    /// Until there is an App that GitHub signs for: tells where the setup page is, once, and takes over
    /// the App as soon as some replica has stored it.
    pub async fn watch_app(&self, stop: &CancellationToken, tell: impl Fn(&str)) {
        let done = stop.child_token();
        let (told, complained) = (AtomicBool::new(false), AtomicBool::new(false));
        periodic::every(LOOK, Duration::ZERO, &done, async || match self.setup_url().await {
            Ok(None) => done.cancel(),
            Ok(Some(url)) if !told.swap(true, Ordering::Relaxed) => tell(&url),
            Ok(Some(_)) => {}
            Err(failure) if !complained.swap(true, Ordering::Relaxed) => {
                let mend = mend_sealed(&failure).unwrap_or("this goes on being tried");
                tracing::error!(?failure, why = mend, "the GitHub App is not ready");
            }
            Err(_) => {}
        })
        .await;
    }

    /// The address of the setup page, to be told to whoever starts the program. None: an App is
    /// configured already.
    async fn setup_url(&self) -> Result<Option<String>, Failure> {
        self.reload_app().await?;
        if self.github.app().is_some() {
            self.give_hook_secret().await?;
            return Ok(None);
        }
        let token = self.store.setup_token(&self.vault, &secrets::fresh()?).await?;
        Ok(Some(format!("{}/setup?token={}", self.settings.public_url, *token)))
    }

    /// Takes over an App that another replica's setup stored.
    pub async fn reload_app(&self) -> Result<(), Failure> {
        if self.settings.app_configured || self.github.app().is_some() {
            return Ok(());
        }
        if let Some(app) = self.store.github_app(&self.vault).await? {
            self.github.set_app(Some(credentials(&app)?));
            tracing::info!(slug = app.slug, "the GitHub App is set up");
        }
        Ok(())
    }

    /// Whether the page opens for whoever brings this token.
    pub async fn setup_door(&self, token: &str) -> Result<Door, Failure> {
        self.reload_app().await?;
        if self.github.app().is_some() {
            return Ok(Door::Over);
        }
        let known = self.store.present_setup_token(&self.vault).await?;
        let fits = known.is_some_and(|known| secrets::hash(&known).ct_eq(&secrets::hash(token)).into());
        Ok(if fits { Door::Open } else { Door::Stranger })
    }

    /// The page behind the door; `organization`: whose App it is to be, else the person's own.
    pub async fn setup_form(&self, organization: Option<&str>) -> Result<Form, Failure> {
        let state = secrets::fresh()?;
        self.store.add_setup_state(&secrets::hash(&state)).await?;
        let web = &self.settings.github_web_url;
        let page = match organization {
            Some(organization) => format!("{web}/organizations/{organization}/settings/apps/new"),
            None => format!("{web}/settings/apps/new"),
        };
        let action = format!("{page}?state={}", *state);
        Ok(Form { action, manifest: manifest(&self.settings.public_url)? })
    }

    /// Where GitHub sends the browser once the App is made: the code is exchanged for its secrets.
    /// While GitHub does not answer, the state stays good: the code may be too.
    pub async fn finish_setup(&self, state: &str, code: &str, request_id: Option<&str>) -> Result<Setup, Failure> {
        self.reload_app().await?;
        if self.github.app().is_some() {
            return Ok(Setup::Over);
        }
        let state = secrets::hash(state);
        if code.is_empty() || !self.store.take_setup_state(&state).await? {
            return Ok(Setup::Stranger);
        }
        match self.github.convert_manifest(code).await {
            Ok(made) => self.keep_app(made, request_id).await,
            Err(error) if error.is_transient() => {
                self.store.add_setup_state(&state).await?;
                Err(error.into())
            }
            Err(error) => {
                tracing::warn!(%error, "GitHub gives no App for a code");
                Ok(Setup::Refused)
            }
        }
    }

    /// Stored first and told to GitHub afterwards: what is lost here cannot be asked for again.
    async fn keep_app(&self, made: ConvertedApp, request_id: Option<&str>) -> Result<Setup, Failure> {
        let (app, hook_due) = with_webhook_secret(made)?;
        let credentials = credentials(&app)?;
        if !self.store.save_github_app(&self.vault, &app, hook_due, request_id).await? {
            self.reload_app().await?;
            return Ok(Setup::Over);
        }
        self.github.set_app(Some(credentials));
        if let Err(failure) = self.give_hook_secret().await {
            tracing::warn!(?failure, "GitHub does not know the webhook secret yet; it goes on being told");
        }
        Ok(Setup::Made { install_url: self.github.install_url().unwrap_or_default() })
    }

    /// Tells GitHub the webhook secret that was made here, if it does not know it yet. Doing it twice,
    /// or in two replicas at once, is the same as once.
    async fn give_hook_secret(&self) -> Result<(), Failure> {
        let Some(app) = self.github.app().filter(|_| !self.settings.app_configured) else { return Ok(()) };
        if self.store.hook_secret_due().await? {
            self.github.set_hook_secret(&app.webhook_secret).await?;
            self.store.hook_secret_given().await?;
        }
        Ok(())
    }
}

/// GitHub makes a webhook secret for an App with a webhook. Without one nobody's deliveries could be
/// told from GitHub's, so one is made here then; true: GitHub has to be told.
fn with_webhook_secret(made: ConvertedApp) -> Result<(StoredApp, bool), Failure> {
    let given = made.webhook_secret.filter(|secret| !secret.is_empty());
    let missing = given.is_none();
    let webhook_secret = given.map_or_else(secrets::fresh, Ok)?;
    let app = StoredApp {
        app_id: made.id,
        slug: made.slug,
        client_id: made.client_id,
        private_key: made.pem,
        client_secret: made.client_secret,
        webhook_secret,
    };
    Ok((app, missing))
}

fn credentials(app: &StoredApp) -> Result<AppCredentials, Failure> {
    let (client_secret, webhook_secret) = (app.client_secret.clone(), app.webhook_secret.clone());
    AppCredentials::new(app.app_id, &*app.slug, &*app.client_id, client_secret, &app.private_key, webhook_secret)
        .map_err(Failure::from)
}

/// The manifest for this deployment, as JSON.
fn manifest(public_url: &str) -> Result<String, Problem> {
    let broken = |_| Problem::new(Code::Internal, "the App's manifest is no JSON");
    let quoted = json!(public_url).to_string();
    let inside = quoted.trim_matches('"');
    let mut manifest: Value = serde_json::from_str(&MANIFEST.replace("{PUBLIC_URL}", inside)).map_err(broken)?;
    manifest["name"] = json!(name(public_url));
    Ok(manifest.to_string())
}

/// A name that is likely still free; the person can change it on GitHub's page.
fn name(public_url: &str) -> String {
    let host = Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    format!("Lockstep {host}").trim().chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_manifest_points_to_this_deployment() {
        let manifest: Value = serde_json::from_str(&manifest("https://sync.example").unwrap()).unwrap();
        assert_eq!(manifest["redirect_url"], "https://sync.example/setup/callback");
        assert_eq!(manifest["hook_attributes"]["url"], "https://sync.example/webhooks/github");
        assert_eq!(manifest["callback_urls"], json!(["https://sync.example/github/callback"]));
        assert_eq!(manifest["setup_url"], "https://sync.example/github/setup");
        assert_eq!(manifest["name"], "Lockstep sync.example");
        assert_eq!(
            manifest["default_permissions"],
            json!({"contents": "write", "pull_requests": "write", "administration": "write", "workflows": "write",
                   "checks": "read", "statuses": "read", "metadata": "read"})
        );
        assert_eq!(manifest["default_events"].as_array().unwrap().len(), 9);
        assert!(!manifest.to_string().contains("PUBLIC_URL"));
    }

    #[test]
    fn names_fit_at_github() {
        assert_eq!(name("https://a-very-long-host-name.of.some.example.com/").chars().count(), MAX_NAME);
        assert_eq!(name("nonsense"), "Lockstep");
    }
}
