//! A person's authorization: the authorize page, the code, refreshing, revoking.
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app>

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::GitHub;
use super::error::{GithubError, Result};
use super::repo::encode;
use super::transport::{Call, weight};
use super::verdict::{About, Subject};

/// What a code or a refresh token was exchanged for. Both old tokens are void from then on.
#[derive(Clone)]
pub struct UserTokens {
    pub access: Zeroizing<String>,
    /// None: it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    pub refresh: Option<Zeroizing<String>>,
    pub refresh_expires_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for UserTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserTokens").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    refresh_token_expires_in: Option<i64>,
    #[serde(default)]
    error: Option<String>,
}

impl GitHub {
    /// Where a person says yes. `challenge` is the S256 challenge of PKCE. The account picker always
    /// comes: without it GitHub sends who authorized the App before back at once, and somebody who was
    /// given another's link would lend them their account without seeing a page.
    /// <https://github.blog/changelog/2024-06-07-account-picker-updates-for-oauth-and-github-app-sign-in/>
    pub fn authorize_url(&self, redirect_uri: &str, state: &str, challenge: &str) -> Result<String> {
        let app = self.required_app()?;
        let query = Serializer::new(String::new())
            .append_pair("client_id", &app.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("prompt", "select_account")
            .finish();
        Ok(format!("{}/login/oauth/authorize?{query}", self.web_url()))
    }

    /// `BadToken`: the code is wrong, used or too old.
    pub async fn exchange_code(&self, code: &str, redirect_uri: &str, verifier: &str) -> Result<UserTokens> {
        self.token_request(&[("code", code), ("redirect_uri", redirect_uri), ("code_verifier", verifier)]).await
    }

    /// `BadToken`: the person has to authorize again. Never do this twice at once for one person.
    pub async fn refresh(&self, refresh_token: &str) -> Result<UserTokens> {
        self.token_request(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// Ends this one token; the person's grant stays. A token that is no more counts as ended.
    /// <https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-token>
    pub async fn revoke_token(&self, access: &str) -> Result<()> {
        let app = self.required_app()?;
        let path = format!("/applications/{}/token", encode(&app.client_id));
        let call = self.rest(Method::DELETE, "DELETE /applications/{client_id}/token", &path);
        let call = call.with_json(&json!({"access_token": access}))?;
        match self.plain(&call, Some(&app.basic()?), About { subject: Subject::App, writes: false }).await {
            Ok(_) | Err(GithubError::NotFound | GithubError::Invalid(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// GitHub answers 200 for errors too, with `error` in the body.
    async fn token_request(&self, fields: &[(&str, &str)]) -> Result<UserTokens> {
        let app = self.required_app()?;
        let own = [("client_id", app.client_id.as_str()), ("client_secret", app.client_secret.as_str())];
        // Not held across the call: a serializer stays on its thread.
        let form = Serializer::new(String::new()).extend_pairs(own).extend_pairs(fields).finish();
        let call = Call {
            method: Method::POST,
            endpoint: "POST /login/oauth/access_token",
            url: format!("{}/login/oauth/access_token", self.web_url()),
            accept: "application/json",
            body: Some(Bytes::from(form)),
            content_type: "application/x-www-form-urlencoded",
            timeout: self.inner.settings.timeout,
            limit: weight::SMALL,
        };
        let about = About { subject: Subject::User, writes: true };
        let answer: TokenAnswer = self.plain(&call, None, about).await?.json(true)?;
        read_tokens(answer, Utc::now())
    }
}

fn read_tokens(answer: TokenAnswer, now: DateTime<Utc>) -> Result<UserTokens> {
    match (answer.access_token, answer.error.as_deref()) {
        (Some(access), None) => Ok(UserTokens {
            access: access.into(),
            expires_at: answer.expires_in.map(|seconds| now + TimeDelta::seconds(seconds)),
            refresh: answer.refresh_token.map(Zeroizing::new),
            refresh_expires_at: answer.refresh_token_expires_in.map(|seconds| now + TimeDelta::seconds(seconds)),
        }),
        (_, Some("incorrect_client_credentials")) => {
            Err(GithubError::unavailable("GitHub does not accept the App's client secret"))
        }
        (_, Some("redirect_uri_mismatch")) => {
            Err(GithubError::Invalid("GitHub does not know this callback address for the App".to_owned()))
        }
        (_, Some(_)) => Err(GithubError::BadToken),
        (None, None) => Err(GithubError::unproven("the answer shows no token")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(body: &str) -> Result<UserTokens> {
        read_tokens(serde_json::from_str(body).unwrap(), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn what_github_answers_with_200() {
        let good = r#"{"access_token":"ghu_a","expires_in":28800,"refresh_token":"ghr_b","refresh_token_expires_in":15897600,"scope":"","token_type":"bearer"}"#;
        let tokens = read(good).unwrap();
        assert_eq!(tokens.expires_at.unwrap().timestamp(), 28_800);
        assert!(!format!("{tokens:?}").contains("ghu_") && !format!("{tokens:?}").contains("ghr_"));
        let bad = r#"{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired."}"#;
        assert_eq!(read(bad).unwrap_err(), GithubError::BadToken);
        assert_eq!(read(r#"{"error":"bad_refresh_token"}"#).unwrap_err(), GithubError::BadToken);
        assert!(matches!(read("{}"), Err(GithubError::Unavailable { ambiguous: true, .. })));
    }
}
