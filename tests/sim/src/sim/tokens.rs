//! Tokens, and the clock they live by.

use chrono::Duration;

use super::{Control, must};
use crate::world::token::Grant;

impl Control {
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

    /// Every token there ever was, of installations and people, access and refresh: what may stand nowhere.
    pub fn minted_tokens(&self) -> Vec<String> {
        self.core.world().minted.clone()
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
