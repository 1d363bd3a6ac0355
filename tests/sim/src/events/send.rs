//! Sends webhooks over HTTP: signed, with GitHub's headers, in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use super::delivery::{Delivery, Outcome};
use crate::core::Core;
use crate::world::World;
use crate::world::app::{App, ContentType};

type Http = Client<HttpConnector, Full<Bytes>>;

/// GitHub gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends what comes through the queue until its other end is gone.
pub(crate) async fn run(core: Arc<Core>, mut queue: UnboundedReceiver<u64>, at_once: usize) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let places = Arc::new(Semaphore::new(at_once.max(1)));
    while let Some(id) = queue.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let (core, http) = (core.clone(), http.clone());
        tokio::spawn(async move {
            attempt(&core, &http, id).await;
            core.mail.done();
            drop(place);
        });
    }
}

async fn attempt(core: &Core, http: &Http, id: u64) {
    let prepared = {
        let world = core.world();
        prepare(&world, id)
    };
    let Some((request, headers)) = prepared else {
        return;
    };
    let begun = Instant::now();
    let mut outcome = match tokio::time::timeout(PATIENCE, send(http, request)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Outcome::new("failed to connect to host", 502),
        Err(_) => Outcome::new("timed out", 504),
    };
    outcome.seconds = (begun.elapsed().as_secs_f64() * 100.0).round() / 100.0;
    outcome.request_headers = headers;
    let mut world = core.world();
    if let Some(delivery) = find(&mut world, id) {
        delivery.outcome = outcome;
    }
}

/// Deliveries are in the order of their ids.
fn find(world: &mut World, id: u64) -> Option<&mut Delivery> {
    let at = world.deliveries.binary_search_by_key(&id, |it| it.id).ok()?;
    world.deliveries.get_mut(at)
}

fn prepare(world: &World, id: u64) -> Option<(http::Request<Full<Bytes>>, Value)> {
    let at = world.deliveries.binary_search_by_key(&id, |it| it.id).ok()?;
    let delivery = world.deliveries.get(at)?;
    let app = world.apps.get(&delivery.app)?;
    let (content_type, body) = body(app, &delivery.payload);
    let mut headers = Map::new();
    let mut set = |name: &str, value: String| headers.insert(name.to_owned(), json!(value));
    set("Accept", "*/*".into());
    set("Content-Type", content_type.into());
    set("User-Agent", "GitHub-Hookshot/7b1c3f2".into());
    set("X-GitHub-Delivery", delivery.guid.clone());
    set("X-GitHub-Event", delivery.event.clone());
    set("X-GitHub-Hook-ID", app.hook_id.to_string());
    set("X-GitHub-Hook-Installation-Target-ID", app.id.to_string());
    set("X-GitHub-Hook-Installation-Target-Type", "integration".into());
    if let Some(secret) = &app.webhook_secret {
        set("X-Hub-Signature-256", sign(secret, &body));
    }
    let mut request = http::Request::post(app.hook_url.as_deref()?);
    for (name, value) in &headers {
        request = request.header(name, value.as_str()?);
    }
    Some((request.body(Full::new(body)).ok()?, Value::Object(headers)))
}

fn body(app: &App, payload: &Bytes) -> (&'static str, Bytes) {
    match app.content_type {
        ContentType::Json => ("application/json", payload.clone()),
        ContentType::Form => {
            let text = String::from_utf8_lossy(payload);
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("payload", &text);
            ("application/x-www-form-urlencoded", form.finish().into())
        }
    }
}

/// `sha256=` and the HMAC of the body as sent.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let digest = mac.map(|mut mac| {
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    });
    format!("sha256={}", digest.unwrap_or_default())
}

async fn send(http: &Http, request: http::Request<Full<Bytes>>) -> anyhow::Result<Outcome> {
    let response = http.request(request).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    let code = parts.status.as_u16();
    let reason = parts.status.canonical_reason().unwrap_or("Unknown");
    let status = if parts.status.is_success() { "OK" } else { reason };
    let mut outcome = Outcome::new(status, code);
    outcome.response_headers = header_json(&parts.headers);
    outcome.response = String::from_utf8_lossy(&body).into_owned();
    Ok(outcome)
}

fn header_json(headers: &HeaderMap) -> Value {
    let pairs = headers.iter();
    let map: Map<String, Value> =
        pairs.map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default()))).collect();
    Value::Object(map)
}
