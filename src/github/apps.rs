//! What only the App itself asks: about itself, its installations, its webhook's deliveries, and the
//! manifest it is made from.
//! <https://docs.github.com/en/rest/apps/apps>, <https://docs.github.com/en/rest/apps/webhooks>

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use http::Method;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::{GithubError, Result};
use super::repo::{encode, encode_path};
use super::transport::Answer;
use super::users::{Account, link_parameter};
use super::verdict::{About, Subject};
use super::{GitHub, InstallationId};

/// An installation as the App sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Installation {
    pub id: i64,
    pub account: Account,
    /// `all` or `selected`.
    #[serde(default)]
    pub repository_selection: String,
    #[serde(default)]
    pub suspended_at: Option<DateTime<Utc>>,
    /// What was granted: `contents` → `write`.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
}

/// The App as GitHub has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AppInfo {
    pub id: i64,
    #[serde(default)]
    pub slug: String,
    pub name: String,
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    #[serde(default)]
    pub events: Vec<String>,
}

/// What a manifest's code was exchanged for.
#[derive(Clone)]
pub struct ConvertedApp {
    pub id: i64,
    pub slug: String,
    pub name: String,
    pub client_id: String,
    pub client_secret: Zeroizing<String>,
    /// None: the manifest had no hook.
    pub webhook_secret: Option<Zeroizing<String>>,
    pub pem: Zeroizing<String>,
    pub html_url: String,
}

impl fmt::Debug for ConvertedApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConvertedApp").field("id", &self.id).field("slug", &self.slug).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HookConfig {
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub content_type: String,
}

/// One attempt to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HookDelivery {
    pub id: i64,
    /// `X-GitHub-Delivery`: the same for every attempt.
    pub guid: String,
    pub delivered_at: DateTime<Utc>,
    #[serde(default)]
    pub redelivery: bool,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub status_code: i64,
    pub event: String,
    #[serde(default)]
    pub action: Option<String>,
    #[serde(default)]
    pub installation_id: Option<i64>,
    #[serde(default)]
    pub repository_id: Option<i64>,
}

/// Who did what a webhook tells of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Creator {
    pub id: i64,
    pub login: String,
}

/// Pages of the log that are read for one delivery: the newest thousand.
const CREATOR_PAGES: usize = 10;

/// Newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookDeliveryPage {
    pub items: Vec<HookDelivery>,
    /// For the next, older page.
    pub cursor: Option<String>,
}

#[derive(Deserialize)]
struct Conversion {
    id: i64,
    slug: String,
    #[serde(default)]
    name: String,
    client_id: String,
    client_secret: String,
    #[serde(default)]
    webhook_secret: Option<String>,
    pem: String,
    #[serde(default)]
    html_url: String,
}

impl GitHub {
    pub async fn app_info(&self) -> Result<AppInfo> {
        self.app_get("GET /app", "/app").await?.json(false)
    }

    /// The App's installations; the first 100.
    pub async fn app_installations(&self) -> Result<Vec<Installation>> {
        self.app_get("GET /app/installations", "/app/installations?per_page=100").await?.json(false)
    }

    /// `NotFound`: not installed there (any more).
    pub async fn installation(&self, id: InstallationId) -> Result<Installation> {
        self.app_get("GET /app/installations/{id}", &format!("/app/installations/{}", id.0)).await?.json(false)
    }

    /// The installation at an organisation or a person; None: there is none.
    pub async fn installation_of_owner(&self, login: &str) -> Result<Option<Installation>> {
        let login = encode(login);
        match self.find_installation("GET /orgs/{org}/installation", &format!("/orgs/{login}/installation")).await? {
            Some(found) => Ok(Some(found)),
            None => {
                self.find_installation("GET /users/{user}/installation", &format!("/users/{login}/installation")).await
            }
        }
    }

    /// The installation that reaches a repository, under its present or a former name; None: there is none.
    pub async fn installation_of_repository(&self, full_name: &str) -> Result<Option<Installation>> {
        let path = format!("/repos/{}/installation", encode_path(full_name));
        self.find_installation("GET /repos/{owner}/{repo}/installation", &path).await
    }

