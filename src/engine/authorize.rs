//! The way to GitHub and back: a ticket for the browser, then a state bound to that browser by a
//! cookie and to GitHub's code by PKCE, then the person's tokens.
//!
//! What comes back in a redirect's parameters proves nothing but that GitHub issued this code for
//! this state. Which account it is, GitHub says to the token.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::failure::{Failure, no_app};
use super::return_to::{self, Outcome};
use super::{Engine, secrets};
use crate::github::{GithubError, UserTokens};
use crate::job::Wake;
use crate::model::{ProjectId, UserId};
use crate::store::authorizations::{NewAuthorization, Saved, Tokens};
use crate::store::linking::Asked;
use crate::store::oauth_states::{Binding, Finished, Visit};

/// Where a person's browser is to be sent.
#[derive(Debug)]
pub struct Begun {
    pub authorize_url: String,
    pub expires_at: DateTime<Utc>,
}

/// A browser on its way to GitHub.
pub struct Started {
    /// GitHub's authorize page.
    pub location: String,
    pub cookie_name: String,
    pub cookie: Zeroizing<String>,
}

/// What GitHub's redirect says, all of it unproven.
#[derive(Debug, Clone, Copy)]
pub struct Back<'a> {
    pub state: &'a str,
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
}

/// How a visit ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// Go back, or without an address say so on a page.
    Back { outcome: Outcome, to: Option<String> },
    /// State or cookie do not fit: nothing was done.
    Stranger,
    /// GitHub did not give the tokens for this code; the person may try again.
    Refused,
}

impl Engine {
    /// `getAuthUrl`: a link, good once and for ten minutes, that takes a browser to GitHub.
    pub async fn begin_visit(
        &self,
        project: &ProjectId,
        user: &UserId,
        return_to: Option<&str>,
        asked: Asked<'_>,
    ) -> Result<Begun, Failure> {
        self.github.app().ok_or_else(no_app)?;
        self.check_return_to(return_to)?;
        let ticket = secrets::fresh()?;
        let expires_at =
            self.store.add_ticket(&secrets::hash(&ticket), project, user.as_str(), return_to, asked).await?;
        let authorize_url = format!("{}/github/start?ticket={}", self.settings.public_url, *ticket);
        Ok(Begun { authorize_url, expires_at })
    }

    /// Refuses an address that leads away; see `return_to`.
    pub fn check_return_to(&self, address: Option<&str>) -> Result<(), Failure> {
        let checked = |text| return_to::check(text, &self.settings.public_url, &self.settings.panel_origins);
        Ok(address.map_or(Ok(()), checked)?)
    }

    /// Exchanges the ticket for a state that only this browser can bring back. None: the ticket is
    /// unknown, used or too old.
    pub async fn start_visit(&self, ticket: &str) -> Result<Option<Started>, Failure> {
        self.github.app().ok_or_else(no_app)?;
        let (state, cookie, verifier) = (secrets::fresh()?, secrets::fresh()?, secrets::fresh()?);
        let (state_hash, cookie_hash) = (secrets::hash(&state), secrets::hash(&cookie));
        let binding = Binding { state_hash: &state_hash, cookie_hash: &cookie_hash, verifier: &verifier };
        if self.store.start_visit(&self.vault, &secrets::hash(ticket), binding).await?.is_none() {
            return Ok(None);
        }
        let location = self.github.authorize_url(&self.callback_url(), &state, &secrets::challenge(&verifier))?;
        Ok(Some(Started { location, cookie_name: cookie_name(&state), cookie }))
    }

    /// The end of a visit: state and cookie are taken, the code exchanged, the account asked for.
    pub async fn finish_visit(
        &self,
        back: Back<'_>,
        cookie: Option<&str>,
        request_id: Option<&str>,
    ) -> Result<Ended, Failure> {
        let Some(cookie) = cookie else { return Ok(Ended::Stranger) };
        let (state, cookie) = (secrets::hash(back.state), secrets::hash(cookie));
        let Some(finished) = self.store.finish_visit(&self.vault, &state, &cookie).await? else {
            return Ok(Ended::Stranger);
        };
        let (None, Some(code)) = (back.error, back.code) else {
            self.store.end_visit(&finished.ticket_hash).await?;
            let denied = back.error == Some("access_denied");
            return Ok(if denied { ended(Outcome::Denied, finished.visit) } else { Ended::Refused });
        };
        let error = match self.github.exchange_code(code, &self.callback_url(), &finished.verifier).await {
            Ok(tokens) => return self.keep(finished, tokens, request_id).await,
            Err(error) => error,
        };
        self.store.end_visit(&finished.ticket_hash).await?;
        match error {
            error if error.is_transient() => Err(error.into()),
            GithubError::NotConfigured => Err(no_app().into()),
            error => {
                tracing::info!(%error, "GitHub gave no tokens for a code");
                Ok(Ended::Refused)
            }
        }
    }

