//! Load on a webhook's door: signed deliveries, written as bytes beforehand, over many connections.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use anyhow::ensure;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::http::Connection;

/// A delivery but for its id.
#[derive(Debug, Clone)]
pub struct Delivery {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Delivery {
    /// With the headers that GitHub sends.
    pub fn new(event: &str, body: Vec<u8>, secret: &str) -> anyhow::Result<Self> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
        mac.update(&body);
        let signature = hex::encode(mac.finalize().into_bytes());
        let head = format!(
            "POST /webhooks/github HTTP/1.1\r\nHost: sync.example.com\r\nUser-Agent: GitHub-Hookshot/044aadd\r\n\
             Accept: */*\r\nContent-Type: application/json\r\nX-GitHub-Event: {event}\r\nX-GitHub-Hook-ID: 292430182\r\n\
             X-GitHub-Hook-Installation-Target-ID: 79929171\r\nX-GitHub-Hook-Installation-Target-Type: integration\r\n\
             X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {}\r\nX-GitHub-Delivery: ",
            body.len()
        );
        Ok(Delivery { head: head.into_bytes(), body })
    }
}

/// A `push` of 8 KB and a `pull_request` of 25 KB, one after the other.
pub fn deliveries(secret: &str) -> anyhow::Result<Vec<Delivery>> {
    Ok(vec![
        Delivery::new("push", payload(&json!({"ref": "refs/heads/main", "after": "f".repeat(40)}), 8_000)?, secret)?,
        Delivery::new("pull_request", payload(&json!({"action": "synchronize", "number": 7}), 25_000)?, secret)?,
    ])
}

/// A body of roughly this size, of what GitHub's are made of: objects full of URLs, ids and text.
fn payload(start: &Value, bytes: usize) -> anyhow::Result<Vec<u8>> {
    let mut body = start.as_object().cloned().unwrap_or_default();
    body.insert("installation".to_owned(), json!({"id": 4_711}));
    body.insert("repository".to_owned(), json!({"id": 815, "full_name": "nobody/knows", "private": true}));
    let mut at = 0;
    loop {
        let text = serde_json::to_vec(&body)?;
        if text.len() >= bytes {
            return Ok(text);
        }
        body.insert(format!("part_{at}"), part(at));
        at += 1;
    }
}

fn part(at: usize) -> Value {
    let mut part = Map::new();
    part.insert("node_id".to_owned(), json!(format!("MDEwOlJlcG9zaXRvcnkx{:08x}", at * 2_654_435_761 % 4_294_967_291)));
    part.insert("id".to_owned(), json!(186_853_002 + at * 7_919));
    for name in ["html", "forks", "keys", "collaborators", "teams", "hooks", "issue_events", "assignees", "branches"] {
        let url = format!("https://api.github.com/repos/Codertocat/Hello-World/{name}{{/number}}?since={at}");
        part.insert(format!("{name}_url"), json!(url));
    }
    part.insert("description".to_owned(), json!(crate::projects::text(at, 120)));
    part.insert("created_at".to_owned(), json!("2019-05-15T15:19:25Z"));
    part.insert("open_issues_count".to_owned(), json!(at));
    part.insert("archived".to_owned(), json!(false));
    part.insert("language".to_owned(), Value::Null);
    Value::Object(part)
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub per_second: f64,
    /// From the first byte sent to the whole answer, in milliseconds.
    pub latencies: Vec<f64>,
}

/// Sends so many over so many connections; each must be taken over. `run` makes ids of its own.
pub async fn run(
    address: &str,
    deliveries: &[Delivery],
    connections: usize,
    total: usize,
    run: &str,
) -> anyhow::Result<Outcome> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let next = Rc::new(Cell::new(0));
    let began = Instant::now();
    let work = open.into_iter().map(|connection| one_after_the_other(connection, deliveries, &next, total, run));
    let latencies = futures_util::future::try_join_all(work).await?.concat();
    Ok(Outcome { per_second: total as f64 / began.elapsed().as_secs_f64(), latencies })
}

async fn one_after_the_other(
    mut connection: Connection,
    deliveries: &[Delivery],
    next: &Cell<usize>,
    total: usize,
    run: &str,
) -> anyhow::Result<Vec<f64>> {
    let mut latencies = Vec::new();
    loop {
        let at = next.get();
        if at >= total {
            return Ok(latencies);
        }
        next.set(at + 1);
        let delivery = &deliveries[at % deliveries.len()];
        let mut head = delivery.head.clone();
        head.extend_from_slice(format!("{run}-{at}\r\n\r\n").as_bytes());
        let began = Instant::now();
        let answer = connection.exchange(&[&head, &delivery.body]).await?;
        latencies.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!((200..300).contains(&answer.status), "{}: {}", answer.status, answer.text());
    }
}
