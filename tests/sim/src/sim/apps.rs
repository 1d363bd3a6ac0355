//! Apps, installations, tokens and webhooks, as tests set them up.

use std::collections::BTreeSet;

use chrono::Duration;
use serde::Serialize;

use super::{Control, must};
use crate::events::installations::short_list;
use crate::keys;
use crate::world::World;
use crate::world::app::{ContentType, NewApp};
use crate::world::installation::Selection;
use crate::world::permissions::{Level, Permissions};
use crate::world::token::Grant;

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

/// An installation as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct InstallationInfo {
    /// The installation's id.
    pub id: u64,
    /// The account's login.
    pub account: String,
    /// `all` or `selected`.
    pub repository_selection: String,
    /// The ids of the repositories it reaches.
    pub repositories: Vec<u64>,
    /// Whether it is suspended.
    pub suspended: bool,
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

    /// Sends the first App a `ping`.
    pub fn ping(&self) {
        let mut world = self.core.world();
        if let Some(id) = world.apps.keys().next().copied() {
            self.core.announce_ping(&mut world, id);
        }
    }

    /// Installs the first App on an account, for all repositories. Already there: the same id.
    #[track_caller]
    pub fn install(&self, account: &str) -> u64 {
        self.install_with(account, Selection::All)
    }

    /// Installs the first App on an account, for these repositories (`owner/name`) only.
    #[track_caller]
    pub fn install_selected(&self, account: &str, repositories: &[&str]) -> u64 {
        let ids: Option<BTreeSet<u64>> = {
            let world = self.core.world();
            let all = repositories.iter();
            all.map(|name| world.repository(name).map(|it| it.id)).collect()
        };
        let ids = must(ids.ok_or("one of the repositories is not there"));
        self.install_with(account, Selection::Selected(ids))
    }

    #[track_caller]
    fn install_with(&self, account: &str, selection: Selection) -> u64 {
        let mut world = self.core.world();
        let account = must(world.account_id(account).ok_or("there is no such account"));
        let app = must(world.apps.keys().next().copied().ok_or("there is no App"));
        if let Some(existing) = world.installation_at(app, account) {
            return existing.id;
        }
        let by = crate::push::somebody(&world, account).unwrap_or(account);
        let installed = self.core.install_app(&mut world, app, account, selection, by);
        must(installed.ok_or("the App cannot be installed"))
    }

    /// The installation on an account.
    pub fn installation(&self, account: &str) -> Option<InstallationInfo> {
        let world = self.core.world();
        let account = world.account_id(account)?;
        let found = world.installations.values().find(|it| it.account == account)?;
        Some(InstallationInfo {
            id: found.id,
            account: world.accounts.get(&account)?.login.clone(),
            repository_selection: found.selection.name().to_owned(),
            repositories: world.reach(found.id),
            suspended: found.suspended.is_some(),
        })
    }

    /// Removes an installation.
    pub fn uninstall(&self, installation: u64) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        self.core.uninstall(&mut world, installation, by);
    }

    /// Suspends an installation.
    pub fn suspend(&self, installation: u64) {
        self.set_suspended(installation, true);
    }

    /// Ends a suspension.
    pub fn unsuspend(&self, installation: u64) {
        self.set_suspended(installation, false);
    }

    fn set_suspended(&self, installation: u64, suspended: bool) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        self.core.set_suspended(&mut world, installation, suspended, by);
    }

    /// Lets a «selected» installation reach a repository, or an «all» one only this.
    pub fn add_to_installation(&self, installation: u64, repository: u64) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        let mut ids = match world.installations.get(&installation).map(|it| &it.selection) {
            Some(Selection::Selected(ids)) => ids.clone(),
            _ => BTreeSet::new(),
        };
        ids.insert(repository);
        self.core.reselect(&mut world, installation, Selection::Selected(ids), by);
    }

    /// Takes a repository out of an installation; one for all becomes one for the others.
    pub fn remove_from_installation(&self, installation: u64, repository: u64) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        let mut ids: BTreeSet<u64> = world.reach(installation).into_iter().collect();
        let removed = short_list(&world, &[repository]);
        ids.remove(&repository);
        if let Some(found) = world.installations.get_mut(&installation) {
            found.selection = Selection::Selected(ids);
        }
        self.core.announce_selection(&mut world, installation, &[], removed, by);
    }

    /// Gives an installation one permission (`contents`, …) at `read`, `write`, or takes it away
    /// with `none`. The owner accepted it: `new_permissions_accepted` goes out.
    pub fn set_permission(&self, installation: u64, name: &str, level: &str) {
        let mut world = self.core.world();
        let by = installer(&world, installation);
        if let Some(found) = world.installations.get_mut(&installation) {
            change_permission(&mut found.permissions, name, level);
        }
        for token in world.tokens.values_mut() {
            if let Grant::Installation { installation: own, permissions, .. } = &mut token.grant
                && *own == installation
                && permissions.0.contains_key(name)
            {
                change_permission(permissions, name, level);
            }
        }
        self.core.announce_installation(&mut world, installation, "new_permissions_accepted", by);
    }

    /// What the first App asks for in installations to come.
    pub fn set_app_permission(&self, name: &str, level: &str) {
        let mut world = self.core.world();
        if let Some(app) = world.apps.values_mut().next() {
            change_permission(&mut app.permissions, name, level);
        }
    }

    /// The person takes back all they allowed the first App: `github_app_authorization`.
    #[track_caller]
    pub fn revoke_authorization(&self, login: &str) {
        let mut world = self.core.world();
        let user = must(world.account_id(login).ok_or("there is no such person"));
        if let Some(app) = world.apps.keys().next().copied() {
            world.revoke_grant(user, app);
            self.core.announce_revocation(&mut world, app, user);
        }
    }

    /// A user token and its refresh token, as if the person had authorized the first App.
    #[track_caller]
    pub fn user_token(&self, login: &str) -> (String, String) {
        let mut world = self.core.world();
        let user = must(world.account_id(login).ok_or("there is no such person"));
        let app = must(world.apps.keys().next().copied().ok_or("there is no App"));
        world.oauth.authorized.insert((user, app));
        world.mint_user_tokens(user, app)
    }

    /// A token of an installation with everything it may.
    #[track_caller]
    pub fn installation_token(&self, installation: u64) -> String {
        let mut world = self.core.world();
        let found = world.installations.get(&installation);
        let permissions = must(found.ok_or("there is no such installation")).permissions.clone();
        world.mint_installation_token(installation, permissions, None)
    }

    /// How many tokens of people hold now.
    pub fn live_user_tokens(&self) -> usize {
        let world = self.core.world();
        let now = world.now();
        let live = world.tokens.values().filter(|it| it.expires_at > now);
        live.filter(|it| matches!(it.grant, Grant::User { .. })).count()
    }

    /// Whether a token still holds.
    pub fn is_live(&self, token: &str) -> bool {
        self.core.world().token(token).is_some()
    }

    /// Ends all tokens at once, of installations and people, but no refresh tokens.
    pub fn expire_tokens(&self) {
        let mut world = self.core.world();
        let past = world.now() - Duration::seconds(1);
        for token in world.tokens.values_mut() {
            if !matches!(token.grant, Grant::Refresh { .. }) {
                token.expires_at = past;
            }
        }
    }

    /// Moves this GitHub's clock: tokens expire, budgets renew.
    pub fn advance(&self, seconds: i64) {
        let mut world = self.core.world();
        world.clock += Duration::seconds(seconds);
    }

    /// Installation tokens in the format to come: some 520 characters, with dots.
    pub fn use_long_tokens(&self, long: bool) {
        self.core.world().long_tokens = long;
    }
}

fn installer(world: &World, installation: u64) -> u64 {
    let account = world.installations.get(&installation).map(|it| it.account);
    let by = account.and_then(|account| crate::push::somebody(world, account));
    by.unwrap_or_default()
}

fn change_permission(permissions: &mut Permissions, name: &str, level: &str) {
    match Level::parse(level) {
        Some(level) => permissions.0.insert(name.to_owned(), level),
        None => permissions.0.remove(name),
    };
}
