//! What the host is told, and what was given up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use lockstep::job::{Delivery, Job, Wake};
use lockstep::queue::Handler;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::outcome;
use crate::story::Story;
use crate::world::World;

/// The host's receiver: keeps what it is sent, and answers with the status it was told to.
#[derive(Clone)]
pub struct Host {
    url: String,
    status: Arc<Mutex<u16>>,
    got: Arc<Mutex<Vec<String>>>,
}

impl Host {
    pub async fn start(status: u16) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?token=1", listener.local_addr().unwrap());
        let host = Host { url, status: Arc::new(Mutex::new(status)), got: Arc::default() };
        let serving = host.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let host = serving.clone();
                tokio::spawn(async move { host.answer(stream).await });
            }
        });
        host
    }

    async fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let mut text = Vec::new();
        loop {
            stream.read_buf(&mut text).await.ok().filter(|read| *read > 0)?;
            let read = String::from_utf8_lossy(&text).into_owned();
            let Some((head, body)) = read.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if length.is_some_and(|length: usize| body.len() >= length) {
                self.got.lock().unwrap().push(read);
                break;
            }
        }
        let status = *self.status.lock().unwrap();
        let answer =
            format!("HTTP/1.1 {status} X\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", self.url);
        stream.write_all(answer.as_bytes()).await.ok()
    }

    fn say(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    pub fn got(&self) -> Vec<Told> {
        self.got.lock().unwrap().iter().map(|text| Told::read(text)).collect()
    }
}

/// A notification, its signature checked as any library for Standard Webhooks does.
#[derive(Debug)]
pub struct Told {
    pub id: String,
    pub body: Value,
}

impl Told {
    fn read(request: &str) -> Told {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook?token=1 "), "{head}");
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
            line.unwrap_or_else(|| panic!("no {name} in {head}"))[name.len() + 2..].to_owned()
        };
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret of the host").unwrap();
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(header("webhook-signature"), expected);
        assert!((Utc::now().timestamp() - timestamp.parse::<i64>().unwrap()).abs() < 60);
        Told { id, body: serde_json::from_str(body).unwrap() }
    }
}

pub async fn told(host: &Host) -> Story {
    let (url, secret) = (host.url.clone(), format!("whsec_{}", STANDARD.encode("secret of the host")));
    Story::with(|plan| plan.set("NOTIFY_URL", url).set("NOTIFY_SECRET", secret)).await
}

/// Runs everything, retries of the future included.
async fn drain_all(world: &World) {
    for _ in 0..40 {
        world.sql().await.execute("UPDATE notifications SET due_at = now()", &[]).await.unwrap();
        world.engine.sweep().await.unwrap();
        if world.engine.queue.run_once(&world.engine, Utc::now() + TimeDelta::hours(1)).await.unwrap() == 0 {
            return;
        }
    }
    panic!("the queue does not come to rest");
}

#[actix_web::test]
async fn the_host_is_told_signed_and_once() {
    let host = Host::start(204).await;
    let story = told(&host).await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    repo.push("main", &[("a.txt", "2\n")]);
    story.drain().await;
    let got = host.got();
    let kinds: Vec<&str> = got.iter().map(|told| told.body["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"integration.connected") && kinds.contains(&"project.files_changed"), "{kinds:?}");
    assert!(got.iter().all(|told| told.body["data"]["project"] == "site" && told.body["timestamp"].is_string()));
    let mut ids: Vec<&str> = got.iter().map(|told| told.id.as_str()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), got.len(), "each once");
    let told = |kind: &str| got.iter().find(|told| told.body["type"] == kind).unwrap().body["data"].clone();
    let (connected, now) = (told("integration.connected")["integration"].clone(), site.status().await);
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&connected), members(&now), "the whole integration");
    assert_eq!((&connected["state"], &connected["repository"]), (&now["state"], &now["repository"]));
}

/// Members of an object, sorted.
fn members(of: &Value) -> Vec<&str> {
    of.as_object().unwrap_or_else(|| panic!("no object: {of}")).keys().map(String::as_str).collect()
}