    async fn find_installation(&self, endpoint: &'static str, path: &str) -> Result<Option<Installation>> {
        match self.app_get(endpoint, path).await {
            Ok(answer) => answer.json(false).map(Some),
            Err(GithubError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Exchanges a manifest's code, within an hour and once. Needs no App.
    pub async fn convert_manifest(&self, code: &str) -> Result<ConvertedApp> {
        let path = format!("/app-manifests/{}/conversions", encode(code));
        let call = self.rest(Method::POST, "POST /app-manifests/{code}/conversions", &path);
        let answer = self.plain(&call, None, About { subject: Subject::App, writes: true }).await?;
        let made: Conversion = answer.json(true)?;
        Ok(ConvertedApp {
            id: made.id,
            slug: made.slug,
            name: made.name,
            client_id: made.client_id,
            client_secret: made.client_secret.into(),
            webhook_secret: made.webhook_secret.map(Zeroizing::new),
            pem: made.pem.into(),
            html_url: made.html_url,
        })
    }

    pub async fn hook_config(&self) -> Result<HookConfig> {
        self.app_get("GET /app/hook/config", "/app/hook/config").await?.json(false)
    }

    /// Gives the App's webhook this secret; GitHub signs with it from then on.
    pub async fn set_hook_secret(&self, secret: &str) -> Result<()> {
        let body = serde_json::json!({ "secret": secret, "content_type": "json" });
        let call = self.rest(Method::PATCH, "PATCH /app/hook/config", "/app/hook/config").with_json(&body)?;
        self.as_app(call, About { subject: Subject::App, writes: true }).await.map(drop)
    }

    /// Up to 100 deliveries of the last three days, newest first; `status` `success` or `failure`.
    pub async fn deliveries(&self, cursor: Option<&str>, status: Option<&str>) -> Result<HookDeliveryPage> {
        let mut path = "/app/hook/deliveries?per_page=100".to_owned();
        for (name, value) in [("cursor", cursor), ("status", status)] {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", encode(value)));
            }
        }
        let answer = self.app_get("GET /app/hook/deliveries", &path).await?;
        Ok(HookDeliveryPage { items: answer.json(false)?, cursor: link_parameter(&answer, "cursor") })
    }

    /// Who made a repository, as the webhook says that GitHub wrote when it was made; read from GitHub's
    /// own log, whether or not it ever arrived. None: the log since then does not have it (yet).
    pub async fn creator_of(&self, repository: i64, since: DateTime<Utc>) -> Result<Option<Creator>> {
        let mut cursor: Option<String> = None;
        for _ in 0..CREATOR_PAGES {
            let page = self.deliveries(cursor.as_deref(), None).await?;
            let made = |one: &&HookDelivery| {
                one.event == "repository"
                    && one.action.as_deref() == Some("created")
                    && one.repository_id == Some(repository)
            };
            if let Some(found) = page.items.iter().find(made) {
                return self.sender_of(found.id).await;
            }
            let reached = page.items.iter().any(|one| one.delivered_at < since);
            cursor = page.cursor.filter(|_| !reached);
            if cursor.is_none() {
                break;
            }
        }
        Ok(None)
    }

    async fn sender_of(&self, delivery: i64) -> Result<Option<Creator>> {
        #[derive(Deserialize)]
        struct Logged {
            request: Option<Sent>,
        }
        #[derive(Deserialize)]
        struct Sent {
            payload: Option<Payload>,
        }
        #[derive(Deserialize)]
        struct Payload {
            sender: Option<Creator>,
        }
        let path = format!("/app/hook/deliveries/{delivery}");
        let logged: Logged = self.app_get("GET /app/hook/deliveries/{id}", &path).await?.json(false)?;
        Ok(logged.request.and_then(|sent| sent.payload).and_then(|payload| payload.sender))
    }

    /// Asks GitHub to deliver this attempt's event again, under the same GUID.
    pub async fn redeliver(&self, id: i64) -> Result<()> {
        let path = format!("/app/hook/deliveries/{id}/attempts");
        let call = self.rest(Method::POST, "POST /app/hook/deliveries/{id}/attempts", &path);
        self.as_app(call, About { subject: Subject::App, writes: false }).await.map(drop)
    }

    async fn app_get(&self, endpoint: &'static str, path: &str) -> Result<Answer> {
        self.as_app(self.rest(Method::GET, endpoint, path), About { subject: Subject::App, writes: false }).await
    }
}
