//! Bodies and queries of requests, read strictly: the errors name the field.

use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, dev, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::{FutureExt, LocalBoxFuture, Ready, ready};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::problem::ApiError;
use crate::model::{Code, Problem};

/// A request that sends nothing for this long has ended.
pub const STALL: Duration = Duration::from_secs(30);
/// The deepest JSON that is read.
pub const MAX_DEPTH: usize = 64;
const MIB: usize = 1 << 20;

/// A JSON body of at most `LIMIT` bytes. `T` says `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = MIB>(pub T);

/// As [`Json`], where everything may be left out: no body at all is `{}`.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

/// A part of a body. serde reads a struct from an array too; here it is an object or refused.
#[derive(Debug)]
pub struct Object<T>(pub T);

/// A query string. `T` says `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T, const LIMIT: usize> Deref for Json<T, LIMIT> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for Json<T, LIMIT> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move { Ok(Json(parse(&read_json(&request, payload, LIMIT).await?)?)) }.boxed_local()
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        if has_no_body(request) {
            return ready(Ok(OptionalJson(T::default()))).boxed_local();
        }
        Json::<T>::from_request(request, payload).map(|read| read.map(|Json(body)| OptionalJson(body))).boxed_local()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

fn has_no_body(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.is_none_or(|length| length == "0") && !headers.contains_key(header::TRANSFER_ENCODING)
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(request.query_string().as_bytes()));
        ready(serde_path_to_error::deserialize(pairs).map(Query).map_err(|error| wrong_field(&error)))
    }
}

/// The bytes of a JSON body: its content type checked, at most `limit` of them.
pub async fn read_json(request: &HttpRequest, payload: dev::Payload, limit: usize) -> Result<Bytes, ApiError> {
    let essence = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = essence.split(';').next().unwrap_or("").trim();
    let coding = request.headers().get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    if !essence.eq_ignore_ascii_case("application/json") || coding.is_some_and(|name| name != "identity") {
        return Err(ApiError::new(Code::UnsupportedMediaType, "The body is application/json, not compressed."));
    }
    read(request, payload, limit).await
}

/// The raw bytes of a body, at most `limit` of them; 408 when they stop coming.
pub async fn read(request: &HttpRequest, payload: dev::Payload, limit: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new(Code::PayloadTooLarge, format!("The body has more than {limit} bytes."));
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut payload = web::Payload::from_request(request, &mut { payload }).await.map_err(ApiError::internal)?;
    let mut body = BytesMut::with_capacity(length.unwrap_or(8 << 10));
    while let Some(chunk) = tokio::time::timeout(STALL, payload.next()).await.map_err(|_| stalled())? {
        let chunk = chunk.map_err(|_| ApiError::new(Code::Malformed, "The body broke off."))?;
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn stalled() -> ApiError {
    ApiError::new(Code::RequestTimeout, "The body made no progress for 30 seconds.")
}

/// JSON to a value: 400 when it is no JSON or too deep, 422 naming the field when it does not fit.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    check_depth(body)?;
    // Whether it is JSON at all comes before what it says.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|error| malformed(&error))?;
    let mut json = serde_json::Deserializer::from_slice(body);
    let Object(value) = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| if error.inner().is_data() { wrong_field(&error) } else { malformed(error.inner()) })?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(Code::Malformed, format!("The body is not valid JSON: {error}."))
}

/// Counts brackets outside of strings; whether they match is the parser's business.
pub fn check_depth(body: &[u8]) -> Result<(), ApiError> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in body {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(ApiError::new(Code::Malformed, format!("The body is nested deeper than {MAX_DEPTH} levels.")));
        }
    }
    Ok(())
}

/// serde names a missing or unknown field in its message only; the path is put together from both.
fn wrong_field<E: std::fmt::Display>(error: &serde_path_to_error::Error<E>) -> ApiError {
    let message = error.inner().to_string();
    let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
    let path = match error.path().to_string() {
        path if path == "." => String::new(),
        path => path,
    };
    let quoted = |start: &str| message.strip_prefix(start).and_then(|rest| rest.split('`').next());
    let named = ["missing field `", "unknown field `", "duplicate field `"];
    let field = match named.iter().find_map(|start| quoted(start)) {
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) if path == name || path.ends_with(&format!(".{name}")) => path,
        Some(name) => format!("{path}.{name}"),
        None if path.is_empty() => "body".to_owned(),
        None => path,
    };
    Problem::field(field, message).into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only parsed")]
        changes: Vec<Object<Inner>>,
        #[expect(dead_code, reason = "only parsed")]
        limit: Option<u8>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only parsed")]
        path: String,
    }

    fn field(body: &str) -> String {
        let error = parse::<Outer>(body.as_bytes()).unwrap_err();
        assert_eq!(error.code(), Code::ValidationFailed, "{error}");
        error.problem.errors[0].field.clone()
    }

    #[test]
    fn errors_name_the_field() {
        for (body, expected) in [
            (r#"{"changes":[{"path":"a"},{"path":1}]}"#, "changes[1].path"),
            (r#"{"changes":[{}]}"#, "changes[0].path"),
            (r#"{"changes":[{"path":"a","x":1}]}"#, "changes[0].x"),
            (r#"{"changes":[],"nope":1}"#, "nope"),
            (r#"{"changes":[],"limit":1,"limit":2}"#, "limit"),
            (r#"{}"#, "changes"),
            (r#"{"changes":[],"limit":300}"#, "limit"),
            (r#"[]"#, "body"),
            (r#"[[],1]"#, "body"),
            (r#"{"changes":[["a"]]}"#, "changes[0]"),
            (r#"7"#, "body"),
            (r#"{"changes":{}}"#, "changes"),
        ] {
            assert_eq!(field(body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        let deep = |levels: usize| format!(r#"{{"changes":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        for body in [
            "",
            "{",
            "[",
            "nope",
            r#"{"nope":1,x"#,
            r#"{"changes":[[1"#,
            r#"{"changes":[]} x"#,
            "\u{feff}{}",
            r#"{"changes":["\ud800"]}"#,
            &deep(64),
        ] {
            assert_eq!(parse::<Outer>(body.as_bytes()).unwrap_err().code(), Code::Malformed, "{body}");
        }
        assert_eq!(parse::<Outer>(b"{\"changes\":[\"\xff\"]}").unwrap_err().code(), Code::Malformed);
        assert_eq!(parse::<serde_json::Value>(deep(63).as_bytes()).map(drop).map_err(|e| e.code()), Ok(()));
    }

    #[test]
    fn brackets_in_strings_are_no_levels() {
        let body = format!(r#"{{"changes":[{{"path":"\"{}"}}]}}"#, "[".repeat(500));
        assert!(parse::<Outer>(body.as_bytes()).is_ok());
    }
}
