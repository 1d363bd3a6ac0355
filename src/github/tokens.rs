//! Installation tokens: one cache for the process, one request at a time for each kind of token,
//! narrowed to one repository and to the permissions a call needs.
//! <https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;
use zeroize::Zeroizing;

use super::GitHub;
use super::error::{GithubError, Result, Throttle};
use super::transport::bearer;
use super::verdict::{About, Subject};
use crate::vault::Context;

/// What a call may do. Each is a token of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Metadata,
    Read,
    Write,
    /// `Write`, and files below `.github/workflows/`.
    Workflows,
    Pulls,
    /// Pull requests with their checks.
    PullStatus,
    /// Pull requests where the App may not see checks.
    PullStatusOnly,
    Administration,
}

impl Access {
    fn permissions(self) -> Value {
        match self {
            Access::Metadata => json!({"metadata": "read"}),
            Access::Read => json!({"metadata": "read", "contents": "read"}),
            Access::Write => json!({"metadata": "read", "contents": "write"}),
            Access::Workflows => json!({"metadata": "read", "contents": "write", "workflows": "write"}),
            Access::Pulls => json!({"metadata": "read", "contents": "read", "pull_requests": "write"}),
            Access::PullStatus => {
                json!({"metadata": "read", "contents": "read", "pull_requests": "read", "checks": "read", "statuses": "read"})
            }
            Access::PullStatusOnly => json!({"metadata": "read", "contents": "read", "pull_requests": "read"}),
            Access::Administration => json!({"metadata": "read", "administration": "write"}),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Access::Metadata => "metadata",
            Access::Read => "read",
            Access::Write => "write",
            Access::Workflows => "workflows",
            Access::Pulls => "pulls",
            Access::PullStatus => "pull-status",
            Access::PullStatusOnly => "pull-status-only",
            Access::Administration => "administration",
        }
    }
}

/// The repositories a token reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    Repository(i64),
    /// At most 500, sorted.
    Repositories(Arc<[i64]>),
    Installation,
}

impl Reach {
    pub fn of(ids: impl Iterator<Item = i64>) -> Self {
        let mut ids: Vec<i64> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        match ids.as_slice() {
            [id] => Reach::Repository(*id),
            _ => Reach::Repositories(ids.into()),
        }
    }

    fn ids(&self) -> Option<&[i64]> {
        match self {
            Reach::Repository(id) => Some(std::slice::from_ref(id)),
            Reach::Repositories(ids) => Some(ids),
            Reach::Installation => None,
        }
    }

    fn name(&self) -> String {
        let text = |id: &i64| id.to_string();
        self.ids().map_or("all".to_owned(), |ids| ids.iter().map(text).collect::<Vec<_>>().join("+"))
    }
}

/// Which token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub installation: i64,
    pub reach: Reach,
    pub access: Access,
}

impl Wanted {
    /// The name under which processes share it.
    fn name(&self, app: i64) -> String {
        format!("token:{app}:{}:{}:{}", self.installation, self.reach.name(), self.access.name())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub header: HeaderValue,
    expires: DateTime<Utc>,
    minted: DateTime<Utc>,
}

impl Token {
    /// GitHub may refuse it for some seconds after making it.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.minted < TimeDelta::seconds(10)
    }

    fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.expires - RENEW_BEFORE > now
    }
}

/// GitHub's, of every installation token.
const LIFETIME: TimeDelta = TimeDelta::hours(1);
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);
/// Tokens in memory; beyond it expired ones are thrown out.
const MANY: usize = 4096;

type Slot = Arc<AsyncMutex<Option<Token>>>;

#[derive(Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<(i64, Wanted), Slot>>,
}

impl Tokens {
    fn slot(&self, app: i64, wanted: &Wanted) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() > MANY {
            let now = Utc::now();
            slots
                .retain(|_, slot| slot.try_lock().map_or(true, |token| token.as_ref().is_some_and(|t| t.is_good(now))));
        }
        slots.entry((app, wanted.clone())).or_default().clone()
    }
}

