//! OTLP's JSON: what a collector takes at `/v1/traces`.
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

/// A span that ended, or is about to.
pub struct Finished {
    pub trace: [u8; 16],
    pub id: [u8; 8],
    pub parent: Option<[u8; 8]>,
    pub name: &'static str,
    /// Since 1970.
    pub start: Duration,
    pub end: Duration,
    pub fields: Vec<(&'static str, Value)>,
    pub events: Vec<Moment>,
    /// Something in it was logged as an error.
    pub failed: bool,
}

/// A line of the log inside a span.
pub struct Moment {
    pub at: Duration,
    pub name: String,
    pub fields: Vec<(&'static str, Value)>,
}

pub enum Value {
    Text(String),
    Number(i64),
    Fraction(f64),
    Truth(bool),
}

/// `SPAN_KIND_SERVER`, `CLIENT`, `CONSUMER`, `INTERNAL`.
fn kind(name: &str) -> u8 {
    match name {
        "request" => 2,
        "github" => 3,
        "job" | "delivery" => 5,
        _ => 1,
    }
}

/// One request's body for these spans.
pub fn body(spans: &[Finished]) -> Bytes {
    let resource = [("service.name", "lockstep"), ("service.version", env!("CARGO_PKG_VERSION"))];
    let resource: Vec<_> =
        resource.iter().map(|(key, text)| json!({ "key": key, "value": { "stringValue": text } })).collect();
    let spans: Vec<_> = spans.iter().map(span).collect();
    let document = json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "lockstep" }, "spans": spans }],
    }] });
    document.to_string().into()
}

fn span(span: &Finished) -> serde_json::Value {
    let events: Vec<_> = span
        .events
        .iter()
        .map(|event| json!({ "timeUnixNano": nanos(event.at), "name": event.name, "attributes": attributes(&event.fields) }))
        .collect();
    json!({
        "traceId": hex::encode(span.trace),
        "spanId": hex::encode(span.id),
        "parentSpanId": span.parent.map(hex::encode).unwrap_or_default(),
        "name": span.name,
        "kind": kind(span.name),
        "startTimeUnixNano": nanos(span.start),
        "endTimeUnixNano": nanos(span.end),
        "attributes": attributes(&span.fields),
        "events": events,
        "status": if span.failed { json!({ "code": 2 }) } else { json!({}) },
    })
}

/// 64-bit numbers are texts in this JSON.
fn nanos(at: Duration) -> String {
    at.as_nanos().to_string()
}

fn attributes(fields: &[(&'static str, Value)]) -> Vec<serde_json::Value> {
    let value = |value: &Value| match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Fraction(fraction) => json!({ "doubleValue": fraction }),
        Value::Truth(truth) => json!({ "boolValue": truth }),
    };
    fields.iter().map(|(name, field)| json!({ "key": name, "value": value(field) })).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_span_as_a_collector_reads_it() {
        let finished = Finished {
            trace: [0xab; 16],
            id: [1; 8],
            parent: Some([2; 8]),
            name: "github",
            start: Duration::new(1_700_000_000, 5),
            end: Duration::new(1_700_000_001, 0),
            fields: vec![("endpoint", Value::Text("POST /graphql".to_owned())), ("status", Value::Number(200))],
            events: vec![Moment { at: Duration::from_secs(1), name: "slow".to_owned(), fields: Vec::new() }],
            failed: true,
        };
        let text: serde_json::Value = serde_json::from_slice(&body(&[finished])).unwrap();
        let span = &text["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["traceId"], "ab".repeat(16));
        assert_eq!((&span["parentSpanId"], &span["kind"]), (&json!("0202020202020202"), &json!(3)));
        assert_eq!(span["startTimeUnixNano"], "1700000000000000005");
        assert_eq!(span["attributes"][1], json!({ "key": "status", "value": { "intValue": "200" } }));
        assert_eq!((&span["events"][0]["name"], &span["status"]["code"]), (&json!("slow"), &json!(2)));
        assert_eq!(text["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "lockstep");
    }
}
