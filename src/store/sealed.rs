//! Where each secret rests: the associated data that binds a sealed value to its column, row and
//! user. One list, for those who seal, those who open and `reencrypt`.

use zeroize::Zeroizing;

use super::StoreError;
use crate::vault::{Context, Vault};

/// A place for one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    column: &'static str,
    row: String,
    user: String,
}

impl Place {
    /// `authorizations.access_enc`.
    pub fn access(pid: i64, user: &str) -> Self {
        Place { column: "authorizations.access", row: pid.to_string(), user: user.to_owned() }
    }

    /// `authorizations.refresh_enc`.
    pub fn refresh(pid: i64, user: &str) -> Self {
        Place { column: "authorizations.refresh", row: pid.to_string(), user: user.to_owned() }
    }

    /// `oauth_states.verifier_enc`.
    pub fn verifier(ticket_hash: &[u8], user: &str) -> Self {
        Place { column: "oauth_states.verifier", row: hex::encode(ticket_hash), user: user.to_owned() }
    }

    /// `revocations.token_enc`.
    pub fn revocation(id: i64) -> Self {
        Place { column: "revocations.token", row: id.to_string(), user: String::new() }
    }

    /// A column of the one row of `github_app` (`private_key client_secret webhook_secret`).
    pub fn app(column: AppSecret) -> Self {
        Place { column: column.name(), row: String::new(), user: String::new() }
    }

    /// `setup.token_enc`.
    pub fn setup() -> Self {
        Place { column: "setup.token", row: String::new(), user: String::new() }
    }

    pub fn seal(&self, vault: &Vault, secret: &str) -> Result<Vec<u8>, StoreError> {
        Ok(vault.seal(self.context(), secret.as_bytes())?)
    }

    pub fn open(&self, vault: &Vault, sealed: &[u8]) -> Result<Zeroizing<String>, StoreError> {
        Ok(vault.open_text(self.context(), sealed)?)
    }

    fn context(&self) -> Context<'_> {
        Context { table: self.column, row: &self.row, user: &self.user }
    }
}

/// The secrets of the GitHub App.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppSecret {
    PrivateKey,
    Client,
    Webhook,
}

impl AppSecret {
    fn name(self) -> &'static str {
        match self {
            AppSecret::PrivateKey => "github_app.private_key",
            AppSecret::Client => "github_app.client_secret",
            AppSecret::Webhook => "github_app.webhook_secret",
        }
    }
}
