//! Something that receives webhooks, and keeps them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// One webhook as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn event(&self) -> &str {
        self.header("x-github-event")
    }
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    status: Option<u16>,
}

/// A listener on a loopback port.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    pub(crate) async fn start() -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let state = Arc::new(Mutex::new(State::default()));
        tokio::spawn(run(listener, state.clone()));
        Ok(Receiver { url, state })
    }

    /// Answers this status from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.state().status = Some(status);
    }

    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.state().received)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let state = state.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.received.push(Received { headers: parts.headers, body });
                let mut response = http::Response::new(Full::new(Bytes::from_static(b"ok")));
                let status = http::StatusCode::from_u16(state.status.unwrap_or(202));
                *response.status_mut() = status.unwrap_or_default();
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
