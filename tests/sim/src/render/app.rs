//! Apps, installations and their tokens.

use serde_json::{Value, json};

use super::node_id::NodeId;
use crate::world::World;
use crate::world::app::App;
use crate::world::installation::Installation;
use crate::world::stamp;

impl World {
    /// `integration`.
    pub(crate) fn app_json(&self, app: &App) -> Value {
        json!({
            "id": app.id,
            "slug": app.slug,
            "node_id": NodeId::App(app.id).text(),
            "client_id": app.client_id,
            "owner": self.user_json(app.owner),
            "name": app.name,
            "description": app.description,
            "external_url": app.external_url,
            "html_url": format!("{}/apps/{}", self.url, app.slug),
            "created_at": stamp(app.created_at),
            "updated_at": stamp(app.created_at),
            "permissions": app.permissions.json(),
            "events": app.events,
            "installations_count":
                self.installations.values().filter(|it| it.app == app.id).count(),
        })
    }

    /// `installation`.
    pub(crate) fn installation_json(&self, it: &Installation) -> Value {
        let app = self.apps.get(&it.app);
        let account = self.accounts.get(&it.account);
        let settings = match account {
            Some(account) if account.is_organization() => {
                format!("organizations/{}/settings", account.login)
            }
            _ => "settings".to_owned(),
        };
        json!({
            "id": it.id,
            "client_id": app.map(|app| &app.client_id),
            "account": self.user_json(it.account),
            "repository_selection": it.selection.name(),
            "access_tokens_url": format!("{}/app/installations/{}/access_tokens", self.url, it.id),
            "repositories_url": format!("{}/installation/repositories", self.url),
            "html_url": format!("{}/{settings}/installations/{}", self.url, it.id),
            "app_id": it.app,
            "app_slug": app.map(|app| &app.slug),
            "target_id": it.account,
            "target_type": account.map(|account| account.kind.name()),
            "permissions": it.permissions.json(),
            "events": it.events,
            "created_at": stamp(it.created_at),
            "updated_at": stamp(it.updated_at),
            "single_file_name": null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "suspended_by": it.suspended.map_or(Value::Null, |(by, _)| self.user_json(by)),
            "suspended_at": it.suspended.map(|(_, at)| stamp(at)),
        })
    }
}