    /// Asks whose the tokens are and keeps them. Tokens that cannot be kept are revoked.
    async fn keep(&self, back: Finished, tokens: UserTokens, request_id: Option<&str>) -> Result<Ended, Failure> {
        let Finished { visit, ticket_hash, .. } = back;
        let tokens = stored(tokens);
        let account = match self.github.user(&tokens.access).await {
            Ok(account) => account,
            Err(error) => {
                self.discard(&tokens.access).await?;
                return if error.is_transient() { Err(error.into()) } else { Ok(Ended::Refused) };
            }
        };
        let new = NewAuthorization {
            pid: visit.pid,
            project: &visit.project,
            user: &visit.user,
            github_id: account.id,
            github_login: &account.login,
            tokens: &tokens,
            ticket_hash: &ticket_hash,
            request_id,
        };
        let (end, revoke) = match self.store.save_authorization(&self.vault, new).await {
            Ok(Saved::Kept { revoke }) => (ended(Outcome::Connected, visit), revoke),
            Ok(Saved::Overtaken { revoke }) => (Ended::Refused, Some(revoke)),
            Err(error) => {
                self.discard(&tokens.access).await?;
                return Err(error.into());
            }
        };
        if let Some(id) = revoke {
            self.wake_for_person(Wake::Revocation { id }).await;
        }
        Ok(end)
    }

    /// A token that nobody keeps is revoked: by a job, or at once where not even that can be written
    /// down. If GitHub cannot be asked either, it ends by itself within hours.
    async fn discard(&self, token: &str) -> Result<(), Failure> {
        match self.store.add_revocation(&self.vault, token).await {
            Ok(id) => {
                self.wake_for_person(Wake::Revocation { id }).await;
                Ok(())
            }
            Err(error) => {
                if let Err(error) = self.github.revoke_token(token).await {
                    tracing::warn!(%error, "a token that could not be kept could not be revoked either");
                }
                Err(error.into())
            }
        }
    }

    /// The App's installation page, with a state that brings the person back to where they were.
    pub async fn install_url(&self, pid: i64, user: &UserId, return_to: Option<&str>) -> Result<String, Failure> {
        let page = self.github.install_url().ok_or_else(no_app)?;
        let state = secrets::fresh()?;
        self.store.add_install_state(&secrets::hash(&state), pid, user.as_str(), return_to).await?;
        Ok(format!("{page}?state={}", *state))
    }

    /// Somebody comes from the installation page. Nothing is learned from what the redirect says
    /// about the installation. None: no valid state.
    pub async fn finish_install(&self, state: &str) -> Result<Option<Ended>, Failure> {
        let visit = self.store.finish_install(&secrets::hash(state)).await?;
        Ok(visit.map(|visit| ended(Outcome::Installed, visit)))
    }

    fn callback_url(&self) -> String {
        format!("{}/github/callback", self.settings.public_url)
    }
}

/// Each visit has a cookie of its own, so that two tabs do not end each other's.
pub fn cookie_name(state: &str) -> String {
    format!("lockstep_visit_{}", hex::encode(&secrets::hash(state)[..8]))
}

fn ended(outcome: Outcome, visit: Visit) -> Ended {
    let to = visit.return_to.map(|address| return_to::with_outcome(&address, outcome));
    Ended::Back { outcome, to }
}

/// What GitHub answered, as rows keep it.
pub(super) fn stored(tokens: UserTokens) -> Tokens {
    Tokens {
        access: tokens.access,
        access_expires_at: tokens.expires_at,
        refresh: tokens.refresh,
        refresh_expires_at: tokens.refresh_expires_at,
    }
}
