//! The one pooled HTTP client for everything that goes out: GitHub through octocrab, notifications
//! directly. TLS by rustls with the system's roots; plain HTTP is allowed (tests, proxies).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use octocrab::OctoBody;

use super::patience;

pub(crate) type Pool = Client<HttpsConnector<HttpConnector>, OctoBody>;

/// A client to share: clones use the same connections.
#[derive(Clone)]
pub struct Http {
    pool: Pool,
}

/// Why a request of our own got no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    #[error("not a usable URL")]
    BadUrl,
    #[error("no answer in time")]
    Timeout,
    #[error("no connection: {0}")]
    Connection(String),
}

impl Http {
    pub fn new(connect_timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        let https =
            HttpsConnectorBuilder::new().with_tls_config(tls()).https_or_http().enable_http1().wrap_connector(tcp);
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(32)
            .build(https);
        Http { pool }
    }

    pub(crate) fn pool(&self) -> Pool {
        self.pool.clone()
    }

    /// Posts these bytes and answers the status. Redirects are not followed. At most 64 KiB of the
    /// answer are read, so that the connection can be used again.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes, timeout: Duration) -> Result<u16, HttpError> {
        let uri: Uri = url.parse().map_err(|_| HttpError::BadUrl)?;
        let mut request = Request::new(OctoBody::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        patience::within(timeout, self.send(request)).await.ok_or(HttpError::Timeout)?
    }

    async fn send(&self, request: Request<OctoBody>) -> Result<u16, HttpError> {
        let answer = self.pool.request(request).await.map_err(|error| HttpError::Connection(describe(&error)))?;
        let (parts, body) = answer.into_parts();
        let _ = Limited::new(body, 64 * 1024).collect().await;
        Ok(parts.status.as_u16())
    }
}

/// The system's roots; none at all where there are none, so that plain HTTP still works.
fn tls() -> rustls::ClientConfig {
    use hyper_rustls::ConfigBuilderExt;
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        || rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    if let Ok(Ok(roots)) = versions().map(|builder| builder.with_native_roots()) {
        return roots.with_no_client_auth();
    }
    tracing::warn!("no TLS roots on this system: only plain HTTP can be reached");
    match versions() {
        Ok(builder) => builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
        Err(_) => {
            rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
        }
    }
}

/// The innermost reason of an error: what says something (`Connection refused`).
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string().chars().take(200).collect()
}
