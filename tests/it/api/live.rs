//! `GET …/events`: live, in order, from where the client left off.

use std::time::Duration;

use http::Method;
use lockstep::store::events::{self, Actor, Event};
use lockstep::store::keys::{Scope, hash};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::world::{API_KEY, World};

/// A stream, read line by line off the wire.
struct Stream(BufReader<TcpStream>);

/// One event: its id, name and data.
type Told = (String, String, String);

impl Stream {
    async fn open(address: std::net::SocketAddr, path: &str, token: &str, last: Option<&str>) -> Stream {
        let last = last.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        Stream::with(address, path, &format!("authorization: Bearer {token}\r\n{last}")).await
    }

    async fn with(address: std::net::SocketAddr, path: &str, headers: &str) -> Stream {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut stream = Stream(BufReader::new(socket));
        let status = stream.line().await.unwrap();
        assert!(status.contains("200"), "{status}");
        let mut event_stream = false;
        loop {
            let line = stream.line().await.unwrap();
            event_stream |= line.eq_ignore_ascii_case("content-type: text/event-stream");
            if line.is_empty() {
                break;
            }
        }
        assert!(event_stream);
        stream
    }

    async fn of(world: &World, project: &str, last: Option<&str>) -> Stream {
        Stream::open(world.addresses.internal, &format!("/v1/projects/{project}/events"), API_KEY, last).await
    }

    /// The next line; none: the stream ended.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(Duration::from_secs(30), self.0.read_line(&mut line));
        let read = read.await.unwrap().unwrap_or(0);
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event, comments left out; none: the stream ended.
    async fn next(&mut self) -> Option<Told> {
        let (mut id, mut name, mut data) = (String::new(), String::new(), String::new());
        loop {
            let line = self.line().await?;
            match line.split_once(": ") {
                Some(("id", value)) => id = value.to_owned(),
                Some(("event", value)) => name = value.to_owned(),
                Some(("data", value)) => data = value.to_owned(),
                _ if line.is_empty() && !name.is_empty() => return Some((id, name, data)),
                _ => {}
            }
        }
    }

    /// Until the first comment was said: from then on nothing is missed.
    async fn connected(mut self) -> Stream {
        while !self.line().await.unwrap().starts_with(':') {}
        self
    }
}

/// Appends a live event, as a use case would. Answers its id.
async fn happen(world: &World, project: &str, kind: &str, number: i64) -> String {
    let mut client = world.engine.store.client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let pid: i64 =
        tx.query_one("SELECT pid FROM projects WHERE id = $1 FOR NO KEY UPDATE", &[&project]).await.unwrap().get(0);
    let event = Event::live(kind, &Actor::System, json!({ "number": number })).of(pid, project);
    let appended = events::append(&tx, event).await.unwrap();
    tx.commit().await.unwrap();
    appended.id.to_string()
}

#[actix_web::test]
async fn events_come_in_order_and_only_the_projects_own() {
    let world = World::start().await;
    world.site("site").put("e1", &[("a", "1")]).await;
    world.site("other").put("e1", &[("a", "1")]).await;
    happen(&world, "site", "sync.succeeded", 0).await;
    let mut stream = Stream::of(&world, "site", None).await.connected().await;
    let first = happen(&world, "site", "sync.progress", 1).await;
    happen(&world, "other", "sync.progress", 2).await;
    let second = happen(&world, "site", "project.files_changed", 3).await;
    let (id, name, data) = stream.next().await.unwrap();
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!((id, name.as_str()), (first, "sync.progress"));
    assert_eq!(data, json!({ "project": "site", "number": 1 }));
    let (id, name, _) = stream.next().await.unwrap();
    assert_eq!((id, name.as_str()), (second, "project.files_changed"));
}

#[actix_web::test]
async fn a_change_of_the_host_is_word_without_being_an_event() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "1")]).await;
    let mut stream = Stream::of(&world, "site", None).await.connected().await;
    site.put("e2", &[("a", "2")]).await;
    let mut said = Vec::new();
    while said.len() < 4 && !said.iter().any(|line| line == ": changed") {
        said.push(stream.line().await.unwrap());
    }
    assert_eq!(said.last().map(String::as_str), Some(": changed"), "{said:?}");
    let event = happen(&world, "site", "sync.progress", 1).await;
    assert_eq!(stream.next().await.unwrap().0, event);
}

#[actix_web::test]
async fn a_stream_resumes_where_the_client_left_off() {
    let world = World::start().await;
    world.site("site").put("e1", &[("a", "1")]).await;
    let mut ids = Vec::new();
    for number in 0..250 {
        ids.push(happen(&world, "site", "sync.progress", number).await);
    }
    let mut stream = Stream::of(&world, "site", Some(&ids[4])).await;
    for expected in &ids[5..] {
        assert_eq!(stream.next().await.unwrap().0, *expected);
    }
}

