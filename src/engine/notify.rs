//! Telling the host what happened, signed as Standard Webhooks, until it says 2xx.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde_json::json;
use sha2::Sha256;

use super::Engine;
use crate::config::NotifyConfig;
use crate::job::Wake;
use crate::model::{Code, Problem};
use crate::queue::backoff;
use crate::store::StoreError;
use crate::store::notifications::Notification;

/// The host should answer first and work later.
const PATIENCE: Duration = Duration::from_secs(15);

impl Engine {
    /// Sends the notification of this row, if it is due and nobody else sends it.
    pub async fn notify(&self, id: i64) -> Result<(), StoreError> {
        let Some(host) = &self.settings.notify else { return Ok(()) };
        let Some(notification) = self.store.claim_notification(id).await? else { return Ok(()) };
        match self.post(host, &notification).await {
            Ok(()) => {
                self.metrics.notification("delivered");
                self.store.notified(id).await
            }
            Err(why) => self.notify_again(&notification, why).await,
        }
    }

    async fn post(&self, host: &NotifyConfig, notification: &Notification) -> Result<(), String> {
        let body = body_of(notification);
        let headers =
            headers(&host.secret, &notification.webhook_id, Utc::now(), &body).ok_or("it cannot be signed")?;
        match self.github.http().post(&host.url, headers, body, PATIENCE).await {
            Ok(200..=299) => Ok(()),
            Ok(status) => Err(format!("The host answered {status}.")),
            Err(error) => Err(format!("The host could not be reached: {error}.")),
        }
    }

    async fn notify_again(&self, notification: &Notification, why: String) -> Result<(), StoreError> {
        let attempt = u32::try_from(notification.attempts).unwrap_or(0).saturating_add(1);
        if attempt >= backoff::MAX_ATTEMPTS {
            tracing::error!(notification = notification.webhook_id, why, "a notification is given up");
            self.metrics.notification("failed");
            let action = "Mend what receives notifications, then retry the dead letter.";
            let error = Problem::new(Code::Unavailable, why).with_action(action);
            return self.store.bury_notification(notification.id, &json!(error)).await;
        }
        self.metrics.notification("retried");
        tracing::warn!(notification = notification.webhook_id, attempt, why, "the host could not be notified");
        let delay = backoff::random_delay(attempt, self.settings.retry.as_secs_f64());
        let at = Utc::now() + TimeDelta::from_std(delay).unwrap_or(TimeDelta::minutes(15));
        self.store.notify_later(notification.id, at).await?;
        self.wake_at(Wake::Notification { id: notification.id }, at).await;
        Ok(())
    }
}

/// The same bytes for every attempt.
fn body_of(notification: &Notification) -> Bytes {
    let timestamp = notification.at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({ "type": notification.kind, "timestamp": timestamp, "data": notification.data }).to_string().into()
}

fn headers(secret: &[u8], id: &str, at: DateTime<Utc>, body: &[u8]) -> Option<HeaderMap> {
    let timestamp = at.timestamp().to_string();
    let signature = sign(secret, id, &timestamp, body)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("lockstep/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in [("webhook-id", id), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
    }
    Some(headers)
}

fn sign(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn signatures_are_standard_webhooks() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b"{\"test\": 2432232314}");
        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn bodies_have_type_timestamp_and_data() {
        let notification = Notification {
            id: 1,
            webhook_id: "msg_1".into(),
            kind: "sync.succeeded".into(),
            at: "2026-01-02T03:04:05.000006Z".parse().unwrap(),
            data: json!({ "project": "site" }),
            attempts: 3,
        };
        let body: serde_json::Value = serde_json::from_slice(&body_of(&notification)).unwrap();
        let expected = json!({ "type": "sync.succeeded", "timestamp": "2026-01-02T03:04:05.000006Z", "data": { "project": "site" } });
        assert_eq!(body, expected);
    }
}