impl Tokens {
    fn forget(&self, reach: &Reach) -> Vec<Wanted> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<_> = slots.keys().filter(|(_, wanted)| wanted.reach == *reach).cloned().collect();
        gone.iter().for_each(|key| drop(slots.remove(key)));
        gone.into_iter().map(|(_, wanted)| wanted).collect()
    }
}

#[derive(Serialize, Deserialize)]
struct Minted {
    token: String,
    expires_at: DateTime<Utc>,
}

impl GitHub {
    /// A token that is good for five minutes at least. Callers of the same kind wait for one request.
    pub(crate) async fn token(&self, wanted: &Wanted) -> Result<Token> {
        let app = self.required_app()?;
        let slot = self.inner.tokens.slot(app.id, wanted);
        let mut held = slot.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.is_good(Utc::now())) {
            return Ok(token.clone());
        }
        let token = match self.shared_token(app.id, wanted).await {
            Some(token) => token,
            None => self.mint(app.id, wanted).await?,
        };
        *held = Some(token.clone());
        Ok(token)
    }

    /// GitHub refused this token: nobody should use it again.
    pub(crate) async fn drop_token(&self, wanted: &Wanted, refused: &Token) {
        let Some(app) = self.app() else { return };
        let slot = self.inner.tokens.slot(app.id, wanted);
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|token| token.header == refused.header) {
            *held = None;
            self.inner.budget.shared().forget(&wanted.name(app.id)).await;
        }
    }

    /// Forgets this process's tokens for these repositories: the next ones say what is granted now.
    pub(crate) async fn forget_tokens(&self, reach: &Reach) {
        let Some(app) = self.app() else { return };
        for wanted in self.inner.tokens.forget(reach) {
            self.inner.budget.shared().forget(&wanted.name(app.id)).await;
        }
    }

    async fn mint(&self, app: i64, wanted: &Wanted) -> Result<Token> {
        let mut body = json!({"permissions": wanted.access.permissions()});
        if let Some(ids) = wanted.reach.ids() {
            body["repository_ids"] = json!(ids);
        }
        let path = format!("/app/installations/{}/access_tokens", wanted.installation);
        let call = self.rest(Method::POST, "POST /app/installations/{id}/access_tokens", &path).with_json(&body)?;
        let answer = self.as_app(call, About { subject: Subject::Mint, writes: false }).await;
        if let Err(GithubError::RetryAt { at, reason: reason @ (Throttle::RetryAfter | Throttle::Secondary) }) = &answer
        {
            self.inner.budget.hold_back(wanted.installation, *at, *reason).await;
        }
        let answer = answer?;
        let minted: Minted = answer.json(false)?;
        let token = Token { header: bearer(&minted.token)?, expires: minted.expires_at, minted: Utc::now() };
        self.share_token(app, wanted, &minted).await;
        Ok(token)
    }

    /// What another process minted, if it is still good.
    async fn shared_token(&self, app: i64, wanted: &Wanted) -> Option<Token> {
        let name = wanted.name(app);
        let sealed = self.inner.budget.shared().sealed(&name).await?;
        let opened = self.inner.vault.open(place(&name), &sealed).ok()?;
        let minted: Minted = serde_json::from_slice(&opened).ok()?;
        let (expires, header) = (minted.expires_at, bearer(&minted.token).ok()?);
        let token = Token { header, expires, minted: expires - LIFETIME };
        token.is_good(Utc::now()).then_some(token)
    }

    /// Leaves the token for other processes, sealed: nothing in Redis can be used without the key.
    async fn share_token(&self, app: i64, wanted: &Wanted, minted: &Minted) {
        let name = wanted.name(app);
        let Ok(text) = serde_json::to_vec(minted).map(Zeroizing::new) else { return };
        let Ok(sealed) = self.inner.vault.seal(place(&name), &text) else { return };
        let good_for = (minted.expires_at - RENEW_BEFORE - Utc::now()).num_seconds();
        self.inner.budget.shared().leave(&name, &sealed, u64::try_from(good_for).unwrap_or(1)).await;
    }
}

fn place(name: &str) -> Context<'_> {
    Context { table: "redis.installation_tokens", row: name, user: "" }
}
