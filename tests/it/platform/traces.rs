//! Traces and logs: every line and span of one piece of work tells which it is.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::story::Story;
use crate::world::API_KEY;
use crate::world::process::Program;

/// Takes what is sent to it, as an OpenTelemetry collector does.
struct Collector {
    url: String,
    spans: mpsc::Receiver<Value>,
    seen: Vec<Value>,
}

impl Collector {
    fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, spans) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, sender) = (stream.unwrap(), sender.clone());
                std::thread::spawn(move || while take(&stream, &sender).is_some() {});
            }
        });
        Collector { url, spans, seen: Vec::new() }
    }

    /// Waits for a span of which this holds, unless it came already.
    fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(span) = self.seen.iter().find(|span| fits(span)) {
                return span.clone();
            }
            self.seen.push(self.spans.recv_timeout(Duration::from_secs(30)).unwrap());
        }
    }
}

/// One request with its spans; none: the connection is over.
fn take(stream: &std::net::TcpStream, spans: &mpsc::Sender<Value>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_ascii_lowercase());
    }
    assert!(head[0].starts_with("post /v1/traces "), "{head:?}");
    assert!(head.contains(&"content-type: application/json".to_owned()), "{head:?}");
    assert!(head.contains(&"x-tenant: needle-tenant".to_owned()), "{head:?}");
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let document: Value = serde_json::from_slice(&body).unwrap();
    let scope = &document["resourceSpans"][0]["scopeSpans"][0];
    for span in scope["spans"].as_array().unwrap() {
        spans.send(span.clone()).ok()?;
    }
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").ok()
}

/// What a span says under this key.
fn field<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    let fields = span["attributes"].as_array().unwrap();
    let value = &fields.iter().find(|field| field["key"] == key)?["value"];
    value["stringValue"].as_str().or(value["intValue"].as_str())
}

#[actix_web::test]
async fn a_sync_is_followed_from_request_to_github() {
    let mut collector = Collector::start();
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("README.md", "hello\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let mut env = story.env.clone();
    env.insert("LOCKSTEP_OTLP_URL".to_owned(), collector.url.clone());
    env.insert("LOCKSTEP_OTLP_HEADERS".to_owned(), "X-Tenant=needle-tenant".to_owned());
    env.insert("LOCKSTEP_LOG".to_owned(), "lockstep=debug".to_owned());
    let mut program = Program::serve(&[], &env);
    program.until("/readyz", 200).await;
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let host = program.internal().with_token(API_KEY).with("traceparent", &format!("00-{trace}-{parent}-01"));
    let body = json!({ "event_id": "traced", "changes": [{ "op": "put", "path": "a", "content": "1" }] });
    host.with("x-request-id", "request-of-the-host").post(&site.path("/changes"), &body).await.expect(202);

    let request = collector.until(|span| field(span, "request_id") == Some("request-of-the-host"));
    assert_eq!((&request["traceId"], &request["parentSpanId"]), (&json!(trace), &json!(parent)));
    assert_eq!(field(&request, "status"), Some("202"));
    assert_eq!(field(&request, "route"), Some("/v1/projects/{project}/changes"));
    let job = collector.until(|span| span["name"] == "job" && field(span, "sync_id").is_some());
    let sync = site.last().await;
    assert_eq!(field(&job, "sync_id"), sync["id"].as_str());
    let commit = collector.until(|span| {
        field(span, "endpoint") == Some("graphql createCommitOnBranch") && span["parentSpanId"] == job["spanId"]
    });
    assert_eq!((field(&commit, "status"), &commit["traceId"]), (Some("200"), &job["traceId"]));
    let delivery = collector.until(|span| span["name"] == "delivery" && field(span, "event") == Some("push"));
    assert!(field(&delivery, "delivery_id").is_some());

    program.terminate();
    assert_eq!(program.ended(Duration::from_secs(20)).await.code(), Some(0));
    lines_tell_their_work(&program.log(), sync["id"].as_str().unwrap());
    assert!(!program.log().contains("needle-tenant"), "the collector's secret is in the log");
    story.drain().await;
}

/// Requests to GitHub are logged below a job, a task or a request; those of the sync name it.
fn lines_tell_their_work(log: &str, sync: &str) {
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let spans = |line: &Value| line["spans"].as_array().cloned().unwrap_or_default();
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "github request").collect();
    assert!(!requests.is_empty());
    for line in &requests {
        let work = spans(line).into_iter().any(|span| {
            span.get("job_id").or(span.get("task")).or(span.get("request_id")).or(span.get("delivery_id")).is_some()
        });
        assert!(work, "{line} belongs to nothing");
    }
    let named = |line: &&Value| spans(line).iter().any(|span| span["sync_id"] == sync);
    assert!(requests.iter().any(named), "no request names {sync}:\n{log}");
    let webhook = lines.iter().find(|line| line["message"] == "webhook").unwrap();
    assert!(
        spans(webhook).iter().any(|span| span["delivery_id"].is_string() && span["event"].is_string()),
        "{webhook}"
    );
}

#[actix_web::test]
async fn a_collector_that_is_away_hinders_nothing() {
    let story = Story::start().await;
    let mut env = story.env.clone();
    env.insert("LOCKSTEP_OTLP_URL".to_owned(), format!("http://{}", crate::world::process::free_address()));
    let mut program = Program::serve(&["--role", "web"], &env);
    program.until("/readyz", 200).await;
    let host = program.internal().with_token(API_KEY);
    let body = json!({ "event_id": "1", "changes": [{ "op": "put", "path": "a", "content": "1" }] });
    host.post("/v1/projects/site/changes", &body).await.expect(202);
    program.terminate();
    assert_eq!(program.ended(Duration::from_secs(20)).await.code(), Some(0));
    assert!(program.log().contains("the collector takes no traces"), "{}", program.log());
    story.drain().await;
}
