//! Whether a webhook delivery is GitHub's: HMAC-SHA-256 over the raw body, with the App's secret.
//! <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>

use std::cell::RefCell;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Engine;
use crate::github::AppCredentials;

/// What a delivery's signature proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Yes,
    No,
    /// There is no App yet, and so no secret to check with.
    NoApp,
}

thread_local! {
    /// The App whose deliveries this thread checked last, its secret made into a key.
    static KEY: RefCell<Option<(Arc<AppCredentials>, Hmac<Sha256>)>> = const { RefCell::new(None) };
}

impl Engine {
    /// Checks the header `X-Hub-Signature-256` in constant time.
    pub fn signed_by_github(&self, signature: Option<&str>, body: &[u8]) -> Signed {
        let Some(app) = self.github.app() else { return Signed::NoApp };
        let signed = keyed(&app).is_some_and(|key| holds(key, signature, body));
        if signed { Signed::Yes } else { Signed::No }
    }
}

fn keyed(app: &Arc<AppCredentials>) -> Option<Hmac<Sha256>> {
    KEY.with_borrow_mut(|known| match known {
        Some((of, key)) if Arc::ptr_eq(of, app) => Some(key.clone()),
        // Anybody could sign with an empty secret.
        _ if app.webhook_secret.is_empty() => None,
        _ => {
            let key = Hmac::new_from_slice(app.webhook_secret.as_bytes()).ok()?;
            *known = Some((app.clone(), key.clone()));
            Some(key)
        }
    })
}

fn holds(mut key: Hmac<Sha256>, signature: Option<&str>, body: &[u8]) -> bool {
    let mut bytes = [0; 32];
    let hex = signature.and_then(|text| text.strip_prefix("sha256="));
    if hex.is_none_or(|hex| hex::decode_to_slice(hex, &mut bytes).is_err()) {
        return false;
    }
    key.update(body);
    key.verify_slice(&bytes).is_ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// GitHub's own example.
    #[test]
    fn signatures() {
        let key = Hmac::<Sha256>::new_from_slice(b"It's a Secret to Everybody").unwrap();
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(holds(key.clone(), Some(good), b"Hello, World!"));
        let bad = [
            None,
            Some(""),
            Some("sha256="),
            Some(&good[7..]),
            Some(&good[..70]),
            Some("sha256=857107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
            Some("sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
        ];
        for signature in bad {
            assert!(!holds(key.clone(), signature, b"Hello, World!"), "{signature:?}");
        }
        assert!(!holds(key, Some(good), b"Hello, World"));
    }
}
