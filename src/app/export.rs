//! Traces on their way to the collector. They are worth less than the work: a batch that the collector
//! does not take is dropped and told once, and nobody waits for it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;

use crate::config::TraceConfig;
use crate::github::Http;
use crate::telemetry::otlp::Spans;

/// A collector that takes longer takes nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// At the end nobody waits for it for long.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) struct Export {
    http: Http,
    config: TraceConfig,
    spans: Spans,
    /// Whether the last batch arrived.
    well: bool,
}

impl Export {
    pub fn new(http: Http, config: TraceConfig, spans: Spans) -> Self {
        Export { http, config, spans, well: true }
    }

    /// Sends until `stop`, and then what is left.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let batch = tokio::select! {
                batch = self.spans.next() => batch,
                () = stop.cancelled() => break,
            };
            self.send(batch, PATIENCE).await;
        }
        if let Some(rest) = self.spans.rest() {
            self.send(rest, FAREWELL).await;
        }
    }

    async fn send(&mut self, batch: Bytes, patience: Duration) {
        let sent = self.http.post(&self.config.url, self.headers(), batch, patience).await;
        let error = match sent {
            Ok(200..=299) => None,
            Ok(status) => Some(format!("it answers {status}")),
            Err(error) => Some(error.to_string()),
        };
        let lost = self.spans.lost();
        match &error {
            Some(error) if self.well => tracing::warn!(error, lost, "the collector takes no traces"),
            None if !self.well => tracing::info!("the collector takes traces again"),
            None if lost > 0 => tracing::warn!(lost, "there are more spans than the collector takes"),
            _ => {}
        }
        self.well = error.is_none();
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &self.config.headers {
            if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.expose())) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        headers
    }
}
