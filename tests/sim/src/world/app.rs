//! GitHub Apps.

use chrono::{DateTime, Utc};

use super::World;
use super::account::AccountKind;
use super::permissions::Permissions;

/// A registered App.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) external_url: String,
    pub(crate) owner: u64,
    /// The account its writes are made by, `slug[bot]`.
    pub(crate) bot: u64,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) webhook_secret: Option<String>,
    pub(crate) private_key: String,
    pub(crate) public_key: String,
    pub(crate) permissions: Permissions,
    pub(crate) events: Vec<String>,
    pub(crate) hook_id: u64,
    pub(crate) hook_url: Option<String>,
    pub(crate) hook_active: bool,
    pub(crate) content_type: ContentType,
    pub(crate) callback_urls: Vec<String>,
    pub(crate) setup_url: Option<String>,
    pub(crate) setup_on_update: bool,
    pub(crate) request_oauth_on_install: bool,
    pub(crate) created_at: DateTime<Utc>,
}

/// How webhook bodies are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    Json,
    Form,
}

impl ContentType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ContentType::Json => "json",
            ContentType::Form => "form",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<ContentType> {
        match name {
            "json" => Some(ContentType::Json),
            "form" => Some(ContentType::Form),
            _ => None,
        }
    }
}

/// What it takes to register an App.
#[derive(Clone, Debug)]
pub(crate) struct NewApp {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) external_url: String,
    pub(crate) owner: u64,
    pub(crate) key: (String, String),
    pub(crate) webhook_secret: Option<String>,
    pub(crate) hook_url: Option<String>,
    pub(crate) permissions: Permissions,
    pub(crate) events: Vec<String>,
    pub(crate) callback_urls: Vec<String>,
    pub(crate) setup_url: Option<String>,
    pub(crate) setup_on_update: bool,
    pub(crate) request_oauth_on_install: bool,
}

impl World {
    /// Registers an App and its bot; nothing when the name is taken.
    pub(crate) fn add_app(&mut self, new: NewApp) -> Option<u64> {
        let slug = slug(&new.name);
        let bot = self.add_account(&format!("{slug}[bot]"), AccountKind::Bot)?;
        let id = self.ids.app();
        let app = App {
            id,
            client_id: format!("Iv23li{}", crate::random::letters(14)),
            client_secret: crate::random::hex(40),
            slug,
            name: new.name,
            description: new.description,
            external_url: new.external_url,
            owner: new.owner,
            bot,
            webhook_secret: new.webhook_secret,
            private_key: new.key.0,
            public_key: new.key.1,
            permissions: new.permissions,
            events: new.events,
            hook_id: self.ids.hook(),
            hook_active: new.hook_url.is_some(),
            hook_url: new.hook_url,
            content_type: ContentType::Json,
            callback_urls: new.callback_urls,
            setup_url: new.setup_url,
            setup_on_update: new.setup_on_update,
            request_oauth_on_install: new.request_oauth_on_install,
            created_at: self.now(),
        };
        self.apps.insert(id, app);
        Some(id)
    }

    pub(crate) fn app_by_slug(&self, slug: &str) -> Option<&App> {
        self.apps.values().find(|it| it.slug == slug)
    }

    pub(crate) fn app_by_client(&self, client_id: &str) -> Option<&App> {
        self.apps.values().find(|it| it.client_id == client_id)
    }
}

/// The URL-friendly form of an App's name.
pub(crate) fn slug(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}
