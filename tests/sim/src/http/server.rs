//! The listener: one task a connection, whole bodies in and out.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::dispatch::{Routers, dispatch};
use super::message::{Reply, Request};
use crate::core::Core;

/// Closes the connection without an answer.
#[derive(Debug)]
struct HangUp;

impl std::fmt::Display for HangUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is closed on purpose")
    }
}

impl std::error::Error for HangUp {}

/// Accepts until the runtime ends.
pub(crate) async fn run(core: Arc<Core>, listener: TcpListener) -> Infallible {
    let routers = Arc::new(Routers::new());
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let (core, routers) = (core.clone(), routers.clone());
            tokio::spawn(serve(core, routers, stream));
        }
    }
}

async fn serve(core: Arc<Core>, routers: Arc<Routers>, stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| {
        let (core, routers) = (core.clone(), routers.clone());
        async move { answer(&core, &routers, request).await }
    });
    let connection = http1::Builder::new().max_buf_size(1 << 20).serve_connection(TokioIo::new(stream), service);
    connection.await.ok();
}

async fn answer(
    core: &Arc<Core>,
    routers: &Routers,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, HangUp> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| HangUp)?.to_bytes();
    let query = parts.uri.query().unwrap_or_default();
    let request = Request {
        method: parts.method,
        path: match core.world().enterprise {
            true => enterprise_path(parts.uri.path()),
            false => api_path(parts.uri.path()),
        },
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body,
    };
    let reply = dispatch(core, routers, request).await.ok_or(HangUp)?;
    respond(reply)
}

/// GitHub Enterprise Server's prefixes lead to the same endpoints.
fn api_path(path: &str) -> String {
    if path == "/api/graphql" {
        return "/graphql".to_owned();
    }
    path.strip_prefix("/api/v3").unwrap_or(path).to_owned()
}

/// What is no page has to be below the prefixes.
fn enterprise_path(path: &str) -> String {
    const PAGES: [&str; 5] = ["/login/", "/apps/", "/settings/", "/organizations/", "/_sim"];
    let known = path == "/api/graphql" || path.starts_with("/api/v3/");
    if known || PAGES.iter().any(|page| path.starts_with(page)) { api_path(path) } else { format!("/outside{path}") }
}

fn respond(reply: Reply) -> Result<http::Response<Full<Bytes>>, HangUp> {
    let mut response = http::Response::builder().status(reply.status).header("server", "github.com");
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(reply.body)).map_err(|_| HangUp)
}