#[actix_web::test]
async fn every_kind_has_its_shape() {
    let host = Host::start(204).await;
    let story = told(&host).await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.change(&[("b.txt", "1\n")]).await;
    story.drain().await;
    repo.push("main", &[("a.txt", "2\n"), ("b.txt", "2\n")]);
    site.change(&[("b.txt", "3\n")]).await;
    story.drain().await;
    site.post("/conflicts/resolve", json!({ "strategy": "project" })).await.expect(202);
    story.drain().await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("c.txt", "1\n")]).await;
    let pull = site.post("/pull-requests", json!({ "title": "c" })).await.expect(201);
    story.drain().await;
    repo.close_pull(pull["number"].as_u64().unwrap());
    story.drain().await;
    story.github.suspend(story.installation);
    story.drain().await;
    story.github.unsuspend(story.installation);
    story.drain().await;
    repo.protect("main", "pull_request");
    site.settings(json!({ "auto_sync": true })).await;
    site.change(&[("d.txt", "1\n")]).await;
    story.drain().await;
    repo.archive(true);
    story.drain().await;
    story.host().delete(&site.path("/integration")).await.expect(204);
    story.drain().await;
    let shown = site.status().await;
    let sync = site.last().await;
    let got = host.got();
    for kind in lockstep::store::events::NOTIFIED {
        let told = got.iter().find(|told| told.body["type"] == kind).unwrap_or_else(|| panic!("no {kind}"));
        assert_eq!(members(&told.body), ["data", "timestamp", "type"]);
        assert!(told.body["timestamp"].as_str().unwrap().parse::<chrono::DateTime<Utc>>().is_ok());
        let data = &told.body["data"];
        assert_eq!(data["project"], "site");
        match kind.split('.').next().unwrap() {
            "sync" => assert_eq!(members(&data["sync"]), members(&sync), "{kind}"),
            "integration" => assert_eq!(members(&data["integration"]), members(&shown), "{kind}"),
            "pull_request" => assert_eq!(members(&data["pull_request"]), members(&pull), "{kind}"),
            _ => {
                assert!(data["revision"].is_u64());
                assert_eq!(members(&data["files"][0]), ["change", "oid", "path"], "{kind}");
            }
        }
    }
    let connected = got.iter().find(|told| told.body["type"] == "integration.connected").unwrap();
    assert_eq!(connected.body["data"]["integration"]["repository"]["full_name"], "acme/site");
    let gone = got.iter().find(|told| told.body["type"] == "integration.disconnected").unwrap();
    assert_eq!(gone.body["data"]["integration"]["state"], "disconnected");
}

#[actix_web::test]
async fn a_host_that_refuses_is_told_again_with_the_same_id() {
    let host = Host::start(500).await;
    let story = told(&host).await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    story.project("site").await.connect(&repo).await;
    story.engine.queue.run_once(&story.engine, Utc::now()).await.unwrap();
    host.say(302);
    story.sql().await.execute("UPDATE notifications SET due_at = now()", &[]).await.unwrap();
    story.engine.queue.run_once(&story.engine, Utc::now() + TimeDelta::seconds(5)).await.unwrap();
    host.say(200);
    drain_all(&story).await;
    let connected: Vec<String> = host
        .got()
        .into_iter()
        .filter(|told| told.body["type"] == "integration.connected")
        .map(|told| told.id)
        .collect();
    assert_eq!(connected.len(), 3, "a redirect is not followed and no success");
    assert!(connected.iter().all(|id| *id == connected[0]));
    let left = story.sql().await.query("SELECT 1 FROM notifications", &[]).await.unwrap();
    assert_eq!(left.len(), 0);
}

#[actix_web::test]
async fn a_notification_that_is_given_up_can_be_tried_again_or_deleted() {
    let host = Host::start(500).await;
    let mut story = told(&host).await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    story.project("site").await.connected_to(&repo).await;
    drain_all(&story).await;
    let list = story.host().get("/v1/dead-letters").await.expect(200);
    let letters = list["items"].as_array().unwrap();
    assert!(!letters.is_empty());
    let connected: Vec<_> =
        host.got().into_iter().filter(|told| told.body["type"] == "integration.connected").collect();
    assert_eq!(connected.len(), 12, "at most 12 attempts");
    for letter in letters {
        assert_eq!((letter["kind"].as_str(), letter["project"].as_str()), (Some("notification"), Some("site")));
        assert_eq!(letter["attempts"], 12);
        assert_eq!(letter["error"]["code"], "unavailable");
    }
    host.say(200);
    let path = |letter: &Value| format!("/v1/dead-letters/{}", letter["id"].as_str().unwrap());
    let before = host.got().len();
    story.host().post(&format!("{}/retry", path(&letters[0])), &Value::Null).await.expect(202);
    drain_all(&story).await;
    assert_eq!(host.got().len(), before + 1);
    story.host().post(&format!("{}/retry", path(&letters[0])), &Value::Null).await.problem(404, "not_found");
    for letter in &letters[1..] {
        story.host().delete(&path(letter)).await.expect(204);
        story.host().delete(&path(letter)).await.problem(404, "not_found");
    }
    story.host().delete("/v1/dead-letters/nonsense").await.problem(404, "not_found");
    let sql = story.sql().await;
    let audit = "SELECT count(*) FROM events WHERE action IN ('dead_letter.retried', 'dead_letter.deleted')";
    assert_eq!(sql.query_one(audit, &[]).await.unwrap().get::<_, i64>(0), letters.len() as i64);
    story.world.allow_leftovers();
}

