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
use super::run::checked;
use super::transport::{Answer, Call, weight};
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

/// How every refusal of GitHub's API reads.
#[derive(Deserialize)]
struct GithubMessage {
    #[serde(rename = "message")]
    _message: String,
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

    /// `BadToken`: GitHub said that this refresh token is no good, so the person has to authorize again;
    /// whatever else goes wrong says nothing about it. Never do this twice at once for one person.
    pub async fn refresh(&self, refresh_token: &str) -> Result<UserTokens> {
        self.token_request(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// `BadToken`: this token is no more. Asked of the App's own endpoint, since tries with tokens that
    /// are no good are counted as failed logins everywhere else.
    /// <https://docs.github.com/en/rest/apps/oauth-applications#check-a-token>
    pub async fn check_token(&self, access: &str) -> Result<()> {
        let app = self.required_app()?;
        let path = format!("/applications/{}/token", encode(&app.client_id));
        let call = self.rest(Method::POST, "POST /applications/{client_id}/token", &path);
        let call = call.with_json(&json!({"access_token": access}))?;
        let answer = self.any_answer(&call, Some(&app.basic()?), true).await?;
        match answer.status {
            // A page of somebody's in between is no word of GitHub's about a token.
            404 if answer.json::<GithubMessage>(false).is_ok() => Err(GithubError::BadToken),
            404 => Err(GithubError::unavailable("404 with a page")),
            _ => checked(answer, About { subject: Subject::App, writes: false }).map(|_| ()),
        }
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

    /// GitHub answers 200 for errors too, with `error` in the body. Only that says anything about the
    /// code or token: pages, other statuses and nonsense come from what stands in between, and pass.
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
        let answer = self.any_answer(&call, None, true).await?;
        if !answer.is_success() && !answer.json::<TokenAnswer>(true).is_ok_and(|said| said.is_refusal()) {
            return Err(passing(checked(answer, about)));
        }
        read_tokens(answer.json(true)?, Utc::now())
    }
}

/// An answer other than GitHub's own about a token: whatever it seems to say, a later try may pass.
fn passing(answer: Result<Answer>) -> GithubError {
    match answer {
        Err(error @ (GithubError::RetryAt { .. } | GithubError::Unavailable { .. })) => error,
        Err(error) => GithubError::unavailable(format!("no answer about a token: {error}")),
        Ok(_) => GithubError::unproven("the answer shows no token"),
    }
}

impl TokenAnswer {
    /// OAuth's words for «this code or token is no good» (RFC 6749, 5.2, and GitHub's own), under
    /// whatever status.
    fn is_refusal(&self) -> bool {
        matches!(self.error.as_deref(), Some("bad_refresh_token" | "bad_verification_code" | "invalid_grant"))
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
        (_, Some(passing @ ("temporarily_unavailable" | "server_error" | "slow_down"))) => {
            Err(GithubError::unavailable(format!("GitHub gives no token now: {passing}")))
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
        assert_eq!(read(r#"{"error":"something_new"}"#).unwrap_err(), GithubError::BadToken);
        for passing in ["temporarily_unavailable", "incorrect_client_credentials"] {
            let said = read(&format!(r#"{{"error":"{passing}"}}"#)).unwrap_err();
            assert!(said.is_transient(), "{passing}: {said}");
        }
        assert!(matches!(read("{}"), Err(GithubError::Unavailable { ambiguous: true, .. })));
    }
}
