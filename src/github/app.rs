//! The GitHub App itself: its credentials and the JWT that proves them.
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use std::fmt;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use zeroize::Zeroizing;

use super::error::{GithubError, Result};
use super::transport::bearer;

/// What identifies the App; everything but id, slug and client id is secret.
pub struct AppCredentials {
    pub id: i64,
    pub slug: String,
    pub client_id: String,
    pub client_secret: Zeroizing<String>,
    /// Whether a webhook is GitHub's.
    pub webhook_secret: Zeroizing<String>,
    key: EncodingKey,
    jwt: Mutex<Option<Jwt>>,
}

struct Jwt {
    header: HeaderValue,
    expires: DateTime<Utc>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

/// GitHub takes at most ten minutes.
const LIFETIME: TimeDelta = TimeDelta::seconds(9 * 60);
/// A JWT with less than this left is replaced.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

impl AppCredentials {
    /// `private_key` is PEM, PKCS#1 or PKCS#8; one that is not is `Invalid`.
    pub fn new(
        id: i64,
        slug: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: Zeroizing<String>,
        private_key: &str,
        webhook_secret: Zeroizing<String>,
    ) -> Result<Self> {
        let key = EncodingKey::from_rsa_pem(private_key.as_bytes())
            .map_err(|_| GithubError::Invalid("the App's private key is no RSA key in PEM".to_owned()))?;
        Ok(AppCredentials {
            id,
            slug: slug.into(),
            client_id: client_id.into(),
            client_secret,
            webhook_secret,
            key,
            jwt: Mutex::new(None),
        })
    }

    /// `Bearer JWT`, signed at most once in eight minutes: RS256 costs a millisecond.
    pub(crate) fn bearer(&self, now: DateTime<Utc>) -> Result<HeaderValue> {
        let mut cached = self.jwt.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(jwt) = cached.as_ref().filter(|jwt| jwt.expires - MARGIN > now) {
            return Ok(jwt.header.clone());
        }
        let header = bearer(&self.sign(now)?)?;
        *cached = Some(Jwt { header: header.clone(), expires: now + LIFETIME - TimeDelta::seconds(60) });
        Ok(header)
    }

    /// Issued a minute ago, in case this clock is ahead of GitHub's.
    fn sign(&self, now: DateTime<Utc>) -> Result<String> {
        let issued = now - TimeDelta::seconds(60);
        let claims = Claims { iat: issued.timestamp(), exp: (issued + LIFETIME).timestamp(), iss: &self.client_id };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(|_| GithubError::Invalid("the App's private key cannot sign".to_owned()))
    }

    /// `Basic client_id:client_secret`, for managing tokens of the App's users.
    pub(crate) fn basic(&self) -> Result<HeaderValue> {
        use base64::Engine;
        let pair = Zeroizing::new(format!("{}:{}", self.client_id, *self.client_secret));
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
        let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))
            .map_err(|_| GithubError::Invalid("the App's client secret is no header value".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for AppCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppCredentials").field("id", &self.id).field("slug", &self.slug).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const KEY: &str = include_str!("../../tests/sim/src/keys/app.pem");

    fn app() -> AppCredentials {
        AppCredentials::new(7, "ls", "Iv1.x", "s3cret".to_owned().into(), KEY, "hook".to_owned().into()).unwrap()
    }

    #[test]
    fn one_signature_serves_for_minutes() {
        let (app, now) = (app(), Utc::now());
        let first = app.bearer(now).unwrap();
        assert_eq!(first, app.bearer(now + TimeDelta::seconds(400)).unwrap());
        assert_ne!(first, app.bearer(now + TimeDelta::seconds(430)).unwrap());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let text = format!("{:?} {:?}", app(), app().bearer(Utc::now()).unwrap());
        assert!(!text.contains("s3cret") && !text.contains("hook") && !text.contains("eyJ"), "{text}");
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let made = AppCredentials::new(7, "ls", "Iv1.x", String::new().into(), "no key", String::new().into());
        assert!(matches!(made, Err(GithubError::Invalid(_))));
    }
}
