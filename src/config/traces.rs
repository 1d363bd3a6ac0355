//! Where traces go: an OpenTelemetry collector, or a service that takes its protocol.

use http::header::{HeaderName, HeaderValue};

use super::vars::Source;
use super::{ConfigError, Secret, TraceConfig, parse};

const PATH: &str = "/v1/traces";

pub fn load(source: &Source<'_>) -> Result<Option<TraceConfig>, ConfigError> {
    let headers = source.get("OTLP_HEADERS")?.unwrap_or_default();
    let headers = parse::list(&headers).map(header).collect::<Result<_, _>>()?;
    let Some(text) = source.get("OTLP_URL")? else { return Ok(None) };
    let base = parse::base_url("OTLP_URL", &text)?;
    let url = if base.ends_with(PATH) { base } else { base + PATH };
    Ok(Some(TraceConfig { url, headers }))
}

fn header(text: &str) -> Result<(String, Secret), ConfigError> {
    let wrong = || ConfigError::new("OTLP_HEADERS", "has something that is not NAME=VALUE");
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let fits = HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok();
    if fits { Ok((name.to_ascii_lowercase(), Secret::new(value))) } else { Err(wrong()) }
}
