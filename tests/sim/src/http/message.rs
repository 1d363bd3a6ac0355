//! Requests and answers as values.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::{Value, json};

/// What came in, whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Without the query, still percent-encoded, without an `/api/v3` in front.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A query parameter, decoded; an empty one counts as not there.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether the client asked for this media type.
    pub(crate) fn accepts(&self, part: &str) -> bool {
        self.header("accept").is_some_and(|it| it.contains(part))
    }

    /// The body as JSON; `{}` when there is none.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        let parsed: Result<Value, _> = serde_json::from_slice(&self.body);
        match parsed {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err(refuse(400, "Body should be a JSON object")),
            Err(_) => Err(refuse(400, "Problems parsing JSON")),
        }
    }

    /// The body's fields, be it a form or JSON.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let is_json = self.header("content-type").is_some_and(|it| it.contains("json"));
        if !is_json {
            return url::form_urlencoded::parse(&self.body).into_owned().collect();
        }
        let body = self.json().unwrap_or_default();
        let map = body.as_object().cloned().unwrap_or_default();
        map.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect()
    }
}

/// What goes out.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// An answer that ends a handler early. Boxed, because results carry it everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(pub(crate) Box<Reply>);

pub(crate) type Answer = Result<Reply, Refusal>;

impl Reply {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Reply {
        let body = serde_json::to_vec(body).unwrap_or_default();
        Reply::raw(status, "application/json; charset=utf-8", body)
    }

    pub(crate) fn raw(status: u16, content_type: &str, body: impl Into<Bytes>) -> Reply {
        Reply { status, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    pub(crate) fn html(status: u16, body: String) -> Reply {
        Reply::raw(status, "text/html; charset=utf-8", body)
    }

    pub(crate) fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Reply {
        Reply::empty(status).with("location", location)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| *key == name)?;
        Some(&found.1)
    }
}

/// GitHub's error body.
pub(crate) fn refuse(status: u16, message: &str) -> Refusal {
    refuse_with(status, message, json!({}))
}

/// The same with more fields, such as `errors` or `metadata`.
pub(crate) fn refuse_with(status: u16, message: &str, more: Value) -> Refusal {
    let mut body = json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.to_string(),
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    Refusal(Box::new(Reply::json(status, &body)))
}

/// 422 with one entry in `errors`.
pub(crate) fn invalid(resource: &str, field: &str, code: &str, message: Option<&str>) -> Refusal {
    let mut error = json!({ "resource": resource, "field": field, "code": code });
    if let Some(message) = message {
        error["message"] = json!(message);
    }
    refuse_with(422, "Validation Failed", json!({ "errors": [error] }))
}

pub(crate) fn not_found() -> Refusal {
    refuse(404, "Not Found")
}

/// 422 for a body that does not fit what the endpoint takes.
pub(crate) fn malformed(message: &str) -> Refusal {
    refuse(422, &format!("Invalid request.\n\n{message}"))
}

/// A string field that must be there.
pub(crate) fn required<'a>(body: &'a Value, field: &str) -> Result<&'a str, Refusal> {
    body[field].as_str().ok_or_else(|| malformed(&format!("\"{field}\" wasn't supplied.")))
}
