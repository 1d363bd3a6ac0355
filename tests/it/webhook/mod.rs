//! What GitHub tells us, from the door to its effect; what it did not tell; and what we tell the host.
#![expect(clippy::expect_used, reason = "a test that cannot go on says so and stops")]

mod causes;
mod door;
mod missed;
pub mod notify;
mod order;

use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use sha2::Sha256;

use crate::story::Story;
use crate::world::client::Answer;

/// A delivery as GitHub sends it, to be changed before it is sent.
struct Sent {
    event: Option<String>,
    id: Option<String>,
    content_type: Option<&'static str>,
    signature: Option<String>,
    body: Vec<u8>,
}

impl Sent {
    fn new(story: &Story, id: &str, body: &[u8]) -> Sent {
        Sent {
            event: Some("ping".into()),
            id: Some(id.into()),
            content_type: Some("application/json"),
            signature: Some(signature(story, body)),
            body: body.to_vec(),
        }
    }

    async fn to(self, story: &Story) -> Answer {
        let mut headers = Vec::new();
        for (name, value) in [
            ("x-github-event", self.event.as_deref()),
            ("x-github-delivery", self.id.as_deref()),
            ("content-type", self.content_type),
            ("x-hub-signature-256", self.signature.as_deref()),
        ] {
            headers.extend(value.map(|value| (name, value)));
        }
        story.public().send(Method::POST, "/webhooks/github", &headers, self.body).await
    }
}

fn signature(story: &Story, body: &[u8]) -> String {
    let secret = story.github.app().webhook_secret.unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// The recorded outcome of a delivery.
async fn outcome(story: &Story, id: &str) -> Option<String> {
    let sql = story.sql().await;
    let row = sql.query_opt("SELECT outcome FROM deliveries WHERE id = $1", &[&id]).await.unwrap();
    row.map(|row| row.get(0))
}
