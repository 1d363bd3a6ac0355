//! Apps and their webhooks, as tests set them up.

use serde::Serialize;

use super::installations::change_permission;
use super::{Control, must};
use crate::keys;
use crate::world::app::{ContentType, NewApp};

/// What an App's owner knows.
#[derive(Clone, Debug, Serialize)]
pub struct AppInfo {
    /// The App's id.
    pub id: u64,
    /// The App's URL-friendly name.
    pub slug: String,
    /// The App's name.
    pub name: String,
    /// Its OAuth client id.
    pub client_id: String,
    /// Its OAuth client secret.
    pub client_secret: String,
    /// Its webhook secret.
    pub webhook_secret: Option<String>,
    /// Its private key, PEM.
    pub private_key: String,
    /// Where its webhooks go.
    pub webhook_url: Option<String>,
}

impl Control {
    /// The first App.
    #[track_caller]
    pub fn app(&self) -> AppInfo {
        must(self.apps().into_iter().next().ok_or("there is no App"))
    }

    /// All Apps, oldest first.
    pub fn apps(&self) -> Vec<AppInfo> {
        let world = self.core.world();
        let all = world.apps.values().map(|app| AppInfo {
            id: app.id,
            slug: app.slug.clone(),
            name: app.name.clone(),
            client_id: app.client_id.clone(),
            client_secret: app.client_secret.clone(),
            webhook_secret: app.webhook_secret.clone(),
            private_key: app.private_key.clone(),
            webhook_url: app.hook_url.clone(),
        });
        all.collect()
    }

    /// Another App of somebody else's, with the same wishes and the other key pair.
    #[track_caller]
    pub fn add_app(&self, name: &str) -> AppInfo {
        let first = self.app();
        let id = {
            let mut world = self.core.world();
            let like = must(world.apps.get(&first.id).cloned().ok_or("there is no App"));
            let new = NewApp {
                name: name.to_owned(),
                description: None,
                external_url: world.url.clone(),
                owner: like.owner,
                key: keys::other(),
                webhook_secret: Some(crate::random::hex(40)),
                hook_url: None,
                permissions: like.permissions,
                events: like.events,
                callback_urls: Vec::new(),
                setup_url: None,
                setup_on_update: false,
                request_oauth_on_install: false,
            };
            must(world.add_app(new).ok_or("an App of that name exists"))
        };
        must(self.apps().into_iter().find(|it| it.id == id).ok_or("it vanished"))
    }

    /// A private key no App has from the start (manifest Apps get it).
    pub fn other_private_key(&self) -> String {
        keys::other().0
    }

    /// Where the first App's webhooks go, from now on.
    pub fn set_webhook_url(&self, url: &str) {
        let mut world = self.core.world();
        if let Some(app) = world.apps.values_mut().next() {
            app.hook_url = Some(url.to_owned());
            app.hook_active = true;
        }
    }

    /// What the first App's webhooks are signed with, from now on; its owner changed it.
    pub fn set_webhook_secret(&self, secret: &str) {
        let mut world = self.core.world();
        if let Some(app) = world.apps.values_mut().next() {
            app.webhook_secret = Some(secret.to_owned());
        }
    }

    /// The events that the first App is subscribed to.
    pub fn set_app_events(&self, events: &[&str]) {
        let mut world = self.core.world();
        if let Some(app) = world.apps.values_mut().next() {
            app.events = events.iter().map(|event| (*event).to_owned()).collect();
        }
    }

    /// Whether the first App's webhooks come as `json` (the default) or `form`.
    pub fn set_webhook_content_type(&self, form: bool) {
        let mut world = self.core.world();
        if let Some(app) = world.apps.values_mut().next() {
            app.content_type = if form { ContentType::Form } else { ContentType::Json };
        }
    }

    /// The first App's callback URLs and setup URL.
    pub fn set_app_urls(&self, callbacks: &[&str], setup: Option<&str>) {
        let mut world = self.core.world();
        if let Some(app) = world.apps.values_mut().next() {
            app.callback_urls = callbacks.iter().map(|it| (*it).to_owned()).collect();
            app.setup_url = setup.map(str::to_owned);
        }
    }

    /// From now on the API is below `/api/v3` and `/api/graphql` only, as an Enterprise Server has it.
    pub fn be_enterprise_server(&self) {
        self.core.world().enterprise = true;
    }

    /// Apps made from a manifest from now on get no webhook secret, as GitHub's description allows.
    pub fn make_apps_without_secret(&self) {
        self.core.world().secretless = true;
    }

    /// Sends the first App a `ping`.
    pub fn ping(&self) {
        let mut world = self.core.world();
        if let Some(id) = world.apps.keys().next().copied() {
            self.core.announce_ping(&mut world, id);
        }
    }

    /// What the first App asks for in installations to come.
    pub fn set_app_permission(&self, name: &str, level: &str) {
        let mut world = self.core.world();
        if let Some(app) = world.apps.values_mut().next() {
            change_permission(&mut app.permissions, name, level);
        }
    }
}
