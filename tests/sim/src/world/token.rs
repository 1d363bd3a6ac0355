//! Tokens of installations and users.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::World;
use super::permissions::Permissions;

/// What a token stands for.
#[derive(Clone, Debug)]
pub(crate) enum Grant {
    Installation {
        installation: u64,
        permissions: Permissions,
        /// Narrowed to these repositories.
        repositories: Option<BTreeSet<u64>>,
    },
    User {
        user: u64,
        app: u64,
    },
    Refresh {
        user: u64,
        app: u64,
        /// The access token that goes with it.
        access: String,
    },
}

/// A token, kept until it is revoked; whether it still holds depends on the time.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) grant: Grant,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    /// It answers 401 this many more times: not known everywhere yet.
    pub(crate) refusals: u32,
}

impl World {
    fn keep(&mut self, text: String, grant: Grant, life: Duration) -> String {
        let created_at = self.now();
        let expires_at = created_at + life;
        let refusals = match grant {
            Grant::Installation { .. } => self.fresh_token_refusals,
            _ => 0,
        };
        let token = Token { grant, created_at, expires_at, refusals };
        self.minted.push(text.clone());
        self.tokens.insert(text.clone(), token);
        text
    }

    /// A token of an installation: an hour.
    pub(crate) fn mint_installation_token(
        &mut self,
        installation: u64,
        permissions: Permissions,
        repositories: Option<BTreeSet<u64>>,
    ) -> String {
        let text = self.installation_token_text(installation);
        let grant = Grant::Installation { installation, permissions, repositories };
        self.keep(text, grant, Duration::hours(1))
    }

    /// Either of the two formats GitHub has: 40 characters, or some 520 with dots.
    fn installation_token_text(&self, installation: u64) -> String {
        if !self.long_tokens {
            return format!("ghs_{}", crate::random::letters(36));
        }
        let app = self.installations.get(&installation).map(|it| it.app);
        let part = crate::random::letters;
        format!("ghs_{}_eyJ{}.eyJ{}.{}", app.unwrap_or_default(), part(80), part(70), part(342))
    }

    /// An access token of eight hours and the refresh token, half a year, that goes with it.
    pub(crate) fn mint_user_tokens(&mut self, user: u64, app: u64) -> (String, String) {
        let access = format!("ghu_{}", crate::random::letters(36));
        let refresh = format!("ghr_{}", crate::random::letters(76));
        let access = self.keep(access, Grant::User { user, app }, Duration::hours(8));
        let grant = Grant::Refresh { user, app, access: access.clone() };
        let refresh = self.keep(refresh, grant, Duration::days(183));
        (access, refresh)
    }

    /// A token that holds now.
    pub(crate) fn token(&self, text: &str) -> Option<&Token> {
        let token = self.tokens.get(text)?;
        (token.expires_at > self.now()).then_some(token)
    }

    /// Ends an access token and the refresh token that belongs to it.
    pub(crate) fn revoke_pair(&mut self, access: &str) {
        self.tokens.remove(access);
        self.tokens.retain(|_, token| !matches!(&token.grant, Grant::Refresh { access: own, .. } if own == access));
    }

    /// Ends everything a person ever allowed an App.
    pub(crate) fn revoke_grant(&mut self, user: u64, app: u64) {
        self.tokens.retain(|_, token| {
            !matches!(&token.grant,
                Grant::User { user: u, app: a } | Grant::Refresh { user: u, app: a, .. }
                    if *u == user && *a == app)
        });
        self.oauth.authorized.remove(&(user, app));
    }

    /// Ends every token of an installation.
    pub(crate) fn revoke_installation_tokens(&mut self, id: u64) {
        self.tokens.retain(
            |_, token| !matches!(&token.grant, Grant::Installation { installation, .. } if *installation == id),
        );
    }
}
