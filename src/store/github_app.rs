//! The GitHub App that `/setup` made, and the setup's token and states.

use zeroize::Zeroizing;

use super::events::{self, Actor, Event};
use super::sealed::{AppSecret, Place};
use super::{Store, StoreError};
use crate::vault::{Vault, VaultError};

/// How long the way through GitHub's «new App» page may take (GitHub gives an hour).
const SETUP_MINUTES: i32 = 60;

/// What GitHub answered when it made the App.
#[derive(Clone)]
pub struct StoredApp {
    pub app_id: i64,
    pub slug: String,
    pub client_id: String,
    pub private_key: Zeroizing<String>,
    pub client_secret: Zeroizing<String>,
    pub webhook_secret: Zeroizing<String>,
}

impl Store {
    /// The stored App, opened.
    pub async fn github_app(&self, vault: &Vault) -> Result<Option<StoredApp>, StoreError> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "SELECT app_id, slug, client_id, private_key_enc, client_secret_enc, webhook_secret_enc FROM github_app",
                &[],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(StoredApp {
            app_id: row.try_get(0)?,
            slug: row.try_get(1)?,
            client_id: row.try_get(2)?,
            private_key: Place::app(AppSecret::PrivateKey).open(vault, row.try_get(3)?)?,
            client_secret: Place::app(AppSecret::Client).open(vault, row.try_get(4)?)?,
            webhook_secret: Place::app(AppSecret::Webhook).open(vault, row.try_get(5)?)?,
        }))
    }

    /// Keeps the App and ends the setup. `hook_due`: GitHub does not know its webhook secret yet.
    /// False: there is one already, which stays.
    pub async fn save_github_app(
        &self,
        vault: &Vault,
        app: &StoredApp,
        hook_due: bool,
        request_id: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let inserted = tx
            .execute(
                "INSERT INTO github_app
                     (app_id, slug, client_id, private_key_enc, client_secret_enc, webhook_secret_enc, hook_due)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (one) DO NOTHING",
                &[
                    &app.app_id,
                    &app.slug,
                    &app.client_id,
                    &Place::app(AppSecret::PrivateKey).seal(vault, &app.private_key)?,
                    &Place::app(AppSecret::Client).seal(vault, &app.client_secret)?,
                    &Place::app(AppSecret::Webhook).seal(vault, &app.webhook_secret)?,
                    &hook_due,
                ],
            )
            .await?;
        if inserted == 0 {
            return Ok(false);
        }
        tx.execute("DELETE FROM setup", &[]).await?;
        tx.execute("DELETE FROM setup_states", &[]).await?;
        let actor = Actor::Operator("setup".to_owned());
        let event = Event::audit("app.created", &actor).target(&app.slug).request(request_id);
        events::append(&tx, event).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whether GitHub has to be given the App's webhook secret.
    pub async fn hook_secret_due(&self) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let row = client.query_opt("SELECT hook_due FROM github_app", &[]).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
    }

    /// GitHub knows it.
    pub async fn hook_secret_given(&self) -> Result<(), StoreError> {
        self.client().await?.execute("UPDATE github_app SET hook_due = false", &[]).await?;
        Ok(())
    }

    /// The setup's one token: `fresh`, unless another replica was first. One that nobody can open any
    /// more, because its key is lost, is replaced.
    pub async fn setup_token(&self, vault: &Vault, fresh: &str) -> Result<Zeroizing<String>, StoreError> {
        let client = self.client().await?;
        let sealed = Place::setup().seal(vault, fresh)?;
        client.execute("INSERT INTO setup (token_enc) VALUES ($1) ON CONFLICT (one) DO NOTHING", &[&sealed]).await?;
        let row = client.query_one("SELECT token_enc FROM setup", &[]).await?;
        let known: Vec<u8> = row.try_get(0)?;
        match Place::setup().open(vault, &known) {
            Err(StoreError::Sealed(VaultError::UnknownKey(_))) => {
                let replace = "UPDATE setup SET token_enc = $1 WHERE token_enc = $2";
                client.execute(replace, &[&sealed, &known]).await?;
                let row = client.query_one("SELECT token_enc FROM setup", &[]).await?;
                Place::setup().open(vault, row.try_get(0)?)
            }
            opened => opened,
        }
    }

    /// The setup's token as it is; none once an App is stored.
    pub async fn present_setup_token(&self, vault: &Vault) -> Result<Option<Zeroizing<String>>, StoreError> {
        let client = self.client().await?;
        let row = client.query_opt("SELECT token_enc FROM setup", &[]).await?;
        row.map(|row| Place::setup().open(vault, row.try_get(0)?)).transpose()
    }

    /// Keeps a state for one trip to GitHub's «new App» page.
    pub async fn add_setup_state(&self, state_hash: &[u8]) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("DELETE FROM setup_states WHERE expires_at < now()", &[]).await?;
        client
            .execute(
                "INSERT INTO setup_states (state_hash, expires_at) VALUES ($1, now() + make_interval(mins => $2))",
                &[&state_hash, &SETUP_MINUTES],
            )
            .await?;
        Ok(())
    }

    /// Takes a state, once.
    pub async fn take_setup_state(&self, state_hash: &[u8]) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let taken = client
            .execute("DELETE FROM setup_states WHERE state_hash = $1 AND expires_at > now()", &[&state_hash])
            .await?;
        Ok(taken == 1)
    }
}