#[actix_web::test]
async fn an_id_that_is_not_known_starts_with_a_reset() {
    let world = World::start().await;
    world.site("site").put("e1", &[("a", "1")]).await;
    world.site("other").put("e1", &[("a", "1")]).await;
    let newest = happen(&world, "site", "sync.progress", 1).await;
    let others = happen(&world, "other", "sync.progress", 1).await;
    for unknown in ["999999", "0", "nonsense", others.as_str()] {
        let mut stream = Stream::of(&world, "site", Some(unknown)).await;
        let (id, name, _) = stream.next().await.unwrap();
        assert_eq!((id.as_str(), name.as_str()), (newest.as_str(), "reset"), "{unknown}");
    }
    let mut stream = Stream::of(&world, "site", Some("77")).await;
    stream.next().await.unwrap();
    let next = happen(&world, "site", "sync.progress", 2).await;
    assert_eq!(stream.next().await.unwrap().0, next);
}

#[actix_web::test]
async fn a_stream_survives_the_loss_of_the_listening_connection() {
    let world = World::start().await;
    world.site("site").put("e1", &[("a", "1")]).await;
    let mut stream = Stream::of(&world, "site", None).await.connected().await;
    let first = happen(&world, "site", "sync.progress", 1).await;
    assert_eq!(stream.next().await.unwrap().0, first);
    let sql = world.sql().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert!(!sql.query(end, &[]).await.unwrap().is_empty());
    let second = happen(&world, "site", "sync.progress", 2).await;
    assert_eq!(stream.next().await.unwrap().0, second);
}

#[actix_web::test]
async fn a_stream_ends_with_its_project_its_session_and_the_program() {
    let mut world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "1")]).await;
    world.site("stays").put("e1", &[("a", "1")]).await;
    let mut stream = Stream::of(&world, "site", None).await.connected().await;
    assert_eq!(world.host().delete("/v1/projects/site").await.status, 204);
    assert_eq!(stream.next().await, None);
    world.site("nope").get("/events").await.problem(404, "not_found");

    let body = json!({ "user": { "id": "u" }, "role": "viewer" });
    let session = world.host().post("/v1/projects/stays/panel-sessions", &body).await.expect(201);
    world.sql().await.execute("UPDATE panel_sessions SET expires_at = now() + interval '1 second'", &[]).await.unwrap();
    let token = session["token"].as_str().unwrap();
    let mut stream = Stream::open(world.addresses.public.unwrap(), "/panel/stays/api/events", token, None).await;
    assert_eq!(stream.next().await, None, "the session expired");

    let mut stream = Stream::of(&world, "stays", None).await.connected().await;
    world.stop().await;
    assert_eq!(stream.next().await, None);
}

#[actix_web::test]
async fn a_stream_ends_with_its_key_and_with_the_consoles_session() {
    let world = World::start().await;
    world.site("site").put("e1", &[("a", "1")]).await;
    let (internal, events) = (world.addresses.internal, "/v1/projects/site/events");
    let (secret, id) = ("the-key-of-a-host", uuid::Uuid::now_v7());
    world.engine.store.create_key(id, "host", Scope::Admin, &hash(secret)).await.unwrap();
    let mut stream = Stream::open(internal, events, secret, None).await.connected().await;
    assert!(world.engine.store.revoke_key(id).await.unwrap());
    assert_eq!(stream.next().await, None, "the key was revoked");

    let form = [("content-type", "application/x-www-form-urlencoded")];
    let secret = format!("key={API_KEY}").into_bytes();
    let signed = world.internal().send(Method::POST, "/console/sign-in", &form, secret).await;
    let cookie = signed.header("set-cookie").split(';').next().unwrap().to_owned();
    let mut stream = Stream::with(internal, events, &format!("cookie: {cookie}\r\n")).await.connected().await;
    let console = world.internal().with("cookie", &cookie).with("origin", world.internal().base());
    console.post("/console/sign-out", &json!({})).await.expect(204);
    assert_eq!(stream.next().await, None, "the operator signed out");
}

#[actix_web::test]
async fn the_head_of_what_never_ends_or_is_used_up_is_not_to_be_had() {
    let world = World::start().await;
    world.site("site").put("e1", &[("a", "1")]).await;
    for (client, path) in [
        (world.host(), "/v1/projects/site/events"),
        (world.public(), "/github/start?ticket=x"),
        (world.public(), "/github/callback?state=x&code=y"),
        (world.public(), "/github/setup?state=x"),
    ] {
        let answer = client.send(Method::HEAD, path, &[], Vec::new()).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET"), "{path}");
    }
}