#[actix_web::test]
async fn a_webhook_that_is_given_up_can_be_tried_again() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.github.lose_webhooks(100);
    repo.push("main", &[("a.txt", "2\n")]);
    story.drain().await;
    let push = story.github.deliveries_of("push").into_iter().next_back().unwrap();
    let body = push.payload.to_string().into();
    let delivery = Delivery { id: push.guid.clone(), event: "push".into(), received_at: 1_700_000_000_000, body };
    story.engine.give_up(Job::Delivery(delivery), 8).await;
    assert_eq!(outcome(&story, &push.guid).await.as_deref(), Some("dead_letter"));
    assert_eq!(story.engine.redeliver_missed(Duration::ZERO).await.unwrap(), 0, "it has an outcome");

    let letter = story.host().get("/v1/dead-letters").await.expect(200)["items"][0].clone();
    assert_eq!((letter["kind"].as_str(), letter["attempts"].as_i64()), (Some("webhook"), Some(8)));
    let path = format!("/v1/dead-letters/{}/retry", letter["id"].as_str().unwrap());
    story.host().post(&path, &Value::Null).await.expect(202);
    story.drain().await;
    assert_eq!(outcome(&story, &push.guid).await.as_deref(), Some("applied"));
    assert_eq!(site.file("a.txt").await.as_deref(), Some("2\n"));
}

#[actix_web::test]
async fn a_sync_that_is_given_up_is_shown_and_can_be_tried_again() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    site.change(&[("a.txt", "2\n")]).await;
    let pid: i64 = story.sql().await.query_one("SELECT pid FROM projects", &[]).await.unwrap().get(0);
    story.engine.queue.clear().await.unwrap();
    story.engine.give_up(Job::Wake(Wake::Project { pid }), 8).await;
    assert_eq!(story.engine.sweep().await.unwrap(), 0, "nobody looks at it again by itself");
    let status = site.status().await;
    assert_eq!((status["sync_status"].as_str(), status["error"]["code"].as_str()), (Some("error"), Some("internal")));

    let row = site.last().await;
    assert_eq!(
        (&row["status"], &row["attempts"], &row["error"]["code"]),
        (&"failed".into(), &8.into(), &"internal".into())
    );
    let said = "SELECT data->'sync'->>'id' FROM events WHERE kind = 'sync.failed'";
    let said: String = story.sql().await.query_one(said, &[]).await.unwrap().get(0);
    assert_eq!(row["id"], said.as_str(), "the host is told of it");
    let metrics = story.internal().get("/metrics").await.text();
    assert!(metrics.contains("lockstep_dead_letters 1"), "{metrics}");
    let letter = story.host().get("/v1/dead-letters").await.expect(200)["items"][0].clone();
    assert_eq!((letter["kind"].as_str(), letter["project"].as_str()), (Some("sync"), Some("site")));
    let path = format!("/v1/dead-letters/{}/retry", letter["id"].as_str().unwrap());
    story.host().post(&path, &Value::Null).await.expect(202);
    story.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("2\n"));
    assert_eq!(site.sync_status().await, "success");
}

#[actix_web::test]
async fn what_was_given_up_goes_with_its_project() {
    let host = Host::start(500).await;
    let story = told(&host).await;
    let repo = story.repo("acme/site").with(&[("a.txt", "1\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    drain_all(&story).await;
    let pid: i64 = story.sql().await.query_one("SELECT pid FROM projects", &[]).await.unwrap().get(0);
    story.engine.give_up(Job::Wake(Wake::Project { pid }), 8).await;
    let kinds = async || {
        let list = story.host().get("/v1/dead-letters").await.expect(200);
        let kinds = list["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap().to_owned());
        kinds.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(kinds().await, ["notification".to_owned(), "sync".to_owned()].into());
    story.host().delete(&site.path("")).await.expect(204);
    assert_eq!(kinds().await, std::collections::BTreeSet::new());
    host.say(200);
    drain_all(&story).await;
    let left = story.sql().await.query_one("SELECT count(*) FROM notifications", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
}
